package db

import (
	"context"
	"database/sql/driver"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// All requests on a table wait behind a statement that waits to lock it, such
// as ALTER TABLE behind a long transaction. So such a statement waits for a
// short time only, lets the requests pass, and tries again.
const (
	lockTry = 200 * time.Millisecond
	// lockPause is the first time between two tries. It doubles up to
	// maxLockPause.
	lockPause, maxLockPause = 100 * time.Millisecond, time.Second
	// lockPatience is after which time a statement fails.
	lockPatience = 10 * time.Second
	// lockWait is how long the other statements of a migration wait, most of
	// which lock no tables.
	lockWait = 5 * time.Second
	// backgroundWait is for statements behind which no request waits.
	backgroundWait = time.Minute
)

var (
	// background matches what takes a SHARE UPDATE EXCLUSIVE lock, with which
	// neither reads nor writes conflict.
	background = regexp.MustCompile(`(?i)\b(?:CONCURRENTLY|VALIDATE\s+CONSTRAINT)\b`)
	// locking matches what locks tables against reads or writes.
	locking = regexp.MustCompile(`(?i)^(?:(?:ALTER|CREATE|DROP|LOCK)\s+TABLE|CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER|DROP\s+TRIGGER)\b`)
	// lockedTable matches the name of such a table, among other words.
	lockedTable = regexp.MustCompile(`(?i)\b(?:TABLE|ON|REFERENCES)\s+(?:IF\s+EXISTS\s+)?(\w+)`)
)

// lockingConnector connects a Migrator.
type lockingConnector struct{ driver.Connector }

func newLockingConnector(config pgx.ConnConfig) driver.Connector {
	config.RuntimeParams["lock_timeout"] = milliseconds(lockWait)
	return lockingConnector{stdlib.GetConnector(config)}
}

// Connect implements driver.Connector.
func (c lockingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &lockingConn{Conn: conn.(*stdlib.Conn)}, nil
}

// lockingConn repeats statements that could not lock a table or a row. A
// transaction that the text of a migration begins is repeated as a whole; one
// that goose begins is not repeated.
type lockingConn struct {
	*stdlib.Conn
	block []string // what the transaction of the migration has done so far
}

// ExecContext implements driver.ExecerContext.
func (c *lockingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	statement := withoutComments(query)
	var ends time.Time
	for pause := lockPause; ; pause = min(2*pause, maxLockPause) {
		switch {
		case c.block != nil:
			result, err = c.execInBlock(ctx, query, statement)
		case c.inTransaction():
			return c.Conn.ExecContext(ctx, query, args)
		case isWord(statement, "BEGIN"):
			result, err = c.begin(ctx, query)
		case background.MatchString(statement):
			return c.execInBackground(ctx, query)
		case locking.MatchString(statement):
			result, err = c.execAlone(ctx, query, statement)
		default:
			result, err = c.Conn.ExecContext(ctx, query, args)
		}
		if err == nil {
			return result, nil
		}
		if c.inTransaction() {
			_ = c.run(ctx, "ROLLBACK") // if it fails, the next statement does too
		}
		if ends.IsZero() {
			ends = time.Now().Add(lockPatience)
		}
		if !IsLockTimeout(err) && !isDeadlock(err) || time.Now().After(ends) {
			c.block = nil
			return nil, err
		}
		select { // lets requests pass that have waited
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// begin begins a transaction of the migration. None of its statements waits for
// long, since those before may have locked something.
func (c *lockingConn) begin(ctx context.Context, query string) (driver.Result, error) {
	result, err := c.Conn.ExecContext(ctx, query, nil)
	if err == nil {
		err = c.run(ctx, "SET LOCAL lock_timeout = "+milliseconds(lockTry))
	}
	if err == nil {
		c.block = []string{query}
	}
	return result, err
}

func (c *lockingConn) inTransaction() bool { return c.Conn.Conn().PgConn().TxStatus() != 'I' }

func isWord(statement, word string) bool {
	return strings.EqualFold(strings.TrimRight(strings.TrimSpace(statement), "; \n"), word)
}

func (c *lockingConn) run(ctx context.Context, query string) error {
	_, err := c.Conn.ExecContext(ctx, query, nil)
	return err
}

// execAlone executes a statement in a transaction of its own.
func (c *lockingConn) execAlone(ctx context.Context, query, statement string) (result driver.Result, err error) {
	if err := c.run(ctx, "BEGIN"); err != nil {
		return nil, err
	}
	if err = c.endVacuum(ctx, backgroundWait, statement); err == nil {
		result, err = c.Conn.ExecContext(ctx, query, nil)
	}
	if err == nil {
		err = c.run(ctx, "COMMIT")
	}
	return result, err
}

// execInBlock executes a statement of a transaction that the migration has
// begun. If the transaction was rolled back, all before is executed first.
func (c *lockingConn) execInBlock(ctx context.Context, query, statement string) (result driver.Result, err error) {
	if !c.inTransaction() {
		if err := c.repeat(ctx, statement); err != nil {
			return nil, err
		}
	}
	if err := c.endVacuum(ctx, lockTry, statement); err != nil {
		return nil, err
	}
	if result, err = c.Conn.ExecContext(ctx, query, nil); err != nil {
		return nil, err
	}
	c.block = append(c.block, query)
	if !c.inTransaction() {
		c.block = nil
	}
	return result, nil
}

// repeat executes a transaction up to the statement that failed. It waits for
// autovacuums as long as it holds no other lock.
func (c *lockingConn) repeat(ctx context.Context, failed string) error {
	earlier, all := c.block, []string{failed}
	for _, query := range earlier {
		all = append(all, withoutComments(query))
	}
	_, err := c.begin(ctx, earlier[0])
	if err == nil {
		err = c.endVacuum(ctx, backgroundWait, all...)
	}
	for _, query := range earlier[1:] {
		if err == nil {
			_, err = c.execInBlock(ctx, query, withoutComments(query))
		}
	}
	if err != nil {
		c.block = earlier
	}
	return err
}

// execInBackground executes a statement for which no request waits, however
// long it waits itself. It cannot be repeated here: an index that could not be
// built exists, but is not valid.
func (c *lockingConn) execInBackground(ctx context.Context, query string) (driver.Result, error) {
	if err := c.run(ctx, "SET lock_timeout = "+milliseconds(backgroundWait)); err != nil {
		return nil, err
	}
	result, err := c.Conn.ExecContext(ctx, query, nil)
	if resetErr := c.run(ctx, "SET lock_timeout = "+milliseconds(lockWait)); err == nil {
		err = resetErr
	}
	return result, err
}

// endVacuum locks the tables that statements will lock, as an autovacuum does,
// which ends when somebody has waited for it for a second (deadlock_timeout).
// No request waits for this lock. Filling a column makes an autovacuum likely.
// After that, the transaction waits for lockTry at most.
func (c *lockingConn) endVacuum(ctx context.Context, wait time.Duration, statements ...string) error {
	var names []string
	for _, statement := range statements {
		if locking.MatchString(statement) {
			for _, m := range lockedTable.FindAllStringSubmatch(statement, -1) {
				names = append(names, strings.ToLower(m[1]))
			}
		}
	}
	if names == nil {
		return nil
	}
	rows, err := c.Conn.Conn().Query(ctx, `SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND oid = ANY (
		SELECT to_regclass(quote_ident(name)) FROM unnest($1::text[]) AS name) ORDER BY relname`, names)
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if len(tables) > 0 {
		lock := "SET LOCAL lock_timeout = " + milliseconds(wait) + "; LOCK TABLE " + strings.Join(tables, ", ") + " IN SHARE UPDATE EXCLUSIVE MODE"
		if err := c.run(ctx, lock); err != nil {
			return err
		}
	}
	return c.run(ctx, "SET LOCAL lock_timeout = "+milliseconds(lockTry))
}

package db

import (
	"context"
	"database/sql/driver"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// All requests on a table wait behind a statement that waits to lock it, such as
// ALTER TABLE behind a long transaction. So such a statement waits for a short
// time only, lets the requests pass, and tries again.
const (
	lockTry = 200 * time.Millisecond
	// lockPause is the first time between two tries. It doubles up to
	// maxLockPause.
	lockPause, maxLockPause = 100 * time.Millisecond, time.Second
	// lockPatience is after which time a statement fails.
	lockPatience = 10 * time.Second
	// lockWait is how long the other statements of a migration wait. Nobody
	// waits behind them, except for the rows that they have locked.
	lockWait = 5 * time.Second
	// backgroundWait is for statements behind which no request waits.
	backgroundWait = time.Minute
)

var (
	// background matches what takes a SHARE UPDATE EXCLUSIVE lock, with which
	// neither reads nor writes conflict.
	background = regexp.MustCompile(`(?i)\b(?:CONCURRENTLY|VALIDATE\s+CONSTRAINT)\b`)
	// locking matches what locks tables against reads or writes.
	locking = regexp.MustCompile(`(?i)^(?:ALTER\s+TABLE|(?:CREATE|DROP)\s+TABLE|CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER|DROP\s+TRIGGER)\b`)
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

// lockingConn repeats statements that could not lock a table. A transaction that
// the text of a migration begins is repeated as a whole; one that goose begins
// is not repeated.
type lockingConn struct {
	*stdlib.Conn
	block []string // what the transaction of the migration has done so far
}

// ExecContext implements driver.ExecerContext.
func (c *lockingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	statement := withoutComments(query)
	ended := time.Now().Add(lockPatience)
	for pause := lockPause; ; pause = min(2*pause, maxLockPause) {
		switch {
		case c.block != nil:
			result, err = c.execInBlock(ctx, query, statement)
		case c.inTransaction():
			return c.Conn.ExecContext(ctx, query, args)
		case isWord(statement, "BEGIN"):
			if result, err = c.Conn.ExecContext(ctx, query, args); err == nil {
				c.block = []string{query}
			}
		case background.MatchString(statement):
			return c.execInBackground(ctx, query)
		case locking.MatchString(statement):
			result, err = c.execAlone(ctx, query, statement)
		default:
			return c.Conn.ExecContext(ctx, query, args)
		}
		if err == nil {
			return result, nil
		}
		if !IsLockTimeout(err) || time.Now().After(ended) {
			c.block = nil
			return nil, err
		}
		if err := c.rest(ctx, pause); err != nil {
			return nil, err
		}
	}
}

func (c *lockingConn) inTransaction() bool { return c.Conn.Conn().PgConn().TxStatus() != 'I' }

func isWord(statement, word string) bool {
	return strings.EqualFold(strings.TrimRight(strings.TrimSpace(statement), "; \n"), word)
}

// rest lets requests pass that have waited.
func (c *lockingConn) rest(ctx context.Context, pause time.Duration) error {
	if c.inTransaction() {
		if err := c.run(ctx, "ROLLBACK"); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
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
	if err = c.prepareLock(ctx, statement); err == nil {
		result, err = c.Conn.ExecContext(ctx, query, nil)
	}
	if err == nil {
		return result, c.run(ctx, "COMMIT")
	}
	if c.inTransaction() {
		_ = c.run(ctx, "ROLLBACK") // the error of the statement is the cause
	}
	return nil, err
}

// execInBlock executes a statement of a transaction that the migration has
// begun. If the transaction was rolled back, all before is executed first.
func (c *lockingConn) execInBlock(ctx context.Context, query, statement string) (result driver.Result, err error) {
	if !c.inTransaction() {
		for _, earlier := range c.block {
			if err := c.prepareLock(ctx, withoutComments(earlier)); err != nil {
				return nil, err
			}
			if err := c.run(ctx, earlier); err != nil {
				return nil, err
			}
		}
	}
	if err := c.prepareLock(ctx, statement); err != nil {
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

// prepareLock sets the time that a statement may wait, if it locks tables. An
// autovacuum of a table ends when somebody has waited for it for a second
// (deadlock_timeout), so that this waits first, in a way that no request waits
// for it. Filling a column makes an autovacuum likely.
func (c *lockingConn) prepareLock(ctx context.Context, statement string) error {
	if !locking.MatchString(statement) {
		return nil
	}
	var names []string
	for _, m := range lockedTable.FindAllStringSubmatch(statement, -1) {
		names = append(names, strings.ToLower(m[1]))
	}
	slices.Sort(names)
	rows, err := c.Conn.Conn().Query(ctx, `SELECT relname FROM pg_class WHERE relkind = 'r' AND oid = ANY (
		SELECT to_regclass(quote_ident(name)) FROM unnest($1::text[]) AS name) ORDER BY relname`, names)
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if len(tables) > 0 {
		lock := "SET LOCAL lock_timeout = " + milliseconds(backgroundWait) + "; LOCK TABLE " + strings.Join(tables, ", ") + " IN SHARE UPDATE EXCLUSIVE MODE"
		if err := c.run(ctx, lock); err != nil {
			return err
		}
	}
	return c.run(ctx, "SET LOCAL lock_timeout = "+milliseconds(lockTry))
}

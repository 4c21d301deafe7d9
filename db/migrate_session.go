package db

import (
	"context"
	"database/sql"
	"errors"
)

// ErrSharedSession says that a pooler lends the sessions of PostgreSQL for one
// transaction at a time. Two processes could migrate at once there, since a
// session has the lock of migrations, and requests would get the settings of a
// migration.
var ErrSharedSession = errors.New("the address of the database is that of a pooler that shares sessions, such as PgBouncer with pool_mode=transaction, " +
	"and migrations are pending, which need a session of their own: run byline migrate up with the URL of PostgreSQL itself first")

// keepsSession returns ErrSharedSession if conn does not have a session of its
// own. That is only asked if the database is not reached directly: some providers
// have proxies which do keep sessions.
func (m *Migrator) keepsSession(ctx context.Context, conn *sql.Conn) error {
	var direct bool
	first, err := backend(ctx, conn)
	if err == nil {
		err = conn.Raw(func(c any) error {
			direct = isDirect(c.(*lockingConn).Conn.Conn().PgConn(), first)
			return nil
		})
	}
	// Other clients of the pooler can take the session in between, so that once is
	// not enough.
	for n := 0; err == nil && !direct && n < 5; n++ {
		err = m.taken(ctx, conn, first)
	}
	return err
}

// taken returns ErrSharedSession if another connection gets the session, or if
// conn gets another one meanwhile.
func (m *Migrator) taken(ctx context.Context, conn *sql.Conn, session int64) error {
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it has changed nothing
	other, err := backend(ctx, tx)
	if err != nil {
		return err
	}
	// If the pooler has only one session, conn would wait for it.
	if other == session {
		return ErrSharedSession
	}
	again, err := backend(ctx, conn)
	if err == nil && again != session {
		err = ErrSharedSession
	}
	return err
}

// backend returns the id of the process of PostgreSQL that answers.
func backend(ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) (pid int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT pg_backend_pid()`).Scan(&pid)
	return pid, err
}

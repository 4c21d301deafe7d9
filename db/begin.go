package db

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Begin begins a transaction which the caller commits or rolls back. It is for
// libraries that cannot use InTx. The transaction has the time limit of InTx.
func (d *DB) Begin(ctx context.Context) (pgx.Tx, error) {
	ended, err := d.abandoned.begin()
	if err != nil {
		return nil, err
	}
	conn, err := d.acquireFor(ctx, true)
	if err != nil {
		ended(false, err)
		return nil, err
	}
	tctx, cancel := detach(ctx, 2*d.cfg.QueryTimeout)
	tx, err := conn.Begin(tctx)
	if err != nil {
		cancel()
		release(conn)
		ended(false, err)
		return nil, err
	}
	return &begunTx{Tx: tx, ctx: tctx, conn: conn, cancel: cancel, ended: ended}, nil
}

// begunTx is a transaction that returns its connection to the pool when it
// ends.
type begunTx struct {
	pgx.Tx
	ctx    context.Context // limits the statements and the end
	conn   *pgxpool.Conn
	cancel context.CancelFunc
	ended  func(wrote bool, err error) // see abandoned.begin
	once   sync.Once
}

func (t *begunTx) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return t.Tx.Exec(t.ctx, sql, args...)
}

func (t *begunTx) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	return t.Tx.Query(t.ctx, sql, args...)
}

func (t *begunTx) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	return t.Tx.QueryRow(t.ctx, sql, args...)
}

func (t *begunTx) Commit(context.Context) error {
	err := t.Tx.Commit(t.ctx)
	t.end(err)
	return err
}

func (t *begunTx) Rollback(context.Context) error {
	err := t.Tx.Rollback(t.ctx)
	t.end(err)
	return err
}

// end may be called twice: callers roll back after a commit too. The transaction
// is no proof that writes succeed: most of River's have found nothing to write.
func (t *begunTx) end(err error) {
	t.once.Do(func() {
		t.ended(false, err)
		t.cancel()
		release(t.conn)
	})
}

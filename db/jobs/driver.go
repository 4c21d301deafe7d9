package jobs

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

// shared is one driver for all clients, since it remembers what the server
// supports: otherwise each client would ask in its first insert.
var shared = riverpgxv5.New(nil)

// driver lets River use a *db.DB and its transactions. River's own driver takes
// connections from pgxpool, without the rules of package db for waiting, for
// time limits and for connections that the server has closed.
type driver struct {
	*riverpgxv5.Driver
	pool *db.DB // nil for a client that only inserts
}

var _ riverdriver.Driver[query.DBTX] = driver{}

func (d driver) PoolIsSet() bool { return d.pool != nil }

func (d driver) GetExecutor() riverdriver.Executor {
	return executor{d.Driver.UnwrapExecutor(transaction{DBTX: d.pool, begin: d.pool.Begin})}
}

func (d driver) UnwrapExecutor(tx query.DBTX) riverdriver.ExecutorTx {
	return d.Driver.UnwrapExecutor(transaction{DBTX: tx})
}

func (d driver) UnwrapTx(tx riverdriver.ExecutorTx) query.DBTX { return d.Driver.UnwrapTx(tx) }

// executor runs the statements of River.
type executor struct{ riverdriver.Executor }

// QueueGet returns a queue that is not paused, without a statement. River asks
// for each queue every two seconds, and the service pauses none.
func (executor) QueueGet(_ context.Context, params *riverdriver.QueueGetParams) (*rivertype.Queue, error) {
	return &rivertype.Queue{Name: params.Name, Metadata: []byte("{}")}, nil
}

// SupportsListener and SupportsListenNotify keep River from notifying: a
// transaction that notifies waits, when it commits, for all others that do.
func (driver) SupportsListener() bool     { return false }
func (driver) SupportsListenNotify() bool { return false }

// transaction has the methods of pgx.Tx that River calls.
type transaction struct {
	query.DBTX
	begin func(context.Context) (pgx.Tx, error) // nil in a transaction
}

var errUnsupported = errors.New("jobs: not supported")

func (t transaction) Begin(ctx context.Context) (pgx.Tx, error) {
	if t.begin == nil {
		return nil, errUnsupported
	}
	return t.begin(ctx)
}

// Conn is called for the mode of pgx; nil means its default.
func (transaction) Conn() *pgx.Conn { return nil }

func (transaction) Commit(context.Context) error   { return errUnsupported }
func (transaction) Rollback(context.Context) error { return errUnsupported }

func (transaction) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errUnsupported
}

func (transaction) SendBatch(context.Context, *pgx.Batch) pgx.BatchResults { return nil }
func (transaction) LargeObjects() pgx.LargeObjects                         { return pgx.LargeObjects{} }

func (transaction) Prepare(context.Context, string, string) (*pgconn.StatementDescription, error) {
	return nil, errUnsupported
}

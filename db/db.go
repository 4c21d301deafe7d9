// Package db has everything that is specific to PostgreSQL: the pool,
// transactions, errors by constraint name and migrations. The queries are
// written in queries/<tag>.sql and generated into gen/query. There is no layer
// over them.
package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byline-api/byline/gen/query"
)

// Config says how to reach PostgreSQL and how long to wait for it.
type Config struct {
	URL string
	// MaxConns bounds the pool. On two cores 4 to 8 connections are fastest;
	// more connections only queue inside PostgreSQL.
	MaxConns, MinConns int
	// AcquireTimeout is how long a request may wait for a free connection. Then
	// it fails with ErrBusy, which becomes a 503.
	AcquireTimeout time.Duration
	// QueryTimeout limits every statement. PostgreSQL enforces it, so that the
	// connection stays usable. The client gives up a second later, in case the
	// server is frozen or unreachable. A deadline of the caller's context
	// limits statements and transactions too.
	QueryTimeout time.Duration
	// Tracer, if set, is called for every statement.
	Tracer pgx.QueryTracer
	// ReadURLs lead to standbys of the database, each to one. Reads come from them
	// as described at WithReader.
	ReadURLs []string

	standby bool // URL leads to a standby
	any     bool // connections may lead to a standby or to a primary
	// server returns when the server was started that the connections of a standby
	// have to lead to.
	server func() time.Time
}

// ErrBusy means that no connection became free within Config.AcquireTimeout.
var ErrBusy = errors.New("db: no free connection within the acquire timeout")

// attempts is how often in all a transaction is run that conflicts with another
// one (serialization failure, deadlock), or with a change of the schema.
const attempts = 4

// DB is a pool of connections. It implements query.DBTX with two additions. The
// time to wait for a connection is limited. And a statement that has begun is
// not cancelled when its client disconnects: pgx closes a connection whose
// statement is cancelled, so that a burst of disconnects would empty the pool.
// Statements are short, so that it is cheaper to let them finish.
type DB struct {
	pool   *pgxpool.Pool
	cfg    Config
	wanted map[string]string // the settings that connections ask for
	reads  *sharedReads
	// abandoned bounds writes that the server does not end.
	abandoned *abandoned

	replicas Replicas
}

// Open prepares the pool. It does not wait for the database, so that the
// service can start before the database and report that it is not ready.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	pc, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	switch {
	case cfg.any:
		pc.ConnConfig.ValidateConnect = nil
	case cfg.standby:
		pc.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsStandby
	}
	if cfg.standby {
		pc.AfterConnect = noteServer
		if cfg.server != nil {
			pc.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) { return ofServer(conn, cfg.server()) }
		}
	}
	pc.MaxConns, pc.MinConns = int32(cfg.MaxConns), int32(cfg.MinConns)
	pc.MaxConnLifetime = 30 * time.Minute
	pc.MaxConnLifetimeJitter = 3 * time.Minute
	pc.MaxConnIdleTime = 5 * time.Minute
	pc.HealthCheckPeriod = 5 * time.Second
	pc.ShouldPing = func(_ context.Context, p pgxpool.ShouldPingParams) bool {
		if p.IdleDuration > time.Second {
			p.Conn.PgConn().CustomData()[idle] = true
		}
		return false // acquire pings instead, so that release drops a broken one
	}
	cc := pc.ConnConfig
	cc.Tracer = cfg.Tracer
	if _, set := cc.RuntimeParams["application_name"]; !set {
		cc.RuntimeParams["application_name"] = "byline"
	}
	wanted := map[string]string{
		"statement_timeout":                   milliseconds(cfg.QueryTimeout),
		"lock_timeout":                        milliseconds(cfg.QueryTimeout / 2),
		"idle_in_transaction_session_timeout": milliseconds(2 * cfg.QueryTimeout),
		// A request reads few rows by index, whatever its parameters.
		// PostgreSQL does not know that of a LIMIT that is a parameter: it
		// expects a tenth of the table, and would read all users to join
		// twenty, or plan each time anew, which costs more than the query. So
		// hash and merge joins are off for all queries of requests;
		// db/queries/README.md says so to whoever writes one. InLongTx has them
		// on.
		"plan_cache_mode":  "force_generic_plan",
		"enable_hashjoin":  "off",
		"enable_mergejoin": "off",
	}
	for name, value := range wanted {
		if _, set := cc.RuntimeParams[name]; set {
			delete(wanted, name) // the URL decides
		} else {
			cc.RuntimeParams[name] = value
		}
	}
	given := newAbandoned(cfg.MaxConns)
	pc.BeforeConnect = given.connect
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	d := &DB{pool: pool, cfg: cfg, wanted: wanted, abandoned: given}
	d.reads = &sharedReads{db: d, most: max(1, cfg.MaxConns/2)}
	if d.replicas.all, err = openReplicas(ctx, cfg); err != nil {
		pool.Close()
		return nil, err
	}
	return d, nil
}

func milliseconds(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// Close waits until no connection is in use, and closes the pool, and those of
// the replicas.
func (d *DB) Close() {
	for _, r := range d.replicas.all {
		r.close()
	}
	d.pool.Close()
}

// Pool returns the pool, for COPY and for statistics.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// acquire waits for a connection for as long as the context and AcquireTimeout
// allow.
func (d *DB) acquire(ctx context.Context) (*pgxpool.Conn, error) { return d.acquireAlive(ctx, false) }

// acquireAlive is acquire. With ping set, it returns only a connection that has
// just responded.
func (d *DB) acquireAlive(ctx context.Context, ping bool) (*pgxpool.Conn, error) {
	actx, cancel := context.WithTimeout(ctx, d.cfg.AcquireTimeout)
	defer cancel()
	for {
		conn, err := d.pool.Acquire(actx)
		if err != nil {
			if actx.Err() != nil && ctx.Err() == nil {
				return nil, fmt.Errorf("%w: %w", ErrBusy, err)
			}
			return nil, err
		}
		if alive(actx, conn, ping) {
			return conn, nil
		}
		release(conn)
	}
}

// idle is the key in the custom data of a connection which says that the
// connection has not been used for a second or more.
const idle = "idle"

// alive reports whether a connection works. It pings one that was idle, and
// others if ping is set.
func alive(ctx context.Context, conn *pgxpool.Conn, ping bool) bool {
	data := conn.Conn().PgConn().CustomData()
	if data[idle] == nil && !ping {
		return true
	}
	delete(data, idle)
	ctx, cancel := detach(ctx, time.Second)
	defer cancel()
	return conn.Ping(ctx) == nil
}

// release returns a connection to the pool. A broken one is removed from the
// pool first: pgx counts it as in use until the server has closed it or 15 s
// have passed. With an unreachable server, that kept the pool unavailable for
// 8 s after the server had come back.
func release(conn *pgxpool.Conn) {
	if conn.Conn().IsClosed() {
		conn.Hijack()
		return
	}
	delete(conn.Conn().PgConn().CustomData(), writing)
	conn.Release()
}

// detach returns a context with the values and the deadline of ctx, but without
// its cancellation. A statement that has begun finishes when its client
// disconnects, and a frozen or unreachable server takes no more time than the
// request has.
func detach(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	end := time.Now().Add(limit)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(end) {
		end = deadline
	}
	return context.WithDeadline(context.WithoutCancel(ctx), end)
}

// statementLimit is a second longer than the limit that PostgreSQL enforces.
func (d *DB) statementLimit() time.Duration { return d.cfg.QueryTimeout + time.Second }

// Exec implements query.DBTX. It runs a statement again that conflicts with
// another transaction.
func (d *DB) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	writes := writes(sql)
	exec := func() error {
		return retry(ctx, func() error {
			conn, err := d.acquireFor(ctx, writes)
			if err != nil {
				return err
			}
			defer release(conn)
			qctx, cancel := detach(ctx, d.statementLimit())
			defer cancel()
			tag, err = conn.Exec(qctx, sql, args...)
			return err
		})
	}
	if !writes {
		err = exec()
		return tag, err
	}
	err = d.abandoned.write(func() (bool, error) {
		err := exec()
		return wrote(tag), err
	})
	return tag, err
}

// InTx runs fn in a transaction, and again if the transaction conflicts with
// another one. So fn must have no effects except its statements. An error of fn
// rolls the transaction back.
func (d *DB) InTx(ctx context.Context, fn func(tx query.DBTX) error) error {
	// The whole transaction may take as long as two statements.
	return d.inTx(ctx, ctx, 2*d.cfg.QueryTimeout, fn)
}

// InLongTx is InTx for work on many rows, which may take longer than the
// request that began it. limit bounds the whole transaction. Its queries may
// use hash and merge joins, and are planned for their parameters: this is how a
// query opts out of the planner settings in Open.
func (d *DB) InLongTx(ctx context.Context, limit time.Duration, fn func(tx query.DBTX) error) error {
	return d.inTx(ctx, context.WithoutCancel(ctx), limit, func(tx query.DBTX) error { // WithoutCancel drops the deadline too
		if err := query.New().LongTransaction(ctx, tx, milliseconds(limit)); err != nil {
			return err
		}
		return fn(tx)
	})
}

// inTx waits for a connection, and between attempts, under ctx. It runs the
// transaction under work.
func (d *DB) inTx(ctx, work context.Context, limit time.Duration, fn func(tx query.DBTX) error) error {
	return d.abandoned.write(func() (wrote bool, err error) {
		err = retry(ctx, func() error {
			wrote = false
			conn, err := d.acquireFor(ctx, true)
			if err != nil {
				return err
			}
			defer release(conn)
			tctx, cancel := detach(work, limit)
			defer cancel()
			return pgx.BeginFunc(tctx, conn, func(tx pgx.Tx) error { return fn(detachedTx{tx, tctx, &wrote}) })
		})
		return wrote, err
	})
}

// retry runs fn until it does not conflict with another transaction.
func retry(ctx context.Context, fn func() error) (err error) {
	for i := range attempts {
		if i > 0 {
			select {
			case <-ctx.Done():
				return err
			case <-time.After(time.Duration(rand.IntN(10<<i)) * time.Millisecond):
			}
		}
		if err = fn(); !isConflict(err) {
			return err
		}
	}
	return err
}

// detachedTx runs statements under the time limit of the transaction, and
// ignores the context that they are given, which is the request's.
type detachedTx struct {
	tx    pgx.Tx
	ctx   context.Context
	wrote *bool // whether its commit may have to wait for a standby; see abandoned.begin
}

func (t detachedTx) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	tag, err := t.tx.Exec(t.ctx, sql, args...)
	*t.wrote = *t.wrote || wrote(tag) && writes(sql)
	return tag, err
}

func (t detachedTx) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	*t.wrote = *t.wrote || writes(sql)
	return t.tx.Query(t.ctx, sql, args...)
}

func (t detachedTx) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	*t.wrote = *t.wrote || writes(sql)
	return t.tx.QueryRow(t.ctx, sql, args...)
}

package db

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byline-api/byline/gen/query"
)

// Query implements query.DBTX. The connection is in use until the rows are
// closed. A query that is declared shared (see reads.go) shares its round trip.
func (d *DB) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	send := func(d *DB) (pgx.Rows, error) {
		if isShared(sql) {
			return d.reads.Query(ctx, sql, args...)
		}
		return d.queryAlone(ctx, sql, args)
	}
	if rows, ok := d.queryReplica(ctx, sql, send); ok {
		return rows, nil
	}
	return send(d)
}

func (d *DB) queryAlone(ctx context.Context, sql string, args []any) (pgx.Rows, error) {
	rows, err := d.queryPool(ctx, sql, args)
	if err != nil {
		return nil, err // not rows: a nil *pooledRows in pgx.Rows is not nil
	}
	return rows, nil
}

// queryPool runs a statement on a connection of the pool. It reads the first
// row, because until then a statement can be run again: one whose prepared form
// does not fit the schema any more, and a read whose connection the server has
// ended. After a restart of the server all connections of the pool have ended,
// so that the second connection has to respond first.
func (d *DB) queryPool(ctx context.Context, sql string, args []any) (*pooledRows, error) {
	if !writes(sql) {
		return d.queryConn(ctx, sql, args, false)
	}
	ended, err := d.abandoned.begin()
	if err != nil {
		return nil, err
	}
	rows, err := d.queryConn(ctx, sql, args, true)
	if err != nil {
		ended(false, err)
		return nil, err
	}
	rows.ended = ended // it commits after its last row
	return rows, nil
}

func (d *DB) queryConn(ctx context.Context, sql string, args []any, writes bool) (*pooledRows, error) {
	conn, err := d.acquireFor(ctx, writes)
	if err != nil {
		return nil, err
	}
	rows, err := d.begin(ctx, conn, sql, args)
	if isStalePlan(err) {
		rows, err = d.begin(ctx, conn, sql, args) // pgx prepares it again
	}
	if err == nil {
		return rows, nil
	}
	ended := conn.Conn().IsClosed()
	release(conn)
	if !ended || !isRead(sql) || ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	if conn, err = d.acquireAlive(ctx, true); err != nil {
		return nil, err
	}
	if rows, err = d.begin(ctx, conn, sql, args); err != nil {
		release(conn)
	}
	return rows, err
}

// begin sends a statement and reads the first row. After an error the caller
// still has the connection.
func (d *DB) begin(ctx context.Context, conn *pgxpool.Conn, sql string, args []any) (*pooledRows, error) {
	qctx, cancel := detach(ctx, d.statementLimit())
	rows, err := conn.Query(qctx, sql, args...)
	if err != nil {
		cancel()
		return nil, err
	}
	first := rows.Next()
	if err := rows.Err(); err != nil {
		rows.Close()
		cancel()
		return nil, err
	}
	return &pooledRows{Rows: rows, conn: conn, cancel: cancel, ahead: true, first: first}, nil
}

// isRead reports whether a statement only reads. sqlc puts a line with the name
// of the query before it. A statement that begins with WITH may write.
func isRead(sql string) bool {
	if strings.HasPrefix(sql, "--") {
		_, sql, _ = strings.Cut(sql, "\n")
	}
	return strings.HasPrefix(sql, "SELECT") || isShared(sql)
}

// QueryRow implements query.DBTX. The statement runs when the row is scanned,
// and again if it conflicts with another transaction.
func (d *DB) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return pooledRow{d, ctx, sql, args}
}

// pooledRows returns the connection to the pool when the rows are closed. pgx
// closes them itself when they have been read to the end.
type pooledRows struct {
	pgx.Rows
	conn   *pgxpool.Conn
	cancel context.CancelFunc
	reads  *sharedReads                // set if the rows are a group of shared reads of their own
	ended  func(wrote bool, err error) // set if the statement writes; see abandoned.begin
	// ahead reports that begin has called Next already; first is its result.
	ahead, first bool
}

func (r *pooledRows) Next() bool {
	if r.ahead {
		r.ahead = false
		if r.first {
			return true
		}
	} else if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *pooledRows) Close() {
	r.Rows.Close()
	if r.conn != nil {
		r.cancel()
		release(r.conn)
		r.conn = nil
		if r.reads != nil {
			r.reads.leave()
		}
		if r.ended != nil {
			r.ended(wrote(r.Rows.CommandTag()), r.Rows.Err())
		}
	}
}

type pooledRow struct {
	db   query.DBTX
	ctx  context.Context
	sql  string
	args []any
}

func (r pooledRow) Scan(dest ...any) error {
	return retry(r.ctx, func() error {
		rows, err := r.db.Query(r.ctx, r.sql, r.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		if !rows.Next() {
			if err := rows.Err(); err != nil {
				return err
			}
			return pgx.ErrNoRows
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		rows.Close()
		return rows.Err()
	})
}

// Package exporter writes the data of a site as NDJSON: one JSON object on a
// line. It is for moving a site elsewhere; docs/export.md describes it.
//
// All rows are those of one snapshot. They are read as they are written, so that
// the memory does not grow with them. The lines are:
//
//	{"type":"site","version":1,"exportedAt":…}    the first line
//	{"type":"account",…}, article, comment, favorite, follow
//	{"type":"end","records":n}                    counts the lines before it
//
// A line refers only to lines before it, by their ids.
package exporter

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// version is that of the format. Members that are added do not change it.
const version = 1

// table is a kind of lines, and reads their rows.
type table struct {
	name string
	read func(context.Context, pgx.Tx) (pgx.Rows, error)
}

var tables = []table{
	{"accounts", func(ctx context.Context, tx pgx.Tx) (pgx.Rows, error) { return tx.Query(ctx, accounts) }},
	{"articles", func(ctx context.Context, tx pgx.Tx) (pgx.Rows, error) { return tx.Query(ctx, articles) }},
	{"comments", func(ctx context.Context, tx pgx.Tx) (pgx.Rows, error) { return tx.Query(ctx, comments) }},
	{"favorites", func(ctx context.Context, tx pgx.Tx) (pgx.Rows, error) { return tx.Query(ctx, favorites) }},
	{"follows", func(ctx context.Context, tx pgx.Tx) (pgx.Rows, error) { return tx.Query(ctx, follows) }},
}

// Count is the number of lines of a kind.
type Count struct {
	Name string
	Rows int64
}

// Run writes all data of a site, and returns the numbers of lines by kind.
func Run(ctx context.Context, pool *pgxpool.Pool, w io.Writer) (counts []Count, err error) {
	out := &writer{buffer: bufio.NewWriterSize(w, 256<<10)}
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		exportedAt, err := prepare(ctx, tx)
		if err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		if err := out.text(fmt.Appendf(nil, `{"type":"site","version":%d,"exportedAt":%q}`, version, exportedAt)); err != nil {
			return err
		}
		for _, t := range tables {
			before := out.records
			if err := out.rows(t.read(ctx, tx)); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			counts = append(counts, Count{t.name, out.records - before})
		}
		if err := out.text(fmt.Appendf(nil, `{"type":"end","records":%d}`, out.records)); err != nil {
			return err
		}
		return out.buffer.Flush()
	})
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return counts, nil
}

// prepare sets for the transaction what statements over all rows need, and
// returns its time. Nothing limits its duration, which depends on how fast the
// lines are read. Older versions of PostgreSQL do not have all of these settings.
func prepare(ctx context.Context, tx pgx.Tx) (string, error) {
	if _, err := tx.Exec(ctx, `SELECT set_config(s.name, CASE WHEN s.name LIKE 'enable%' THEN 'on' WHEN s.name = 'TimeZone' THEN 'UTC' ELSE '0' END, true)
		FROM pg_settings s
		WHERE s.name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout', 'enable_hashjoin', 'enable_mergejoin', 'TimeZone')`); err != nil {
		return "", err
	}
	var now time.Time
	err := tx.QueryRow(ctx, `SELECT now()`).Scan(&now)
	return now.UTC().Format("2006-01-02T15:04:05.000Z"), err
}

// writer writes lines.
type writer struct {
	buffer  *bufio.Writer
	records int64
	line    bytes.Buffer
}

// rows writes the rows of a query as they arrive.
func (w *writer) rows(rows pgx.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := w.text(rows.RawValues()[0]); err != nil {
			return err
		}
	}
	return rows.Err()
}

// text writes JSON as a line. The metadata of articles is stored with the spaces
// and line breaks that its author has sent.
func (w *writer) text(record []byte) error {
	w.line.Reset()
	if err := json.Compact(&w.line, record); err != nil {
		return err
	}
	w.line.WriteByte('\n')
	w.records++
	_, err := w.buffer.Write(w.line.Bytes())
	return err
}

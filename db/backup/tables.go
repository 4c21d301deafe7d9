package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// left are the tables that a backup does not contain, with the reason. All
// others of kept are in it. TestEveryTableIsDecided fails for a table that is in
// neither list.
var left = map[string]string{
	"change_lives":        "names the life of this cluster",
	"changes":             "the ids of transactions mean nothing in another cluster",
	"goose_db_version":    "the migrations write it",
	"primary_lives":       "names the lives of this cluster",
	"purge_positions":     "what caches at the edge of the service know of changes, which a crash deletes too",
	"rate_limit_replicas": "the running replicas",
	"rate_limits":         "what clients have used in the last minutes, which a crash deletes too",
	"river_leader":        "a lease of a running replica",
	"river_notification":  "a message to running replicas",
	"sign_in_tries":       "failed sign-ins of the last minutes, which a crash deletes too",
}

var kept = []string{
	"api_keys", "article_bodies", "article_revisions", "article_slugs", "article_tags", "articles", "audit_log", "blocks",
	"comments", "counters", "draft_slugs", "favorites", "follows", "hidden_favorites", "hidden_items", "idempotency_keys",
	"import_cases", "imported_rows", "imports", "invitations", "mail_tokens", "mails", "merged_tags", "old_tokens", "previews",
	"reported_items", "reports", "river_job", "river_queue", "series", "service_secrets", "sessions", "sign_in_places",
	"signing_keys", "tag_names", "users", "working_copies",
}

// tablesOf returns the tables that the database has, by their names. They are
// those of the schema in which the migrations work.
func tablesOf(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT relname::text FROM pg_class
		WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace ORDER BY relname`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// keptTables returns the tables of a database that belong into a backup, with
// their columns. Columns that PostgreSQL computes are none. Other programs may
// have tables in the database: those are not Byline's.
func keptTables(ctx context.Context, tx pgx.Tx) ([]Table, error) {
	rows, err := tx.Query(ctx, `SELECT c.relname::text AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns,
			array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum) AS types
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY ($1)
		GROUP BY c.relname ORDER BY c.relname`, kept)
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Table, err error) {
		return t, row.Scan(&t.Name, &t.Columns, &t.Types)
	})
}

// sequences returns the sequences that have been used. To a role that may not
// read a sequence, it would look as if it had not been.
func sequences(ctx context.Context, tx pgx.Tx) ([]Sequence, error) {
	var role, hidden string
	err := tx.QueryRow(ctx, `SELECT current_user, COALESCE(min(sequencename::text), '') FROM pg_sequences
		WHERE schemaname = current_schema() AND NOT has_sequence_privilege(format('%I.%I', schemaname, sequencename), 'SELECT')`).Scan(&role, &hidden)
	if err != nil {
		return nil, fmt.Errorf("look for sequences that cannot be read: %w", err)
	}
	if hidden != "" {
		return nil, refusef("the role %s may not read the sequence %s, without which a restored site cannot store anything: use the role of the service, or GRANT SELECT ON ALL SEQUENCES to this one", role, hidden)
	}
	rows, err := tx.Query(ctx, `SELECT sequencename::text, last_value FROM pg_sequences
		WHERE schemaname = current_schema() AND last_value IS NOT NULL AND sequencename <> 'goose_db_version_id_seq' ORDER BY sequencename`)
	if err != nil {
		return nil, fmt.Errorf("read the sequences: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Sequence, err error) {
		return s, row.Scan(&s.Name, &s.Last)
	})
}

// columnsOf returns the columns of a table for a statement.
func columnsOf(t Table) string {
	text := ""
	for i, c := range t.Columns {
		if i > 0 {
			text += ", "
		}
		text += pgx.Identifier{c}.Sanitize()
	}
	return text
}

// copyOut is the statement that reads the rows of a table.
func copyOut(t Table) string {
	return fmt.Sprintf("COPY %s (%s) TO STDOUT", pgx.Identifier{t.Name}.Sanitize(), columnsOf(t))
}

// copyIn is the statement that stores them. FREEZE spares PostgreSQL to read all
// rows once more when they have become old.
func copyIn(t Table) string {
	return fmt.Sprintf("COPY %s (%s) FROM STDIN (FREEZE)", pgx.Identifier{t.Name}.Sanitize(), columnsOf(t))
}

// addColumns makes the tables of a database those of a backup. A database at the
// schema of the backup lacks only the columns that the operator had added. It
// returns an error for all other differences.
func addColumns(ctx context.Context, tx pgx.Tx, wanted, have []Table) error {
	byName := map[string]Table{}
	for _, t := range wanted {
		byName[t.Name] = t
	}
	for _, h := range have {
		t, ok := byName[h.Name]
		if !ok {
			return refusef("the backup lacks the table %s: use another backup", h.Name)
		}
		delete(byName, h.Name)
		for _, c := range h.Columns {
			if !slices.Contains(t.Columns, c) {
				return refusef("the table %s has no column %s in the backup: restore it with the release that wrote it", t.Name, c)
			}
		}
		for i, c := range t.Columns {
			if slices.Contains(h.Columns, c) {
				continue
			}
			if err := addColumn(ctx, tx, t, i); err != nil {
				return err
			}
		}
	}
	for name := range byName {
		return refusef("the backup has the table %s, which the database has not: restore it with the release that wrote it", name)
	}
	return nil
}

func addColumn(ctx context.Context, tx pgx.Tx, t Table, i int) error {
	var kind *string // as PostgreSQL writes it, and not as the backup does
	if len(t.Types) == len(t.Columns) {
		var malformed *pgconn.PgError
		err := tx.QueryRow(ctx, `SELECT format_type(to_regtype($1), NULL)`, t.Types[i]).Scan(&kind)
		if err != nil && !errors.As(err, &malformed) {
			return fmt.Errorf("the type of the column %s of the table %s: %w", t.Columns[i], t.Name, err)
		}
	}
	if kind == nil {
		return refusef("the table %s has the column %s in the backup, which is not Byline's and whose type is not known here: "+
			"apply byline migrate up to the empty database, add the column, and repeat the command", t.Name, t.Columns[i])
	}
	return execute(ctx, tx, `ALTER TABLE `+pgx.Identifier{t.Name}.Sanitize()+` ADD `+pgx.Identifier{t.Columns[i]}.Sanitize()+` `+*kind)
}

// prepare sets for a transaction what COPY needs: nothing limits the time, rows
// have the same text on every server, and foreign keys are checked by joins that
// read whole tables. Older versions of PostgreSQL do not have all settings.
func prepare(ctx context.Context, tx pgx.Tx) error {
	const settings = `SELECT set_config(s.name, w.value, true)
		FROM (VALUES ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('transaction_timeout', '0'), ('lock_timeout', '10s'),
			('enable_hashjoin', 'on'), ('enable_mergejoin', 'on'), ('TimeZone', 'UTC'), ('DateStyle', 'ISO, MDY'), ('IntervalStyle', 'postgres'),
			('bytea_output', 'hex'), ('extra_float_digits', '1'), ('row_security', 'off')) AS w (name, value)
		JOIN pg_settings s ON s.name = w.name`
	if _, err := tx.Exec(ctx, settings); err != nil {
		return fmt.Errorf("prepare the session: %w", err)
	}
	return nil
}

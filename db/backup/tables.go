package backup

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
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
	rows, err := tx.Query(ctx, `SELECT c.relname::text AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY ($1)
		GROUP BY c.relname ORDER BY c.relname`, kept)
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Table, err error) {
		return t, row.Scan(&t.Name, &t.Columns)
	})
}

// sequences returns the sequences that have been used.
func sequences(ctx context.Context, tx pgx.Tx) ([]Sequence, error) {
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

// known returns an error unless this release knows the tables of a backup, and
// the database has them with the same columns.
func known(wanted, have []Table) error {
	for _, t := range wanted {
		i := slices.IndexFunc(have, func(h Table) bool { return h.Name == t.Name })
		if i < 0 {
			return refusef("the backup has the table %s, which the database has not: restore it with the release that wrote it", t.Name)
		}
		a, b := slices.Sorted(slices.Values(t.Columns)), slices.Sorted(slices.Values(have[i].Columns))
		if !slices.Equal(a, b) {
			return refusef("the table %s has other columns in the backup than in the database: restore it with the release that wrote it", t.Name)
		}
	}
	return nil
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

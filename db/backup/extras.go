package backup

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Extras returns what the database and its cluster have, and a new database with
// the same migrations has not. A backup does not contain it. It migrates the
// target, which must be of another cluster, to the schema of the source.
func Extras(ctx context.Context, source *pgxpool.Pool, target Target) (extras []string, err error) {
	var schema int64
	if err := pgx.BeginFunc(ctx, source, func(tx pgx.Tx) (err error) {
		schema, err = schemaOf(ctx, tx)
		return err
	}); err != nil {
		return nil, err
	}
	if schema == 0 || schema > target.Newest {
		return nil, nil // Write or Restore refuses it
	}
	if err := target.MigrateTo(ctx, schema); err != nil {
		return nil, err
	}
	have, err := objects(ctx, source)
	if err != nil {
		return nil, err
	}
	own, err := objects(ctx, target.Pool)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{"": true}
	for _, o := range own {
		known[o.name] = true
	}
	for _, o := range have {
		if !known[o.name] && known[o.table] { // with its table, its columns and indexes need not be named
			extras = append(extras, o.name)
		}
	}
	return extras, nil
}

// object is a part of a database or a cluster.
type object struct {
	name  string // for people, as "column note of table users"
	table string // the name of the table to which it belongs, or ""
}

// objects returns what people can have created: all that is not part of every
// cluster, of an extension or of a backup. Byline creates pg_stat_statements where
// PostgreSQL has it. Columns are NOT NULL by a constraint only since 18.
func objects(ctx context.Context, pool *pgxpool.Pool) ([]object, error) {
	const query = `WITH objects (class, id, part, relation) AS (
		SELECT 'pg_class'::regclass, c.oid, 0, COALESCE(i.indrelid, (SELECT d.refobjid FROM pg_depend d
			WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = d.classid AND d.deptype IN ('a', 'i') LIMIT 1))
		FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
		WHERE c.relkind NOT IN ('t') AND c.relnamespace <> 'pg_toast'::regnamespace AND c.relpersistence <> 't'
		UNION ALL SELECT 'pg_class'::regclass, c.oid, a.attnum, c.oid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
			WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND a.attnum > 0 AND a.attgenerated <> ''
		UNION ALL SELECT 'pg_constraint'::regclass, oid, 0, NULLIF(conrelid, 0) FROM pg_constraint WHERE contype <> 'n'
		UNION ALL SELECT 'pg_trigger'::regclass, oid, 0, tgrelid FROM pg_trigger WHERE NOT tgisinternal
		UNION ALL SELECT 'pg_rewrite'::regclass, oid, 0, ev_class FROM pg_rewrite WHERE rulename <> '_RETURN'
		UNION ALL SELECT 'pg_policy'::regclass, oid, 0, polrelid FROM pg_policy
		UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, 0, stxrelid FROM pg_statistic_ext
		UNION ALL SELECT 'pg_proc'::regclass, oid, 0, NULL FROM pg_proc
		UNION ALL SELECT 'pg_type'::regclass, oid, 0, NULL FROM pg_type WHERE typtype IN ('d', 'e', 'r')
		UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, NULL FROM pg_namespace WHERE nspname !~ '^pg_'
		UNION ALL SELECT 'pg_extension'::regclass, oid, 0, NULL FROM pg_extension WHERE extname <> 'pg_stat_statements'
		UNION ALL SELECT 'pg_publication'::regclass, oid, 0, NULL FROM pg_publication
		UNION ALL SELECT 'pg_authid'::regclass, oid, 0, NULL FROM pg_roles
		UNION ALL SELECT 'pg_database'::regclass, oid, 0, NULL FROM pg_database
		UNION ALL SELECT 'pg_tablespace'::regclass, oid, 0, NULL FROM pg_tablespace)
		SELECT pg_describe_object(class, id, part), COALESCE(pg_describe_object('pg_class'::regclass, relation, 0), '') FROM objects
		WHERE id >= 16384 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = id AND d.deptype = 'e')
		UNION ALL SELECT 'setting ' || line || COALESCE(' of the role ' || NULLIF(setrole, 0)::regrole, '') || CASE setdatabase WHEN 0 THEN '' ELSE ' in the database ' || d.datname END, ''
			FROM pg_db_role_setting LEFT JOIN pg_database d ON d.oid = setdatabase, unnest(setconfig) AS line
		UNION ALL SELECT 'setting ' || name || '=' || setting, '' FROM pg_settings
			WHERE source = 'configuration file' AND setting IS DISTINCT FROM boot_val
				AND name <> ALL ('{DateStyle,default_text_search_config,dynamic_shared_memory_type,lc_monetary,lc_numeric,lc_time}')
		ORDER BY 1`
	rows, err := pool.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list what the cluster has: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (o object, err error) {
		return o, row.Scan(&o.name, &o.table)
	})
}

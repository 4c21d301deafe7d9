package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/byline-api/byline/db/bulk"
)

// finish ends a run. The first one counts what the disabled triggers have not
// counted.
func (im *run) finish(ctx context.Context) error {
	first := im.bulk()
	err := pgx.BeginFunc(ctx, im.conn, func(tx pgx.Tx) error {
		if first {
			if err := bulk.Recreate(ctx, tx, bulk.Large, im.state.Dropped); err != nil {
				return err
			}
			im.state.Dropped = nil
			if err := recount(ctx, tx); err != nil {
				return err
			}
		}
		if err := noteEverything(ctx, tx); err != nil {
			return err
		}
		im.state.Running, im.state.Since = false, im.state.Began
		im.state.keepLatest()
		if err := im.saveState(ctx, tx); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `UPDATE imports SET loaded_at = COALESCE(loaded_at, now()), read_at = $2 WHERE id = $1 RETURNING loaded_at`, im.importID, im.state.Began).Scan(&im.state.loaded)
	})
	if err != nil || !first {
		return err
	}
	// Marks pages as visible to all transactions too, which index-only scans
	// need. A parallel VACUUM needs shared memory, which is scarce in containers.
	im.progress.step("analyzing")
	if _, err := im.conn.Exec(ctx, `VACUUM (ANALYZE, PARALLEL 0) users, articles, article_slugs, article_tags, comments, favorites, follows, counters, tag_names, imported_rows, import_cases`); err != nil {
		return fmt.Errorf("the rows are stored, but VACUUM ANALYZE failed: %w", err)
	}
	return nil
}

// recount sets all counters to what they count. Nobody can write meanwhile.
func recount(ctx context.Context, tx pgx.Tx) error {
	for _, statement := range []string{
		`LOCK TABLE users, articles, comments, favorites, counters IN SHARE ROW EXCLUSIVE MODE`,
		// It would note the change of each article.
		`ALTER TABLE articles DISABLE TRIGGER articles_update_note`,
		`UPDATE articles a SET favorites_count = COALESCE(c.n, 0)
			FROM articles b LEFT JOIN (SELECT article_id, count(*) AS n FROM favorites GROUP BY article_id) c ON c.article_id = b.id
			WHERE a.id = b.id AND NOT a.hidden AND a.favorites_count <> COALESCE(c.n, 0)`,
		`ALTER TABLE articles ENABLE TRIGGER articles_update_note`,
		`UPDATE users u SET articles_count = t.articles, favorites_count = t.favorites, last_article_at = t.last_at, stored_bytes = t.bytes
			FROM (
				SELECT v.id, COALESCE(a.n, 0) AS articles, COALESCE(f.n, 0) AS favorites, a.last_at, COALESCE(a.bytes, 0) + COALESCE(c.bytes, 0) AS bytes
				FROM users v
				LEFT JOIN (
					SELECT author_id, count(*) FILTER (WHERE NOT hidden) AS n, max(published_at) FILTER (WHERE NOT hidden) AS last_at,
					       sum(article_bytes(title, description, body, tags, details)) AS bytes
					FROM articles GROUP BY author_id) a ON a.author_id = v.id
				LEFT JOIN (SELECT author_id, sum(octet_length(body)) AS bytes FROM comments GROUP BY author_id) c ON c.author_id = v.id
				LEFT JOIN (SELECT user_id, count(*) AS n FROM favorites GROUP BY user_id) f ON f.user_id = v.id
			) t
			WHERE u.id = t.id AND (u.articles_count, u.favorites_count, u.last_article_at, u.stored_bytes) IS DISTINCT FROM (t.articles, t.favorites, t.last_at, t.bytes)`,
		`INSERT INTO counters AS c (kind, name, slot, value)
			SELECT kind, name, 0, sum(value) FROM (
				SELECT 'articles' AS kind, '' AS name, count(*) AS value FROM articles WHERE NOT hidden
				UNION ALL SELECT 'tag', tag, count(*) FROM article_tags GROUP BY tag
				UNION ALL SELECT kind, name, -value FROM counters WHERE kind IN ('articles', 'tag')
			) t GROUP BY kind, name HAVING sum(value) <> 0 ORDER BY kind, name
			ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value`,
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("count: %w", err)
		}
	}
	return nil
}

// report passes all cases on, in the order of the rules, and counts them.
func report(ctx context.Context, conn *pgx.Conn, importID int, to func(Case) error) (map[Code]int64, error) {
	order := make([]string, len(Rules))
	for i, r := range Rules {
		order[i] = string(r.Code)
	}
	rows, err := conn.Query(ctx, `SELECT kind, key, code, field, action, stored, other FROM import_cases
		WHERE import_id = $1 ORDER BY array_position($2::text[], code), kind, length(key), key, field`, importID, order)
	if err != nil {
		return nil, err
	}
	counts := map[Code]int64{}
	var c Case
	_, err = pgx.ForEachRow(rows, []any{&c.Kind, &c.Key, &c.Code, &c.Field, &c.Action, &c.Stored, &c.Other}, func() error {
		counts[c.Code]++
		if to == nil {
			return nil
		}
		return to(c)
	})
	return counts, err
}

// Finish ends an import by name: the old system is not read any more. It deletes
// the report, and which rows came from where except for accounts, by which old
// tokens are understood. It waits for an import that runs, for some seconds.
func Finish(ctx context.Context, pool *pgxpool.Pool, name string) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	// The lock ends with the connection.
	defer func() { _ = conn.Hijack().Close(context.WithoutCancel(ctx)) }()
	// A run that goes on would take all rows for new ones.
	if err := lock(ctx, conn.Conn()); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var id int
		err := tx.QueryRow(ctx, `UPDATE imports SET finished_at = COALESCE(finished_at, now()) WHERE name = $1 AND loaded_at IS NOT NULL RETURNING id`, name).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("there is no import %q that has stored all rows", name)
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM import_cases WHERE import_id = $1`, id); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM imported_rows WHERE import_id = $1 AND kind <> 'users'`, id)
		return err
	})
}

package importer

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/db/importer/source"
)

// pair is a favorite or a follow.
type pair struct {
	source.Row
	user, other string
	created     time.Time
}

// loadPairs imports who likes which articles, or who follows whom.
func (im *run) loadPairs(ctx context.Context, k pairKind) error {
	if im.state.Run > 1 { // they are read already
		return im.storeSeen(ctx, k)
	}
	return load(ctx, im, kindOf[pair]{
		kind: source.Kind(k.table), rows: pairRows,
		read:  func(ctx context.Context, r source.Range) iter.Seq2[pair, error] { return k.read(ctx, im.Source, r) },
		row:   func(p pair) source.Row { return p.Row },
		size:  func(pair) int { return 0 },
		store: func(ctx context.Context, w *writing, rows []pair) error { return w.storePairs(ctx, k, rows) },
	})
}

func readFavorites(ctx context.Context, s source.Source, r source.Range) iter.Seq2[pair, error] {
	return pairsOf(s.Favorites(ctx, r), func(f source.Favorite) pair { return pair{f.Row, f.UserKey, f.ArticleKey, f.CreatedAt} })
}

func readFollows(ctx context.Context, s source.Source, r source.Range) iter.Seq2[pair, error] {
	return pairsOf(s.Follows(ctx, r), func(f source.Follow) pair { return pair{f.Row, f.FollowerKey, f.FolloweeKey, f.CreatedAt} })
}

func pairsOf[R any](rows iter.Seq2[R, error], of func(R) pair) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		for row, err := range rows {
			if !yield(of(row), err) {
				return
			}
		}
	}
}

// pairKind says how pairs of a kind are stored. They have no rows in
// imported_rows, since both sides do: a pair is imported if it was created
// before the import began, which the times of imported pairs always are. So what
// users do here meanwhile is not taken for a row that the old system has
// deleted.
type pairKind struct {
	table   string // and the name of the kind
	read    func(context.Context, source.Source, source.Range) iter.Seq2[pair, error]
	other   source.Kind
	missing Code // of the other side
	field   string
	// insert stores pairs, and gone finds those that the old system does not have
	// any more, by the keys in the temporary table seen. present has the keys of
	// all. $1 is the latest time of an imported pair. remove deletes what is in the
	// temporary table gone_favorites or gone_follows.
	insert, gone, present, remove string
	// stored takes the pairs that are there already out of the table pairs.
	stored string
	// hidden, if it is not "", stores those that insert does not.
	hidden string
}

// The rows of a chunk are in the temporary table pairs: i, user_key, other_key,
// created_at, and the ids user_id and other_id that the keys lead to.
var favoritePairs = pairKind{
	table: "favorites", read: readFavorites, other: source.Articles, missing: ArticleMissing, field: "article",
	insert: `INSERT INTO favorites (article_id, user_id, article_created_at, created_at)
		SELECT a.id, p.user_id, a.published_at, LEAST($1, COALESCE(p.created_at, GREATEST(a.created_at, u.created_at)))
		FROM pairs p JOIN articles a ON a.id = p.other_id JOIN users u ON u.id = p.user_id
		WHERE NOT a.hidden
		ORDER BY a.id, p.user_id
		ON CONFLICT DO NOTHING`,
	hidden: `INSERT INTO hidden_favorites (article_id, user_id, article_created_at, created_at)
		SELECT a.id, p.user_id, COALESCE(a.published_at, a.created_at), LEAST($1, COALESCE(p.created_at, GREATEST(a.created_at, u.created_at)))
		FROM pairs p JOIN articles a ON a.id = p.other_id JOIN users u ON u.id = p.user_id
		WHERE a.hidden
		ORDER BY a.id, p.user_id
		ON CONFLICT DO NOTHING`,
	gone: `SELECT f.user_id, f.article_id AS other_id FROM ` + allFavorites + ` f
		JOIN imported_rows u ON u.import_id = $2 AND u.kind = 'users' AND u.row_id = f.user_id
		JOIN imported_rows o ON o.import_id = $2 AND o.kind = 'articles' AND o.row_id = f.article_id
		WHERE f.created_at <= $1 AND NOT EXISTS (SELECT FROM seen s WHERE s.key = u.key || '/' || o.key)`,
	present: `SELECT u.key || '/' || o.key AS key FROM ` + allFavorites + ` f
		JOIN imported_rows u ON u.import_id = $2 AND u.kind = 'users' AND u.row_id = f.user_id
		JOIN imported_rows o ON o.import_id = $2 AND o.kind = 'articles' AND o.row_id = f.article_id
		WHERE f.created_at <= $1`,
	stored: `DELETE FROM pairs p USING ` + allFavorites + ` f WHERE f.article_id = p.other_id AND f.user_id = p.user_id`,
	remove: `WITH hidden AS (DELETE FROM hidden_favorites h USING gone_favorites g WHERE h.user_id = g.user_id AND h.article_id = g.other_id)
		DELETE FROM favorites f USING gone_favorites g WHERE f.user_id = g.user_id AND f.article_id = g.other_id`,
}

// allFavorites has those of articles that are not public too.
const allFavorites = `(SELECT article_id, user_id, created_at FROM favorites UNION ALL SELECT article_id, user_id, created_at FROM hidden_favorites)`

var followPairs = pairKind{
	table: "follows", read: readFollows, other: source.Users, missing: UserMissing, field: "followee",
	insert: `INSERT INTO follows (follower_id, followee_id, created_at)
		SELECT p.user_id, p.other_id, LEAST($1, COALESCE(p.created_at, GREATEST(o.created_at, u.created_at)))
		FROM pairs p JOIN users o ON o.id = p.other_id JOIN users u ON u.id = p.user_id
		ORDER BY p.user_id, p.other_id
		ON CONFLICT DO NOTHING`,
	gone: `SELECT f.follower_id AS user_id, f.followee_id AS other_id FROM follows f
		JOIN imported_rows u ON u.import_id = $2 AND u.kind = 'users' AND u.row_id = f.follower_id
		JOIN imported_rows o ON o.import_id = $2 AND o.kind = 'users' AND o.row_id = f.followee_id
		WHERE f.created_at <= $1 AND NOT EXISTS (SELECT FROM seen s WHERE s.key = u.key || '/' || o.key)`,
	present: `SELECT u.key || '/' || o.key AS key FROM follows f
		JOIN imported_rows u ON u.import_id = $2 AND u.kind = 'users' AND u.row_id = f.follower_id
		JOIN imported_rows o ON o.import_id = $2 AND o.kind = 'users' AND o.row_id = f.followee_id
		WHERE f.created_at <= $1`,
	stored: `DELETE FROM pairs p USING follows f WHERE f.follower_id = p.user_id AND f.followee_id = p.other_id`,
	remove: `DELETE FROM follows f USING gone_follows g WHERE f.follower_id = g.user_id AND f.followee_id = g.other_id`,
}

// storeSeen stores the pairs that findGone has read. Most are here already, which
// is found at once for all of them: looking each up takes longer. An interruption
// leaves nothing to go on with, because all are read again.
func (im *run) storeSeen(ctx context.Context, k pairKind) error {
	kind := source.Kind(k.table)
	if im.state.of(kind).Done {
		return nil
	}
	var all, left int64
	err := im.commit(ctx, kind, func(w *writing) (err error) {
		if all, left, err = w.findNew(ctx, k); err != nil {
			return err
		}
		before := w.state.Counts // of what was interrupted
		w.state.Counts = Counts{Added: before.Added, Deleted: before.Deleted}
		w.counts = Counts{Read: all, Unchanged: max(0, all-left-before.Added)}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store %s: %w", kind, err)
	}
	im.progress.rows(kind, all)
	for after := int64(0); after < left; after += pairRows {
		err := im.commit(ctx, kind, func(w *writing) error {
			rows, err := w.tx.Query(ctx, `SELECT user_key, other_key, created_at FROM new_pairs WHERE i > $1 AND i <= $2 ORDER BY i`, after, after+pairRows)
			if err != nil {
				return err
			}
			chunk, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p pair, err error) {
				var created *time.Time
				if err = row.Scan(&p.user, &p.other, &created); created != nil {
					p.created = *created
				}
				return p, err
			})
			if err != nil {
				return err
			}
			return w.storePairs(ctx, k, chunk)
		})
		if err != nil {
			return fmt.Errorf("store %s: %w", kind, err)
		}
	}
	im.progress.done(kind)
	return im.commit(ctx, kind, func(w *writing) error {
		w.state.Done = true
		return nil
	})
}

// findNew fills the temporary table new_pairs with the pairs that are not here, and
// those that have a case or are there twice. Two that are the same stand behind
// each other. It returns how many there are, of all.
func (w *writing) findNew(ctx context.Context, k pairKind) (all, left int64, err error) {
	if _, err := w.tx.Exec(ctx, `DROP TABLE IF EXISTS pg_temp.new_pairs`); err != nil {
		return 0, 0, err
	}
	if _, err := w.tx.Exec(ctx, `CREATE TEMPORARY TABLE new_pairs (i bigint PRIMARY KEY, user_key text COLLATE "C", other_key text COLLATE "C", created_at timestamptz)`); err != nil {
		return 0, 0, err
	}
	if err := w.compareWhole(ctx); err != nil {
		return 0, 0, err
	}
	tag, err := w.tx.Exec(ctx, `INSERT INTO new_pairs
		SELECT row_number() OVER (ORDER BY s.key), left(s.key, s.user_length), substr(s.key, s.user_length + 2), s.created_at
		FROM (SELECT *, count(*) OVER (PARTITION BY key) AS n FROM seen_`+k.table+`) s
		LEFT JOIN (`+k.present+`) p ON p.key = s.key
		LEFT JOIN (SELECT DISTINCT key FROM import_cases WHERE import_id = $2 AND kind = $3) c ON c.key = s.key
		WHERE p.key IS NULL OR c.key IS NOT NULL OR s.n > 1`, w.latestPair(), w.importID, k.table)
	if err != nil {
		return 0, 0, err
	}
	err = w.tx.QueryRow(ctx, `SELECT count(*) FROM seen_`+k.table).Scan(&all)
	return all, tag.RowsAffected(), err
}

// storePairs stores a chunk of pairs, whose sides are found by the database.
func (w *writing) storePairs(ctx context.Context, k pairKind, pairs []pair) error {
	now := w.Now()
	if err := w.copyPairs(ctx, k, pairs, now); err != nil {
		return err
	}
	if !w.bulk() {
		for _, p := range pairs {
			w.judged = append(w.judged, p.user+"/"+p.other)
		}
	}
	if err := w.refusePairs(ctx, k); err != nil {
		return err
	}
	var left int64
	if err := w.tx.QueryRow(ctx, `SELECT count(*) FROM pairs`).Scan(&left); err != nil {
		return err
	}
	if !w.bulk() { // others need not wait if there is nothing to store
		tag, err := w.tx.Exec(ctx, k.stored)
		w.counts.Unchanged += tag.RowsAffected()
		if left -= tag.RowsAffected(); err != nil || left == 0 {
			return err
		}
	}
	if w.DryRun {
		tag, err := w.tx.Exec(ctx, `INSERT INTO claimed SELECT $1, user_id || '/' || other_id FROM pairs ON CONFLICT DO NOTHING`, k.table)
		w.counts.Added += tag.RowsAffected()
		w.counts.Unchanged += left - tag.RowsAffected()
		return err
	}
	if err := w.write(ctx, k.table); err != nil {
		return err
	}
	tag, err := w.tx.Exec(ctx, k.insert, w.latestPair())
	if err != nil {
		return err
	}
	added := tag.RowsAffected()
	if added < left && k.hidden != "" {
		if tag, err = w.tx.Exec(ctx, k.hidden, w.latestPair()); err != nil {
			return err
		}
		added += tag.RowsAffected()
	}
	w.counts.Added += added
	w.counts.Unchanged += left - added
	return nil
}

// latestPair returns the latest time that an imported pair has here.
func (im *run) latestPair() time.Time { return im.state.started.Add(-time.Millisecond) }

func (w *writing) copyPairs(ctx context.Context, k pairKind, pairs []pair, now time.Time) error {
	if _, err := w.tx.Exec(ctx, `CREATE TEMPORARY TABLE pair_keys (i int, user_key text COLLATE "C", other_key text COLLATE "C", created_at timestamptz) ON COMMIT DROP`); err != nil {
		return err
	}
	_, err := w.tx.CopyFrom(ctx, pgx.Identifier{"pair_keys"}, []string{"i", "user_key", "other_key", "created_at"},
		pgx.CopyFromSlice(len(pairs), func(i int) ([]any, error) {
			p := pairs[i]
			created := storable(p.created)
			if created != nil && !created.Before(now) {
				created = nil
			}
			return []any{i, p.user, p.other, created}, nil
		}))
	if err != nil {
		return err
	}
	if err := w.analyze(ctx, `ANALYZE pair_keys`); err != nil {
		return err
	}
	_, err = w.tx.Exec(ctx, `CREATE TEMPORARY TABLE pairs ON COMMIT DROP AS
		SELECT k.i, k.user_key, k.other_key, k.created_at, u.row_id AS user_id, o.row_id AS other_id
		FROM pair_keys k
		LEFT JOIN imported_rows u ON u.import_id = $1 AND u.kind = 'users' AND u.key = k.user_key AND (u.row_id >= $3 OR EXISTS (SELECT FROM users x WHERE x.id = u.row_id))
		LEFT JOIN imported_rows o ON o.import_id = $1 AND o.kind = $2 AND o.key = k.other_key AND (o.row_id >= $3 OR EXISTS (SELECT FROM `+string(k.other)+` x WHERE x.id = o.row_id))`,
		w.importID, string(k.other), int64(firstFake))
	if err != nil {
		return err
	}
	return w.analyze(ctx, `ANALYZE pairs`)
}

// storable returns a time to the millisecond, and nil if it is missing or not one
// that PostgreSQL can store.
func storable(t time.Time) *time.Time {
	t = t.UTC().Round(time.Millisecond)
	if t.Year() < 1 || t.IsZero() || t.After(latestTime) {
		return nil
	}
	return &t
}

// analyze counts the rows of a temporary table, so that it is read from end to end
// and the large tables by their indexes, whatever planByIndexes has set.
func (w *writing) analyze(ctx context.Context, statement string) error {
	if _, err := w.tx.Exec(ctx, statement); err != nil {
		return err
	}
	_, err := w.tx.Exec(ctx, `SELECT set_config('enable_seqscan', 'on', true), set_config('enable_hashjoin', 'on', true)`)
	return err
}

// refusePairs leaves out pairs whose sides are missing, and the second of two
// that are the same.
func (w *writing) refusePairs(ctx context.Context, k pairKind) error {
	rows, err := w.tx.Query(ctx, `
		WITH refused AS (
			SELECT i, user_key, other_key, CASE WHEN user_id IS NULL THEN 'user' ELSE $6 END AS field,
			       CASE WHEN user_id IS NULL THEN $1 WHEN other_id IS NULL THEN $2 WHEN $3 AND user_id = other_id THEN $4
			            WHEN row_number() OVER (PARTITION BY user_id, other_id ORDER BY i) > 1 THEN $5 END AS code
			FROM pairs
		), gone AS (
			DELETE FROM pairs p USING refused r WHERE p.i = r.i AND r.code IS NOT NULL RETURNING r.user_key, r.other_key, r.field, r.code
		) SELECT * FROM gone`,
		string(UserMissing), string(k.missing), k.table == "follows", string(Self), string(Duplicate), k.field)
	if err != nil {
		return err
	}
	var user, other, field, code string
	_, err = pgx.ForEachRow(rows, []any{&user, &other, &field, &code}, func() error {
		j := w.judge(strings.Join([]string{user, other}, "/"))
		j.note(Code(code), field, "", "")
		w.decided(j)
		return nil
	})
	return err
}

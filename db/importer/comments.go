package importer

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/db/importer/source"
)

// comments imports the comments, with their ids where they are numbers.
func (im *run) comments(ctx context.Context) error {
	if err := im.giveBack(ctx, source.Comments); err != nil {
		return err
	}
	if err := im.prepareComments(ctx); err != nil {
		return fmt.Errorf("prepare the comments: %w", err)
	}
	err := load(ctx, im, kindOf[source.Comment]{
		kind: source.Comments, read: im.Source.Comments, store: storeComments,
		row: func(c source.Comment) source.Row { return c.Row },
		changed: func(c source.Comment) time.Time { // as sqlsource compares it
			if c.UpdatedAt.IsZero() {
				return c.CreatedAt
			}
			return c.UpdatedAt
		},
		size: func(c source.Comment) int { return len(c.Body) },
	})
	if err != nil {
		return err
	}
	if err := im.commit(ctx, source.Comments, func(w *writing) error { return w.joinThreads(ctx) }); err != nil {
		return fmt.Errorf("join the threads of comments: %w", err)
	}
	return nil
}

// prepareComments makes sure that new ids are higher than all of the old system,
// before the first comment whose id somebody has here already gets a new one.
// Otherwise that one would take the id of the next comment, and so on.
func (im *run) prepareComments(ctx context.Context) error {
	if im.DryRun {
		_, err := im.conn.Exec(ctx, `CREATE TEMPORARY TABLE IF NOT EXISTS planned_comments (id bigint PRIMARY KEY, article_id bigint, parent_id bigint, depth smallint)`)
		return err
	}
	if im.state.Run > 1 || im.state.of(source.Comments).After != "" {
		return nil
	}
	var own bool
	if err := im.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM comments)`).Scan(&own); err != nil || !own {
		return err
	}
	highest := int64(0)
	for key, err := range im.Source.Keys(ctx, source.Comments) {
		if err != nil {
			return fmt.Errorf("read the keys: %w", err)
		}
		if id, ok := commentID(key); ok {
			highest = max(highest, id)
		}
	}
	return im.reserveIDs(ctx, highest)
}

func sumOfComment(c source.Comment) int64 {
	return newDigest().text(c.ArticleKey, c.AuthorKey, c.ParentKey, c.Body, stamp(c.CreatedAt), stamp(c.UpdatedAt), fmt.Sprint(c.Deleted)).sum()
}

// comment is a comment as it is stored.
type comment struct {
	source.Comment // with repaired texts and times
	imported       // id is 0 if the comment is new
	article        int64
	author         *int64 // nil if the comment was deleted
	parent         *int64
	depth          int16
}

// maxCommentID is the largest integer that JavaScript has exactly.
const maxCommentID = 1<<53 - 1

// maxDepth is that of comments.depth. A deeper reply answers the comment above.
const maxDepth = 8

func judgeComment(j *judge, c source.Comment) comment {
	if c.Body = j.text("body", c.Body, maxComment); c.Deleted {
		c.Body, c.AuthorKey = "", ""
	}
	c.CreatedAt, c.UpdatedAt = j.times(c.CreatedAt, c.UpdatedAt)
	return comment{Comment: c, depth: 1}
}

func storeComments(ctx context.Context, w *writing, rows []source.Comment) error {
	known, err := w.before(ctx, keysOf(rows, func(c source.Comment) string { return c.Key }))
	if err != nil {
		return err
	}
	changed := rows[:0:0]
	for _, c := range rows {
		if before, ok := known[c.Key]; ok && before.checksum == sumOfComment(c) {
			w.counts.Unchanged++
			continue
		}
		changed = append(changed, c)
	}
	if len(changed) == 0 {
		return nil
	}
	found, err := w.commentTargets(ctx, changed, known)
	if err != nil {
		return err
	}
	if err := w.prepareIDs(ctx, changed, known, &found); err != nil {
		return err
	}
	added, again := []comment{}, []comment{}
	for _, row := range changed {
		j := w.judge(row.Key)
		c := judgeComment(j, row)
		c.imported = imported{id: known[row.Key].id, checksum: sumOfComment(row)}
		if err := w.place(ctx, j, &c, found); err != nil {
			return err
		}
		if !w.decided(j) {
			continue
		}
		if c.id != 0 {
			if c.parent != nil && found.first[c.id] { // joinThreads does the rest
				c.parent, c.depth = nil, 1
				w.cases = append(w.cases, Case{Kind: w.kind, Key: c.Key, Code: ParentMissing, Field: "parent", Action: Repair, Other: c.ParentKey})
			}
			found.parents[c.Key] = thread{c.id, c.article, c.depth, c.parent}
			again = append(again, c)
			continue
		}
		if err := w.giveID(ctx, j, &c, &found); err != nil {
			return err
		}
		w.cases = append(w.cases, j.cases...)
		found.parents[c.Key] = thread{c.id, c.article, c.depth, c.parent}
		added = append(added, c)
	}
	if err := w.addComments(ctx, added); err != nil {
		return err
	}
	return w.changeComments(ctx, again)
}

// thread is a comment that others may answer.
type thread struct {
	id, article int64
	depth       int16
	parent      *int64
}

// targets are the rows that comments refer to. The ids taken have other comments,
// first have those that are here and answer none, and nobody has the ids free.
type targets struct {
	articles, authors map[string]int64
	parents           map[string]thread
	taken, first      map[int64]bool
	free              []int64
}

func (w *writing) commentTargets(ctx context.Context, rows []source.Comment, known map[string]imported) (t targets, err error) {
	if t.articles, err = w.present(ctx, source.Articles, "articles", distinctKeys(rows, func(c source.Comment) string { return c.ArticleKey })); err != nil {
		return t, err
	}
	if t.authors, err = w.present(ctx, source.Users, "users", distinctKeys(rows, func(c source.Comment) string { return c.AuthorKey })); err != nil {
		return t, err
	}
	if t.parents, err = w.parents(ctx, distinctKeys(rows, func(c source.Comment) string { return c.ParentKey })); err != nil {
		return t, err
	}
	var ids, answers []int64
	for _, c := range rows {
		if before, isKnown := known[c.Key]; isKnown && c.ParentKey != "" {
			answers = append(answers, before.id)
		} else if id, ok := commentID(c.Key); ok && !isKnown {
			ids = append(ids, id)
		}
	}
	if t.taken, err = w.commentsOf(ctx, ids, ``); err != nil {
		return t, err
	}
	t.first, err = w.commentsOf(ctx, answers, `AND c.parent_id IS NULL`)
	return t, err
}

// commentsOf returns which of the ids comments have.
func (w *writing) commentsOf(ctx context.Context, ids []int64, condition string) (map[int64]bool, error) {
	have := map[int64]bool{}
	if len(ids) == 0 {
		return have, nil
	}
	rows, err := w.tx.Query(ctx, `SELECT c.id FROM `+w.allComments()+` c WHERE c.id = ANY ($1) `+condition, ids)
	if err != nil {
		return nil, err
	}
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		have[id] = true
		return nil
	})
	return have, err
}

// parents returns the comments with these keys.
func (w *writing) parents(ctx context.Context, keys []string) (map[string]thread, error) {
	parents := map[string]thread{}
	if len(keys) == 0 {
		return parents, nil
	}
	rows, err := w.tx.Query(ctx, `SELECT r.key, r.row_id, c.article_id, c.depth, c.parent_id
		FROM imported_rows r JOIN `+w.allComments()+` c ON c.id = r.row_id
		WHERE r.import_id = $1 AND r.kind = 'comments' AND r.key = ANY ($2)`, w.importID, keys)
	if err != nil {
		return nil, err
	}
	var key string
	var t thread
	_, err = pgx.ForEachRow(rows, []any{&key, &t.id, &t.article, &t.depth, &t.parent}, func() error {
		parents[key] = t
		t.parent = nil
		return nil
	})
	return parents, err
}

// commentID returns the id that a comment keeps.
func commentID(key string) (int64, bool) {
	id, err := strconv.ParseInt(key, 10, 64)
	return id, err == nil && id > 0 && id <= maxCommentID
}

// place finds the article, the author and the comment that a comment answers.
func (w *writing) place(ctx context.Context, j *judge, c *comment, found targets) (err error) {
	var ok bool
	if c.article, ok = found.articles[c.ArticleKey]; !ok {
		j.note(ArticleMissing, "article", "", c.ArticleKey)
		return nil
	}
	if !c.Deleted {
		author, err := w.author(ctx, j, found.authors, c.AuthorKey)
		if err != nil {
			return err
		}
		c.author = &author
	}
	if c.ParentKey == "" {
		return nil
	}
	parent, ok := found.parents[c.ParentKey]
	switch {
	case ok && parent.article != c.article || c.ParentKey == c.Key:
		j.note(ParentWrong, "parent", "", c.ParentKey)
	case !ok:
		j.note(ParentMissing, "parent", "", c.ParentKey)
	case parent.depth == maxDepth:
		c.parent, c.depth = parent.parent, maxDepth
		j.note(ThreadDeep, "parent", "", "")
	default:
		c.parent, c.depth = &parent.id, parent.depth+1
	}
	return nil
}

// prepareIDs gets new ids for comments that cannot keep theirs, all at once.
// Before, it makes sure that they are none of those of the other comments.
func (w *writing) prepareIDs(ctx context.Context, rows []source.Comment, known map[string]imported, found *targets) (err error) {
	highest, others := int64(0), 0
	for _, c := range rows {
		if _, isKnown := known[c.Key]; isKnown {
			continue
		}
		id, ok := commentID(c.Key)
		if ok {
			highest = max(highest, id)
		}
		if !ok || found.taken[id] {
			others++
		}
	}
	if !w.DryRun {
		if err := w.reserveIDs(ctx, highest); err != nil {
			return err
		}
	}
	found.free, err = w.ids(ctx, "comments", others)
	return err
}

// giveID gives a comment its old id if nobody has it.
func (w *writing) giveID(ctx context.Context, j *judge, c *comment, found *targets) error {
	j.cases = nil // those before are noted
	id, ok := commentID(c.Key)
	if !ok || found.taken[id] {
		if len(found.free) == 0 { // two keys are the same number
			ids, err := w.ids(ctx, "comments", 1)
			if err != nil {
				return err
			}
			found.free = ids
		}
		id, found.free = found.free[0], found.free[1:]
		j.note(IDTaken, "id", strconv.FormatInt(id, 10), "")
	}
	found.taken[id] = true
	c.id = id
	return nil
}

func (w *writing) addComments(ctx context.Context, added []comment) error {
	if len(added) == 0 {
		return nil
	}
	rows, keys := make([]imported, len(added)), make([]string, len(added))
	for i, c := range added {
		rows[i], keys[i] = c.imported, c.Key
	}
	w.counts.Added += int64(len(added))
	if err := w.remember(ctx, rows, keys); err != nil {
		return err
	}
	if w.DryRun {
		_, err := w.tx.CopyFrom(ctx, pgx.Identifier{"planned_comments"}, []string{"id", "article_id", "parent_id", "depth"},
			pgx.CopyFromSlice(len(added), func(i int) ([]any, error) {
				c := added[i]
				return []any{c.id, c.article, c.parent, c.depth}, nil
			}))
		return err
	}
	if err := w.write(ctx, "comments"); err != nil {
		return err
	}
	_, err := w.tx.CopyFrom(ctx, pgx.Identifier{"comments"},
		[]string{"id", "article_id", "author_id", "body", "created_at", "updated_at", "parent_id", "depth"},
		pgx.CopyFromSlice(len(added), func(i int) ([]any, error) {
			c := added[i]
			return []any{c.id, c.article, c.author, c.Body, c.CreatedAt, c.UpdatedAt, c.parent, c.depth}, nil
		}))
	if err != nil {
		return fmt.Errorf("copy comments: %w", err)
	}
	return nil
}

// idGap is how many ids are left between the highest imported one and those of
// new comments, for comments that the old system creates until the last run.
const idGap = 1_000_000

// reserveIDs makes sure that comments which are created here get no id that an
// imported one has or will have. It is not undone by a rollback.
func (im *run) reserveIDs(ctx context.Context, highest int64) error {
	if highest == 0 || highest+idGap/2 <= im.reserved {
		return nil
	}
	return im.conn.QueryRow(ctx, `SELECT CASE WHEN last_value >= $1 THEN last_value ELSE setval(pg_get_serial_sequence('comments', 'id'), $2) END FROM comments_id_seq`,
		highest+idGap/2, highest+idGap).Scan(&im.reserved)
}

// changeComments updates comments that have changed in the old system. Their
// article is another row here if its key has changed there, as when the key is
// the slug. A trigger adds the difference of their bytes to the author before, who
// loses all of them if another one gets the comment.
func (w *writing) changeComments(ctx context.Context, changed []comment) error {
	if len(changed) == 0 {
		return nil
	}
	if !w.DryRun {
		if err := w.write(ctx, "comments"); err != nil {
			return err
		}
	}
	sums := map[string]int64{}
	var batch pgx.Batch
	for _, c := range changed {
		sums[c.Key] = c.checksum
		if c.Deleted { // a trigger keeps what replies need
			batch.Queue(`DELETE FROM comments WHERE id = $1 AND author_id IS NOT NULL`, c.id)
			continue
		}
		batch.Queue(`WITH before AS (
				SELECT id, author_id FROM comments WHERE id = $1 AND author_id IS NOT NULL FOR NO KEY UPDATE
			), c AS (
				UPDATE comments c SET author_id = $2, body = $3, created_at = $4, updated_at = $5, article_id = $6, parent_id = $7, depth = $8
				FROM before b WHERE c.id = b.id
				RETURNING b.author_id AS from_id, c.author_id AS to_id, octet_length(c.body) AS bytes
			), moved AS (
				UPDATE users u SET stored_bytes = u.stored_bytes + CASE u.id WHEN c.to_id THEN c.bytes ELSE -c.bytes END
				FROM c WHERE c.from_id <> c.to_id AND u.id IN (c.from_id, c.to_id)
			) SELECT FROM c`,
			c.id, c.author, c.Body, c.CreatedAt, c.UpdatedAt, c.article, c.parent, c.depth)
	}
	return w.change(ctx, &batch, sums)
}

// distinctKeys returns the keys that rows refer to, each once and without "".
func distinctKeys[R any](rows []R, key func(R) string) []string {
	seen := make(map[string]bool, len(rows))
	var keys []string
	for _, r := range rows {
		if k := key(r); k != "" && !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	return keys
}

func repeat(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}

package importer_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/source"
)

// answer is a comment whose key is no number. Its body is its name.
func answer(name, to string, article int) source.Comment {
	c := comment(0, article, 1)
	c.Key, c.ParentKey, c.Body = "k"+name, "", name
	if to != "" {
		c.ParentKey = "k" + to
	}
	return c
}

// tree lists which comment answers which, by their bodies.
const tree = `SELECT string_agg(c.body || '<' || COALESCE(p.body, '') || ':' || c.depth, ' ' ORDER BY length(c.body), c.body)
	FROM comments c LEFT JOIN comments p ON p.id = c.parent_id WHERE c.body <> 'Nice.'`

// TestLateParents imports answers before what they answer, as UUIDs have any
// order.
func TestLateParents(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	for i := 11; i >= 1; i-- {
		to := strconv.Itoa(i - 1)
		if i == 1 {
			to = ""
		}
		m.comments = append(m.comments, answer(strconv.Itoa(i), to, 1))
	}
	r := run(t, d, m)
	require.Equal(t, "1<:1 2<1:2 3<2:3 4<3:4 5<4:5 6<5:6 7<6:7 8<7:8 9<7:8 10<7:8 11<7:8", text(t, d, tree))
	require.Equal(t, map[importer.Code]int64{importer.IDTaken: 11, importer.ThreadDeep: 3}, r.Cases)
	require.True(t, verify(t, d, m).OK())
	require.Equal(t, int64(16), run(t, d, m).Counts[source.Comments].Unchanged)
}

// TestThreadsInAnyOrder imports random threads in two orders: the result is the
// same.
func TestThreadsInAnyOrder(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var all []source.Comment
	for i := range 150 {
		to := ""
		if i > 3 {
			to = strconv.Itoa(max(i-1-random.IntN(4), 0))
		}
		all = append(all, answer(strconv.Itoa(i), to, 1+i/140))
	}
	all = append(all, answer("x", "z", 1), answer("y", "x", 1), answer("z", "y", 1), answer("w", "nobody", 1))
	var trees []string
	var cases []map[importer.Code]int64
	for range 3 {
		d := dbtest.Open(t)
		m := small()
		m.comments = append(m.comments, all...)
		planned := run(t, d, m, dry)
		r := run(t, d, m)
		require.Equal(t, planned.Counts, r.Counts)
		require.Positive(t, r.Cases[importer.ParentWrong], "a circle is cut somewhere")
		delete(r.Cases, importer.ParentWrong)
		trees, cases = append(trees, text(t, d, tree+` AND c.body NOT IN ('x', 'y', 'z')`)), append(cases, r.Cases)
		require.True(t, verify(t, d, m).OK())
		require.Zero(t, number(t, d, `SELECT count(*) FROM pg_indexes WHERE indexname = 'comments_late_idx'`))
		require.Equal(t, int64(1), r.Cases[importer.ParentMissing])
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	require.Equal(t, trees[0], trees[1])
	require.Equal(t, trees[0], trees[2])
	require.Equal(t, cases[0], cases[1])
	require.Equal(t, cases[0], cases[2])
	require.Contains(t, trees[0], ":8")
}

// TestParentOfLaterRun imports what a comment answers in a later run than the
// comment, which has got answers here meanwhile, or has changed too.
func TestParentOfLaterRun(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	m.comments = append(m.comments, answer("b", "a", 1), answer("d", "c", 1))
	require.Equal(t, int64(2), run(t, d, m).Cases[importer.ParentMissing])
	require.True(t, verify(t, d, m).OK())
	_, err := d.Exec(t.Context(), `INSERT INTO comments (article_id, author_id, body, parent_id, depth) SELECT article_id, author_id, 'here', id, 2 FROM comments WHERE body = 'b'`)
	require.NoError(t, err)
	m.comments = append(m.comments, answer("a", "", 1), answer("c", "", 1))
	m.comments[6].Body = "dd"
	planned := run(t, d, m, dry)
	r := run(t, d, m)
	require.Equal(t, planned.Cases, r.Cases)
	require.Zero(t, r.Cases[importer.ParentMissing])
	require.Equal(t, "a<:1 b<a:2 c<:1 dd<c:2 here<b:3", text(t, d, tree))
	require.True(t, verify(t, d, m).OK())
	requireRight(t, d)
}

// TestOwnComments imports comments whose ids have others here already. Only those
// get new ids.
func TestOwnComments(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	for _, sql := range []string{
		`INSERT INTO users (username, folded_username, email, password_hash) VALUES ('here', 'here', 'here@example.com', '')`,
		`INSERT INTO articles (slug, author_id, title, description, body) SELECT 'here', id, 'Here', '', '' FROM users`,
		`INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM articles`,
		`INSERT INTO comments (article_id, author_id, body) SELECT id, author_id, 'here' FROM articles, generate_series(1, 3)`,
	} {
		_, err := d.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	m := small()
	m.comments = nil
	for i := 1; i <= 12_000; i++ {
		m.comments = append(m.comments, comment(i, 1, 1))
	}
	r := run(t, d, m)
	require.Equal(t, map[importer.Code]int64{importer.IDTaken: 3}, r.Cases)
	require.Equal(t, "1 2 3", text(t, d, `SELECT string_agg(key, ' ' ORDER BY key) FROM import_cases`))
	require.Equal(t, int64(3), number(t, d, `SELECT count(*) FROM comments WHERE id > 12000 + 1000000`))
}

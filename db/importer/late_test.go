package importer_test

import (
	"context"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/source"
)

// changedSince is a source that leaves out articles and comments that have not
// changed, as a database does.
type changedSince struct{ *memory }

func changed[R any](rows iter.Seq2[R, error], r source.Range, at func(R) time.Time) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for row, err := range rows {
			if (err != nil || !at(row).Before(r.Since)) && !yield(row, err) {
				return
			}
		}
	}
}

func (c changedSince) Articles(ctx context.Context, r source.Range) iter.Seq2[source.Article, error] {
	return changed(c.memory.Articles(ctx, r), r, func(a source.Article) time.Time { return a.UpdatedAt })
}

func (c changedSince) Comments(ctx context.Context, r source.Range) iter.Seq2[source.Comment, error] {
	return changed(c.memory.Comments(ctx, r), r, func(a source.Comment) time.Time { return a.UpdatedAt })
}

func onlyChanged(c *importer.Config) { c.Source = changedSince{c.Source.(*memory)} }

// withoutUser6 has rows of an account that registers during the first run, after
// the accounts were read.
func withoutUser6() *memory {
	m := small()
	// The others have changed too long ago to be read again.
	m.articles[0].UpdatedAt, m.comments[0].UpdatedAt = m.articles[0].UpdatedAt.Add(time.Hour), m.comments[0].UpdatedAt.Add(time.Hour)
	m.articles = append(m.articles, article(6, 6, "ant"), article(7, 6, "ant"))
	m.articles[6].Draft = true
	m.comments = append(m.comments, comment(106, 6, 6), comment(107, 6, 1))
	m.favorites = append(m.favorites, source.Favorite{UserKey: "1", ArticleKey: "6"})
	return m
}

// requireRight checks all that is derived from rows. The names of tags that only
// drafts have are deleted by an hourly job.
func requireRight(t *testing.T, d *db.DB) {
	t.Helper()
	rows, err := d.Query(t.Context(), dbtest.WrongCounters)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var wrong string
		require.NoError(t, rows.Scan(&wrong))
		if !strings.HasPrefix(wrong, "unused tag ") {
			t.Error(wrong)
		}
	}
	require.NoError(t, rows.Err())
}

// TestLateAuthor imports rows of an account that is not there yet. The next run
// gives them to it, although they have not changed.
func TestLateAuthor(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := withoutUser6()
	r := run(t, d, m, onlyChanged)
	require.Equal(t, map[importer.Code]int64{importer.AuthorMissing: 3}, r.Cases)
	const authors = `SELECT string_agg(DISTINCT username, ',' ORDER BY username) FROM (SELECT author_id FROM articles WHERE slug IN ('a-6', 'a-7')
		UNION SELECT author_id FROM comments WHERE id = 106 UNION SELECT author_id FROM draft_slugs) a JOIN users u ON u.id = a.author_id`
	require.Equal(t, "former-member", text(t, d, authors))

	m.users = append(m.users, user(6))
	require.False(t, verify(t, d, m).OK(), "the account is not imported yet")
	planned := run(t, d, m, onlyChanged, dry)
	r = run(t, d, m, onlyChanged)
	require.Equal(t, planned.Counts, r.Counts)
	require.Empty(t, planned.Cases)
	require.Empty(t, r.Cases)
	require.Equal(t, importer.Counts{Read: 1, Unchanged: 1, Changed: 2}, r.Counts[source.Articles])
	require.Equal(t, importer.Counts{Read: 1, Unchanged: 1, Changed: 1}, r.Counts[source.Comments])
	require.Equal(t, "u6", text(t, d, authors))
	requireRight(t, d)
	require.True(t, verify(t, d, m).OK())
	require.Equal(t, importer.Counts{Read: 1, Unchanged: 1}, run(t, d, m, onlyChanged).Counts[source.Articles])
}

// TestLateAuthorElsewhere leaves a row with the account that somebody has given
// it to here, and then says that it differs.
func TestLateAuthorElsewhere(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := withoutUser6()
	run(t, d, m)
	_, err := d.Exec(t.Context(), `UPDATE articles SET author_id = (SELECT id FROM users WHERE username = 'u1') WHERE slug = 'a-6'`)
	require.NoError(t, err)
	m.users = append(m.users, user(6))
	require.Equal(t, int64(1), run(t, d, m).Counts[source.Articles].Changed)
	require.Equal(t, "u1", text(t, d, `SELECT username FROM articles a JOIN users u ON u.id = author_id WHERE slug = 'a-6'`))
	require.Equal(t, []importer.Difference{{Kind: source.Articles, Key: "6", Fields: []string{"author"}}}, verify(t, d, m).Differences)
}

// TestLeftOutUntilThere leaves out the rows of an account that is not there, and
// imports them when it is, although they have not changed.
func TestLeftOutUntilThere(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := withoutUser6()
	skip := func(c *importer.Config) {
		onlyChanged(c)
		c.Settings.Actions = map[importer.Code]importer.Action{importer.AuthorMissing: importer.Skip}
	}
	r := run(t, d, m, skip)
	require.Equal(t, map[importer.Code]int64{importer.AuthorMissing: 2, importer.ArticleMissing: 3}, r.Cases)
	require.True(t, verify(t, d, m).OK())
	m.users = append(m.users, user(6))
	r = run(t, d, m, skip)
	require.Empty(t, r.Cases)
	require.Equal(t, int64(2), r.Counts[source.Articles].Added)
	require.Equal(t, int64(2), r.Counts[source.Comments].Added)
	require.Equal(t, int64(1), r.Counts[source.Favorites].Added)
	require.True(t, verify(t, d, m).OK())
	require.Equal(t, importer.Counts{Read: 1, Unchanged: 1}, run(t, d, m, skip).Counts[source.Articles])
}

// TestChangedAuthorOfComment gives a comment that has changed to another account,
// with its bytes.
func TestChangedAuthorOfComment(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	run(t, d, m)
	m.comments[0].AuthorKey, m.comments[0].Body = "4", "A longer text."
	m.comments[1].AuthorKey = "5"
	m.comments[2].Body = ""
	require.Equal(t, int64(3), run(t, d, m).Counts[source.Comments].Changed)
	requireRight(t, d)
	require.True(t, verify(t, d, m).OK())
}

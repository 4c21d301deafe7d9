package filesource_test

import (
	"iter"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/importer/source"
)

// file writes a file for a test and returns its path.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func collect[R any](t testing.TB, rows iter.Seq2[R, error]) (all []R) {
	t.Helper()
	for row, err := range rows {
		require.NoError(t, err)
		all = append(all, row)
	}
	return all
}

// everything returns all rows of a source, and checks what holds for each
// source: it goes on after each row, has each key once, counts its rows, and
// returns the same rows again.
func everything(t testing.TB, s source.Source) (users []source.User, articles []source.Article, comments []source.Comment, favorites []source.Favorite, follows []source.Follow) {
	t.Helper()
	ctx := t.Context()
	counts, err := s.Counts(ctx)
	require.NoError(t, err)
	users = resumable(t, s, counts, source.Users, func(r source.Range) iter.Seq2[source.User, error] { return s.Users(ctx, r) }, func(u source.User) source.Row { return u.Row })
	articles = resumable(t, s, counts, source.Articles, func(r source.Range) iter.Seq2[source.Article, error] { return s.Articles(ctx, r) }, func(a source.Article) source.Row { return a.Row })
	comments = resumable(t, s, counts, source.Comments, func(r source.Range) iter.Seq2[source.Comment, error] { return s.Comments(ctx, r) }, func(c source.Comment) source.Row { return c.Row })
	favorites = resumable(t, s, counts, source.Favorites, func(r source.Range) iter.Seq2[source.Favorite, error] { return s.Favorites(ctx, r) }, func(f source.Favorite) source.Row { return f.Row })
	follows = resumable(t, s, counts, source.Follows, func(r source.Range) iter.Seq2[source.Follow, error] { return s.Follows(ctx, r) }, func(f source.Follow) source.Row { return f.Row })
	return users, articles, comments, favorites, follows
}

func resumable[R any](t testing.TB, s source.Source, counts source.Counts, kind source.Kind, read func(source.Range) iter.Seq2[R, error], row func(R) source.Row) []R {
	t.Helper()
	all := collect(t, read(source.Range{}))
	require.Len(t, all, int(counts[kind]), kind)
	keys := map[string]bool{}
	for i, r := range all {
		require.Equal(t, all[i+1:], append([]R{}, collect(t, read(source.Range{After: row(r).Position}))...), "after %s", row(r).Key)
		keys[row(r).Key] = true
	}
	require.Len(t, keys, len(all), kind)
	for _, key := range collect(t, s.Keys(t.Context(), kind)) {
		require.True(t, keys[key], key)
		delete(keys, key)
	}
	require.Empty(t, keys)
	return all
}

package importer_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/source"
)

// TestInterrupted imports with an interruption at every row of every kind, each
// time a new one.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	failed := map[string]bool{}
	interrupted := errors.New("interrupted")
	m.fail = func(kind source.Kind, i int) error {
		at := fmt.Sprint(kind, i)
		if failed[at] {
			return nil
		}
		failed[at] = true
		return interrupted
	}
	for range 25 {
		_, err := importer.Run(t.Context(), d.Pool(), importer.Config{Source: m})
		require.ErrorIs(t, err, interrupted)
	}
	r := run(t, d, m)
	require.True(t, r.Resumed)
	require.Equal(t, 2, r.Run, "another run behind the interrupted one")
	for _, kind := range source.Kinds {
		require.Equal(t, importer.Counts{Read: 10, Added: 5, Unchanged: 5}, r.Counts[kind], kind)
	}
}

// TestRulesAreKept does in later runs what was chosen in an earlier one, unless
// another action is chosen.
func TestRulesAreKept(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	m.articles = append(m.articles, article(6, 99))
	skip := func(c *importer.Config) {
		c.Settings.Actions = map[importer.Code]importer.Action{importer.AuthorMissing: importer.Skip}
	}
	full := func(c *importer.Config) { c.Full = true }
	require.Equal(t, int64(1), run(t, d, m, skip).Counts[source.Articles].LeftOut)
	require.Equal(t, int64(1), run(t, d, m, full, dry).Counts[source.Articles].LeftOut)
	require.Equal(t, int64(1), run(t, d, m, full).Counts[source.Articles].LeftOut)
	r := run(t, d, m, full, func(c *importer.Config) {
		c.Settings.Actions = map[importer.Code]importer.Action{importer.AuthorMissing: importer.Account}
	})
	require.Equal(t, int64(1), r.Counts[source.Articles].Added)
}

// TestInterruptedFile goes on where a run was interrupted, and reads the kind from
// its beginning, because the file is another one.
func TestInterruptedFile(t *testing.T) {
	t.Parallel()
	for _, kind := range source.Kinds {
		d := dbtest.Open(t)
		m := small()
		interrupted := errors.New("interrupted")
		m.fail = func(at source.Kind, i int) error {
			if at == kind && i == 3 {
				return interrupted
			}
			return nil
		}
		_, err := importer.Run(t.Context(), d.Pool(), importer.Config{Source: m})
		require.ErrorIs(t, err, interrupted)
		m.fail, m.whole = nil, true
		m.users[0].Bio = &m.users[0].Email
		r := run(t, d, m)
		require.True(t, r.Resumed)
		require.Empty(t, r.Cases, kind)
		require.Equal(t, int64(5), r.Counts[kind].Added, kind)
		require.True(t, verify(t, d, m).OK(), kind)
	}
}

// TestInterruptedAgain interrupts a later run at every row of every kind.
func TestInterruptedAgain(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	run(t, d, m)
	m.users[0].Username, m.users[1].Username = "u2", "u1"
	m.articles[0].Title, m.comments[0].Body = "Changed", "Changed."
	m.users, m.articles, m.comments = append(m.users, user(6)), append(m.articles, article(6, 6)), append(m.comments[:4:4], comment(106, 6, 6))
	m.favorites = append(m.favorites[1:], source.Favorite{UserKey: "6", ArticleKey: "6"})
	m.follows = append(m.follows[1:], source.Follow{FollowerKey: "6", FolloweeKey: "1"})
	interrupted := errors.New("interrupted")
	failed := map[string]bool{}
	m.fail = func(kind source.Kind, i int) error {
		if at := fmt.Sprint(kind, i); !failed[at] {
			failed[at] = true
			return interrupted
		}
		return nil
	}
	attempts := 0
	for ; ; attempts++ {
		if _, err := importer.Run(t.Context(), d.Pool(), importer.Config{Source: m}); err == nil {
			break
		} else {
			require.ErrorIs(t, err, interrupted)
		}
	}
	require.Equal(t, 5*5+2, attempts)
	requireCounted(t, d)
	proof := verify(t, d, m)
	require.True(t, proof.OK(), proof)
}

// interrupt ends an import before the first row of a kind is read.
func interrupt(t *testing.T, d *db.DB, m *memory, at source.Kind, options ...func(*importer.Config)) {
	t.Helper()
	interrupted := errors.New("interrupted")
	m.fail = func(kind source.Kind, _ int) error {
		if kind == at {
			return interrupted
		}
		return nil
	}
	cfg := importer.Config{Source: m}
	for _, o := range options {
		o(&cfg)
	}
	_, err := importer.Run(t.Context(), d.Pool(), cfg)
	require.ErrorIs(t, err, interrupted)
	m.fail = nil
}

// TestChangedMeanwhile goes on with an import after the old system has changed
// what the interrupted run had read already.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprint(again), func(t *testing.T) {
			t.Parallel()
			d := dbtest.Open(t)
			m := small()
			if again {
				run(t, d, m)
			}
			interrupt(t, d, m, source.Comments)
			m.users[0].Bio = new("changed")
			m.users = append(m.users, user(6))
			m.articles = append(m.articles[:3:3], m.articles[4], article(6, 6))
			m.comments = append(m.comments[:3:3], m.comments[4])
			m.favorites, m.follows = m.favorites[:1], m.follows[:1]
			r := run(t, d, m)
			require.True(t, r.Resumed)
			require.Equal(t, "u1 changed u2 u3 u4 u5 u6", text(t, d, `SELECT string_agg(concat_ws(' ', username, bio), ' ' ORDER BY id) FROM users`))
			require.Equal(t, "a-1 a-2 a-3 a-5 a-6", text(t, d, `SELECT string_agg(slug, ' ' ORDER BY id) FROM articles`))
			require.True(t, verify(t, d, m).OK())
			require.False(t, run(t, d, m).Resumed)
		})
	}
}

// TestFull reads all rows again with the flag, also if the run that had it was
// interrupted, or if the interrupted one did not have it.
func TestFull(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	full := func(c *importer.Config) { c.Full = true }
	run(t, d, m)
	run(t, d, m)
	require.False(t, m.asked[source.Articles].Since.IsZero())
	run(t, d, m, full)
	require.Zero(t, m.asked[source.Articles])
	interrupt(t, d, m, source.Articles)
	run(t, d, m, full)
	require.Zero(t, m.asked[source.Users], "read in full, after it was read in part")
	interrupt(t, d, m, source.Articles, full)
	interrupt(t, d, m, source.Comments)
	require.Zero(t, m.asked[source.Articles], "what is left of the run is read in full")
	run(t, d, m)
	require.False(t, m.asked[source.Users].Since.IsZero())
}

// TestGivenUp interrupts an import that has dropped the indexes, and then runs one
// of another name, for the first time or again. It creates them.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprint(again), func(t *testing.T) {
			t.Parallel()
			d := dbtest.Open(t)
			other := func(c *importer.Config) { c.Name = "other" }
			if again {
				run(t, d, &memory{}, other)
			}
			m := small()
			interrupt(t, d, m, source.Favorites)
			require.Less(t, number(t, d, countIndexes), indexes(t))
			r := run(t, d, small(), other)
			require.Equal(t, int64(5), r.Cases[importer.SlugTaken])
			r = run(t, d, m)
			require.Equal(t, int64(5), r.Counts[source.Favorites].Added)
			require.Equal(t, int64(10), number(t, d, `SELECT count(*) FROM articles`))
		})
	}
}

// TestFinish ends an import: another run is refused, and accounts stay known.
func TestFinish(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	require.ErrorContains(t, importer.Finish(t.Context(), d.Pool(), "default"), `no import "default"`)
	run(t, d, small())
	require.NoError(t, importer.Finish(t.Context(), d.Pool(), "default"))
	require.NoError(t, importer.Finish(t.Context(), d.Pool(), "default"))
	_, err := importer.Run(t.Context(), d.Pool(), importer.Config{Source: small()})
	require.ErrorIs(t, err, importer.ErrFinished)
	require.Equal(t, "users", text(t, d, `SELECT string_agg(DISTINCT kind, ',') FROM imported_rows`))
}

// TestFinishWaits ends an import while a run reads: the run stores all rows
// first. If it is ended nevertheless, the run stores nothing more.
func TestFinishWaits(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	m := small()
	run(t, d, m)
	finished := make(chan error, 1)
	m.articles[4].Title = "Changed"
	m.fail = func(kind source.Kind, i int) error {
		if kind == source.Articles && i == 0 {
			go func() { finished <- importer.Finish(t.Context(), d.Pool(), "default") }()
			select {
			case err := <-finished:
				return fmt.Errorf("it has not waited: %w", err)
			case <-time.After(time.Second):
			}
		}
		return nil
	}
	run(t, d, m)
	require.NoError(t, <-finished)
	require.Equal(t, "Changed", text(t, d, `SELECT title FROM articles WHERE slug = 'a-5'`))

	d = dbtest.Open(t)
	m.fail = func(kind source.Kind, i int) error {
		if kind != source.Comments || i > 0 {
			return nil
		}
		_, err := d.Exec(t.Context(), `UPDATE imports SET finished_at = now()`)
		return err
	}
	_, err := importer.Run(t.Context(), d.Pool(), importer.Config{Source: m})
	require.ErrorIs(t, err, importer.ErrFinished)
	require.Zero(t, number(t, d, `SELECT count(*) FROM comments`))
}

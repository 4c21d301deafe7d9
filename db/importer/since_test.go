package importer_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/importer"
	"github.com/byline-api/byline/db/importer/source"
)

// asked notes from when on changes were asked for.
type asked struct {
	*memory
	since map[source.Kind]time.Time
}

func (a *asked) Users(ctx context.Context, r source.Range) iter.Seq2[source.User, error] {
	a.since[source.Users] = r.Since
	return a.memory.Users(ctx, r)
}

func (a *asked) Articles(ctx context.Context, r source.Range) iter.Seq2[source.Article, error] {
	a.since[source.Articles] = r.Since
	return a.memory.Articles(ctx, r)
}

func (a *asked) Comments(ctx context.Context, r source.Range) iter.Seq2[source.Comment, error] {
	a.since[source.Comments] = r.Since
	return a.memory.Comments(ctx, r)
}

// TestSinceFollowsSource asks for changes by the clock of the old system, which
// is five hours behind that of this machine, and not by the one here.
func TestSinceFollowsSource(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	began := day.Add(24 * time.Hour)
	there := began.Add(-5 * time.Hour)
	now := began
	m := small()
	m.users[2].UpdatedAt = there.Add(-time.Minute)
	m.users[3].UpdatedAt = there.AddDate(20, 0, 0) // says nothing about the clock
	m.articles[4].UpdatedAt = there.Add(20 * time.Minute)
	m.comments = nil
	// Reading the articles takes half an hour. Rows of the beginning may have
	// changed meanwhile, and have to be read again.
	m.fail = func(kind source.Kind, i int) error {
		if kind == source.Articles && i == 4 {
			now = began.Add(30 * time.Minute)
		}
		return nil
	}
	a := &asked{m, map[source.Kind]time.Time{}}
	next := func(options ...func(*importer.Config)) {
		cfg := importer.Config{Source: a, Now: func() time.Time { return now }}
		for _, o := range options {
			o(&cfg)
		}
		_, err := importer.Run(t.Context(), d.Pool(), cfg)
		require.NoError(t, err)
	}
	next()
	require.Equal(t, map[source.Kind]time.Time{source.Users: {}, source.Articles: {}, source.Comments: {}}, a.since)
	m.fail = nil
	next(dry)
	next()
	const overlap = 10 * time.Minute
	require.Equal(t, there.Add(-time.Minute-overlap), a.since[source.Users].UTC())
	require.Equal(t, there.Add(20*time.Minute-30*time.Minute-overlap), a.since[source.Articles].UTC())
	require.Zero(t, a.since[source.Comments], "there was no comment whose time says how late it is there")
	m.users[1].UpdatedAt = there.Add(time.Hour)
	now = began.Add(time.Hour)
	next()
	next()
	require.Equal(t, there.Add(time.Hour-overlap), a.since[source.Users].UTC())
	next(func(c *importer.Config) { c.Full = true })
	require.Zero(t, a.since[source.Users])
}

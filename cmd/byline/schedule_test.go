//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// schedule is articles that are due at the same time.
type schedule struct {
	t        testing.TB
	database string // the URL, not through a proxy
	slugs    []string
	due      time.Time // by the clock of the database
}

// schedule creates n scheduled articles. The delay is an interval of
// PostgreSQL.
func (s *service) schedule(database, token string, n int, delay string) *schedule {
	s.t.Helper()
	sc := &schedule{t: s.t, database: database}
	sc.due = query[time.Time](s.t, database, "SELECT date_trunc('milliseconds', now() + interval '"+delay+"')")[0]
	for range n {
		var created struct{ Article struct{ Slug, Status string } }
		s.post("/api/articles", token, fmt.Sprintf(`{"article":{"title":"On time","description":"d","body":"b","tagList":["scheduled"],"status":"scheduled","publishedAt":%q}}`,
			sc.due.UTC().Format(time.RFC3339Nano)), &created)
		require.Equal(s.t, "scheduled", created.Article.Status)
		sc.slugs = append(sc.slugs, created.Article.Slug)
	}
	return sc
}

// now returns the time of the clock that decides.
func (sc *schedule) now() time.Time {
	return query[time.Time](sc.t, sc.database, "SELECT now()")[0]
}

// elapse waits until the articles are due.
func (sc *schedule) elapse() {
	await(sc.t, "the time of publication", func() bool { return !sc.now().Before(sc.due) })
}

// hold locks the first article, and returns a function that releases it.
func (sc *schedule) hold() (release func()) {
	sc.t.Helper()
	conn, err := pgx.Connect(sc.t.Context(), sc.database)
	require.NoError(sc.t, err)
	_, err = conn.Exec(sc.t.Context(), "BEGIN; SELECT FROM articles WHERE slug = '"+sc.slugs[0]+"' FOR UPDATE")
	require.NoError(sc.t, err)
	return func() { require.NoError(sc.t, conn.Close(context.Background())) }
}

// published waits until each service shows the articles, and requires that each
// was published once and never early. It returns how long after their time all
// were shown.
func (sc *schedule) published(services ...*service) (late time.Duration) {
	sc.t.Helper()
	for _, slug := range sc.slugs {
		for _, s := range services {
			await(sc.t, "a scheduled article to be public", func() bool {
				status, _ := s.read("/api/articles/" + slug)
				return status == http.StatusOK
			})
			shown := sc.now()
			require.False(sc.t, shown.Before(sc.due), "an article is public at %s, before its time %s", shown, sc.due)
			late = shown.Sub(sc.due)
		}
	}
	list := "'" + strings.Join(sc.slugs, "', '") + "'"
	require.Equal(sc.t, []int{len(sc.slugs)}, query[int](sc.t, sc.database,
		`SELECT count(*) FROM articles WHERE slug IN (`+list+`) AND status = 'published' AND NOT hidden AND version = 2`), "each changed once")
	require.Equal(sc.t, []int{2 * len(sc.slugs)}, query[int](sc.t, sc.database, `SELECT count(*) FROM river_job j JOIN articles a ON j.args @> jsonb_build_object('articleId', a.id)
		WHERE j.kind = 'publication_due' AND a.slug IN (`+list+`)`), "two jobs for each")
	for _, s := range services {
		await(sc.t, "the list to have the articles", func() bool {
			_, body := s.read("/api/articles?tag=scheduled&limit=100")
			for _, slug := range sc.slugs {
				if n := strings.Count(body, `"slug":"`+slug+`"`); n != 1 {
					require.Zero(sc.t, n)
					return false
				}
			}
			return true
		})
	}
	return late
}

// read requests a path and returns the status, or 0 if there is no response.
func (s *service) read(path string) (status int, body string) {
	res, err := quickClient.Get("http://" + s.addr + path)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// TestScheduleSurvives checks that scheduled articles become public once, and
// never early, although the service or PostgreSQL is down at their time.
func TestScheduleSurvives(t *testing.T) {
	t.Parallel()
	dir := newDataFolder(t)
	pg := postgres(t, dir)
	proxy, through := newProxy(t, pg.URL())
	first := startService(t, through)
	token := first.prepare().token
	second := startService(t, through)

	t.Logf("two replicas: all are public after %s", first.schedule(pg.URL(), token, 10, "1 second").published(first, second))

	sc := first.schedule(pg.URL(), token, 3, "1 second")
	first.signal(syscall.SIGKILL)
	first.wait()
	t.Logf("one of two replicas killed: %s", sc.published(second))

	sc = second.schedule(pg.URL(), token, 3, "500 milliseconds")
	second.end()
	sc.elapse()
	first.start()
	first.waitReady()
	ready := sc.now()
	sc.published(first)
	t.Logf("down at that time: public %s after the start", sc.now().Sub(ready))

	sc = first.schedule(pg.URL(), token, 1, "500 milliseconds")
	release := sc.hold()
	await(t, "the job to wait for the article", func() bool {
		return query[int](t, pg.URL(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'byline' AND wait_event_type = 'Lock'")[0] > 0
	})
	first.signal(syscall.SIGKILL)
	first.wait()
	release()
	first.start()
	first.waitReady()
	ready = sc.now()
	sc.published(first)
	t.Logf("killed while it published: public %s after the start", sc.now().Sub(ready))

	sc = first.schedule(pg.URL(), token, 3, "500 milliseconds")
	stopPostgres(t, pg)
	proxy.down()
	time.Sleep(time.Until(sc.due)) // the clocks are the same
	status, _ := first.read("/api/articles/" + sc.slugs[0])
	require.NotEqual(t, http.StatusOK, status)
	pg = postgres(t, dir)
	proxy.up(pg.URL())
	sc.database = pg.URL()
	first.waitReady()
	ready = sc.now()
	sc.published(first)
	t.Logf("PostgreSQL restarted at that second: public %s after it was ready", sc.now().Sub(ready))
	require.NotContains(t, first.log.tail(1<<20)+second.log.tail(1<<20), "panic")
}

// TestScheduleClock checks that only the clock of the database decides: that of
// each replica is an hour ahead of it, or an hour behind. now() is another
// function in this database.
func TestScheduleClock(t *testing.T) {
	t.Parallel()
	for label, ahead := range map[string]string{"ahead": "-1 hour", "behind": "1 hour"} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			database := sharedDatabase(t, "schedule_"+label)
			query[int](t, database, "CREATE SCHEMA clock")
			query[int](t, database, fmt.Sprintf(`CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT pg_catalog.now() + interval '%s' $$`, ahead))
			query[int](t, database, fmt.Sprintf("ALTER DATABASE schedule_%s SET search_path = public, clock, pg_catalog", label))
			first, second := startService(t, database), startService(t, database)
			sc := first.schedule(database, first.prepare().token, 5, "1500 milliseconds")
			require.InDelta(t, 3600, time.Since(sc.due).Abs().Seconds(), 60)
			t.Logf("replicas an hour %s: all are public after %s", label, sc.published(first, second))
		})
	}
}

// TestChaosSchedule kills one of two replicas around the time of publication,
// again and again, and sometimes PostgreSQL.
func TestChaosSchedule(t *testing.T) {
	slow(t)
	dir := newDataFolder(t)
	pg := postgres(t, dir)
	proxy, through := newProxy(t, pg.URL())
	replicas := []*service{startService(t, through), startService(t, through)}
	token := replicas[0].prepare().token
	var worst time.Duration
	for round := range 20 {
		victim, survivor := replicas[round%2], replicas[(round+1)%2]
		sc := survivor.schedule(pg.URL(), token, 10, "1 second")
		time.Sleep(time.Until(sc.due) + time.Duration(rand.IntN(900)-50)*time.Millisecond)
		victim.signal(syscall.SIGKILL)
		if round%5 == 4 {
			stopPostgres(t, pg)
			proxy.down()
			pg = postgres(t, dir)
			proxy.up(pg.URL())
			sc.database = pg.URL()
		}
		late := sc.published(survivor)
		t.Logf("round %d: all are public after %s", round, late)
		worst = max(worst, late)
		victim.wait()
		victim.start()
		victim.waitReady()
		sc.published(victim)
	}
	require.Less(t, worst, hangTimeout/4, "no article waits until a stuck job returns to the queue")
}

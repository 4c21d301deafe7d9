//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/embedded"
)

// streaming is a primary and its standbys.
type streaming struct {
	primary  *embedded.Server
	dir      string // of the primary
	standbys []*embedded.Server
	dirs     []string // of the standbys
	// The services reach the standbys through proxies, since a restart changes
	// their addresses.
	proxies []*proxy
	urls    []string
}

// newStreaming starts a primary and n standbys that follow it.
func newStreaming(t testing.TB, n int) *streaming {
	t.Helper()
	dir := newDataFolder(t)
	s := streaming{dir: dir}
	for range n { // the same cluster as the primary has, before either starts
		s.dirs = append(s.dirs, newDataFolder(t))
	}
	rules := filepath.Join(dir, "postgres", "pg_hba.conf")
	f, err := os.OpenFile(rules, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("host replication postgres 127.0.0.1/32 scram-sha-256\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	s.primary = startPostgres(t, dir, map[string]string{"max_wal_senders": "10", "wal_keep_size": "1GB"})
	from, err := url.Parse(superuserURL(t, dir, s.primary.URL()))
	require.NoError(t, err)
	password, _ := from.User.Password()
	for _, standby := range s.dirs {
		signal := filepath.Join(standby, "postgres", "standby.signal")
		require.NoError(t, os.WriteFile(signal, nil, 0o644))
		giveTo(t, filepath.Join(standby, "postgres", "PG_VERSION"), signal)
		server := startPostgres(t, standby, follow(from, password, nil))
		proxy, through := newProxy(t, server.URL())
		s.standbys, s.proxies, s.urls = append(s.standbys, server), append(s.proxies, proxy), append(s.urls, through)
	}
	return &s
}

// follow returns the settings of a standby.
func follow(primary *url.URL, password string, more map[string]string) map[string]string {
	settings := map[string]string{
		"primary_conninfo": fmt.Sprintf("host=127.0.0.1 port=%s user=postgres password=%s", primary.Port(), password),
		// A conflict with what the primary cleans up must end a read at once, so
		// that the tests meet it.
		"max_standby_streaming_delay": "0",
	}
	maps.Copy(settings, more)
	return settings
}

func startPostgres(t testing.TB, dir string, settings map[string]string) *embedded.Server {
	t.Helper()
	cfg := postgresConfig(dir, false)
	cfg.Settings = settings
	s, err := embedded.Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { stopPostgres(t, s) })
	return s
}

// delay restarts a standby so that it replays everything so much later.
func (s *streaming) delay(t testing.TB, i int, by string) {
	t.Helper()
	s.proxies[i].down()
	stopPostgres(t, s.standbys[i])
	from, err := url.Parse(superuserURL(t, s.dirs[i], s.primary.URL()))
	require.NoError(t, err)
	password, _ := from.User.Password()
	s.standbys[i] = startPostgres(t, s.dirs[i], follow(from, password, map[string]string{"recovery_min_apply_delay": by}))
	s.proxies[i].up(s.standbys[i].URL())
}

// readURLs returns the value of BYLINE_READ_URLS for the first n standbys.
func (s *streaming) readURLs(n int) string {
	return "BYLINE_READ_URLS=" + strings.Join(s.urls[:n], " ")
}

// metric returns the sum of the samples of a metric.
func (s *service) metric(name string) (sum float64) {
	s.t.Helper()
	for line := range strings.Lines(s.adminPage("/metrics")) {
		if rest, found := strings.CutPrefix(line, name); found && (rest[0] == ' ' || rest[0] == '{') {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndex(rest, " "):]), 64)
			require.NoError(s.t, err)
			sum += v
		}
	}
	return sum
}

// pairs counts writes that are followed by reads through another service.
type pairs struct {
	t              *testing.T
	writer, reader *service
	done, stale    atomic.Int64
}

func (p *pairs) check(fresh bool, what string, status int, body string) {
	p.done.Add(1)
	if !fresh {
		p.stale.Add(1)
		assert.Fail(p.t, "stale: "+what, "%d %s", status, body[:min(len(body), 300)])
	}
}

// write sends a request to the writing service.
func (p *pairs) write(method, path, token, body string) (result struct {
	Article struct{ Slug string }
	Comment struct{ ID int64 }
	User    struct{ Token string }
}) {
	p.t.Helper()
	status, text := p.writer.send(method, path, token, body)
	require.Less(p.t, status, 300, "%s %s: %s", method, path, text)
	require.NoError(p.t, json.Unmarshal([]byte(text + `{}`)[:max(len(text), 2)], &result))
	return result
}

// read sends a request to the reading service.
func (p *pairs) read(path, token string) (int, string) {
	p.t.Helper()
	status, text := p.reader.send(http.MethodGet, path, token, "")
	require.Equal(p.t, http.StatusOK, status, "%s: %s", path, text)
	return status, text
}

// author makes n pairs as one author with one article.
func (p *pairs) author(name string, n int) {
	token := p.write(http.MethodPost, "/api/users", "", fmt.Sprintf(`{"user":{"username":%q,"email":"%s@example.com","password":"correct horse"}}`, name, name)).User.Token
	slug := p.write(http.MethodPost, "/api/articles", token, fmt.Sprintf(`{"article":{"title":"Story of %s","description":"number 0!","body":"b","tagList":[%q]}}`, name, name)).Article.Slug
	last := -1
	for i := range n {
		number := fmt.Sprintf("number %d!", i)
		switch i % 8 {
		case 0, 1, 2, 3: // what an author changes, as the author and others see it
			p.write(http.MethodPut, "/api/articles/"+slug, token, fmt.Sprintf(`{"article":{"description":%q}}`, number))
			path := []string{"/api/articles/" + slug, "/api/articles?author=" + name, "/api/articles?tag=" + name, "/api/articles/" + slug}[i%4]
			reader := []string{token, "", token, ""}[i%4]
			status, text := p.read(path, reader)
			p.check(strings.Contains(text, number), path, status, text)
		case 4:
			id := p.write(http.MethodPost, "/api/articles/"+slug+"/comments", token, `{"comment":{"body":"hello"}}`).Comment.ID
			status, text := p.read("/api/articles/"+slug+"/comments", []string{token, ""}[i/8%2])
			p.check(strings.Contains(text, fmt.Sprintf(`"id":%d,`, id)), "comments", status, text)
		case 5:
			p.write([]string{http.MethodPost, http.MethodDelete}[i/8%2], "/api/articles/"+slug+"/favorite", token, "")
			status, text := p.read("/api/articles?author="+name, token)
			p.check(strings.Contains(text, fmt.Sprintf(`"favorited":%v`, i/8%2 == 0)), "favorited", status, text)
		case 6:
			p.write(http.MethodPut, "/api/user", token, fmt.Sprintf(`{"user":{"bio":%q}}`, number))
			status, text := p.read([]string{"/api/profiles/" + name, "/api/user"}[i/8%2], token)
			p.check(strings.Contains(text, number), "bio", status, text)
		case 7: // nobody sees less than before, whichever service responds
			for _, s := range []*service{p.writer, p.reader, p.writer, p.reader} {
				status, text := s.send(http.MethodGet, "/api/articles/"+slug, "", "")
				seen := -1
				if _, rest, found := strings.Cut(text, `"number `); found {
					_, err := fmt.Sscanf(rest, "%d!", &seen)
					require.NoError(p.t, err)
				}
				p.check(seen >= last, "less than before", status, text)
				last = seen
			}
		}
	}
}

// run makes about n pairs with 16 authors at the same time.
func (p *pairs) run(phase string, n int) {
	var authors sync.WaitGroup
	for i := range 16 {
		authors.Go(func() { p.author(fmt.Sprintf("%s%d", phase, i), n/21+1) })
	}
	authors.Wait()
}

// TestReplicas makes writes through one service, and reads through another one
// that reads from standbys. BYLINE_TEST_REPLICAS is the number of pairs.
func TestReplicas(t *testing.T) {
	t.Parallel()
	wanted, err := strconv.Atoi(os.Getenv("BYLINE_TEST_REPLICAS"))
	if err != nil {
		wanted = 800
	}
	s := newStreaming(t, 2)
	writer := startService(t, s.primary.URL(), s.readURLs(2))
	reader := startService(t, s.primary.URL(), s.readURLs(2)+" "+s.primary.URL(), "BYLINE_CACHE_BYTES=0")
	used := func(n float64) {
		t.Helper()
		await(t, fmt.Sprintf("%v used replicas", n), func() bool { return reader.metric("db_replica_used") == n })
	}
	used(2)

	p := &pairs{t: t, writer: writer, reader: reader}
	report := func(phase string) {
		t.Helper()
		reads, missing, failed := reader.metric("db_replica_reads_total"), reader.metric("db_replica_missing_total"), reader.metric("db_replica_failed_reads_total")
		t.Logf("%s: %d pairs, %d stale; so far %v reads from replicas, %v requests to the primary because no replica showed enough, %v failed reads repeated there",
			phase, p.done.Load(), p.stale.Load(), reads, missing, failed)
		require.Zero(t, p.stale.Load())
	}
	p.run("two", wanted/3)
	report("two standbys")
	require.Positive(t, reader.metric("db_replica_reads_total"))
	await(t, "no sample for the primary, which must cause no alert", func() bool {
		metrics := reader.adminPage("/metrics")
		return strings.Count(metrics, "\ndb_replica_lag_seconds{") == 3 && strings.Count(metrics, "\ndb_replica_used{") == 2
	})

	s.delay(t, 1, "10s")
	p.run("late", wanted/3)
	report("one standby 10 s late")
	newest := func(server *embedded.Server) float64 {
		return query[float64](t, server.URL(), "SELECT extract(epoch FROM max(updated_at))::float8 FROM articles")[0]
	}
	require.Less(t, newest(s.standbys[1]), newest(s.primary)-1, "the standby is not late")

	s.delay(t, 1, "0")
	used(2)
	before := reader.metric("db_replica_reads_total")
	require.Equal(t, []bool{true}, query[bool](t, superuserURL(t, s.dirs[1], s.standbys[1].URL()), "SELECT pg_promote()"))
	p.run("promoted", wanted/6)
	report("one standby promoted")
	require.Greater(t, reader.metric("db_replica_reads_total"), before)
	used(1)
	await(t, "a line of the log", func() bool { return strings.Contains(reader.log.tail(5000), `"state":"foreign"`) })

	var lost sync.WaitGroup
	lost.Go(func() { p.run("lost", wanted/6) })
	stopPostgres(t, s.standbys[0])
	lost.Wait()
	report("the other standby lost")
	used(0)
	t.Logf("%d pairs, %d stale", p.done.Load(), p.stale.Load())
}

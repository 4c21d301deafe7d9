package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// blocker makes every query of users wait inside PostgreSQL.
type blocker struct {
	t    testing.TB
	conn *pgx.Conn
	once sync.Once
}

func block(t testing.TB, url string) *blocker {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	b := &blocker{t: t, conn: conn}
	t.Cleanup(b.release)
	_, err = conn.Exec(t.Context(), "BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	return b
}

func (b *blocker) release() {
	b.once.Do(func() { _ = b.conn.Close(context.Background()) })
}

// await returns when n queries wait for the lock.
func (b *blocker) await(n int) {
	b.t.Helper()
	waiting := func() (count int) {
		err := b.conn.QueryRow(b.t.Context(),
			`SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&count) // other tests' databases have the same oids
		require.NoError(b.t, err)
		return count
	}
	require.Eventually(b.t, func() bool { return waiting() == n }, polling, tick)
}

// inBackground reads url and returns the channel of the response's status.
func inBackground(ctx context.Context, url string, header ...string) <-chan int {
	return sendInBackground(ctx, "GET", url, "", header...)
}

func sendInBackground(ctx context.Context, method, url, body string, header ...string) <-chan int {
	status := make(chan int, 1)
	go func() {
		req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := plain.Do(req)
		if err != nil {
			status <- 0
			return
		}
		res.Body.Close()
		status <- res.StatusCode
	}()
	return status
}

func TestOverload(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithServer(func(c *server.Config) { c.MaxInFlight, c.CacheBytes = 2, 0 }))
	u := s.Register("anna")
	auth := []string{"Authorization", "Token " + u.Token}
	b := block(t, url)
	first, second := inBackground(t.Context(), s.URL+"/user", auth...), inBackground(t.Context(), s.URL+"/user", auth...)
	b.await(2)

	s.Statements.Reset()
	for _, path := range []string{"/user", "/tags", "/articles?limit=1", "/articles/none"} {
		res, body := send(t, "GET", s.URL+path, "", auth...)
		requireProblem(t, 503, "overloaded", res, body)
		seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
		require.NoError(t, err)
		require.Positive(t, seconds)
	}
	asked, _ := s.Statements.Reset()
	require.Zero(t, asked, "a refusal sends no statement")
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/version": 200, "/nothing": 404} {
		res, body := send(t, "GET", s.Root+path, "")
		require.Equal(t, want, res.StatusCode, "%s: %s", path, body)
	}

	b.release()
	require.Equal(t, http.StatusOK, <-first)
	require.Equal(t, http.StatusOK, <-second)
	for range 5 {
		res, body := send(t, "GET", s.URL+"/user", "", auth...)
		require.Equal(t, http.StatusOK, res.StatusCode, "as many requests as before are admitted: %s", body)
	}
}

// TestShedding fills the queue. It checks that a refusal needs only the headers
// of a request, and that no refusal is missing from the log.
func TestShedding(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithServer(func(c *server.Config) { c.MaxInFlight = 1 }))
	r := serve(t, s)
	tags, body := send(t, "GET", r.url()+"/api/tags", "")
	require.Equal(t, http.StatusOK, tags.StatusCode, string(body))
	b := block(t, url)

	// A request gives up after a second, so that others have to follow.
	ctx, stop := context.WithCancel(t.Context())
	var crowd sync.WaitGroup
	var refused atomic.Int64
	for i := range 20 {
		crowd.Go(func() {
			for ctx.Err() == nil {
				if <-inBackground(t.Context(), r.url()+"/api/profiles/nobody"+strconv.Itoa(i)) == http.StatusServiceUnavailable {
					refused.Add(1)
				}
			}
		})
	}
	require.Eventually(t, func() bool {
		response := talk(t, r.addr, "POST /api/users/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100\r\n\r\n")
		if !strings.HasPrefix(response, "HTTP/1.1 503 ") {
			return false
		}
		refused.Add(1)
		return strings.Contains(response, "\r\nRetry-After: 1\r\n") && strings.Contains(response, `"code":"overloaded"`)
	}, polling, tick, "a body is waited for")
	tags, body = send(t, "GET", r.url()+"/api/tags", "")
	require.Equal(t, http.StatusOK, tags.StatusCode, "a cached response is sent: %s", body)
	stop()
	b.release()
	crowd.Wait()
	require.Positive(t, refused.Load())

	logged := func() (n int64) {
		for line := range strings.Lines(s.Log.String()) {
			var entry struct {
				Msg, Code string
				Requests  int64
			}
			require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
			if entry.Code == "overloaded" {
				require.Equal(t, "requests refused", entry.Msg)
				n += entry.Requests
			}
		}
		return n
	}
	require.Eventually(t, func() bool { return logged() == refused.Load() }, polling, tick)
}

func TestAdmissionIsGivenBack(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.MaxInFlight = 1 }))
	breakTables(t, s)
	for _, path := range []string{"/tags", "/user", "/articles?limit=0", "/tags?%zz", "/nothing"} {
		for range 3 {
			res, _ := send(t, "GET", s.URL+path, "")
			require.NotEqual(t, http.StatusServiceUnavailable, res.StatusCode, path)
		}
	}
}

func TestAcquireTimeout(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithDB(func(c *db.Config) { c.MaxConns, c.AcquireTimeout = 1, 300*time.Millisecond }))
	conn, err := s.DB.Pool().Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release() // or closing the pool waits for it, if the test fails
	for range 2 {
		res, body := send(t, "GET", s.URL+"/tags", "")
		requireProblem(t, 503, "database_unavailable", res, body)
		require.Equal(t, "1", res.Header.Get("Retry-After"))
	}
	res, _ := send(t, "GET", s.Root+"/livez", "")
	require.Equal(t, http.StatusOK, res.StatusCode)
	conn.Release()
	res, body := send(t, "GET", s.URL+"/tags", "")
	require.Equal(t, http.StatusOK, res.StatusCode, string(body))
}

// TestRequestTimeout checks that a write with an idempotency key, which has
// many statements, gets its response within RequestTimeout. Every other limit
// is so wide that the test would time out.
func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	s := servertest.New(t, servertest.WithDatabase(url),
		servertest.WithDB(func(c *db.Config) { c.AcquireTimeout, c.QueryTimeout = time.Hour, time.Hour }),
		servertest.WithServer(func(c *server.Config) { c.RequestTimeout = 2 * time.Second }))
	auth := []string{"Authorization", "Token " + s.Register("anna").Token, "Content-Type", "application/json", "Idempotency-Key", "key-12345678"}
	const article = `{"article":{"title":"T","description":"D","body":"B"}}`
	b := block(t, url)
	res, body := send(t, "POST", s.URL+"/articles", article, auth...)
	requireProblem(t, 503, "database_unavailable", res, body)
	b.release()
	require.Eventually(t, func() bool { // PostgreSQL ends a cancelled statement once it has the lock
		res, body = send(t, "POST", s.URL+"/articles", article, auth...)
		return res.StatusCode == http.StatusCreated
	}, polling, tick, "the key is free: %s", body)
}

// TestDisconnects cancels a hundred requests while their queries wait. pgx
// closes the connection of a query that is cancelled, so that the pool would
// be empty afterwards.
func TestDisconnects(t *testing.T) {
	t.Parallel()
	const conns = 4
	url := dbtest.URL(t)
	p, through := newProxy(t, url)
	s := servertest.New(t, servertest.WithDatabase(through), servertest.WithDB(func(c *db.Config) { c.MaxConns = conns }),
		servertest.WithServer(func(c *server.Config) { c.MaxInFlight = 200 }))
	u := s.Register("anna")
	auth := []string{"Authorization", "Token " + u.Token}

	var held []func()
	for range conns {
		conn, err := s.DB.Pool().Acquire(t.Context())
		require.NoError(t, err)
		held = append(held, conn.Release)
	}
	for _, release := range held {
		release()
	}
	before := p.dialled()
	require.EqualValues(t, conns, s.DB.Pool().Stat().TotalConns())

	b := block(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	var clients []<-chan int
	for range 100 {
		clients = append(clients, inBackground(ctx, s.URL+"/user", auth...))
	}
	b.await(conns)
	cancel()
	for _, c := range clients {
		require.Zero(t, <-c, "the client has disconnected")
	}
	b.release()

	require.Eventually(t, func() bool { return s.DB.Pool().Stat().AcquiredConns() == 0 }, polling, tick)
	for range 10 {
		res, body := send(t, "GET", s.URL+"/user", "", auth...)
		require.Equal(t, http.StatusOK, res.StatusCode, string(body))
	}
	require.EqualValues(t, conns, s.DB.Pool().Stat().TotalConns())
	require.Equal(t, before, p.dialled(), "no connection was replaced")
}

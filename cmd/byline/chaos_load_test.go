//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tally counts the results of requests.
type tally struct {
	mu          sync.Mutex
	ok          int
	unavailable int // 503 with Retry-After
	refused     int // the connection was refused
	broken      int // the connection ended without a response
	other       int
	strange     []string // the first broken and other results
	okAt        []time.Time
	latencies   []time.Duration // of the requests counted in ok
	refusals    []time.Duration // of the requests counted in unavailable
}

// outcome is the result of one request.
type outcome int

const (
	accepted outcome = iota
	rejected
	failed
)

func (y *tally) count(res *http.Response, body []byte, err error, took time.Duration) outcome {
	y.mu.Lock()
	defer y.mu.Unlock()
	switch {
	case err != nil && refused(err):
		y.refused++
	case err != nil:
		y.broken++
		y.note("after %s: %v", took.Round(time.Millisecond), err)
	case res.StatusCode/100 == 2:
		y.ok++
		y.okAt = append(y.okAt, time.Now())
		y.latencies = append(y.latencies, took)
		return accepted
	case res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "":
		y.unavailable++
		y.refusals = append(y.refusals, took)
		return rejected
	default:
		y.other++
		y.note("%s %s: %d %s", res.Request.Method, res.Request.URL, res.StatusCode, body)
	}
	return failed
}

func (y *tally) note(format string, args ...any) {
	if len(y.strange) < 5 {
		y.strange = append(y.strange, fmt.Sprintf(format, args...))
	}
}

func (y *tally) get() (ok, unavailable, refused, broken, other int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.ok, y.unavailable, y.refused, y.broken, y.other
}

func (y *tally) succeeded() int {
	ok, _, _, _, _ := y.get()
	return ok
}

// recovery returns the time from since to the first success after it, or -1 if
// there was none.
func (y *tally) recovery(since time.Time) time.Duration {
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, at := range y.okAt {
		if at.After(since) {
			return at.Sub(since)
		}
	}
	return -1
}

// outage returns the longest time without a success after since.
func (y *tally) outage(since time.Time) (longest time.Duration) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, at := range y.okAt {
		if at.After(since) {
			longest, since = max(longest, at.Sub(since)), at
		}
	}
	return longest
}

// refusalTimes returns the latencies of the 503 responses.
func (y *tally) refusalTimes() []time.Duration {
	y.mu.Lock()
	defer y.mu.Unlock()
	return slices.Clone(y.refusals)
}

// requireOnlyUnavailable requires that there were successes and 503 responses,
// and no other results.
func (l *workload) requireOnlyUnavailable() {
	l.t.Helper()
	ok, unavailable, refused, broken, other := l.get()
	require.Zero(l.t, refused+broken+other, "%v", l.strange)
	require.NotZero(l.t, unavailable)
	require.GreaterOrEqual(l.t, ok, 100)
}

func percentile(d []time.Duration, p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Sorted(slices.Values(d))
	return d[min(len(d)-1, int(p*float64(len(d))))]
}

// workload is a number of clients with keep-alive connections. Each client
// sends one request at a time and pauses in between, so that a small machine
// stays usable.
type workload struct {
	tally
	t       testing.TB
	base    string
	fixture fixture
	keys    bool // send an Idempotency-Key and repeat until acknowledged
	client  *http.Client
	pause   time.Duration

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	writeMu  sync.Mutex
	acked    map[string]bool // texts of acknowledged writes
	begun    map[string]bool // texts of all writes
	repeats  atomic.Int64    // attempts after the first
	replayed atomic.Int64    // retries of writes that had already been committed
}

func newWorkload(t testing.TB, base string, st fixture) *workload {
	l := &workload{
		t: t, base: base, fixture: st, pause: 5 * time.Millisecond,
		client: &http.Client{Timeout: hangTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		acked:  map[string]bool{}, begun: map[string]bool{},
	}
	l.ctx, l.stop = context.WithCancel(context.Background())
	t.Cleanup(l.finish)
	return l
}

// run starts readers and writers.
func (l *workload) run(readers, writers int) *workload {
	for i := range readers {
		l.wg.Go(func() { l.read(i) })
	}
	for i := range writers {
		l.wg.Go(func() { l.write(i) })
	}
	return l
}

// finish stops the clients after their current request.
func (l *workload) finish() {
	l.stop()
	l.wg.Wait()
	l.client.CloseIdleConnections()
}

func (l *workload) read(i int) {
	paths := []string{"/api/articles/" + l.fixture.slug, "/api/articles?limit=5", "/api/articles/" + l.fixture.slug + "/comments?limit=20"}
	for n := i; l.ctx.Err() == nil; n++ {
		l.do(http.MethodGet, paths[n%len(paths)], "", "", n%4 != 0) // anonymous reads are cached
		time.Sleep(l.pause)
	}
}

// write creates comments and articles with unique texts.
func (l *workload) write(i int) {
	for n := 0; l.ctx.Err() == nil; n++ {
		text := fmt.Sprintf("w%d-%d", i, n)
		path, body := "/api/articles/"+l.fixture.slug+"/comments", `{"comment":{"body":"`+text+`"}}`
		if n%4 == 3 {
			path, body = "/api/articles", `{"article":{"title":"`+text+`","description":"d","body":"b"}}`
		}
		key := ""
		if l.keys {
			key = "key-" + text
		}
		l.writeMu.Lock()
		l.begun[text] = true
		l.writeMu.Unlock()
		for began := time.Now(); ; {
			if l.do(http.MethodPost, path, body, key, true) == accepted {
				l.writeMu.Lock()
				l.acked[text] = true
				l.writeMu.Unlock()
				break
			}
			if key == "" || time.Since(began) > hangTimeout {
				break // without a key, a retry could create it twice
			}
			l.repeats.Add(1)
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(l.pause)
	}
}

// do sends one request. After a failure it waits a moment.
func (l *workload) do(method, path, body, key string, signedIn bool) outcome {
	req, err := http.NewRequest(method, l.base+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if signedIn {
		req.Header.Set("Authorization", "Token "+l.fixture.token)
	}
	if key != "" {
		// http.Transport retries a request with an Idempotency-Key by itself.
		// Without GetBody it cannot, so that every attempt is counted.
		req.GetBody = nil
		req.Header.Set("Idempotency-Key", key)
	}
	began := time.Now()
	res, err := l.client.Do(req)
	var text []byte
	if err == nil {
		text, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	v := l.count(res, text, err, time.Since(began))
	if err == nil && v == accepted && res.Header.Get("Idempotency-Replayed") != "" {
		l.replayed.Add(1)
	}
	if v != accepted {
		time.Sleep(20 * time.Millisecond)
	}
	return v
}

// more waits for n more successes.
func (l *workload) more(n int) {
	l.t.Helper()
	want := l.succeeded() + n
	await(l.t, strconv.Itoa(n)+" more successes", func() bool { return l.succeeded() >= want })
}

// sawUnavailable waits until there were n responses with status 503.
func (l *workload) sawUnavailable(n int) {
	l.t.Helper()
	await(l.t, "a 503", func() bool { _, unavailable, _, _, _ := l.get(); return unavailable >= n })
}

// lost returns how many acknowledged writes are missing in the database. It
// requires that every row was written by a client, and only once.
func (l *workload) lost(databaseURL string) int {
	l.t.Helper()
	stored := map[string]int{}
	for _, text := range query[string](l.t, databaseURL, "SELECT body FROM comments UNION ALL SELECT title FROM articles WHERE title <> 'Story'") {
		stored[text]++
		require.True(l.t, l.begun[text], "%s was not written by any client", text)
	}
	for text, n := range stored {
		require.Equal(l.t, 1, n, "%s was written more than once", text)
	}
	lost := 0
	for text := range l.acked {
		if stored[text] == 0 {
			lost++
		}
	}
	if l.keys {
		require.ElementsMatch(l.t, slices.Collect(maps.Keys(l.begun)), slices.Collect(maps.Keys(stored)), "a write was not retried until it succeeded")
	}
	return lost
}

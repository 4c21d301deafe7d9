package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestReplicasCost prints how much CPU time the primary needs for a request with
// no, one and two standbys. It asserts no times.
func TestReplicasCost(t *testing.T) {
	if os.Getenv("BYLINE_TEST_REPLICAS") == "" {
		t.Skip("this measurement is for make replica-test")
	}
	s := newStreaming(t, 2)
	seed := startService(t, s.primary.URL())
	f := seed.prepare()
	var article struct{ Article struct{ Slug string } }
	for i := range 40 {
		seed.post("/api/articles", f.token, fmt.Sprintf(`{"article":{"title":"Number %d","description":"d","body":%q,"tagList":["t"]}}`, i, strings.Repeat("text ", 400)), &article)
		seed.post("/api/articles/"+f.slug+"/comments", f.token, `{"comment":{"body":"hello"}}`, &struct{}{})
	}
	seed.end()
	// What is kept in memory asks no database, so that it is off here.
	paths := []string{"/api/articles/" + f.slug, "/api/articles", "/api/articles/feed", "/api/articles/" + f.slug + "/comments", "/api/profiles/anna"}
	t.Logf("CPU time of PostgreSQL for a signed-in read that is not kept in memory, with a write for each 50 reads:")
	for n := range 3 {
		service := startService(t, s.primary.URL(), s.readURLs(n), "BYLINE_CACHE_BYTES=0")
		await(t, "the replicas", func() bool { return service.metric("db_replica_used") == float64(n) })
		for range 2 { // the first round warms up
			before := s.processorTime(t)
			count := 0
			var clients sync.WaitGroup
			for c := range 8 {
				clients.Go(func() {
					for i := range 1000 {
						if status, text := service.send(http.MethodGet, paths[(i+c)%len(paths)], f.token, ""); status != http.StatusOK {
							t.Errorf("%d %s", status, text)
							return
						}
						if i%50 == 0 {
							service.send(http.MethodPut, "/api/articles/"+f.slug, f.token, fmt.Sprintf(`{"article":{"description":"%d %d"}}`, c, i))
						}
					}
				})
			}
			clients.Wait()
			count = 8 * 1000
			after := s.processorTime(t)
			line := fmt.Sprintf("%d standbys: primary %3d µs", n, (after[0]-before[0]).Microseconds()/int64(count))
			for i := range n {
				line += fmt.Sprintf(", standby %d %3d µs", i+1, (after[i+1]-before[i+1]).Microseconds()/int64(count))
			}
			t.Logf("%s; %v of %v reads from standbys", line, service.metric("db_replica_reads_total"), service.metric("db_replica_reads_total")+service.metric("db_replica_missing_total"))
		}
		service.end()
	}
}

// processorTime returns the CPU time that the processes of each server have
// used, the primary first.
func (s *streaming) processorTime(t testing.TB) (all []time.Duration) {
	t.Helper()
	for _, dir := range append([]string{s.dir}, s.dirs...) {
		text, err := os.ReadFile(filepath.Join(dir, "postgres", "postmaster.pid"))
		require.NoError(t, err)
		postmaster, _, _ := strings.Cut(string(text), "\n")
		var ticks int
		files, err := filepath.Glob("/proc/[0-9]*/stat")
		require.NoError(t, err)
		for _, file := range files {
			stat, err := os.ReadFile(file)
			if err != nil {
				continue // it has ended
			}
			// proc(5): pid (name) state ppid … utime stime cutime cstime
			f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
			last := 0
			switch {
			case filepath.Base(filepath.Dir(file)) == postmaster:
				last = 15
			case f[1] == postmaster:
				last = 13
			}
			for i := 11; i < last; i++ {
				n, err := strconv.Atoi(f[i])
				require.NoError(t, err)
				ticks += n
			}
		}
		all = append(all, time.Duration(ticks)*10*time.Millisecond) // USER_HZ is 100
	}
	return all
}

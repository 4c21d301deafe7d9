package machine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Runtime contains runtime metrics of a Go server.
type Runtime struct {
	Mallocs uint64 // heap objects allocated since the start
	GCs     uint64 // collections since the start
	// LongestPause is the longest stop of the world of the last 256
	// collections. client_golang publishes it as
	// go_gc_duration_seconds{quantile="1"}, which adds the two stops of a
	// collection. Older values are not available, so finding the longest pause
	// of a busy time needs a sample every second.
	LongestPause time.Duration
	// Pauses are all stops for collections, by their length. Older servers do
	// not count them.
	Pauses []Pauses
}

// Pauses is the number of stops that took up to a time.
type Pauses struct {
	UpTo  time.Duration
	Count uint64
}

// window is how many collections LongestPause is of.
const window = 256

// LongestPause returns the longest stop of the world after a state, by the
// states that followed. If it is not exact, it is a time that no stop has
// exceeded: a long one from before hides those that are shorter.
func LongestPause(before Runtime, later []Runtime) (pause time.Duration, exact bool) {
	if len(later) == 0 {
		return 0, false
	}
	var longest, since time.Duration
	for _, r := range later {
		longest = max(longest, r.LongestPause)
		if r.LongestPause > before.LongestPause || r.GCs >= before.GCs+window {
			since = max(since, r.LongestPause)
		}
	}
	least, most, known := later[len(later)-1].longestSince(before)
	switch {
	case !known:
		return longest, since == longest
	case since > least:
		return since, true
	}
	return min(longest, most), false
}

// longestSince returns the range of the longest stop after an earlier state.
func (r Runtime) longestSince(before Runtime) (least, most time.Duration, known bool) {
	if len(r.Pauses) == 0 || len(r.Pauses) != len(before.Pauses) {
		return 0, 0, false
	}
	// The counts are of all stops that took no longer.
	last := len(r.Pauses) - 1
	all := r.Pauses[last].Count - before.Pauses[last].Count
	for i, p := range r.Pauses {
		if p.Count-before.Pauses[i].Count == all {
			return least, p.UpTo, true
		}
		least = p.UpTo
	}
	return 0, 0, false
}

// Scrape reads the metrics of a Go server, in the text format of Prometheus.
func Scrape(ctx context.Context, url string) (Runtime, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	body, err := Get(ctx, url)
	if err != nil {
		return Runtime{}, err
	}
	defer body.Close()
	return parseMetrics(body)
}

// Get returns the body of a response with the status 200. The caller closes it.
// Any other status is an error.
func Get(ctx context.Context, url string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("GET %s: %s", url, res.Status)
	}
	return res.Body, nil
}

func parseMetrics(r io.Reader) (Runtime, error) {
	var out Runtime
	found := 0
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, text, ok := strings.Cut(lines.Text(), " ")
		if !ok || !strings.HasPrefix(name, "go_") {
			continue
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			continue
		}
		if limit, ok := strings.CutPrefix(name, `go_sched_pauses_total_gc_seconds_bucket{le="`); ok {
			if seconds, err := strconv.ParseFloat(strings.TrimSuffix(limit, `"}`), 64); err == nil {
				out.Pauses = append(out.Pauses, Pauses{UpTo: time.Duration(min(seconds, 1e9) * float64(time.Second)), Count: uint64(v)})
			}
			continue
		}
		found++
		switch name {
		case "go_memstats_mallocs_total":
			out.Mallocs = uint64(v)
		case "go_gc_duration_seconds_count":
			out.GCs = uint64(v)
		case `go_gc_duration_seconds{quantile="1"}`:
			out.LongestPause = time.Duration(v * float64(time.Second))
		default:
			found--
		}
	}
	if err := lines.Err(); err != nil {
		return out, err
	}
	if found != 3 {
		return out, fmt.Errorf("only %d of the 3 metrics of the Go runtime were found", found)
	}
	return out, nil
}

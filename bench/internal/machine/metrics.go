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

package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/byline-api/byline/bench/internal/hist"
)

// Driver creates and checks the requests of one connection. One goroutine calls
// its methods in turn.
type Driver interface {
	// Next appends the next complete request to an empty buffer that is reused
	// between calls.
	Next(to []byte) []byte
	// Check checks the response. If deep is true it also checks the body, which
	// may allocate.
	Check(res Response, deep bool) error
}

// Plan configures a run.
type Plan struct {
	Addr        string
	Connections int
	Warm        time.Duration // warm-up, not counted
	Measure     time.Duration
	// Rate is the number of requests a second over all connections in an open
	// loop. 0 means a closed loop: each connection sends the next request when
	// it has the response to the previous one.
	Rate float64
	// DeepEvery means that the body of every n-th response of a connection is
	// checked. 0 means none.
	DeepEvery int
	// Until, if set, ends the measured time when it is closed. Measure is then
	// its maximum, and each request has requestTime.
	Until <-chan struct{}
	// Observe, if set, is called for each request that is counted: with the
	// time from which its latency counts, the time of its response, and its
	// status, which is 0 if there was no response. Many goroutines call it.
	Observe func(from, to time.Time, status int)
	// Driver returns the driver of connection i.
	Driver func(i int) Driver
	// Begin and End are called at the start and the end of the measured time,
	// to read the counters of the server.
	Begin, End func()
}

// Result contains what a run has counted within the measured time.
type Result struct {
	Requests uint64        // requests with a response (open loop: due) in the measured time, including errors
	Errors   uint64        // failed requests, or wrong responses
	Answered uint64        // responses in the measured time: the throughput, and the divisor of CPU time
	Elapsed  time.Duration // the measured time
	Bytes    uint64        // bytes of bodies
	Latency  hist.H
	Redials  int    // connections that were opened again
	Limited  uint64 // responses with the status 429

	// These fields are for the open loop. Late is how late idle connections
	// sent, which is caused by the benchmark itself and included in Latency.
	// Backlog is the highest number of requests that were due and not sent.
	// Delayed counts requests that were due while all connections were busy.
	// Unsent counts requests that were never sent, because the server did not
	// catch up within half of drainTime after the end. If there are any, the
	// rate is too high for the server, whatever the percentiles are.
	Late    hist.H
	Backlog uint64
	Delayed uint64
	Unsent  uint64
	// Waiting is the backlog at the end of the measured time. InFlight is the
	// mean number of requests that waited for their response. Refused counts
	// errors that a server gives when it has too much to do; see overload.
	Waiting  uint64
	InFlight float64
	Refused  uint64

	Failures []Failure // most frequent first, up to maxFailures kinds
}

// Failure is a kind of error and how often it occurred.
type Failure struct {
	Message string `json:"message"`
	Count   uint64 `json:"count"`
}

const (
	maxFailures = 20
	// drainTime is how long the open loop waits for responses after the
	// measured time.
	drainTime = 10 * time.Second
	// requestTime bounds a request of a run whose end is not known.
	requestTime = time.Minute
)

// Run runs all connections until the time is over or ctx ends.
func Run(ctx context.Context, p Plan) (*Result, error) {
	if p.Connections < 1 || p.Measure <= 0 {
		return nil, fmt.Errorf("load: %d connections for %s", p.Connections, p.Measure)
	}
	start := time.Now()
	deadline := start.Add(p.Warm + p.Measure + drainTime)
	var pace *pacer
	if p.Rate > 0 {
		pace = newPacer(p.Rate, p.Warm+p.Measure)
	}
	var waiting uint64
	end := p.End
	p.End = func() {
		if pace != nil && p.Until != nil {
			pace.stop()
		}
		if pace != nil {
			waiting = pace.unsent()
		}
		if end != nil {
			end()
		}
	}
	workers := make([]*worker, p.Connections)
	var wait sync.WaitGroup
	for i := range workers {
		w := &worker{plan: &p, conn: Conn{Addr: p.Addr, deadline: deadline}, driver: p.Driver(i), start: start, failures: map[string]uint64{}}
		workers[i] = w
		wait.Go(func() {
			defer w.conn.Close()
			if pace != nil {
				w.open(ctx, pace)
			} else {
				w.closed(ctx)
			}
		})
	}
	err := bracket(ctx, start, p)
	elapsed := time.Since(start) - p.Warm
	wait.Wait()
	if err != nil {
		return nil, err
	}
	r := collect(workers, pace, p, elapsed)
	r.Waiting = waiting
	return r, nil
}

// bracket calls Begin and End at their times.
func bracket(ctx context.Context, start time.Time, p Plan) error {
	for _, at := range []struct {
		after time.Duration
		call  func()
	}{{p.Warm, p.Begin}, {p.Warm + p.Measure, p.End}} {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.Until:
		case <-time.After(time.Until(start.Add(at.after))):
		}
		if at.call != nil {
			at.call()
		}
	}
	return nil
}

type worker struct {
	plan   *Plan
	conn   Conn
	driver Driver
	start  time.Time

	buf      []byte
	sent     int
	requests uint64
	answered uint64
	errors   uint64
	bytes    uint64
	refused  uint64
	limited  uint64
	busy     time.Duration // open loop: waiting for responses in the measured time
	latency  hist.H
	late     hist.H
	failures map[string]uint64
}

// closed sends one request after another. The end of a request is the start of
// the next one, so that each request needs to read the clock once. The time to
// check a body is not part of any latency.
func (w *worker) closed(ctx context.Context) {
	end := w.plan.Warm + w.plan.Measure
	now := time.Since(w.start)
	for now < end && ctx.Err() == nil {
		res, after, deep, err := w.do()
		w.count(after)
		// Failures are counted even after the end, so that a server that hangs
		// does not look good.
		if after >= w.plan.Warm && (after <= end || err != nil) {
			w.record(now, after, res, err)
		}
		if now = after; deep {
			now = time.Since(w.start)
		}
	}
}

// open takes the next slot of the schedule whenever the connection is idle and
// waits for its time. Latency counts from that time, however late the request
// was sent.
func (w *worker) open(ctx context.Context, pace *pacer) {
	for {
		due, ok := pace.take(time.Since(w.start))
		if !ok {
			return
		}
		measured := due >= w.plan.Warm
		if wait := due - time.Since(w.start); wait > 0 {
			select {
			case <-ctx.Done():
				return
			default:
			}
			time.Sleep(wait)
			if measured {
				w.late.Record(time.Since(w.start) - due)
			}
		}
		sent, end := time.Since(w.start), w.plan.Warm+w.plan.Measure
		if ctx.Err() != nil || sent > end+drainTime/2 {
			pace.giveUp()
			return
		}
		res, after, _, err := w.do()
		w.busy += max(min(after, end)-max(sent, w.plan.Warm), 0)
		w.count(after)
		if measured {
			w.record(due, after, res, err)
		}
	}
}

// do makes one request. after is the time of its response, relative to the
// start.
func (w *worker) do() (res Response, after time.Duration, deep bool, err error) {
	w.buf = w.driver.Next(w.buf[:0])
	w.sent++
	if w.plan.Until != nil {
		if err := w.conn.SetDeadline(time.Now().Add(requestTime)); err != nil {
			return res, time.Since(w.start), false, err
		}
	}
	res, err = w.conn.Do(w.buf)
	after = time.Since(w.start)
	if err != nil {
		res = Response{} // without a status, even if a part of it was read
	} else {
		deep = w.plan.DeepEvery > 0 && w.sent%w.plan.DeepEvery == 1%w.plan.DeepEvery
		err = w.driver.Check(res, deep)
	}
	return res, after, deep, err
}

// count counts a response by the time when it arrived.
func (w *worker) count(after time.Duration) {
	if after >= w.plan.Warm && after <= w.plan.Warm+w.plan.Measure {
		w.answered++
	}
}

// record counts a request by its times, relative to the start.
func (w *worker) record(from, to time.Duration, res Response, err error) {
	w.requests++
	w.bytes += uint64(len(res.Body))
	w.latency.Record(to - from)
	if w.plan.Observe != nil {
		w.plan.Observe(w.start.Add(from), w.start.Add(to), res.Status)
	}
	if err == nil {
		return
	}
	w.errors++
	if overload(res.Status) {
		w.refused++
	}
	if res.Status == http.StatusTooManyRequests {
		w.limited++
	}
	text := err.Error()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		text = "no response in time"
	}
	if _, known := w.failures[text]; known || len(w.failures) < maxFailures {
		w.failures[text]++
	} else {
		w.failures["other errors"]++
	}
}

func collect(workers []*worker, pace *pacer, p Plan, elapsed time.Duration) *Result {
	r := &Result{Elapsed: p.Measure}
	if p.Until != nil {
		r.Elapsed = elapsed
	}
	failures := map[string]uint64{}
	for _, w := range workers {
		r.Requests += w.requests
		r.Errors += w.errors
		r.Answered += w.answered
		r.Bytes += w.bytes
		r.Latency.Add(&w.latency)
		r.Late.Add(&w.late)
		r.Redials += w.conn.Redials
		r.Refused += w.refused
		r.Limited += w.limited
		r.InFlight += w.busy.Seconds() / r.Elapsed.Seconds()
		for text, n := range w.failures {
			failures[text] += n
		}
	}
	if pace != nil {
		r.Backlog, r.Delayed, r.Unsent = pace.backlog(), pace.delayed.Load(), pace.unsent()
	}
	if r.Requests == 0 {
		r.Errors++
		failures["no response at all in the measured time"]++
	}
	for text, n := range failures {
		r.Failures = append(r.Failures, Failure{text, n})
	}
	slices.SortFunc(r.Failures, func(a, b Failure) int {
		if a.Count != b.Count {
			return int(b.Count) - int(a.Count)
		}
		return len(a.Message) - len(b.Message)
	})
	r.Failures = r.Failures[:min(len(r.Failures), maxFailures)]
	return r
}

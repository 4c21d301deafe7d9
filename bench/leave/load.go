package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/byline-api/byline/bench/internal/hist"
)

// world is the load and what it knows.
type world struct {
	site            string // address of the proxy
	users, articles int
	ledger          *ledger
	anonymous       []*visitor
	readers         []*visitor // signed in; they write seldom
	writers         []*visitor
	number          atomic.Int64 // makes texts unique

	mu      sync.Mutex
	written map[string][]ownComment // by user
	phase   *phase
	// phases are all phases, in their order.
	phases []*phase

	watched time.Time // when the first tick began
	sofar   sofar
	ticks   []tick
}

type ownComment struct {
	slug string
	id   int64
}

// phase is a part of the walk, with what the load has measured in it. A request
// counts for the phase in which it was due.
type phase struct {
	name     string
	began    time.Time
	took     time.Duration
	kinds    map[string]*measured
	failures map[string]int // by message
	byline   int64          // responses of Byline; before the end, those before the beginning
}

// measured are the requests of a kind.
type measured struct {
	requests, failed int
	latency          hist.H
}

// maxInFlight bounds what a system that answers nothing costs.
const maxInFlight = 3000

// maxFailures is how many messages a phase keeps.
const maxFailures = 20

func newWorld(o *options, site string) *world {
	w := &world{site: site, users: o.users, articles: o.articles, ledger: newLedger(), written: map[string][]ownComment{}}
	for i := range o.writers + o.readers {
		v := newVisitor(userName(i), i)
		if i < o.writers {
			w.writers = append(w.writers, v)
		} else {
			w.readers = append(w.readers, v)
		}
	}
	for i := range o.readers {
		w.anonymous = append(w.anonymous, newVisitor("", o.writers+o.readers+i))
	}
	return w
}

// accounts returns all visitors that have an account.
func (w *world) accounts() []*visitor { return slices.Concat(w.readers, w.writers) }

// begin begins a phase, and ends the one before.
func (w *world) begin(name string) {
	p := &phase{name: name, began: time.Now(), kinds: map[string]*measured{}, failures: map[string]int{}, byline: w.byByline()}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end()
	w.phase = p
	w.phases = append(w.phases, p)
}

func (w *world) end() {
	if w.phase != nil && w.phase.took == 0 {
		w.phase.took = time.Since(w.phase.began)
		w.phase.byline = w.byByline() - w.phase.byline
	}
}

// byByline returns how many responses were those of Byline until now.
func (w *world) byByline() (n int64) {
	for _, v := range slices.Concat(w.readers, w.writers, w.anonymous) {
		n += v.byByline.Load()
	}
	return n
}

func (w *world) record(p *phase, a action, d time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := p.kinds[a.name]
	if m == nil {
		m = new(measured)
		p.kinds[a.name] = m
	}
	w.sofar.requests++
	if a.write {
		w.sofar.writes.Record(d)
	} else {
		w.sofar.reads.Record(d)
	}
	m.requests++
	m.latency.Record(d)
	if err == nil {
		return
	}
	m.failed++
	if message := a.name + ": " + err.Error(); p.failures[message] > 0 || len(p.failures) < maxFailures {
		p.failures[message]++
	}
}

// run sends rate requests a second until ctx ends, whether earlier ones are
// answered or not. It returns when all are answered.
func (w *world) run(ctx context.Context, rate float64, writeShare float64) {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	var inFlight atomic.Int64
	began := time.Now()
	for n := 0; ; n++ {
		due := began.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		if wait := time.Until(due); wait > 0 && pause(ctx, wait) != nil || ctx.Err() != nil {
			return
		}
		w.mu.Lock()
		p := w.phase
		w.mu.Unlock()
		if inFlight.Load() >= maxInFlight {
			w.record(p, action{name: "all"}, time.Since(due), fmt.Errorf("more than %d requests wait", maxInFlight))
			continue
		}
		inFlight.Add(1)
		waiting.Go(func() {
			defer inFlight.Add(-1)
			w.one(context.WithoutCancel(ctx), p, due, rand.Float64() < writeShare)
		})
	}
}

// one sends one request. Its time begins when it was due.
func (w *world) one(ctx context.Context, p *phase, due time.Time, write bool) {
	for {
		a := pick(write)
		err := a.do(w, ctx, w.visitorFor(a))
		if errors.Is(err, errSkipped) {
			continue
		}
		w.record(p, a, time.Since(due), err)
		return
	}
}

// closed sends reads with some workers, each of which sends the next request
// when it has the answer to the previous one. It returns the answers a second.
func (w *world) closed(ctx context.Context, workers int, span time.Duration) float64 {
	w.mu.Lock()
	p := w.phase
	w.mu.Unlock()
	began := time.Now()
	var answered atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for time.Since(began) < span && ctx.Err() == nil {
				w.one(ctx, p, time.Now(), false)
				answered.Add(1)
			}
		})
	}
	group.Wait()
	return float64(answered.Load()) / time.Since(began).Seconds()
}

// pick picks an action by weight.
func pick(write bool) action {
	total := 0
	for _, a := range actions {
		if a.write == write {
			total += a.weight
		}
	}
	n := rand.IntN(total)
	i := slices.IndexFunc(actions, func(a action) bool {
		if a.write == write {
			n -= a.weight
		}
		return n < 0
	})
	return actions[i]
}

func (w *world) visitorFor(a action) *visitor {
	from := w.writers
	switch a.who {
	case anyone:
		if rand.IntN(2) == 0 || a.write {
			from = w.anonymous
			break
		}
		from = w.readers
	case signedIn:
		from = w.readers
	}
	return from[rand.IntN(len(from))]
}

// failed returns the number of failed requests of all phases.
func (w *world) failed() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.phases {
		for _, m := range p.kinds {
			n += m.failed
		}
	}
	return n
}

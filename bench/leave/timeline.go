package main

import (
	"context"
	"time"

	"github.com/byline-api/byline/bench/internal/hist"
)

// tickTime is the time between two points of the picture. It has enough requests
// for a median.
const tickTime = 2 * time.Second

// tick is what the load has measured since the tick before.
type tick struct {
	Seconds  float64 `json:"seconds"` // since the first tick began
	Reads    latency `json:"reads"`
	Writes   latency `json:"writes"`
	ByByline float64 `json:"byBylinePercent"`
}

// sofar is what has been measured since the last tick. Requests count when they
// are answered.
type sofar struct {
	reads, writes hist.H
	requests      int
	byline        int64 // responses of Byline until the last tick
}

// watch takes a tick again and again until ctx ends.
func (w *world) watch(ctx context.Context) {
	w.mu.Lock()
	w.watched, w.sofar = time.Now(), sofar{byline: w.byByline()}
	w.mu.Unlock()
	for pause(ctx, tickTime) == nil {
		w.tick()
	}
}

func (w *world) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.sofar
	byline := w.byByline()
	t := tick{Seconds: time.Since(w.watched).Seconds(), Reads: latencyOf(&s.reads), Writes: latencyOf(&s.writes)}
	if s.requests > 0 {
		t.ByByline = min(100*float64(byline-s.byline)/float64(s.requests), 100)
	}
	w.ticks = append(w.ticks, t)
	*s = sofar{byline: byline}
}

package load

import (
	"sync/atomic"
	"time"
)

// pacer hands out the slots of a constant rate to whichever connection is free. A slot's time depends on its number
// alone: a slow answer delays requests but never thins them out.
type pacer struct {
	interval float64 // ns
	slots    uint64  // all of them

	next    atomic.Uint64 // the first slot not taken
	most    atomic.Uint64 // backlog at its highest
	delayed atomic.Uint64
	lost    atomic.Uint64 // taken and then not sent
}

func newPacer(rate float64, span time.Duration) *pacer {
	return &pacer{interval: float64(time.Second) / rate, slots: uint64(rate * span.Seconds())}
}

// due is when a slot is to be sent, from the start.
func (p *pacer) due(slot uint64) time.Duration { return time.Duration(float64(slot) * p.interval) }

// tolerance is how late a slot may be taken without counting as delayed: below what a scheduler does anyway.
const tolerance = time.Millisecond

// take gives the next slot's time. now tells how many slots are due and not taken.
func (p *pacer) take(now time.Duration) (due time.Duration, ok bool) {
	slot := p.next.Add(1) - 1
	if slot >= p.slots {
		return 0, false
	}
	due = p.due(slot)
	if now > due+tolerance {
		p.delayed.Add(1)
		waiting := min(uint64(float64(now)/p.interval), p.slots) - slot
		for {
			most := p.most.Load()
			if waiting <= most || p.most.CompareAndSwap(most, waiting) {
				break
			}
		}
	}
	return due, true
}

// giveUp says that a slot was taken and not sent.
func (p *pacer) giveUp() { p.lost.Add(1) }

func (p *pacer) backlog() uint64 { return p.most.Load() }

// unsent counts slots that nobody took or sent.
func (p *pacer) unsent() uint64 {
	return p.slots - min(p.next.Load(), p.slots) + p.lost.Load()
}

package load

import (
	"sync/atomic"
	"time"
)

// pacer assigns the slots of a constant rate to free connections. The time of a
// slot depends only on its number, so a slow response delays requests but never
// reduces their number.
type pacer struct {
	interval float64       // ns
	slots    atomic.Uint64 // number of slots

	next    atomic.Uint64 // number of the next slot
	most    atomic.Uint64 // highest backlog
	delayed atomic.Uint64
	lost    atomic.Uint64 // slots that were taken but not sent
}

func newPacer(rate float64, span time.Duration) *pacer {
	p := &pacer{interval: float64(time.Second) / rate}
	p.slots.Store(uint64(rate * span.Seconds()))
	return p
}

// due returns when a slot is due, relative to the start.
func (p *pacer) due(slot uint64) time.Duration { return time.Duration(float64(slot) * p.interval) }

// tolerance is how late a slot may be taken without counting as delayed. It is
// smaller than usual scheduling delays.
const tolerance = time.Millisecond

// take returns the time of the next slot. now is used to count the slots that
// are due and not taken.
func (p *pacer) take(now time.Duration) (due time.Duration, ok bool) {
	slot, slots := p.next.Add(1)-1, p.slots.Load()
	if slot >= slots {
		return 0, false
	}
	due = p.due(slot)
	if now > due+tolerance {
		p.delayed.Add(1)
		waiting := min(uint64(float64(now)/p.interval), slots) - slot
		for {
			most := p.most.Load()
			if waiting <= most || p.most.CompareAndSwap(most, waiting) {
				break
			}
		}
	}
	return due, true
}

// stop ends the schedule: slots that were not taken are no slots any more.
func (p *pacer) stop() { p.slots.Store(min(p.next.Load(), p.slots.Load())) }

// giveUp records that a slot was taken and not sent.
func (p *pacer) giveUp() { p.lost.Add(1) }

func (p *pacer) backlog() uint64 { return p.most.Load() }

// unsent returns the number of slots that were not taken or not sent.
func (p *pacer) unsent() uint64 {
	slots := p.slots.Load()
	return slots - min(p.next.Load(), slots) + p.lost.Load()
}

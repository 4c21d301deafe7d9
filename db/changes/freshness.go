package changes

import (
	"context"
	"sync/atomic"
)

// slotCount bounds the memory of a Freshness: 128 KB.
const slotCount = 1 << 14

// Freshness knows how long what was read from the database is up to date. It
// is a Subscriber of a Feed, and must have received a batch before use. Its
// methods may be called concurrently.
//
// Whoever stores a value calls Now before it reads the value's data, and stores
// with the value a Basis of that moment and of the keys that the data depends
// on. The value is fresh while the feed has delivered none of the keys since.
// If one cache is made from another, the other must subscribe to the feed first.
type Freshness struct {
	// Keys share slots by hash. A slot holds the moment of its last change. A
	// collision makes a fresh value stale, but never a stale one fresh.
	slots [slotCount]atomic.Uint64
	now   atomic.Uint64
	// floor is the moment before which everything is stale.
	floor atomic.Uint64
}

// A Moment is a place in the order of the batches that a Freshness receives.
type Moment uint64

// A Basis is what a stored value depends on, and the moment before its data was
// read. The zero Basis is never fresh once a feed has begun.
type Basis struct {
	since Moment
	slots []uint16
}

// Size returns how many bytes the basis takes besides the struct.
func (b Basis) Size() int { return 2 * cap(b.slots) }

// NewBasis returns the basis of a value whose data was read after since, and
// depends on keys.
func NewBasis(since Moment, keys ...Key) Basis {
	b := Basis{since, make([]uint16, len(keys))}
	for i, k := range keys {
		b.slots[i] = slotOf(k)
	}
	return b
}

// Now returns the current moment.
func (f *Freshness) Now() Moment { return Moment(f.now.Load()) }

// Fresh reports whether nothing that a value depends on has changed since its
// data began to be read.
func (f *Freshness) Fresh(b Basis) bool {
	if uint64(b.since) < f.floor.Load() {
		return false
	}
	for _, slot := range b.slots {
		if f.slots[slot].Load() > uint64(b.since) {
			return false
		}
	}
	return true
}

// Learn implements Subscriber. It makes all values stale that depend on one of
// the keys of the batch.
func (f *Freshness) Learn(_ context.Context, b Batch) error {
	if b.All {
		f.floor.Store(f.now.Add(1))
		return nil
	}
	if len(b.Keys) == 0 {
		return nil
	}
	now := f.now.Add(1)
	for _, k := range b.Keys {
		f.slots[slotOf(k)].Store(now)
	}
	return nil
}

func slotOf(k Key) uint16 { return uint16(k.Hash() % slotCount) }

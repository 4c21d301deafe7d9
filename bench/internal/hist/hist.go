// Package hist counts latencies in buckets whose width is proportional to the
// value, like HdrHistogram. Recording a value costs one increment and no
// memory, and percentiles are exact to 0.8 %.
package hist

import (
	"math/bits"
	"time"
)

const (
	// subBits gives 128 buckets for each doubling: the width of a bucket is at
	// most 1/128 of its values.
	subBits = 7
	sub     = 1 << subBits
	// maxBits limits the range: values above 2^40 ns, which are 18 minutes, are
	// counted as 2^40 ns.
	maxBits = 40
	buckets = (maxBits - subBits + 1) * sub
)

// H is a histogram of durations in nanoseconds. Its zero value is empty. Only
// one goroutine may record in a histogram; Add combines the histograms of
// several goroutines.
type H struct {
	counts [buckets]uint64
	n      uint64
	max    int64
}

// Record counts one duration. A negative duration counts as 0.
func (h *H) Record(d time.Duration) {
	v := max(int64(d), 0)
	h.counts[index(v)]++
	h.n++
	h.max = max(h.max, v)
}

// Add adds all durations of other.
func (h *H) Add(other *H) {
	for i, n := range &other.counts {
		h.counts[i] += n
	}
	h.n += other.n
	h.max = max(h.max, other.max)
}

// Count returns how many durations were recorded.
func (h *H) Count() uint64 { return h.n }

// Max returns the exact longest duration.
func (h *H) Max() time.Duration { return time.Duration(h.max) }

// Quantile returns a duration that the share q (0 to 1) of all durations does
// not exceed. It is the upper end of a bucket, so that a percentile is never
// reported too low. For an empty histogram it returns 0.
func (h *H) Quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	// The rank is rounded up: the P99 of 10 values is the tenth.
	rank := uint64(q * float64(h.n))
	if float64(rank) < q*float64(h.n) {
		rank++
	}
	rank = min(max(rank, 1), h.n)
	var seen uint64
	for i, n := range &h.counts {
		if seen += n; seen >= rank {
			return time.Duration(min(upper(i), h.max))
		}
	}
	return h.Max()
}

// index returns the bucket of a value: values below 2*sub have one bucket each,
// then every doubling has sub buckets.
func index(v int64) int {
	v = min(v, 1<<maxBits-1)
	shift := max(bits.Len64(uint64(v))-subBits-1, 0)
	return shift*sub + int(v>>shift)
}

// upper returns the largest value of a bucket.
func upper(i int) int64 {
	shift := max(i/sub-1, 0)
	return (int64(i-shift*sub)+1)<<shift - 1
}

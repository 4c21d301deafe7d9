package strangle

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// fallback is a reason for which the old system answered instead of the new
// one.
type fallback int

const (
	unreachable fallback = iota // no connection could be made
	timedOut
	serverError // a status of 500 or more
	brokenOff   // the connection broke before the response
	breakerOpen
	afterWrite // the user has written to the old system a moment ago
	holdEnded  // a read waited for too long
	fallbacks
)

func (f fallback) String() string {
	return [...]string{"unreachable", "timeout", "server_error", "connection_broken", "breaker_open", "after_write", "hold_ended"}[f]
}

// outcome is the result of asking the new system too.
type outcome int

const (
	equal outcome = iota
	different
	noise        // the old system differs from itself in the same places
	unconfirmed  // different, but the old system did not answer again
	dropped      // the queue or its memory was full
	tooLarge     // a body was larger than what is compared
	notAnswered  // the new system did not answer
	incomparable // there is nothing to compare, such as 304, or the user has just written
	outcomes
)

func (o outcome) String() string {
	return [...]string{"equal", "different", "noise", "unconfirmed", "dropped", "too_large", "not_answered", "incomparable"}[o]
}

// traffic counts what happens to the requests of each operation. All fields are
// atomic, so that requests do not wait for each other.
type traffic struct {
	operations []operationTraffic // by index; the last one is of other requests
	refused    atomic.Int64       // writes that waited for too long
}

type operationTraffic struct {
	sides     [sides]sideTraffic
	fallbacks [fallbacks]atomic.Int64
	outcomes  [outcomes]atomic.Int64
}

type sideTraffic struct {
	classes   [6]atomic.Int64 // by the first digit of the status
	failed    atomic.Int64    // no response
	brokenOff atomic.Int64    // responses that ended before their end
	latency   latencies
}

func newTraffic(operations int) *traffic {
	return &traffic{operations: make([]operationTraffic, operations)}
}

func (t *traffic) of(op *operation, s side) *sideTraffic { return &t.operations[op.index].sides[s] }

func (t *traffic) fallBack(op *operation, why fallback) { t.operations[op.index].fallbacks[why].Add(1) }

func (t *traffic) compared(op *operation, o outcome) { t.operations[op.index].outcomes[o].Add(1) }

// answered counts a response and the time until it began.
func (s *sideTraffic) answered(status int, took time.Duration) {
	if class := status / 100; class < len(s.classes) {
		s.classes[class].Add(1)
	}
	s.latency.add(took)
}

// requests returns the number of requests, with those that were not answered.
func (s *sideTraffic) requests() (n int64) {
	for i := range s.classes {
		n += s.classes[i].Load()
	}
	return n + s.failed.Load()
}

// errors returns the number of server errors and missing responses.
func (s *sideTraffic) errors() int64 { return s.classes[5].Load() + s.failed.Load() }

// latencies is a histogram of times. Each power of two of microseconds has
// eight buckets, so that a percentile is at most 12.5 % too high.
type latencies struct {
	buckets [maxExponent * perPower]atomic.Int64
	sum     atomic.Int64 // nanoseconds
}

const (
	perPower    = 8
	maxExponent = 28 // up to more than a minute
)

func (l *latencies) add(took time.Duration) {
	l.sum.Add(int64(took))
	l.buckets[bucketOf(took)].Add(1)
}

// bucketOf returns the index of a time's bucket.
func bucketOf(took time.Duration) int {
	us := uint64(max(took.Microseconds(), 0))
	if us < perPower {
		return int(us)
	}
	exponent := bits.Len64(us) - 4 // us >> exponent has the leading 1 and three more bits
	return min(exponent*perPower+int(us>>exponent), maxExponent*perPower-1)
}

// upTo returns the end of a bucket.
func upTo(bucket int) time.Duration {
	if bucket < 2*perPower {
		return time.Duration(bucket+1) * time.Microsecond
	}
	exponent := bucket/perPower - 1
	return time.Duration((bucket%perPower+perPower+1)<<exponent) * time.Microsecond
}

// quantile returns the time within which a share of the responses began, or 0
// without any.
func (l *latencies) quantile(share float64) time.Duration {
	var counts [maxExponent * perPower]int64
	total := int64(0)
	for i := range l.buckets {
		counts[i] = l.buckets[i].Load()
		total += counts[i]
	}
	seen := int64(0)
	for i, n := range counts {
		if seen += n; n > 0 && float64(seen) >= share*float64(total) {
			return upTo(i)
		}
	}
	return 0
}

package scaling

import (
	"container/heap"
	"math"
	"math/rand/v2"
)

// Edge is a cache between clients and the service that keeps responses for a
// time, unless they are purged before.
type Edge struct {
	TTL   float64 // seconds for which a response is used
	Every float64 // seconds between two purges; 0 means that nothing is purged
}

// lives returns for how long a response is used, on average, whose data changes
// at a rate: until a purge follows the first change, or the time is over.
func (e Edge) lives(changes float64) float64 {
	if e.Every == 0 || changes == 0 {
		return e.TTL
	}
	// The first change comes after a time with an exponential distribution, and
	// on average half an interval later the purge. The time after which a purge
	// comes is bounded by the TTL.
	rest := max(e.TTL-e.Every/2, 0)
	return min(e.TTL, e.Every/2) + (1-math.Exp(-changes*rest))/changes
}

// Hits returns the share of requests, at a rate, that the edge answers. The
// first request after a response has left is a miss; those that come while the
// next one is used are hits.
func (e Edge) Hits(requests, changes float64) float64 {
	during := requests * e.lives(changes)
	return during / (1 + during)
}

// HitsOf returns the share of requests that the edge answers, for a popularity.
func (e Edge) HitsOf(p Popularity, requests, changes float64) float64 {
	var hits float64
	for _, b := range p {
		hits += b.share * e.Hits(requests*b.share/b.items, changes*b.share/b.items)
	}
	return hits
}

// band is a group of items that are about equally popular: their number, and
// their share of the requests.
type band struct{ items, share float64 }

// Popularity says how requests are spread over items.
type Popularity []band

// Zipf returns the popularity of n items of which the r-th has a weight of
// r^-s. Items that come late are put into bands of about equal ones.
func Zipf(n, s float64) Popularity {
	const exact = 10_000
	var p Popularity
	var total float64
	add := func(items, weight float64) {
		p = append(p, band{items, weight})
		total += weight
	}
	for r := 1.0; r <= min(n, exact); r++ {
		add(1, math.Pow(r, -s))
	}
	for from := float64(exact); from < n; {
		to := min(from*1.01, n)
		// The middle of a band of 1 % represents it.
		add(to-from, (to-from)*math.Pow((from+to)/2, -s))
		from = to
	}
	for i := range p {
		p[i].share /= total
	}
	return p
}

// Simulate plays requests and changes of n items for a time, in seconds, and
// returns the share of requests that the edge answers. It checks the formula:
// purges come in rounds, as they do in the service.
func (e Edge) Simulate(n int, s, requests, changes, seconds float64, seed uint64) float64 {
	r := rand.New(rand.NewPCG(seed, 0))
	cumulated := make([]float64, n)
	var total float64
	for i := range n {
		total += math.Pow(float64(i+1), -s)
		cumulated[i] = total
	}
	pick := func() int {
		x, low, high := r.Float64()*total, 0, n-1
		for low < high {
			if middle := (low + high) / 2; cumulated[middle] < x {
				low = middle + 1
			} else {
				high = middle
			}
		}
		return low
	}
	until := make([]float64, n) // when each response leaves; before that time it is used
	var events queue
	heap.Push(&events, event{r.ExpFloat64() / requests, request})
	if changes > 0 && e.Every > 0 {
		heap.Push(&events, event{r.ExpFloat64() / changes, change})
		heap.Push(&events, event{e.Every, purge})
	}
	var changed []int
	var asked, hits float64
	for {
		next := heap.Pop(&events).(event)
		if next.at > seconds {
			return hits / asked
		}
		switch next.kind {
		case request:
			asked++
			if i := pick(); next.at < until[i] {
				hits++
			} else {
				until[i] = next.at + e.TTL
			}
			next.at += r.ExpFloat64() / requests
		case change:
			changed = append(changed, pick())
			next.at += r.ExpFloat64() / changes
		case purge:
			for _, i := range changed {
				until[i] = 0
			}
			changed = changed[:0]
			next.at += e.Every
		}
		heap.Push(&events, next)
	}
}

const (
	request = iota
	change
	purge
)

type event struct {
	at   float64
	kind int
}

// queue is a heap of events, the next one first.
type queue []event

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

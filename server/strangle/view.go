package strangle

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/byline-api/byline/server/strangle/compare"
)

// view is what the page of the admin port shows.
type view struct {
	state
	Old, New string
	Groups   []groupView
	// Rows are the operations that have been requested or have a mode of their
	// own; Unused are the others.
	Rows, Unused []row
	Others       row // requests that the document does not have
	Differences  []compare.Group
	NotRecorded  int64
}

// groupView is a mode of a tag, of reads, of writes or of all others.
type groupView struct{ Name, Mode string }

// row is an operation of the page.
type row struct {
	operationState
	Own    string // the mode that only this operation has
	Sides  []sideView
	Differ int64
	Equal  int64
	Fell   int64 // requests that old answered instead of new
}

// sideView is the traffic of one system.
type sideView struct {
	Requests, Errors int64
	Rate             string // of errors
	P50, P99         string
}

// view returns what the page shows now.
func (p *Proxy) view() view {
	v := view{state: p.state(), Old: p.cfg.Old, New: p.cfg.New}
	v.Differences, v.NotRecorded = p.book.Groups()
	tags := map[string]bool{}
	for _, op := range p.operations {
		tags[op.tag] = true
	}
	for _, name := range slices.Concat([]string{allOthers, allReads, allWrites}, slices.Sorted(maps.Keys(tags))) {
		v.Groups = append(v.Groups, groupView{name, v.Modes[name]})
	}
	for i, op := range v.Operations {
		r := row{operationState: op, Own: v.Modes[op.Operation]}
		r.fill(&p.traffic.operations[i])
		if r.Own != "" || r.used() {
			v.Rows = append(v.Rows, r)
		} else {
			v.Unused = append(v.Unused, r)
		}
	}
	slices.SortStableFunc(v.Rows, func(a, b row) int { return cmp.Compare(b.requests(), a.requests()) })
	v.Others = row{operationState: operationState{Operation: p.other.name(), Mode: "old"}}
	v.Others.fill(&p.traffic.operations[p.other.index])
	return v
}

// used reports whether the operation was requested.
func (r *row) used() bool { return r.requests() > 0 }

// requests returns how many requests both systems got, without those that were
// only compared.
func (r *row) requests() int64 { return r.Sides[0].Requests + r.Sides[1].Requests }

func (r *row) fill(t *operationTraffic) {
	for s := range sides {
		side := &t.sides[s]
		shown := sideView{Requests: side.requests(), Errors: side.errors()}
		if shown.Requests > 0 {
			shown.Rate = strconv.FormatFloat(100*float64(shown.Errors)/float64(shown.Requests), 'f', 2, 64) + " %"
			shown.P50, shown.P99 = milliseconds(side.latency.quantile(0.5)), milliseconds(side.latency.quantile(0.99))
		}
		r.Sides = append(r.Sides, shown)
	}
	r.Equal = t.outcomes[equal].Load() + t.outcomes[noise].Load()
	r.Differ = t.outcomes[different].Load()
	for f := range fallbacks {
		r.Fell += t.fallbacks[f].Load()
	}
}

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 2, 64)
}

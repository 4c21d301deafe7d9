package compare

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Book groups the differences of many requests by operation, place and kind. It
// is safe for concurrent use, and its size is bounded.
type Book struct {
	shower shower

	mu      sync.Mutex
	groups  map[groupKey]*Group
	dropped int64
}

type groupKey struct {
	operation, path string
	kind            Kind
}

// Group is the same difference in the responses of many requests.
type Group struct {
	Operation string    `json:"operation"`
	Path      string    `json:"path"`
	Kind      Kind      `json:"kind"`
	Count     int64     `json:"count"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	// Samples are the first differences, without personal text.
	Samples []Sample `json:"samples"`
}

// Sample is one difference as it may be shown.
type Sample struct {
	Time time.Time `json:"time"`
	Old  Shown     `json:"old"`
	New  Shown     `json:"new"`
}

const (
	maxGroups  = 1000
	maxSamples = 5
)

// NewBook returns an empty book.
func NewBook() *Book {
	return &Book{shower: newShower(), groups: map[groupKey]*Group{}}
}

// Add records the differences of one request.
func (b *Book) Add(operation string, differences []Difference, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range differences {
		key := groupKey{operation, d.Path, d.Kind}
		g := b.groups[key]
		if g == nil {
			if len(b.groups) == maxGroups {
				b.dropped++
				continue
			}
			g = &Group{Operation: operation, Path: d.Path, Kind: d.Kind, First: now}
			b.groups[key] = g
		}
		g.Count++
		g.Last = now
		if len(g.Samples) < maxSamples {
			g.Samples = append(g.Samples, Sample{Time: now, Old: b.shower.show(d.Old), New: b.shower.show(d.New)})
		}
	}
}

// Groups returns all groups, by operation and then the most frequent first. It
// also returns how many differences were not recorded because there were too
// many groups.
func (b *Book) Groups() (groups []Group, dropped int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	groups = make([]Group, 0, len(b.groups))
	for _, g := range b.groups {
		copied := *g
		copied.Samples = slices.Clone(g.Samples)
		groups = append(groups, copied)
	}
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Operation, b.Operation), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind))
	})
	return groups, b.dropped
}

// Clear forgets all differences, for example after their cause was removed.
func (b *Book) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.groups)
	b.dropped = 0
}

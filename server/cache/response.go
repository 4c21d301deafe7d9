package cache

import "sync/atomic"

// Answer is the body of a 200 answer with what belongs to it. It is not
// changed once it has been put into a cache.
type Answer struct {
	Body []byte
	Tag  string // the strong entity tag of Body
	Link string // the Link header, or ""

	epoch uint64
	slots []uint16
	// coded holds Body under content codings, made when first asked for.
	coded [2]atomic.Pointer[[]byte]
}

// Coded returns the body under a content coding, number 0 or 1, which make
// makes once: two that ask at the same time may both make it, and one is kept.
func (a *Answer) Coded(number int, make func([]byte) []byte) []byte {
	if b := a.coded[number].Load(); b != nil {
		return *b
	}
	b := make(a.Body)
	a.coded[number].Store(&b)
	return b
}

// overhead is about what an answer takes beside its bytes: structs, map and
// list entries.
const overhead = 400

// weight is what an answer may come to take. Codings are made later, so that
// they are counted from the start; they are a third of the body or less.
func (a *Answer) weight(key string) int {
	return overhead + len(key) + len(a.Tag) + len(a.Link) + 2*len(a.slots) + len(a.Body) + 2*len(a.Body)/3
}

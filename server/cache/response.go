package cache

import (
	"sync/atomic"

	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/db/changes"
)

// Response is a 200 response: its body and the headers that depend on it. It is
// not changed after it has been put into a cache.
type Response struct {
	Body []byte
	Tag  string // the strong entity tag of Body
	Link string // the Link header, or ""
	// Edge is the value of the header that tells caches at the edge what the
	// response depends on, or nil if they have to ask before they use it.
	Edge []string
	// Sending is what the requests that send the response at this time have
	// taken from the budget of long responses.
	Sending budget.Shared

	basis changes.Basis
	// coded holds Body in two content codings, each encoded at first use.
	coded [2]atomic.Pointer[[]byte]
}

// Coded returns the body in a content coding, number 0 or 1. It calls make at
// the first use and stores the result; then made is true. Two concurrent callers
// may both call make; then one of the results is stored.
func (r *Response) Coded(number int, make func([]byte) []byte) (coded []byte, made bool) {
	if b := r.coded[number].Load(); b != nil {
		return *b, false
	}
	b := make(r.Body)
	return b, r.coded[number].CompareAndSwap(nil, &b)
}

// overhead is about how many bytes a response takes besides its text: structs,
// map and list entries.
const overhead = 400

// weight returns how many bytes a response takes, without the content codings,
// which are made later, if at all.
func (r *Response) weight(key string) int {
	weight := overhead + len(key) + len(r.Tag) + len(r.Link) + r.basis.Size() + len(r.Body)
	for _, v := range r.Edge {
		weight += len(v)
	}
	return weight
}

package api

import "sync"

// Answers are made in buffers that are used again: they were a quarter of what
// a feed left to the garbage collector.
var bodies = sync.Pool{New: func() any {
	b := make([]byte, 0, bodySize)
	return &b
}}

const (
	// bodySize, in bytes, holds a page of 20 articles or an article of 2 KB.
	bodySize = 16 << 10
	// maxPooledBody keeps a few large answers from holding their memory.
	maxPooledBody = 4 * bodySize
)

// newBody returns an empty buffer for an answer of about size bytes.
func newBody(size int) []byte {
	if size > bodySize {
		return make([]byte, 0, size)
	}
	return *bodies.Get().(*[]byte)
}

// Recycle takes the buffer of an answer back, once it has been sent and nothing
// refers to it any more.
func Recycle(body []byte) {
	if c := cap(body); c >= bodySize && c <= maxPooledBody {
		body = body[:0]
		bodies.Put(&body)
	}
}

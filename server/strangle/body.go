package strangle

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// sentBody is the body of a client.
type sentBody struct {
	io.ReadCloser
	broken atomic.Bool // it could not be read, such as one with odd chunks
	ended  atomic.Bool // all of it was read
}

func (b *sentBody) Read(buffer []byte) (int, error) {
	n, err := b.ReadCloser.Read(buffer)
	switch {
	case errors.Is(err, io.EOF):
		b.ended.Store(true)
	case err != nil && !errors.Is(err, http.ErrBodyReadAfterClose):
		b.broken.Store(true)
	}
	return n, err
}

// readAhead reads a short body before the request waits. Only then does Go's
// server watch the connection, so that the write of a client that has left is not
// carried out later. The rest of a longer body stays with the client.
func (x *exchange) readAhead() {
	if x.ahead || x.sent == nil {
		return
	}
	x.ahead = true
	first, err := io.ReadAll(io.LimitReader(x.in.Body, maxKept+1))
	if err != nil {
		return // x.gone
	}
	x.in.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(first), x.in.Body), x.in.Body}
}

// end sends the rest of the response, and then reads the rest of the body. Go's
// server would do the latter itself after a handler, but with EnableFullDuplex
// it may use the connection for two reads at once then, and panics.
func (b *sentBody) end(w http.ResponseWriter) {
	if b.ended.Load() {
		return
	}
	_ = http.NewResponseController(w).Flush() // the client may be gone
	_ = b.Close()
}

// keptBody is the body of a request to the new system, which the old one may
// need after all. It is nil if the request has no body.
type keptBody struct {
	source io.Reader
	first  []byte // the beginning of a body, which is kept
	whole  bool   // first is the whole body
	read   atomic.Bool
}

// maxKept bounds the body of a read that is kept for a second attempt.
const maxKept = 64 << 10

// keepBody prepares a request with a body for a fallback. The few reads that
// have one are short, and are kept as a whole. The body of a write is passed on
// while it arrives; it can be sent again if nothing of it was read.
func (x *exchange) keepBody() {
	if x.in.Body == nil || x.in.Body == http.NoBody {
		return
	}
	x.body = &keptBody{source: x.in.Body}
	if !x.isWrite() && x.in.ContentLength >= 0 && x.in.ContentLength <= maxKept {
		first := make([]byte, x.in.ContentLength)
		n, err := io.ReadFull(x.in.Body, first)
		x.body.first, x.body.whole = first[:n], err == nil
	}
	x.in.Body = x.body.again()
}

// kept reports whether the body can be sent again in any case.
func (b *keptBody) kept() bool { return b == nil || b.whole }

// begun reports whether the body cannot be sent again, because a part of it was
// passed on.
func (b *keptBody) begun() bool { return !b.kept() && b.read.Load() }

// again returns the body from its beginning. The forwarder may still read the
// one of the attempt before.
func (b *keptBody) again() io.ReadCloser {
	if b.whole {
		return io.NopCloser(bytes.NewReader(b.first))
	}
	return &attempt{b, io.MultiReader(bytes.NewReader(b.first), b.source)}
}

// attempt is the body of one attempt.
type attempt struct {
	kept *keptBody
	io.Reader
}

func (a *attempt) Read(buffer []byte) (int, error) {
	a.kept.read.Store(true)
	return a.Reader.Read(buffer)
}

// Close does nothing: the forwarder closes the body when the new system cannot
// be reached, and the old one needs it then. The server closes it at the end.
func (a *attempt) Close() error { return nil }

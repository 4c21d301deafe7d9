package strangle

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/byline-api/byline/server/strangle/compare"
)

// copied holds copies of both bodies of an exchange, whose response is compared
// when the old system has sent all of it.
type copied struct {
	shadow   *shadow
	request  *tee // nil without a body
	response *tee // nil until there is a response, and without a body
	reserved int64
	old      compare.Response
	encoding string
	header   bool    // there is a response to compare
	why      outcome // if it is not compared
}

// tee copies what is read from a body, up to a limit.
type tee struct {
	io.ReadCloser
	limit  int64
	buffer []byte
	// ended is set at the end of the body. Whoever sees it also sees the bytes,
	// even if another goroutine has read them.
	ended atomic.Bool
	over  atomic.Bool // the body is larger than the limit
}

func (t *tee) Read(buffer []byte) (int, error) {
	n, err := t.ReadCloser.Read(buffer)
	switch {
	case t.over.Load():
	case int64(len(t.buffer)+n) > t.limit:
		t.buffer = nil
		t.over.Store(true)
	default:
		t.buffer = append(t.buffer, buffer[:n]...)
	}
	if errors.Is(err, io.EOF) {
		t.ended.Store(true)
	}
	return n, err
}

// copy begins to copy an exchange. It returns nil if there is no memory for it.
func (s *shadow) copy(x *exchange) *copied {
	c := &copied{shadow: s, why: incomparable}
	if x.in.Body == nil || x.in.Body == http.NoBody {
		return c
	}
	if c.request = c.tee(x.in.Body, x.in.ContentLength); c.request == nil {
		s.proxy.traffic.compared(x.op, c.why)
		return nil
	}
	x.in.Body = c.request
	return c
}

// tee returns a copier for a body with a known or unknown (-1) length. It
// returns nil if the body is too large, or if there is no memory for it.
func (c *copied) tee(body io.ReadCloser, length int64) *tee {
	limit := c.shadow.limits.Body
	if length > limit {
		c.why = tooLarge
		return nil
	}
	if length >= 0 {
		limit = length
	}
	if c.shadow.bytes.Add(limit) > c.shadow.limits.Bytes {
		c.shadow.bytes.Add(-limit)
		c.why = dropped
		return nil
	}
	c.reserved += limit
	return &tee{ReadCloser: body, limit: limit}
}

// answered begins to copy a response of the old system.
func (c *copied) answered(x *exchange, res *http.Response) {
	switch status := res.StatusCode; {
	case status < http.StatusOK || status == http.StatusPartialContent || status == http.StatusNotModified:
		return
	case x.isWrite() && status >= http.StatusMultipleChoices:
		return // the old system has refused it
	}
	c.header = true
	c.old = compare.Response{Status: res.StatusCode, ContentType: res.Header.Get("Content-Type")}
	c.encoding = res.Header.Get("Content-Encoding")
	if res.Body == http.NoBody || res.Body == nil || x.in.Method == http.MethodHead {
		return
	}
	if c.response = c.tee(res.Body, res.ContentLength); c.response == nil {
		c.header = false
		return
	}
	res.Body = c.response
}

// settle puts the exchange into the queue if everything was copied. It never
// waits.
func (c *copied) settle(x *exchange) {
	for _, t := range []*tee{c.request, c.response} {
		switch {
		case t == nil:
		case t.over.Load():
			c.header, c.why = false, tooLarge
		case !t.ended.Load():
			c.header = false // the client has gone, or a connection broke
		}
	}
	if c.header {
		select {
		case c.shadow.queue <- newTask(c, x):
			return // the worker releases the memory
		default:
			c.why = dropped
		}
	}
	c.release()
	c.shadow.proxy.traffic.compared(x.op, c.why)
}

func (c *copied) release() {
	c.shadow.bytes.Add(-c.reserved)
	c.reserved = 0
}

package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/api/etag"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/server/cache"
	"github.com/byline-api/byline/server/compress"
	"github.com/byline-api/byline/server/contract"
)

// The scopes of x-cache that this package treats specially.
const (
	scopeNone   = "none"
	scopeShared = "shared"
)

// represent turns the bytes that a handler writes into the response that the
// document declares: with a strong entity tag, Cache-Control and Vary by
// x-cache, and a content coding, or as a 304 when the client has it already.
// Anonymous reads get the cached response if there is one.
func (s *Server) represent(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil {
			return next(c)
		}
		if x.op.Stream {
			s.cacheHeaders(x.Response().Header(), x, nil)
			x.Response().Writer = s.paced(x.Response().Writer)
			return next(c)
		}
		x.info.Memory = s.memory.Share()
		defer x.info.Memory.Release()
		if s.cacheable(x) {
			return s.fromCache(x, next)
		}
		b, err := s.respond(x, next)
		if err != nil {
			return err
		}
		err = s.send(x, b.status, newResponse(x, b))
		b.reuse(x)
		return err
	}
}

// respond calls next and returns its response. If the request has changed
// something, or may have, respond updates the cache before the client gets the
// response.
func (s *Server) respond(x *exchange, next echo.HandlerFunc) (*bufferedWriter, error) {
	b := &bufferedWriter{header: x.Response().Header()}
	changed, done := s.cfg.CacheBytes > 0 && !x.op.Safe, false
	defer func() {
		if changed {
			s.syncCache(x.Request().Context(), done)
		}
	}()
	if err := intoBuffer(next, x, b); err != nil {
		// A refusal has changed nothing. A failed request may have.
		changed = changed && translate.Problem(err).Status() >= http.StatusInternalServerError
		return nil, err
	}
	done = true
	return b, nil
}

// describe stores the facts of an operation's response, such as its version and
// its dependencies, in the exchange.
func (s *Server) describe(next openapi.StrictHandlerFunc, _ string) openapi.StrictHandlerFunc {
	return func(c echo.Context, req any) (any, error) {
		res, err := next(c, req)
		if err != nil {
			return nil, err
		}
		x := of(c)
		x.facts, _ = res.(response.Describer)
		if st, ok := res.(response.Streamer); ok && x.head {
			st.ResponseStream().SkipBody()
		}
		switch {
		case res == nil:
			return nil, fmt.Errorf("operation %s returned neither a response nor an error", x.op.ID)
		case x.op.Cache.Scope == scopeShared && (x.facts == nil || !x.facts.Decided()):
			return nil, fmt.Errorf("operation %s declares x-cache: shared, but its response does not declare its dependencies: "+
				"embed response.Facts in the response type, in api/%s.go", x.op.ID, x.op.Tag)
		}
		return res, nil
	}
}

// syncCache tells the cache what a request has changed, even if its client has
// disconnected. For an acknowledged write it takes the time that it needs,
// since the next read must see the write. After a failure it keeps to the
// deadline of the request, since no client can rely on a write that was not
// acknowledged.
func (s *Server) syncCache(ctx context.Context, acknowledged bool) {
	deadline, bounded := ctx.Deadline()
	ctx = context.WithoutCancel(ctx)
	if bounded && !acknowledged {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	// After an error the cache is empty, and so never stale. The client does
	// not have to know.
	_ = s.deps.Feed.Sync(ctx)
}

// intoBuffer calls next, whose response goes to the buffer b. After an error or
// a panic the client has received nothing, so that another response can begin.
func intoBuffer(next echo.HandlerFunc, x *exchange, b *bufferedWriter) (err error) {
	res := x.Response()
	inner := res.Writer
	res.Writer = b
	complete := false
	defer func() {
		res.Writer = inner
		if !complete {
			uncommit(res)
		}
	}()
	err = next(x)
	complete = err == nil
	return err
}

// uncommit makes Echo send another response than the one that was buffered.
func uncommit(res *echo.Response) {
	res.Committed, res.Size, res.Status = false, 0, http.StatusOK
}

// newResponse returns a buffered response with its entity tag.
func newResponse(x *exchange, b *bufferedWriter) *cache.Response {
	a := &cache.Response{Body: b.body, Link: b.header.Get("Link")}
	version := ""
	if x.facts != nil {
		version = x.facts.Version()
	}
	if version != "" || x.op.Cache.Scope != scopeNone && b.status == http.StatusOK {
		a.Tag = etag.Of(version, a.Body)
	}
	return a
}

// send writes a response in the coding that the client prefers.
func (s *Server) send(x *exchange, status int, a *cache.Response) error {
	if len(a.Body) > budget.Small {
		return s.sendLong(x, status, a)
	}
	_ = s.write(x, x.Response().Writer, status, a) // a client that has gone needs no response
	return nil
}

// write writes a response to w in the coding that the client prefers.
func (s *Server) write(x *exchange, w http.ResponseWriter, status int, a *cache.Response) error {
	res := x.Response()
	h := res.Header()
	res.Committed = true
	s.cacheHeaders(h, x, a)
	coding := compress.Identity
	if len(a.Body) >= compress.MinSize {
		h.Add("Vary", "Accept-Encoding")
		coding = compress.Negotiate(strings.Join(x.Request().Header["Accept-Encoding"], ","))
	}
	if a.Link != "" {
		h.Set("Link", a.Link)
	}
	deprecate(h, x.op)
	if a.Tag != "" {
		// A 304 has the tag that the 200 would have had (RFC 9110, section
		// 15.4.5): caches find by it the copy that is fresh again.
		h.Set("ETag", a.Tag)
		if coding != compress.Identity {
			h.Set("ETag", etag.Encoded(a.Tag, string(coding)))
		}
		if status == http.StatusOK && x.op.Cache.Scope != scopeNone &&
			etag.NoneMatch(strings.Join(x.Request().Header["If-None-Match"], ","), a.Tag) {
			h.Del("Content-Type")
			res.Status, res.Size = http.StatusNotModified, 0
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	body := a.Body
	if coding != compress.Identity {
		h.Set("Content-Encoding", string(coding))
		var made bool
		if body, made = a.Coded(coding.Index(), coding.Encode); made {
			s.cache.Grow(x.target, a, len(body))
		}
	}
	if status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	res.Status, res.Size = status, int64(len(body))
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// cacheHeaders sets the fields that say which caches may store the response a,
// which is nil if it is a stream. No cache may store one with a secret, and
// shared caches may not store the response to a signed-in user. Every response
// is revalidated, since a read after a write must see the write; edgeHeaders has
// the exception that an operator can choose.
func (s *Server) cacheHeaders(h http.Header, x *exchange, a *cache.Response) {
	c := x.op.Cache
	if c.Scope == scopeNone {
		h["Cache-Control"] = noStore
		return
	}
	if x.op.Security != contract.None {
		h["Vary"] = append(h["Vary"], "Authorization")
	}
	if x.op.Secret {
		h["Cache-Control"] = noStore
		return
	}
	control := s.cacheControl[x.op.ID]
	if c.Scope == scopeShared && len(x.Request().Header[echo.HeaderAuthorization]) == 0 {
		h["Cache-Control"] = control.public
		if a != nil && a.Edge != nil {
			s.edgeHeaders(h, control, a)
		}
		return
	}
	h["Cache-Control"] = control.private
}

// noStore is the Cache-Control of responses that no cache may store.
var noStore = []string{"no-store"}

// cacheControl contains the values of Cache-Control for an operation. edge is
// for responses that caches at the edge may use without asking.
type cacheControl struct{ public, private, edge []string }

// cacheControls returns the cacheControl of each operation, by operation id.
func cacheControls(doc *contract.Document, sharedMaxAge time.Duration) map[string]cacheControl {
	all := map[string]cacheControl{}
	for _, op := range doc.Operations() {
		age := ", max-age=" + strconv.Itoa(op.Cache.MaxAge)
		shared := age + ", s-maxage=" + strconv.Itoa(int(sharedMaxAge.Seconds()))
		const end = ", must-revalidate"
		all[op.ID] = cacheControl{public: []string{"public" + age + end}, private: []string{"private" + age + end}, edge: []string{"public" + shared + end}}
	}
	return all
}

// bufferedWriter stores a response until it is complete, so that an error does
// not leave the client with half of it.
type bufferedWriter struct {
	header http.Header
	status int
	body   []byte
}

func (b *bufferedWriter) Header() http.Header { return b.header }

func (b *bufferedWriter) WriteHeader(status int) { b.status = status }

func (b *bufferedWriter) Write(p []byte) (int, error) {
	if b.status == 0 {
		b.status = http.StatusOK
	}
	if b.body == nil && len(p) <= bodySize {
		b.body = *bodies.Get().(*[]byte)
	}
	b.body = append(b.body, p...)
	return len(p), nil
}

// bodySize, in bytes, holds a page of 20 articles or an article of 2 KB.
const bodySize = 16 << 10

// bodies has buffers for responses, which were a quarter of the garbage of a
// signed-in list.
var bodies = sync.Pool{New: func() any {
	b := make([]byte, 0, bodySize)
	return &b
}}

// reuse returns the buffer of a response to bodies after the response has been
// sent. Not under HTTP/2: net/http may still send from the buffer after Write
// has returned, if the client has reset the stream.
func (b *bufferedWriter) reuse(x *exchange) {
	if cap(b.body) == bodySize && x.Request().ProtoMajor == 1 {
		body := b.body[:0]
		bodies.Put(&body)
	}
}

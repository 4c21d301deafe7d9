package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/etag"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/server/cache"
	"github.com/byline-api/byline/server/compress"
	"github.com/byline-api/byline/server/contract"
)

// The scopes of x-cache.
const (
	scopeNone   = "none"
	scopeShared = "shared"
)

// represent turns what a handler writes into the representation that the
// document promises: a strong entity tag, Cache-Control and Vary by x-cache,
// a content coding, and 304 when the client has it already. Anonymous reads
// are answered from the cache where it has them.
func (s *Server) represent(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil {
			return next(c)
		}
		if x.op.Stream {
			s.cacheHeaders(x.Response().Header(), x)
			return next(c)
		}
		if s.cacheable(x) {
			return s.fromCache(x, next)
		}
		b, err := s.respond(x, next)
		if err != nil {
			return err
		}
		s.send(x, b.status, newAnswer(x, b))
		return nil
	}
}

// respond runs the rest of the chain. When the request has changed something,
// or may have, the cache learns of it before the client has its response.
func (s *Server) respond(x *exchange, next echo.HandlerFunc) (*bufferedWriter, error) {
	b := &bufferedWriter{header: x.Response().Header()}
	changed, done := s.cfg.CacheBytes > 0 && !x.op.Safe, false
	defer func() {
		if changed {
			s.learn(x.Request().Context(), done)
		}
	}()
	if err := intoBuffer(next, x, b); err != nil {
		// A refusal has changed nothing. After a fault nobody knows.
		changed = changed && translate.Problem(err).Status() >= http.StatusInternalServerError
		return nil, err
	}
	done = true
	return b, nil
}

// describe takes from the response of an operation what the edge has to know
// beside its bytes.
func (s *Server) describe(next openapi.StrictHandlerFunc, _ string) openapi.StrictHandlerFunc {
	return func(c echo.Context, req any) (any, error) {
		res, err := next(c, req)
		if err != nil {
			return nil, err
		}
		x := of(c)
		if d, ok := res.(response.Describer); ok {
			x.facts = d.ResponseFacts()
		}
		if st, ok := res.(response.Streamer); ok && x.head {
			st.ResponseStream().SkipBody()
		}
		switch {
		case res == nil:
			return nil, fmt.Errorf("operation %s returned neither a response nor an error", x.op.ID)
		case x.op.Cache.Scope == scopeShared && !x.facts.Decided():
			return nil, fmt.Errorf("operation %s declares x-cache: shared, but its response does not say what it depends on: "+
				"let it embed response.Facts, in api/%s.go", x.op.ID, x.op.Tag)
		}
		return res, nil
	}
}

// learn tells the cache what a request has changed, also when its client is
// gone. What is not acknowledged takes no more time than the request has: of
// that nobody can expect to be seen at once.
func (s *Server) learn(ctx context.Context, acknowledged bool) {
	deadline, bounded := ctx.Deadline()
	ctx = context.WithoutCancel(ctx)
	if bounded && !acknowledged {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	// Its error has emptied the cache, which is right; it is nothing to the client.
	_ = s.deps.Feed.Sync(ctx)
}

// intoBuffer runs next with its answer going to a buffer. After an error or a
// panic nothing has reached the client, so that another answer can begin.
func intoBuffer(next echo.HandlerFunc, x *exchange, b *bufferedWriter) (err error) {
	res := x.Response()
	inner := res.Writer
	res.Writer = b
	whole := false
	defer func() {
		res.Writer = inner
		if !whole {
			res.Committed, res.Size, res.Status = false, 0, http.StatusOK
		}
	}()
	err = next(x)
	whole = err == nil
	return err
}

// newAnswer gives a buffered response its entity tag.
func newAnswer(x *exchange, b *bufferedWriter) *cache.Answer {
	a := &cache.Answer{Body: b.body, Link: b.header.Get("Link")}
	if version := x.facts.Version(); version != "" || x.op.Cache.Scope != scopeNone && b.status == http.StatusOK {
		a.Tag = etag.Of(version, a.Body)
	}
	return a
}

// send writes an answer in the coding that the client prefers.
func (s *Server) send(x *exchange, status int, a *cache.Answer) {
	res := x.Response()
	h, w := res.Header(), res.Writer
	res.Committed = true
	s.cacheHeaders(h, x)
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
		// 15.4.5): caches find by it which of their copies is fresh again.
		h.Set("ETag", a.Tag)
		if coding != compress.Identity {
			h.Set("ETag", etag.Encoded(a.Tag, string(coding)))
		}
		if status == http.StatusOK && x.op.Cache.Scope != scopeNone &&
			etag.NoneMatch(strings.Join(x.Request().Header["If-None-Match"], ","), a.Tag) {
			h.Del("Content-Type")
			res.Status, res.Size = http.StatusNotModified, 0
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body := a.Body
	if coding != compress.Identity {
		h.Set("Content-Encoding", string(coding))
		body = a.Coded(coding.Index(), coding.Encode)
	}
	if status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	res.Status, res.Size = status, int64(len(body))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// cacheHeaders says who may keep the answer. What a signed-in user sees is
// theirs alone; everything is revalidated, since a read after a write must
// see it.
func (s *Server) cacheHeaders(h http.Header, x *exchange) {
	c := x.op.Cache
	if c.Scope == scopeNone {
		h["Cache-Control"] = noStore
		return
	}
	if x.op.Security != contract.None {
		h["Vary"] = append(h["Vary"], "Authorization")
	}
	control := s.cacheControl[x.op.ID]
	if c.Scope == scopeShared && len(x.Request().Header[echo.HeaderAuthorization]) == 0 {
		h["Cache-Control"] = control.public
		return
	}
	h["Cache-Control"] = control.private
}

var noStore = []string{"no-store"}

// cacheControl holds the values of Cache-Control for an operation.
type cacheControl struct{ public, private []string }

func cacheControls(doc *contract.Document) map[string]cacheControl {
	all := map[string]cacheControl{}
	for _, op := range doc.Operations() {
		terms := ", max-age=" + strconv.Itoa(op.Cache.MaxAge) + ", must-revalidate"
		all[op.ID] = cacheControl{[]string{"public" + terms}, []string{"private" + terms}}
	}
	return all
}

// bufferedWriter holds an answer back until it is complete, so that an error
// on the way does not leave half of one.
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
	b.body = append(b.body, p...)
	return len(p), nil
}

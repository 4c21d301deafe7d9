package server

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/etag"
	"github.com/byline-api/byline/server/contract"
)

// The scopes of x-cache.
const (
	scopeNone   = "none"
	scopeShared = "shared"
)

// represent turns what a handler writes into the representation that the
// document promises: a strong entity tag, Cache-Control and Vary by x-cache,
// and 304 when the client has it already.
func (s *Server) represent(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil {
			return next(c)
		}
		res := x.Response()
		inner := res.Writer
		buffer := &bufferedWriter{header: inner.Header()}
		if err := intoBuffer(next, c, res, buffer); err != nil {
			return err
		}
		if buffer.status == 0 {
			return fmt.Errorf("operation %s answered nothing", x.op.ID)
		}
		s.send(x, inner, buffer)
		return nil
	}
}

// intoBuffer runs next with its answer going to buffer. After an error or a
// panic nothing has reached the client, so that another answer can begin.
func intoBuffer(next echo.HandlerFunc, c echo.Context, res *echo.Response, buffer *bufferedWriter) (err error) {
	inner := res.Writer
	res.Writer = buffer
	whole := false
	defer func() {
		res.Writer = inner
		if !whole {
			res.Committed, res.Size, res.Status = false, 0, http.StatusOK
		}
	}()
	err = next(c)
	whole = err == nil
	return err
}

// send writes a buffered answer with the headers that its bytes decide.
func (s *Server) send(x *exchange, w http.ResponseWriter, b *bufferedWriter) {
	h, body := w.Header(), b.body.Bytes()
	cacheable := x.op.Cache.Scope != scopeNone && b.status == http.StatusOK
	cacheHeaders(h, x)
	tag := ""
	if version := h.Get("ETag"); version != "" || cacheable {
		tag = etag.Of(version, body)
		h.Set("ETag", tag)
	}
	if cacheable && etag.NoneMatch(strings.Join(x.Request().Header["If-None-Match"], ","), tag) {
		h.Add("Vary", "Accept-Encoding")
		h.Del("Content-Type")
		x.Response().Status, x.Response().Size = http.StatusNotModified, 0
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if len(body) >= minCompress {
		h.Add("Vary", "Accept-Encoding")
		if c := negotiate(strings.Join(x.Request().Header["Accept-Encoding"], ",")); c != identity {
			body = compress(c, body)
			h.Set("Content-Encoding", string(c))
			if tag != "" {
				h.Set("ETag", etag.Encoded(tag, string(c)))
			}
		}
	}
	if b.status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.Response().Size = int64(len(body))
	w.WriteHeader(b.status)
	_, _ = w.Write(body)
}

// cacheHeaders says who may keep the answer. What a signed-in user sees is
// theirs alone; everything is revalidated, since a read after a write must
// see it.
func cacheHeaders(h http.Header, x *exchange) {
	cache := x.op.Cache
	if cache.Scope == scopeNone {
		h.Set("Cache-Control", "no-store")
		return
	}
	if x.op.Security != contract.None {
		h.Add("Vary", "Authorization")
	}
	if cache.Scope == scopeShared && x.Request().Header.Get(echo.HeaderAuthorization) == "" {
		h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d, must-revalidate", cache.MaxAge))
		return
	}
	h.Set("Cache-Control", fmt.Sprintf("private, max-age=%d, must-revalidate", cache.MaxAge))
}

// bufferedWriter holds an answer back until it is complete, so that an error
// on the way does not leave half of one.
type bufferedWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *bufferedWriter) Header() http.Header { return b.header }

func (b *bufferedWriter) WriteHeader(status int) { b.status = status }

func (b *bufferedWriter) Write(p []byte) (int, error) {
	if b.status == 0 {
		b.status = http.StatusOK
	}
	return b.body.Write(p)
}

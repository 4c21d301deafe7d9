package server

import (
	"encoding/base32"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/server/admission"
)

// lineAttrs reuses the arrays of attributes of log lines: slog allocates one
// for each line with more than five attributes.
var lineAttrs = sync.Pool{New: func() any { return new([13]slog.Attr) }}

// logRequest writes the log line of a request. Except for the ids of request
// and trace, nothing in it comes from the client: no query, no header, no body.
// Of a path that no route has, only known words are shown, because a mistyped
// one may have a token in it. With LogClient it is logged as it is.
func (s *Server) logRequest(x *exchange) {
	if x.refusal == admission.ErrOverloaded {
		s.countRefused()
		return
	}
	res := x.Response()
	level := slog.LevelInfo
	switch {
	case res.Status == http.StatusServiceUnavailable:
		level = slog.LevelWarn // under overload there are many, and errors are not batched
	case res.Status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	ctx := x.Request().Context()
	if !s.log.Enabled(ctx, level) {
		return
	}
	array := lineAttrs.Get().(*[13]slog.Attr)
	defer lineAttrs.Put(array)
	attrs := append(array[:0],
		slog.String("requestId", x.info.ID),
		slog.String("operationId", x.operationID()),
		slog.String("method", x.Request().Method),
		slog.Int("status", res.Status),
		slog.Float64("durationMs", float64(time.Since(x.started).Microseconds())/1000),
		slog.Int64("bytes", res.Size),
	)
	if x.info.Viewer.ID != 0 {
		attrs = append(attrs, slog.Int64("userId", x.info.Viewer.ID))
	}
	if s.cfg.LogClient {
		attrs = append(attrs, slog.String("address", x.RealIP()), slog.String("route", x.Path()))
	}
	if x.op == nil && x.refusal != nil {
		attrs = append(attrs, slog.String("path", s.shownPath(x.Request().URL.Path)))
	}
	if x.traceID != "" {
		attrs = append(attrs, slog.String("traceId", x.traceID))
	}
	if p := x.refusal; p != nil {
		attrs = append(attrs, slog.String("code", string(p.Code)))
		if cause := p.Unwrap(); cause != nil {
			attrs = append(attrs, slog.String("cause", db.CauseText(cause)))
		}
	}
	// Logger.Log would look up its caller first, so the handler is called
	// directly. slog inlines a group without a name.
	record := slog.NewRecord(time.Now(), level, "request", 0)
	record.AddAttrs(slog.Attr{Value: slog.GroupValue(attrs...)})
	_ = s.log.Handler().Handle(ctx, record) // an error of the log can be reported nowhere
}

// linkToken matches what looks like an auth.LinkToken.
var linkToken = regexp.MustCompile(`(?i)\b[a-z2-7]{26}\b`)

// shownPath returns what is logged of a path that no route has. It never
// contains the token of a link, which a mistake before it must not reveal.
func (s *Server) shownPath(path string) string {
	if s.cfg.LogClient {
		path = linkToken.ReplaceAllLiteralString(path[:min(len(path), 2*maxPath)], "{26}")
		return strings.ToValidUTF8(path[:min(len(path), maxPath)], "")
	}
	return s.pathWords.show(path)
}

// requestID returns the id that a proxy or client has sent, if it is short and
// has only harmless characters, and otherwise a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get(echo.HeaderXRequestID)
	if len(id) < 8 || len(id) > 64 {
		return newID()
	}
	for i := range len(id) {
		c := id[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return newID()
		}
	}
	return id
}

// newID returns 128 random bits as text. They have to be unique but not
// secret, and the generator for secrets costs a microsecond.
func newID() string {
	var bits [16]byte
	binary.LittleEndian.PutUint64(bits[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(bits[8:], rand.Uint64())
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(bits[:])
}

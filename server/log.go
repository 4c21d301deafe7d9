package server

import (
	"encoding/base32"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/server/admission"
)

// lineAttrs keeps the arrays of attributes that a line is made from: slog
// allocates one for any line with more than five.
var lineAttrs = sync.Pool{New: func() any { return new([12]slog.Attr) }}

// logRequest writes the one line of a request. Its text is what the service
// chose, never what the client sent: no query, no header, no body.
func (s *Server) logRequest(x *exchange) {
	if x.refusal == admission.ErrOverloaded {
		s.countRefused()
		return
	}
	res := x.Response()
	level := slog.LevelInfo
	switch {
	case res.Status == http.StatusServiceUnavailable:
		level = slog.LevelWarn // under overload there are many, and each error is written at once
	case res.Status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	ctx := x.Request().Context()
	if !s.log.Enabled(ctx, level) {
		return
	}
	array := lineAttrs.Get().(*[12]slog.Attr)
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
	if x.traceID != "" {
		attrs = append(attrs, slog.String("traceId", x.traceID))
	}
	if p := x.refusal; p != nil {
		attrs = append(attrs, slog.String("code", string(p.Code)))
		if cause := p.Unwrap(); cause != nil {
			attrs = append(attrs, slog.String("cause", causeText(cause)))
		}
	}
	// Not through Logger, which would look up its caller first. A group without
	// a name stands for its members.
	record := slog.NewRecord(time.Now(), level, "request", 0)
	record.AddAttrs(slog.Attr{Value: slog.GroupValue(attrs...)})
	_ = s.log.Handler().Handle(ctx, record) // where should an error of the log go?
}

// requestID takes over an id that a proxy or client gave, if it is harmless,
// and makes one up otherwise.
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

// newID returns 128 random bits as text. They only have to be unique: the
// generator for secrets costs a microsecond.
func newID() string {
	var bits [16]byte
	binary.LittleEndian.PutUint64(bits[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(bits[8:], rand.Uint64())
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(bits[:])
}

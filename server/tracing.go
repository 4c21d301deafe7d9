package server

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/byline-api/byline/server/contract"
)

// tracing makes a span for each API request. The attributes of a span come from
// the document and the response, never from the request's own text.
type tracing struct {
	tracer trace.Tracer
	// start has the attributes of a span that do not depend on the request.
	start map[*contract.Operation][]trace.SpanStartOption
}

func newTracing(provider trace.TracerProvider, doc *contract.Document, scheme string) *tracing {
	if provider == nil {
		return nil
	}
	t := &tracing{
		tracer: provider.Tracer("github.com/byline-api/byline/server", trace.WithSchemaURL(semconv.SchemaURL)),
		start:  map[*contract.Operation][]trace.SpanStartOption{},
	}
	for _, op := range doc.Operations() {
		t.start[op] = []trace.SpanStartOption{
			trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(
				semconv.HTTPRequestMethodKey.String(op.Method),
				semconv.HTTPRoute(doc.BasePath+op.Path),
				semconv.URLScheme(scheme),
			),
		}
	}
	return t
}

// trace puts the request's span into its context. The caller's traceparent
// (W3C Trace Context) is the parent, and decides whether the span is recorded.
func (s *Server) trace(next echo.HandlerFunc) echo.HandlerFunc {
	if s.tracing == nil {
		return next
	}
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil {
			return next(c)
		}
		r := x.Request()
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := s.tracing.tracer.Start(ctx, x.op.ID, s.tracing.start[x.op]...)
		defer span.End()
		x.traceID = span.SpanContext().TraceID().String()
		x.SetRequest(r.WithContext(ctx))
		err := next(c)
		if !span.IsRecording() {
			return err
		}
		status := x.Response().Status
		span.SetAttributes(semconv.HTTPResponseStatusCode(status), attribute.String("byline.request_id", x.info.ID))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
			if x.refusal != nil {
				span.SetAttributes(semconv.ErrorTypeKey.String(string(x.refusal.Code)))
			}
		}
		return err
	}
}

// traceID returns the trace id of a traceparent field, or "". It lets logs be
// joined with the traces of other services even when tracing is off here.
func traceID(traceparent string) string {
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(traceparent) < length || traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-' {
		return ""
	}
	version, id, parent, flags := traceparent[:2], traceparent[3:35], traceparent[36:52], traceparent[53:55]
	rest := traceparent[length:]
	switch {
	case !isHex(version) || version == "ff" || !isHex(id) || !isHex(parent) || !isHex(flags),
		strings.Trim(id, "0") == "" || strings.Trim(parent, "0") == "",
		rest != "" && (version == "00" || rest[0] != '-'): // later versions may add fields
		return ""
	}
	return id
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

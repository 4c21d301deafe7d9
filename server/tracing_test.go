package server_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/certificate"
	"github.com/byline-api/byline/server/servertest"
)

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
)

// newTraced starts a service whose spans go to an exporter.
func newTraced(t testing.TB, options ...servertest.Option) (*servertest.Service, *tracetest.InMemoryExporter) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	return servertest.New(t, append(options,
		servertest.WithServer(func(c *server.Config) { c.CacheBytes = 0 }),
		servertest.WithDB(func(c *db.Config) { c.Tracer = db.TraceStatements(provider, c.Tracer) }),
		servertest.WithDeps(func(d *server.Deps) { d.Tracing = provider }),
	)...), exporter
}

// spansOf waits for the server span of a request and returns it and its
// children, in the order in which they began.
func spansOf(t testing.TB, exporter *tracetest.InMemoryExporter, requestID string) (tracetest.SpanStub, []tracetest.SpanStub) {
	t.Helper()
	var span tracetest.SpanStub
	require.Eventually(t, func() bool {
		spans := exporter.GetSpans()
		i := slices.IndexFunc(spans, func(s tracetest.SpanStub) bool { return attributesOf(s)["byline.request_id"] == requestID })
		if i >= 0 {
			span = spans[i]
		}
		return i >= 0
	}, polling, time.Millisecond)
	var children []tracetest.SpanStub
	for _, s := range exporter.GetSpans() {
		if s.Parent.SpanID() == span.SpanContext.SpanID() {
			children = append(children, s)
		}
	}
	slices.SortFunc(children, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	return span, children
}

func attributesOf(s tracetest.SpanStub) map[string]any {
	all := map[string]any{}
	for _, a := range s.Attributes {
		all[string(a.Key)] = a.Value.AsInterface()
	}
	return all
}

func TestTracing(t *testing.T) {
	t.Parallel()
	s, exporter := newTraced(t)
	u := s.Register("anna")
	slug := s.Publish(u, "Unmistakable title").Slug

	t.Run("Request", func(t *testing.T) {
		s.Statements.Reset()
		res, _ := send(t, "GET", s.URL+"/articles/"+slug+"?secret=query", "")
		require.Equal(t, 200, res.StatusCode)
		id := res.Header.Get("X-Request-Id")
		span, statements := spansOf(t, exporter, id)
		require.Equal(t, "GetArticle", span.Name)
		require.Equal(t, trace.SpanKindServer, span.SpanKind)
		require.False(t, span.Parent.IsValid())
		require.Equal(t, codes.Unset, span.Status.Code)
		require.Equal(t, map[string]any{
			"http.request.method": "GET", "http.route": "/api/articles/{slug}", "url.scheme": "http",
			"http.response.status_code": int64(200), "byline.request_id": id,
		}, attributesOf(span))
		require.Equal(t, span.SpanContext.TraceID().String(), lineOf(t, s, id)["traceId"])

		seen, _ := s.Statements.Reset()
		require.Len(t, statements, int(seen), "the counter sees the statements too")
		require.NotEmpty(t, statements)
		for _, statement := range statements {
			require.Equal(t, "ArticleGetBySlug", statement.Name)
			require.Equal(t, trace.SpanKindClient, statement.SpanKind)
			require.Equal(t, map[string]any{
				"db.system.name": "postgresql", "db.system": "postgresql", "db.operation.name": "ArticleGetBySlug",
				"db.response.returned_rows": int64(1),
			}, attributesOf(statement))
		}
	})

	t.Run("Transaction", func(t *testing.T) {
		res, _ := send(t, "POST", s.URL+"/articles", newArticle, "Authorization", "Token "+u.Token, "Idempotency-Key", "traced")
		require.Equal(t, 201, res.StatusCode)
		_, statements := spansOf(t, exporter, res.Header.Get("X-Request-Id"))
		var names []string
		for _, statement := range statements {
			names = append(names, statement.Name)
		}
		require.Contains(t, names, "ArticleCreate")
		require.Contains(t, names, "COMMIT")
	})

	t.Run("Caller", func(t *testing.T) {
		res, _ := send(t, "GET", s.URL+"/tags", "", "Traceparent", "00-"+callersTrace+"-"+callersSpan+"-01")
		id := res.Header.Get("X-Request-Id")
		span, _ := spansOf(t, exporter, id)
		require.Equal(t, callersTrace, span.SpanContext.TraceID().String())
		require.Equal(t, callersSpan, span.Parent.SpanID().String())
		require.True(t, span.Parent.IsRemote())
		require.Equal(t, callersTrace, lineOf(t, s, id)["traceId"])
	})

	t.Run("NotSampledByCaller", func(t *testing.T) {
		before := len(exporter.GetSpans())
		res, _ := send(t, "GET", s.URL+"/tags", "", "Traceparent", "00-"+callersTrace+"-"+callersSpan+"-00")
		require.Equal(t, callersTrace, lineOf(t, s, res.Header.Get("X-Request-Id"))["traceId"])
		require.Len(t, exporter.GetSpans(), before)
	})

	t.Run("OnlyTheAPI", func(t *testing.T) {
		before := len(exporter.GetSpans())
		for _, path := range []string{"/livez", "/readyz", "/nowhere"} {
			res, _ := send(t, "GET", s.Root+path, "")
			require.NotContains(t, lineOf(t, s, res.Header.Get("X-Request-Id")), "traceId")
		}
		require.Len(t, exporter.GetSpans(), before)
	})

	t.Run("Refused", func(t *testing.T) {
		body := `{"user":{"username":"ANNA","email":"other@example.com","password":"correct horse"}}`
		res, _ := send(t, "POST", s.URL+"/users", body)
		require.Equal(t, 409, res.StatusCode)
		span, statements := spansOf(t, exporter, res.Header.Get("X-Request-Id"))
		require.Equal(t, codes.Unset, span.Status.Code)
		i := slices.IndexFunc(statements, func(s tracetest.SpanStub) bool { return s.Name == "UserCreate" })
		require.GreaterOrEqual(t, i, 0)
		require.Equal(t, codes.Error, statements[i].Status.Code)
		require.Equal(t, "23505", attributesOf(statements[i])["db.response.status_code"])
		require.Equal(t, "23505", attributesOf(statements[i])["error.type"])
	})

	// Spans have no text from the client.
	text, err := json.Marshal(exporter.GetSpans())
	require.NoError(t, err)
	for _, secret := range []string{"nmistakable", "query", "anna", "example.com", "correct horse", u.Token, "argon2"} {
		require.NotContains(t, string(text), secret)
	}

	breakTables(t, s)
	res, _ := send(t, "GET", s.URL+"/tags", "")
	require.Equal(t, 500, res.StatusCode)
	span, _ := spansOf(t, exporter, res.Header.Get("X-Request-Id"))
	require.Equal(t, codes.Error, span.Status.Code)
	require.Empty(t, span.Status.Description)
	require.Contains(t, span.Attributes, attribute.String("error.type", "internal"))
}

// TestTraceWithoutTracing checks that a service without spans logs the caller's
// trace id.
func TestTraceWithoutTracing(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for traceparent, want := range map[string]any{
		"00-" + callersTrace + "-" + callersSpan + "-01":      callersTrace,
		"00-" + callersTrace + "-" + callersSpan + "-00":      callersTrace,
		"01-" + callersTrace + "-" + callersSpan + "-01-more": callersTrace,
		"": nil,
		"00-" + callersTrace + "-" + callersSpan + "-01-more":            nil,
		"ff-" + callersTrace + "-" + callersSpan + "-01":                 nil,
		"00-" + callersTrace + "-0000000000000000-01":                    nil,
		"00-00000000000000000000000000000000-" + callersSpan + "-01":     nil,
		"00-0AF7651916CD43DD8448EB211C80319C-" + callersSpan + "-01":     nil,
		"00-\"injected\":\"text\",\"a\":\"012345-" + callersSpan + "-01": nil,
	} {
		res, _ := send(t, "GET", s.URL+"/tags", "", "Traceparent", traceparent)
		require.Equal(t, want, lineOf(t, s, res.Header.Get("X-Request-Id"))["traceId"], traceparent)
	}
}

// TestTraceScheme checks that the spans of a service with TLS have the scheme
// https.
func TestTraceScheme(t *testing.T) {
	t.Parallel()
	s, exporter := newTraced(t, servertest.WithServer(func(c *server.Config) { c.Certificate = &certificate.KeyPair{} }))
	res, _ := s.Do("GET", "/tags", "")
	span, _ := spansOf(t, exporter, res.Header.Get("X-Request-Id"))
	require.Equal(t, "https", attributesOf(span)["url.scheme"])
}

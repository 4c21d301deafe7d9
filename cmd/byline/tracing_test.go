package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// otlpReceiver is a collector that stores the requests that it receives.
type otlpReceiver struct {
	mu    sync.Mutex
	paths []string
	got   []*collector.ExportTraceServiceRequest
}

func (o *otlpReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" && err == nil {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, err = io.ReadAll(z)
		}
	}
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.paths, o.got = append(o.paths, r.URL.Path), append(o.got, &request)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// names returns the service.name and the span names of the received requests.
func (o *otlpReceiver) names() (service string, spans []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, request := range o.got {
		for _, r := range request.GetResourceSpans() {
			for _, a := range r.GetResource().GetAttributes() {
				if a.GetKey() == "service.name" {
					service = a.GetValue().GetStringValue()
				}
			}
			for _, s := range r.GetScopeSpans() {
				for _, span := range s.GetSpans() {
					spans = append(spans, span.GetName())
				}
			}
		}
	}
	return service, spans
}

func noEnv(string) string { return "" }

func TestTracing(t *testing.T) { // not parallel: the exporter reads the environment
	ctx, silent := t.Context(), slog.New(slog.DiscardHandler)

	t.Run("Off", func(t *testing.T) {
		for name, getenv := range map[string]func(string) string{
			"": noEnv,
			"OTEL_SDK_DISABLED": func(name string) string {
				return map[string]string{"OTEL_SDK_DISABLED": "true"}[name]
			},
			"OTEL_TRACES_EXPORTER": func(name string) string {
				return map[string]string{"OTEL_TRACES_EXPORTER": "none"}[name]
			},
		} {
			cfg := &config{}
			if name != "" {
				cfg.OTLPEndpoint = "http://127.0.0.1:1"
			}
			provider, flush, err := startTracing(ctx, cfg, getenv, silent)
			require.NoError(t, err)
			require.Nil(t, provider)
			flush()
		}
	})

	for _, tt := range []struct{ name, service, want string }{{"Default", "", "byline"}, {"Named", "other", "other"}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("OTEL_SERVICE_NAME", tt.service)
			receiver := &otlpReceiver{}
			web := httptest.NewServer(receiver)
			defer web.Close()
			provider, flush, err := startTracing(ctx, &config{OTLPEndpoint: web.URL + "/"}, noEnv, silent)
			require.NoError(t, err)
			_, span := provider.Tracer("test").Start(ctx, "GetTags")
			span.End()
			flush()
			service, spans := receiver.names()
			require.Equal(t, tt.want, service)
			require.Equal(t, []string{"GetTags"}, spans)
			require.Equal(t, []string{"/v1/traces"}, receiver.paths)
		})
	}

	t.Run("Sampler", func(t *testing.T) {
		t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
		provider, flush, err := startTracing(ctx, &config{OTLPEndpoint: "http://127.0.0.1:1"}, noEnv, silent)
		require.NoError(t, err)
		defer flush()
		_, span := provider.Tracer("test").Start(ctx, "GetTags")
		require.False(t, span.IsRecording())
	})

	t.Run("Unreachable", func(t *testing.T) {
		log := &bytes.Buffer{}
		requireQuick(t, "http://127.0.0.1:1", slog.New(slog.NewTextHandler(log, nil)), time.Second)
		require.Equal(t, 1, strings.Count(log.String(), "cannot export"), log.String())
	})

	t.Run("Hanging", func(t *testing.T) {
		hung, release := context.WithCancel(context.Background())
		web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hung.Done() }))
		defer web.Close()
		defer release()
		requireQuick(t, web.URL, silent, flushTimeout+time.Second)
	})
}

// requireQuick creates more spans than the queue holds. It requires that
// neither creating a span nor the shutdown takes long.
func requireQuick(t *testing.T, endpoint string, log *slog.Logger, stop time.Duration) {
	t.Helper()
	provider, flush, err := startTracing(t.Context(), &config{OTLPEndpoint: endpoint}, noEnv, log)
	require.NoError(t, err)
	tracer, began := provider.Tracer("test"), time.Now()
	const spans = 10_000
	for range spans {
		_, span := tracer.Start(t.Context(), "GetTags")
		span.End()
	}
	require.Less(t, time.Since(began)/spans, time.Millisecond)
	began = time.Now()
	flush()
	require.Less(t, time.Since(began), stop+time.Second)
}

package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

const (
	// flushTimeout is how long a shutdown waits for the remaining spans to be
	// exported.
	flushTimeout = 3 * time.Second
	// traceErrorInterval is the least time between two logged errors, so that
	// an unreachable collector does not fill the log.
	traceErrorInterval = time.Minute
)

// startTracing returns the tracer provider, which is nil when tracing is off,
// and a function that exports the remaining spans. Spans wait in a bounded
// queue and are dropped when it is full, so that no request waits for the
// collector.
func startTracing(ctx context.Context, cfg *config, getenv func(string) string, log *slog.Logger) (trace.TracerProvider, func(), error) {
	if cfg.OTLPEndpoint == "" || strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil, func() {}, nil
	}
	otel.SetErrorHandler(logTraceErrors(log))
	var options []otlptracehttp.Option
	if getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" { // the exporter reads it, and it takes precedence
		options = append(options, otlptracehttp.WithEndpointURL(strings.TrimSuffix(cfg.OTLPEndpoint, "/")+"/v1/traces"))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, nil, err
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("byline"), semconv.ServiceVersion(version)),
		resource.WithHost(), resource.WithTelemetrySDK(),
		resource.WithFromEnv(), // last, so that OTEL_SERVICE_NAME takes precedence
	)
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return provider, func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			log.Warn("cannot export the remaining traces", "error", err)
		}
	}, nil
}

// logTraceErrors returns a handler that logs the errors of the exporter.
func logTraceErrors(log *slog.Logger) otel.ErrorHandler {
	var last atomic.Int64
	return otel.ErrorHandlerFunc(func(err error) {
		now, before := time.Now().UnixNano(), last.Load()
		if now-before < int64(traceErrorInterval) || !last.CompareAndSwap(before, now) {
			return
		}
		log.Warn("cannot export traces", "error", err)
	})
}

package db

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// TraceStatements returns a Config.Tracer that makes a span for each statement
// of a traced request. It passes every statement on to next, which may be nil.
// Without a provider it returns next.
//
// A span has the name of the query and its outcome. It never has the parameters
// or the text of an error, which may quote them.
func TraceStatements(provider trace.TracerProvider, next pgx.QueryTracer) pgx.QueryTracer {
	if provider == nil {
		return next
	}
	return &statementTracer{
		tracer: provider.Tracer("github.com/byline-api/byline/db", trace.WithSchemaURL(semconv.SchemaURL)),
		next:   next,
	}
}

type statementTracer struct {
	tracer trace.Tracer
	next   pgx.QueryTracer
}

var statementKind = []trace.SpanStartOption{
	trace.WithSpanKind(trace.SpanKindClient),
	trace.WithAttributes(
		semconv.DBSystemNamePostgreSQL,
		attribute.String("db.system", "postgresql"), // the former name of the attribute; tools still look for it
	),
}

// TraceQueryStart implements pgx.QueryTracer.
func (t *statementTracer) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if t.next != nil {
		ctx = t.next.TraceQueryStart(ctx, conn, data)
	}
	// A statement without a request, such as a ping of the pool, would fill the
	// collector with traces of a single span.
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	name := statementName(data.SQL)
	ctx, span := t.tracer.Start(ctx, name, statementKind...)
	span.SetAttributes(semconv.DBOperationName(name))
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (t *statementTracer) TraceQueryEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryEndData) {
	// A span that records is the one that TraceQueryStart made. It makes none
	// only if the span of the request does not record.
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		if data.Err != nil {
			span.SetStatus(codes.Error, "")
			span.SetAttributes(failure(data.Err)...)
		} else {
			span.SetAttributes(semconv.DBResponseReturnedRows(int(data.CommandTag.RowsAffected())))
		}
		span.End()
	}
	if t.next != nil {
		t.next.TraceQueryEnd(ctx, conn, data)
	}
}

// failure returns why a statement failed, as a code.
func failure(err error) []attribute.KeyValue {
	var pe *pgconn.PgError
	switch {
	case errors.As(err, &pe):
		return []attribute.KeyValue{semconv.ErrorTypeKey.String(pe.Code), semconv.DBResponseStatusCode(pe.Code)}
	case errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err):
		return []attribute.KeyValue{semconv.ErrorTypeKey.String("timeout")}
	default:
		return []attribute.KeyValue{semconv.ErrorTypeOther}
	}
}

// statementName returns the name that sqlc writes into the first line of a
// query, or the first word of any other statement.
func statementName(sql string) string {
	if rest, named := strings.CutPrefix(sql, "-- name: "); named {
		name, _, _ := strings.Cut(rest, " ")
		return name
	}
	word := strings.TrimSpace(sql)
	for i := range len(word) {
		if c := word[i] | 0x20; c < 'a' || c > 'z' {
			word = word[:i]
			break
		}
	}
	if word == "" || len(word) > 16 {
		return "SQL"
	}
	return strings.ToUpper(word)
}

package server

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/server/contract"
)

// answered is an exchange that is over.
func answered(t testing.TB, doc *contract.Document, method, route string) *exchange {
	t.Helper()
	x := &exchange{
		Context: echo.New().NewContext(httptest.NewRequest(method, "/", nil), httptest.NewRecorder()),
		op:      doc.Operation(method, route),
		started: time.Now(),
	}
	x.info.ID, x.info.Viewer.ID = "ABCDEFGHIJKLMNOP", 42
	return x
}

func BenchmarkLogRequest(b *testing.B) {
	doc, err := contract.Load()
	if err != nil {
		b.Fatal(err)
	}
	s := &Server{log: slog.New(slog.NewJSONHandler(io.Discard, nil))}
	x := answered(b, doc, "GET", "/api/tags")
	b.ReportAllocs()
	for b.Loop() {
		s.logRequest(x)
	}
}

func BenchmarkObserve(b *testing.B) {
	doc, err := contract.Load()
	if err != nil {
		b.Fatal(err)
	}
	m := newMetrics(Config{}, doc, nil)
	x := answered(b, doc, "GET", "/api/tags")
	b.ReportAllocs()
	for b.Loop() {
		m.observe(x)
	}
}

package server

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/contract"
)

// answered returns an exchange whose response was sent.
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

// underRace reports whether the race detector is on, which empties pools at
// random.
func underRace() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// TestLogRequestAllocations allows one allocation, for the duration: slog boxes
// floats.
func TestLogRequestAllocations(t *testing.T) {
	doc, err := contract.Load()
	require.NoError(t, err)
	s := &Server{log: slog.New(slog.NewJSONHandler(io.Discard, nil))}
	x := answered(t, doc, "GET", "/api/tags")
	x.traceID = "0af7651916cd43dd8448eb211c80319c"
	if n := testing.AllocsPerRun(1000, func() { s.logRequest(x) }); !underRace() {
		require.LessOrEqual(t, n, 1.0)
	}
	s.log = slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn}))
	require.Zero(t, testing.AllocsPerRun(1000, func() { s.logRequest(x) }), "a line below the log level allocates")
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

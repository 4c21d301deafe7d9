package server

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Admin returns what operators see, on a port of its own that is not for
// strangers: metrics, profiles, and the log level.
func (s *Server) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /log-level", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, strings.ToLower(s.deps.LogLevel.Level().String()))
	})
	mux.HandleFunc("PUT /log-level", s.setLogLevel)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "byline admin\n\nGET /metrics\nGET /debug/pprof/\nGET /log-level\nPUT /log-level (debug, info, warn, error)\n")
	})
	return mux
}

// setLogLevel changes what is logged while the service runs: debug shows the
// causes of what would otherwise have to be reproduced.
func (s *Server) setLogLevel(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64))
	var level slog.Level
	if err == nil {
		err = level.UnmarshalText([]byte(strings.TrimSpace(string(text))))
	}
	if err != nil {
		http.Error(w, "want one of debug, info, warn, error", http.StatusUnprocessableEntity)
		return
	}
	s.deps.LogLevel.Set(level)
	s.log.Info("log level changed", "level", level)
	fmt.Fprintln(w, strings.ToLower(level.String()))
}

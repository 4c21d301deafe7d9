package server

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Admin returns what operators see, on a port of its own that is not for
// strangers: metrics, profiles, and the log level.
func (s *Server) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", forOperators(pprof.Cmdline)) // flags may have passwords
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /log-level", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, strings.ToLower(s.deps.LogLevel.Level().String()))
	})
	mux.HandleFunc("PUT /log-level", notForPages(s.setLogLevel))
	var rates profileRates
	mux.HandleFunc("GET /profile-rate", rates.show)
	mux.HandleFunc("PUT /profile-rate", notForPages(rates.change))
	if s.deps.Mail != nil {
		mux.HandleFunc("GET /mails", forOperators(s.showMails))
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "byline admin\n\nGET /metrics\nGET /debug/pprof/\nGET /log-level\nPUT /log-level (debug, info, warn, error)\n"+
			"GET /profile-rate\nPUT /profile-rate (such as block=10000 mutex=100; off)\nGET /mails\n")
	})
	return mux
}

// forOperators keeps a page with secrets from what other sites run in the
// browser of an operator. A site can have its own name lead here (DNS
// rebinding): then the browser takes the page for one of that site's, which
// its scripts may read. So the page has no name but those that lead to the
// machine itself, and addresses, which nobody can rebind.
func forOperators(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !unboundHost(r.Host):
			http.Error(w, "this page is only for requests to an IP address or localhost, not to another name", http.StatusMisdirectedRequest)
		case r.Header.Get("Sec-Fetch-Site") == "cross-site":
			http.Error(w, "this page is not for other sites; enter its address", http.StatusForbidden)
		default:
			page(w, r)
		}
	}
}

// notForPages refuses what scripts of web pages send, whatever their site:
// browsers put an Origin on every PUT (Fetch, section 3.2), other clients do not.
func notForPages(change http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			http.Error(w, "this is not for web pages", http.StatusForbidden)
			return
		}
		change(w, r)
	}
}

// unboundHost tells whether no resolver decides where a Host field leads: it
// is an address, or a name below localhost (RFC 6761, section 6.3).
func unboundHost(field string) bool {
	host := (&url.URL{Host: field}).Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	name := "." + strings.ToLower(strings.TrimSuffix(host, "."))
	return strings.HasSuffix(name, ".localhost")
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

// profileRates switches the profiles that cost something while they are on.
type profileRates struct {
	mu           sync.Mutex
	block, mutex int
}

func (p *profileRates) show(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(w, "block=%d mutex=%d\n", p.block, p.mutex)
}

// change takes block=N, for one sample in N nanoseconds of waiting, and
// mutex=N, for one in N contentions; 0 is off, and so is what is not named.
func (p *profileRates) change(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64))
	block, mutex, ok := parseRates(string(text))
	if err != nil || !ok {
		http.Error(w, "want block=N, mutex=N or both, with N from 0 to 1000000000, or off", http.StatusUnprocessableEntity)
		return
	}
	p.mu.Lock()
	p.block, p.mutex = block, mutex
	runtime.SetBlockProfileRate(block)
	runtime.SetMutexProfileFraction(mutex)
	p.mu.Unlock()
	p.show(w, r)
}

func parseRates(text string) (block, mutex int, ok bool) {
	words := strings.Fields(text)
	if len(words) == 1 && words[0] == "off" {
		return 0, 0, true
	}
	for _, word := range words {
		name, number, _ := strings.Cut(word, "=")
		n, err := strconv.Atoi(number)
		switch {
		case err != nil || n < 0 || n > 1_000_000_000:
			return 0, 0, false
		case name == "block":
			block = n
		case name == "mutex":
			mutex = n
		default:
			return 0, 0, false
		}
	}
	return block, mutex, len(words) > 0
}

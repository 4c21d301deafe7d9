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
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Admin returns the handler of the admin port: metrics, profiles, and the log
// level. Only operators may reach that port.
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
	mux.HandleFunc("PUT /log-level", refuseBrowsers(s.setLogLevel))
	var rates profileRates
	mux.HandleFunc("GET /profile-rate", rates.show)
	mux.HandleFunc("PUT /profile-rate", refuseBrowsers(rates.change))
	if s.deps.Mail != nil {
		mux.HandleFunc("GET /mails", forOperators(s.showMails))
	}
	if s.deps.Jobs != nil {
		mux.HandleFunc("GET /jobs", forOperators(s.showJobs))
		mux.Handle("POST /jobs/{id}/retry", s.changeJob("retry", s.deps.Jobs.Retry))
		mux.Handle("POST /jobs/{id}/cancel", s.changeJob("cancel", s.deps.Jobs.Cancel))
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "byline admin\n\nGET /metrics\nGET /debug/pprof/\nGET /log-level\nPUT /log-level (debug, info, warn, error)\n"+
			"GET /profile-rate\nPUT /profile-rate (such as block=10000 mutex=100; off)\nGET /mails\nGET /jobs\n"+
			"POST /jobs/{id}/retry\nPOST /jobs/{id}/cancel\n")
	})
	return s.knownHosts(mux)
}

// knownHosts protects the admin port from scripts of other sites in an
// operator's browser. A site can let its own name resolve to this host (DNS
// rebinding): the browser then takes the port for a server of that site, and
// lets the site's scripts use it. So the port accepts as the host only IP
// addresses and localhost, which cannot be rebound, and the configured names.
func (s *Server) knownHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := strings.ToLower(strings.TrimSuffix((&url.URL{Host: r.Host}).Hostname(), "."))
		if !needsNoResolver(host) && !slices.ContainsFunc(s.cfg.AdminHosts, func(name string) bool { return strings.EqualFold(name, host) }) {
			http.Error(w, "the host must be an IP address, localhost or a name in BYLINE_ADMIN_HOSTS", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// forOperators refuses requests for a page with secrets that another site has
// caused.
func forOperators(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			http.Error(w, "this page cannot be opened from another site; enter its address in the browser", http.StatusForbidden)
			return
		}
		page(w, r)
	}
}

// writeAdminPage writes a page for people, on which no script runs.
func writeAdminPage(w http.ResponseWriter, page []byte, referrerPolicy string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", referrerPolicy)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(page)
}

// refuseBrowsers refuses requests from scripts of web pages of any site:
// browsers send an Origin with every PUT (Fetch, section 3.2), and other
// clients do not.
func refuseBrowsers(change http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			http.Error(w, "requests from web pages are refused", http.StatusForbidden)
			return
		}
		change(w, r)
	}
}

// needsNoResolver reports whether a host is an IP address or localhost or a name
// below it (RFC 6761, section 6.3).
func needsNoResolver(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || strings.HasSuffix("."+host, ".localhost")
}

// setLogLevel changes the log level while the service runs, so that a fault can
// be examined without a restart.
func (s *Server) setLogLevel(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64))
	var level slog.Level
	if err == nil {
		err = level.UnmarshalText([]byte(strings.TrimSpace(string(text))))
	}
	if err != nil {
		http.Error(w, "must be one of debug, info, warn, error", http.StatusUnprocessableEntity)
		return
	}
	s.deps.LogLevel.Set(level)
	s.log.Info("log level changed", "level", level)
	fmt.Fprintln(w, strings.ToLower(level.String()))
}

// profileRates holds the rates of the block and mutex profiles, which cost time
// while they are on.
type profileRates struct {
	mu           sync.Mutex
	block, mutex int
}

func (p *profileRates) show(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(w, "block=%d mutex=%d\n", p.block, p.mutex)
}

// change sets the rates: block=N takes one sample for N nanoseconds of waiting,
// and mutex=N one for N contentions. A rate that is 0 or absent is off.
func (p *profileRates) change(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64))
	block, mutex, ok := parseRates(string(text))
	if err != nil || !ok {
		http.Error(w, "must be off, block=N, mutex=N or both, with N from 0 to 1000000000", http.StatusUnprocessableEntity)
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

package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/credentials"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/server/contract"
)

// newUnconnected returns a server whose database cannot be reached.
func newUnconnected(t testing.TB) *Server {
	t.Helper()
	d, err := db.Open(t.Context(), db.Config{
		URL: "postgres://nobody@127.0.0.1:1/none", MaxConns: 1, AcquireTimeout: time.Second, QueryTimeout: time.Second,
	})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	tokens, err := auth.NewTokens([]auth.Key{{ID: "1", Secret: make([]byte, 32)}}, auth.Lifetimes{Token: time.Hour}, time.Now)
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	s, err := New(Config{Compat: Strict, RequestTimeout: time.Second}, Deps{
		API: api.New(api.Deps{DB: d, Tokens: tokens}), DB: d, Feed: changes.NewFeed(d, log),
		Authenticator: auth.NewAuthenticator(tokens, auth.NewAPIKeys(nil), credentials.Directory{DB: d}, time.Hour, time.Now),
		Logger:        log, LogLevel: &slog.LevelVar{},
	})
	require.NoError(t, err)
	return s
}

func BenchmarkObserve(b *testing.B) {
	doc, err := contract.Load()
	require.NoError(b, err)
	m := newMetrics(Config{}, doc, nil, nil)
	x := answered(b, doc, "GET", "/api/tags")
	b.ReportAllocs()
	for b.Loop() {
		m.observe(x)
	}
}

func TestObserveAllocations(t *testing.T) {
	doc, err := contract.Load()
	require.NoError(t, err)
	m := newMetrics(Config{}, doc, nil, nil)
	for _, route := range []string{"/api/tags", "/nowhere"} {
		x := answered(t, doc, "GET", route)
		for _, status := range []int{200, 503} {
			x.Response().Status = status
			x.refusal = problem.Unavailable(problem.Overloaded, 1, nil)
			require.Zero(t, testing.AllocsPerRun(1000, func() { m.observe(x) }), "%s %d", route, status)
		}
	}
}

// TestLabelsAreBounded sends unusual requests, and checks that none of their
// text is in a label.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	s := newUnconnected(t)
	before := labelsOf(t, s)
	for i := range 50 {
		n := strconv.Itoa(i)
		for _, r := range []*http.Request{
			httptest.NewRequest("GET", "/made-up-"+n, nil),
			httptest.NewRequest("MADEUP"+n, "/api/tags", nil),
			httptest.NewRequest("GET", "/api/articles/made-up-"+n+"?limit=x"+n, nil),
			httptest.NewRequest("DELETE", "/api/articles/made-up-"+n, nil),
			httptest.NewRequest("POST", "/api/users", strings.NewReader(`{"made-up-`+n)),
		} {
			r.Header.Set("X-Request-Id", "made-up-"+n)
			s.Handler().ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	after := labelsOf(t, s)
	require.NotEmpty(t, before["api_requests_total"])
	require.Equal(t, before, after)
	for _, op := range s.doc.Operations() {
		require.Contains(t, after["api_requests_total"], op.ID+" "+op.Method+" 500")
		require.Contains(t, after["api_request_duration_seconds"], op.ID)
	}
	require.Equal(t, []string{"database_unavailable", "overloaded", "rate_limited"}, after["api_requests_refused_total"])
	require.Equal(t, []string{""}, after["api_requests_in_flight"])
}

// labelsOf returns the label values of each series of the API, by metric.
func labelsOf(t testing.TB, s *Server) map[string][]string {
	t.Helper()
	families, err := s.metrics.registry.Gather()
	require.NoError(t, err)
	labels := map[string][]string{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "api_") {
			continue
		}
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			labels[f.GetName()] = append(labels[f.GetName()], strings.Join(values, " "))
		}
		slices.Sort(labels[f.GetName()])
	}
	return labels
}

func TestProfileRate(t *testing.T) { // not parallel: the rates are the process's
	admin := newUnconnected(t).Admin()
	call := func(method, body string) (int, string) {
		w := httptest.NewRecorder()
		admin.ServeHTTP(w, httptest.NewRequest(method, "http://127.0.0.1:9090/profile-rate", strings.NewReader(body)))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	t.Cleanup(func() { call("PUT", "off") })
	for _, step := range []struct {
		method, body string
		status       int
		rates        string
	}{
		{"GET", "", 200, "block=0 mutex=0"},
		{"PUT", "block=10000 mutex=100\n", 200, "block=10000 mutex=100"},
		{"GET", "", 200, "block=10000 mutex=100"},
		{"PUT", "mutex=5", 200, "block=0 mutex=5"},
		{"PUT", "", 422, ""},
		{"PUT", "block", 422, ""},
		{"PUT", "block=-1", 422, ""},
		{"PUT", "heap=1", 422, ""},
		{"PUT", "block=1 " + strings.Repeat(" ", 100), 422, ""},
		{"GET", "", 200, "block=0 mutex=5"},
		{"PUT", "off", 200, "block=0 mutex=0"},
	} {
		status, rates := call(step.method, step.body)
		require.Equal(t, step.status, status, step.body)
		if step.rates != "" {
			require.Equal(t, step.rates, rates)
		}
	}
}

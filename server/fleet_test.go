package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/quotas"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/ratelimit"
	"github.com/byline-api/byline/server/servertest"
)

var fleetQuotas = ratelimit.Quotas{
	"read":  {Requests: 600, Window: time.Hour},
	"write": {Requests: 300, Window: time.Hour},
	"auth":  {Requests: 20, Window: time.Hour},
}

// newFleet starts services that share a database and quotas.
func newFleet(t *testing.T, n int) (all []*servertest.Service) {
	t.Helper()
	url := dbtest.URL(t)
	for range n {
		all = append(all, servertest.New(t, servertest.WithDatabase(url), servertest.WithServer(func(c *server.Config) {
			c.Quotas, c.TrustedProxies = fleetQuotas, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}), servertest.WithDeps(func(d *server.Deps) { d.Quotas = quotas.NewStore(d.DB) })))
	}
	return all
}

// runFleet makes services share their quotas as in production, and waits until
// they know of each other.
func runFleet(t *testing.T, all []*servertest.Service) {
	ctx, stop := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	t.Cleanup(func() { stop(); wait.Wait() })
	for _, s := range all {
		wait.Go(func() { _ = s.Edge.ShareQuotas(ctx) })
	}
	for _, s := range all {
		require.Eventually(t, func() bool {
			return strings.Contains(metricsOf(s), fmt.Sprintf("\nrate_limit_replicas %d\n", len(all)))
		}, polling, tick)
	}
}

func metricsOf(s *servertest.Service) string {
	w := httptest.NewRecorder()
	s.Edge.Admin().ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil))
	return w.Body.String()
}

// sends returns a function for each class that sends a request of a new client
// to a service, and reports whether it is within the quota.
func sends(t *testing.T, s *servertest.Service) map[string]func(to *servertest.Service) bool {
	u := s.Register("")
	address := fmt.Sprintf("2001:db8:%x::1", u.Username[4:])
	all := map[string]func(to *servertest.Service) bool{}
	for class, request := range map[string][3]string{
		"read": {"GET", "/user", ""}, "write": {"PUT", "/user", `{"user":{"bio":"x"}}`}, "auth": {"POST", "/users/login", "{}"},
	} {
		header := []string{"X-Forwarded-For", address}
		if class != "auth" {
			header = append(header, "Authorization", "Token "+u.Token)
		}
		all[class] = func(to *servertest.Service) bool {
			res, body := send(t, request[0], to.URL+request[1], request[2], header...)
			if res.StatusCode == http.StatusTooManyRequests {
				requireProblem(t, 429, "rate_limited", res, body)
				return false
			}
			requireClass(t, res.Header, class)
			return true
		}
	}
	return all
}

func requireClass(t *testing.T, h http.Header, class string) {
	t.Helper()
	name, policy := structured(t, h, "RateLimit-Policy")
	require.Equal(t, class, name)
	require.Equal(t, fleetQuotas[class].Requests, policy["q"])
	_, limit := structured(t, h, "RateLimit")
	require.Less(t, limit["r"], policy["q"])
	require.LessOrEqual(t, limit["t"], policy["w"])
}

// spreads are the ways in which a load balancer may spread the requests of a
// client over three services.
var spreads = map[string]func(i int) int{
	"in turn":     func(i int) int { return i % 3 },
	"at random":   func(int) int { return rand.IntN(3) },
	"to one":      func(int) int { return 1 },
	"unevenly":    func(i int) int { return []int{0, 0, 0, 1, 0, 0, 2, 0, 0, 1}[i%10] },
	"moved twice": func(i int) int { return min(2, i/200) },
}

// TestFleetQuotas sends the requests of clients through three services on one
// database, which tell each other after every few requests what they have
// allowed. Together they allow the quota, within a tenth.
func TestFleetQuotas(t *testing.T) {
	t.Parallel()
	fleet := newFleet(t, 3)
	for range 2 { // the first does not know the others yet
		for _, s := range fleet {
			s.Edge.BeatQuotas(t.Context())
		}
	}
	for name, spread := range spreads {
		for class, allows := range sends(t, fleet[0]) {
			want, allowed := fleetQuotas[class].Requests, 0
			every := max(1, want/100)
			for i := range 2 * want {
				if allows(fleet[spread(i)]) {
					allowed++
				}
				if i%every == 0 {
					for _, s := range fleet {
						s.Edge.RoundQuotas(t.Context())
					}
				}
			}
			t.Logf("%s, %s: %d of %d", class, name, allowed, want)
			require.InDelta(t, want, allowed, float64(want)/10, "%s, %s", class, name)
		}
	}
}

// TestFleetRuns does the same while the services share quotas at their own
// times. How exact that is depends on the machine, but however late they are,
// they allow less than the quota of each.
func TestFleetRuns(t *testing.T) {
	t.Parallel()
	fleet := newFleet(t, 3)
	runFleet(t, fleet)
	for class, allows := range sends(t, fleet[0]) {
		want, allowed := fleetQuotas[class].Requests, 0
		for i, refused := 0, 0; refused < 50; i++ {
			if allows(fleet[i%3]) {
				allowed, refused = allowed+1, 0
			} else {
				refused++
				time.Sleep(tick)
			}
		}
		t.Logf("%s: %d of %d", class, allowed, want)
		require.GreaterOrEqual(t, allowed, want*9/10)
		require.Less(t, allowed, 2*want)
	}
}

// TestFleetStatements checks that no request needs a statement for its quota,
// and that a service without others asks for nothing but whether there are any.
func TestFleetStatements(t *testing.T) {
	t.Parallel()
	s := newFleet(t, 1)[0]
	runFleet(t, []*servertest.Service{s})
	read := sends(t, s)["read"]
	read(s)
	s.Statements.Reset()
	for range 500 {
		read(s)
	}
	_, statements := s.Statements.Reset()
	for _, statement := range statements {
		require.NotContains(t, strings.ReplaceAll(statement, "RateLimitBeat", ""), "RateLimit")
	}
}

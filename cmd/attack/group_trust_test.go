package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hashing returns a server that responds like lax, but to one registration at a
// time.
func hashing() http.Handler {
	var one sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/users":
			one.Lock()
			time.Sleep(5 * time.Millisecond)
			one.Unlock()
		case "/api/users/password-reset/confirm":
			w.WriteHeader(http.StatusNoContent)
			return
		}
		lax(w, r)
	})
}

// TestTrust runs each attack on a server that no recovery ends anything on.
func TestTrust(t *testing.T) {
	t.Parallel()
	s := badSite(t, hashing())
	s.root = s.rival
	s.command = func(string, ...string) (string, error) { return "a token", nil }
	s.start = func(...string) (*target, error) { return &target{addr: s.addr, stop: func() error { return nil }}, nil }
	for _, a := range trust(s) {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			complaints := strings.Join(s.perform(a).complaints, "\n")
			switch a.name {
			case "held open, with a valid session": // where nothing is wrong
				require.Empty(t, complaints)
			case "new keys without the current password":
				require.Contains(t, complaints, "want 422")
			default:
				require.Contains(t, complaints, "want 401")
			}
		})
	}
}

// TestThefts checks which operations are attacked.
func TestThefts(t *testing.T) {
	t.Parallel()
	s := badSite(t, lax)
	names := func() (all []string) {
		for _, theft := range s.thefts() {
			all = append(all, theft.name)
		}
		return all
	}
	require.Subset(t, names(), []string{"UpdateCurrentUser", "UpdateCurrentUser with password", "CreateApiKey", "DeleteSessions", "CreateArticle"})
	for _, name := range []string{"Login", "GetArticle", "BatchGetArticles", "SuspendUser"} {
		require.NotContains(t, names(), name)
	}
	s.root = s.rival
	require.Contains(t, names(), "SuspendUser")
}

// TestHoldBack checks that a response before the last byte is an error.
func TestHoldBack(t *testing.T) {
	t.Parallel()
	bodies := make(chan string, 1)
	s := badSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/early" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		body := make([]byte, 2)
		n, _ := r.Body.Read(body[:1])
		m, _ := r.Body.Read(body[1:])
		bodies <- string(body[:n+m])
	}))
	_, err := s.holdBack("early", message{method: "POST", target: "/early", body: "{}"})
	require.ErrorContains(t, err, "status 403 before its body")
	for _, body := range []string{"", "{}"} {
		h, err := s.holdBack("held", message{method: "POST", target: "/", body: body})
		require.NoError(t, err)
		require.Empty(t, bodies, "the last byte is missing")
		o := h.finish()
		require.Equal(t, http.StatusOK, o.first().status, o.err)
		require.Equal(t, body, <-bodies)
	}
}

// refusing refuses everybody's requests but sign-ins and registrations.
var refusing = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	lax(w, r)
})

func TestHashStorm(t *testing.T) {
	t.Parallel()
	var r result
	require.NoError(t, badSite(t, refusing).hashStorm(&r))
	require.Contains(t, strings.Join(r.complaints, "\n"), "of others were refused")
}

// TestTellApart tells accounts apart by the response, and by its time.
func TestTellApart(t *testing.T) {
	t.Parallel()
	kinds := map[string]account{"unknown": {email: "nobody@example.com"}, "usual": {email: "jake@example.com"}}
	for label, test := range map[string]struct {
		known func(w http.ResponseWriter)
		want  string
	}{
		"Same":     {func(w http.ResponseWriter) {}, ""},
		"Response": {func(w http.ResponseWriter) { _, _ = fmt.Fprint(w, `{"detail":"wrong password"}`) }, "the response tells"},
		"Time":     {func(w http.ResponseWriter) { time.Sleep(100 * time.Millisecond) }, "the time tells"},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			s := badSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body := make([]byte, 1000)
				n, _ := r.Body.Read(body)
				time.Sleep(10 * time.Millisecond)
				w.WriteHeader(http.StatusUnauthorized)
				if strings.Contains(string(body[:n]), "jake") {
					test.known(w)
				}
			}))
			var r result
			s.tellApart(kinds, &r)
			if test.want == "" {
				require.Empty(t, r.complaints)
				return
			}
			require.Contains(t, strings.Join(r.complaints, "\n"), test.want)
		})
	}
}

// TestLockOut plays a server that refuses nobody, and one that refuses all.
func TestLockOut(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{http.StatusOK: "lock nobody out", http.StatusTooManyRequests: "the owner's sign-in"} {
		var r result
		require.NoError(t, badSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/users" {
				w.WriteHeader(http.StatusCreated)
				return
			}
			w.WriteHeader(status)
		})).lockOut(&r))
		require.Contains(t, strings.Join(r.complaints, "\n"), want)
	}
}

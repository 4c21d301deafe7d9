package strangle_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/strangle"
)

const follow = "/api/profiles/a/follow"

// sendLater sends a request that is answered later.
func (w *world) sendLater(ctx context.Context, method, path, body string) <-chan string {
	from := make(chan string, 1)
	go func() {
		a, err := try(ctx, w.front, method, path, body)
		if err != nil {
			from <- "nobody"
			return
		}
		from <- a.from()
	}()
	return from
}

func (w *world) waiting(n string) {
	w.t.Helper()
	w.eventually(func() bool { return w.metric("strangle_waiting_requests") == n })
}

// TestHoldOfWrites checks that no mode of a tag or an operation lets a write
// through while writes are held as a group, nor one that the document lacks.
func TestHoldOfWrites(t *testing.T) {
	t.Parallel()
	for _, group := range []string{"writes", "default"} {
		w := start(t, modes("profiles", "10%", "CreateArticle", "old", "GetTags", "old", group, "hold"), nil, nil)
		later := []<-chan string{
			w.sendLater(t.Context(), "POST", follow, ""),
			w.sendLater(t.Context(), "POST", "/api/articles", "{}"),
			w.sendLater(t.Context(), "POST", "/api/uploads", strings.Repeat("x", 100_000)),
			w.sendLater(t.Context(), "DELETE", "/admin/users/1", ""),
		}
		w.waiting("4")
		require.Equal(t, "old", w.send("GET", "/api/tags", "").from())
		require.Equal(t, "old", w.send("GET", "/uploads/1.png", "").from())
		require.Len(t, w.old.all(), 2)
		require.NoError(t, w.proxy.Rollback())
		for _, from := range later {
			require.Equal(t, "old", <-from)
		}
	}
}

// drained changes the modes and waits.
func (w *world) drained(modes string) (drained bool, oldWriters []string) {
	w.t.Helper()
	var s struct {
		Drained    *bool
		OldWriters []string
	}
	a := request(w.t, w.admin, "PUT", "/mode?wait=1s", modes)
	require.NoError(w.t, json.Unmarshal([]byte(a.body), &s), a.body)
	require.NotNil(w.t, s.Drained)
	return *s.Drained, s.OldWriters
}

// TestDrainedMeansAll checks that the old system counts as drained only if no
// operation lets it get another write.
func TestDrainedMeansAll(t *testing.T) {
	t.Parallel()
	w := start(t, nil, nil, nil)
	for _, modes := range []string{`{"writes":"hold","profiles":"10%","CreateArticle":"old"}`, `{"default":"hold","reads":"old"}`, `{"default":"new"}`} {
		drained, writers := w.drained(modes)
		require.True(t, drained, "%s: %s", modes, writers)
	}
	drained, writers := w.drained(`{"writes":"new","CreateArticle":"50%","DeleteArticle":"old"}`)
	require.False(t, drained)
	require.Equal(t, []string{"CreateArticle", "DeleteArticle"}, writers)
}

// TestSharesAreOfReads checks that a share of a tag does not move its writes.
func TestSharesAreOfReads(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *strangle.Config) { c.StickAfterWrite = 0 }, nil, nil)
	for _, c := range []struct {
		modes       []string
		read, write string
	}{
		{[]string{"profiles", "100%"}, "new", "old"},
		{[]string{"default", "100%"}, "new", "old"},
		{[]string{"profiles", "100%", "writes", "new"}, "new", "new"},
		{[]string{"profiles", "shadow", "writes", "new"}, "old", "new"},
		{[]string{"writes", "100%"}, "old", "new"},
		{[]string{"FollowUserByUsername", "100%"}, "old", "new"},
	} {
		w.set(c.modes...)
		require.Equal(t, c.read, w.send("GET", "/api/profiles/a", "").from(), c.modes)
		require.Equal(t, c.write, w.send("POST", follow, "").from(), c.modes)
	}
}

// TestDrainedAfterDisconnect checks that a write counts until the old system has
// answered it, also if its client has left.
func TestDrainedAfterDisconnect(t *testing.T) {
	t.Parallel()
	arrived, goOn := make(chan struct{}), make(chan struct{})
	done := atomic.Bool{}
	w := start(t, nil, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-goOn
		done.Store(r.Context().Err() == nil)
	}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	from := w.sendLater(ctx, "POST", follow, "")
	<-arrived
	cancel()
	require.Equal(t, "nobody", <-from)
	require.Never(t, func() bool { return w.metric("strangle_old_writes_in_flight") != "1" }, 300*time.Millisecond, 20*time.Millisecond)
	close(goOn)
	w.eventually(func() bool { return w.metric("strangle_old_writes_in_flight") == "0" })
	require.True(t, done.Load(), "the write was not cut off")
}

// TestDrainedAfterTimeout checks that a write which the old system has not
// answered in time counts for longer, because it may still work on it.
func TestDrainedAfterTimeout(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	w := start(t, func(c *strangle.Config) { c.OldTimeout = 500 * time.Millisecond }, func(http.ResponseWriter, *http.Request) { <-goOn }, nil)
	defer close(goOn)
	require.Equal(t, http.StatusGatewayTimeout, w.send("POST", follow, "").StatusCode)
	require.Equal(t, "1", w.metric("strangle_old_writes_in_flight"))
	w.eventually(func() bool { return w.metric("strangle_old_writes_in_flight") == "0" })
}

// TestHeldClientsLeave checks that a held write is not carried out after its
// client has left, with and without a body.
func TestHeldClientsLeave(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", `{"article":{}}`} {
		w := start(t, modes("writes", "hold"), nil, nil)
		ctx, cancel := context.WithCancel(t.Context())
		from := w.sendLater(ctx, "POST", "/api/articles", body)
		w.waiting("1")
		cancel()
		require.Equal(t, "nobody", <-from)
		w.waiting("0")
		require.NoError(t, w.proxy.Rollback())
		require.Equal(t, "old", w.send("POST", "/api/articles", "next").from())
		require.Len(t, w.old.all(), 1)
	}
}

// TestHoldTimeIsWhole checks that a change which lets a request wait on does not
// begin its time again.
func TestHoldTimeIsWhole(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *strangle.Config) {
		c.Hold.Time = 2 * time.Second
		c.Modes = strangle.Modes{"writes": "hold"}
	}, nil, nil)
	ended := w.sendLater(t.Context(), "POST", follow, "")
	for n := 0; ; n++ {
		select {
		case <-ended:
			require.Empty(t, w.old.all())
			return
		case <-time.After(100 * time.Millisecond):
			require.Less(t, n, 300, "it waits without an end")
			w.set("writes", "hold", "reads", []string{"old", "new"}[n%2])
		}
	}
}

// TestFallBackBySettingsOfNow checks that a write which cannot reach the new
// system does not go to the old one if that was forbidden meanwhile.
func TestFallBackBySettingsOfNow(t *testing.T) {
	t.Parallel()
	path, w := fileWorld(t, "writesFallBack: true\nmodes: {default: new}\n")
	w.new.Close()
	require.Equal(t, "old", w.send("POST", follow, "").from())
	rewrite(t, path, "writesFallBack: true", "writesFallBack: false")
	w.eventually(func() bool { return w.send("POST", follow, "").StatusCode == http.StatusBadGateway })
}

// fileWorld returns a proxy with a file.
func fileWorld(t *testing.T, settings string) (path string, w *world) {
	t.Helper()
	w = &world{t: t, old: newBackend(t, "old", nil), new: newBackend(t, "new", nil)}
	path = filepath.Join(t.TempDir(), "strangle.yaml")
	require.NoError(t, os.WriteFile(path, []byte("old: "+w.old.URL+"\nnew: "+w.new.URL+"\n"+settings), 0o600))
	cfg, file, err := strangle.Load(path, func(*strangle.Config) {})
	require.NoError(t, err)
	w.run(cfg, file)
	return path, w
}

func rewrite(t *testing.T, path, from, to string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), from)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), from, to, 1)), 0o600))
}

// TestFileKeepsModes checks that who edits another setting does not take back
// the modes that operators have set, whether they are saved or not.
func TestFileKeepsModes(t *testing.T) {
	t.Parallel()
	for _, save := range []string{"true", "false"} {
		path, w := fileWorld(t, "saveChanges: "+save+"\nwritesFallBack: true\nmodes: {default: old}\n")
		w.set("default", "new")
		// The file is edited at once, and may be saved again before it was read.
		rewrite(t, path, "writesFallBack: true", "writesFallBack: false")
		w.set("default", "new", "GetTags", "old")
		w.new.Close()
		w.eventually(func() bool { return w.send("POST", follow, "").StatusCode == http.StatusBadGateway })
		require.Equal(t, "old", w.send("GET", "/api/tags", "").from())
		require.Contains(t, w.log.String(), `"by":"file"`)
		rewrite(t, path, "old: http", "old: http") // nothing
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		modes := "modes: {default: old}"
		if save == "true" {
			modes = "modes:\n  GetTags: old\n  default: new"
		}
		require.Contains(t, string(text), modes)
		rewrite(t, path, modes, "modes: {default: old, GetTags: new}")
		w.eventually(func() bool { return w.send("POST", follow, "").from() == "old" })
	}
}

// TestHalfWrittenFile checks that a file counts when it is complete.
func TestHalfWrittenFile(t *testing.T) {
	t.Parallel()
	path, w := fileWorld(t, "writesFallBack: false\nmodes: {default: new}\n")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	w.eventually(func() bool { return strings.Contains(w.log.String(), "the file is empty") })
	require.NoError(t, os.WriteFile(path, whole[:strings.Index(string(whole), "writesFallBack")], 0o600))
	w.eventually(func() bool { return strings.Contains(w.log.String(), `"by":"file"`) })
	require.Equal(t, "new", w.send("POST", follow, "").from(), "a file without modes changes none")
}

// TestUntrustedProxy says that a proxy in front is not known.
func TestUntrustedProxy(t *testing.T) {
	t.Parallel()
	w := start(t, nil, nil, nil)
	for range 2 {
		w.send("GET", "/api/tags", "", "X-Forwarded-Proto", "https")
	}
	require.Equal(t, 1, strings.Count(w.log.String(), "trustedProxies"))
}

// TestBreakerCountsBrokenResponses checks that responses which break in the
// middle open the breaker like those that do not come.
func TestBreakerCountsBrokenResponses(t *testing.T) {
	t.Parallel()
	w := start(t, modes("default", "new"), nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	for range 5 {
		_, err := try(t.Context(), w.front, "GET", "/api/tags", "")
		require.Error(t, err)
	}
	require.Equal(t, "1", w.metric("strangle_breaker_open"))
	require.Equal(t, "old", w.send("GET", "/api/tags", "").from())
}

package strangle_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/netip"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/strangle"
)

// TestHeaders checks what the systems see of a request, and what the client
// sees of a response.
func TestHeaders(t *testing.T) {
	t.Parallel()
	respond := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Keep-Alive", "timeout=5")
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "1")
		w.Header().Set("ETag", `W/"1"`)
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.WriteHeader(http.StatusTeapot)
	}
	w := start(t, modes("GetTags", "new"), respond, respond)
	for _, path := range []string{"/api/tags?a=%zz;b&a=1", "/api/articles?a=%zz;b&a=1"} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", w.front.URL+path, nil)
		require.NoError(t, err)
		req.Host = "api.example.com"
		req.Header = http.Header{
			"Connection": {"X-Private, keep-alive"}, "X-Private": {"1"}, "Te": {"trailers, deflate"}, "Proxy-Authorization": {"x"},
			"X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil.example"}, "Forwarded": {"for=6.6.6.6"},
			"X-Custom": {"a", "b"}, "Cookie": {"a=1; b=2"},
		}
		res, err := w.front.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusTeapot, res.StatusCode)
		require.Equal(t, `W/"1"`, res.Header.Get("ETag"))
		require.Equal(t, []string{"a=1", "b=2"}, res.Header["Set-Cookie"])
		require.Empty(t, res.Header.Get("X-Hop"))
		require.Empty(t, res.Header.Get("Keep-Alive"))
	}
	for _, b := range []*backend{w.old, w.new} {
		got := b.all()[0]
		require.Equal(t, "api.example.com", got.host)
		require.True(t, strings.HasSuffix(got.uri, "?a=%zz;b&a=1"), got.uri)
		require.Equal(t, []string{"127.0.0.1"}, got.header["X-Forwarded-For"])
		require.Equal(t, []string{"http"}, got.header["X-Forwarded-Proto"])
		require.Equal(t, []string{"api.example.com"}, got.header["X-Forwarded-Host"])
		require.Equal(t, []string{"a", "b"}, got.header["X-Custom"])
		require.Equal(t, []string{"a=1; b=2"}, got.header["Cookie"])
		require.Equal(t, "trailers", got.header.Get("Te"))
		for _, name := range []string{"X-Private", "Proxy-Authorization", "Forwarded", "Accept-Encoding"} {
			if name == "Accept-Encoding" {
				continue // the client of this test sends it
			}
			require.Empty(t, got.header[name], name)
		}
	}
}

// TestTrustedProxies checks that the address of a client before a trusted proxy
// reaches the systems, and decides about percentages.
func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *strangle.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
		c.Modes = strangle.Modes{"reads": "50%"}
	}, nil, nil)
	w.send("GET", "/", "", "X-Forwarded-For", "1.2.3.4, 10.1.1.1", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "blog.example")
	got := w.old.all()[0].header
	require.Equal(t, "1.2.3.4, 10.1.1.1, 127.0.0.1", got.Get("X-Forwarded-For"))
	require.Equal(t, "https", got.Get("X-Forwarded-Proto"))
	require.Equal(t, "blog.example", got.Get("X-Forwarded-Host"))
	seen := map[string]bool{}
	for i := range 40 {
		client := fmt.Sprintf("2.2.2.%d", i)
		a := w.send("GET", "/api/tags", "", "X-Forwarded-For", client+", 10.1.1.1")
		b := w.send("GET", "/api/tags", "", "X-Forwarded-For", "spoofed, 7.7.7.7, "+client)
		require.Equal(t, a.from(), b.from())
		seen[a.from()] = true
	}
	require.Len(t, seen, 2)
}

// raw sends bytes to the proxy and returns what it sends until it closes the
// connection.
func (w *world) raw(text string) string {
	w.t.Helper()
	c, err := net.Dial("tcp", w.front.Listener.Addr().String())
	require.NoError(w.t, err)
	defer c.Close()
	_, err = io.WriteString(c, text)
	require.NoError(w.t, err)
	answer, err := io.ReadAll(c)
	require.NoError(w.t, err)
	return string(answer)
}

// TestSmuggling sends requests whose end two servers could see in different
// places. None may make a second request of one.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"BothLengths":     "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"TwoLengths":      "Content-Length: 5\r\nContent-Length: 60\r\n\r\nhello",
		"OddEncoding":     "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"TwoEncodings":    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"SpaceInName":     "Content-Length : 5\r\n\r\nhello",
		"NegativeLength":  "Content-Length: -1\r\n\r\n",
		"SignedLength":    "Content-Length: +5\r\n\r\nhello",
		"BareNewline":     "X-A: 1\rContent-Length: 0\r\n\r\n",
		"OddChunk":        "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
		"LengthHopByHop":  "Connection: content-length, close\r\nContent-Length: 5\r\n\r\nhello",
		"UpgradeWithBody": "Connection: upgrade, close\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, mode := range []string{"old", "new"} {
				w := start(t, modes("default", mode), nil, nil)
				hidden := "GET /api/hidden HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
				answer := w.raw("POST /api/articles HTTP/1.1\r\nHost: x\r\n" + head + hidden)
				got := append(w.new.all(), w.old.all()...)
				if strings.HasPrefix(answer, "HTTP/1.1 400") || strings.HasPrefix(answer, "HTTP/1.1 501") {
					for _, r := range got { // a body that turned out to be wrong
						require.Equal(t, "POST", r.method)
						require.NotContains(t, r.body, "hidden")
					}
					require.Empty(t, w.metric(`strangle_requests_total{operation="CreateArticle",status="none",upstream="new"}`))
					continue
				}
				// What the proxy took for a second request is one for the systems too.
				require.Equal(t, strings.Count(answer, "HTTP/1.1 "), len(got), "%s\n%v", answer, got)
				require.LessOrEqual(t, len(got), 2)
				require.Equal(t, "POST", got[0].method)
				require.NotContains(t, got[0].body, "hidden")
				require.False(t, got[0].header.Get("Content-Length") != "" && got[0].header.Get("Transfer-Encoding") != "")
			}
		})
	}
}

// TestStreams checks that bodies pass in both directions while they are made,
// with trailers.
func TestStreams(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, http.NewResponseController(w).EnableFullDuplex())
		w.Header().Set("Trailer", "X-Sum")
		lines := bufio.NewReader(r.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				break
			}
			_, _ = io.WriteString(w, line)
			_ = http.NewResponseController(w).Flush()
		}
		w.Header().Set("X-Sum", "done "+r.Trailer.Get("X-Ask"))
	}
	for _, mode := range []string{"old", "new"} {
		w := start(t, modes("default", mode), echo, echo)
		pipe, feed := io.Pipe()
		req, err := http.NewRequestWithContext(t.Context(), "POST", w.front.URL+"/api/articles", pipe)
		require.NoError(t, err)
		req.Header.Set("X-Test-Unread", "1")
		req.Trailer = http.Header{"X-Ask": {"asked"}}
		type result struct {
			res *http.Response
			err error
		}
		results := make(chan result, 1)
		go func() {
			res, err := w.front.Client().Do(req)
			results <- result{res, err}
		}()
		_, err = io.WriteString(feed, "first\n")
		require.NoError(t, err)
		got := <-results
		require.NoError(t, got.err)
		lines := bufio.NewReader(got.res.Body)
		for _, want := range []string{"first\n", "second\n"} {
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, want, line)
			if want == "first\n" {
				_, err = io.WriteString(feed, "second\n")
				require.NoError(t, err)
			}
		}
		require.NoError(t, feed.Close())
		_, err = io.ReadAll(lines)
		require.NoError(t, err)
		require.NoError(t, got.res.Body.Close())
		require.Equal(t, "done asked", got.res.Trailer.Get("X-Sum"))
	}
}

// TestLargeBodies checks that bodies larger than every buffer pass unharmed, in
// all modes.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	size := 20 << 20
	respond := func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Got", fmt.Sprint(n))
		_, _ = io.CopyN(w, zeros{}, int64(size))
	}
	for _, mode := range []string{"old", "new", "shadow", "50%"} {
		w := start(t, modes("reads", mode), respond, respond)
		req, err := http.NewRequestWithContext(t.Context(), "POST", w.front.URL+"/api/batch/articles", io.LimitReader(zeros{}, int64(size)))
		require.NoError(t, err)
		req.Header.Set("X-Test-Unread", "1")
		res, err := w.front.Client().Do(req)
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.EqualValues(t, size, n, mode)
		require.Equal(t, fmt.Sprint(size), res.Header.Get("X-Got"), mode)
		if mode == "shadow" {
			w.eventually(func() bool {
				return w.metric(`strangle_comparisons_total{operation="BatchGetArticles",result="too_large"}`) == "1"
			})
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestContinue checks that a body is not sent before the system asks for it.
func TestContinue(t *testing.T) {
	t.Parallel()
	refuse := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
	for _, mode := range []string{"old", "new"} {
		w := start(t, modes("default", mode), nil, nil)
		continued := atomic.Int32{}
		trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { continued.Add(1) }})
		req, err := http.NewRequestWithContext(trace, "PUT", w.front.URL+"/api/user", strings.NewReader("body"))
		require.NoError(t, err)
		req.Header.Set("Expect", "100-continue")
		client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Hour, DisableKeepAlives: true}}
		res, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.EqualValues(t, 1, continued.Load())
		require.Equal(t, "body", append(w.old.all(), w.new.all()...)[0].body)

		w = start(t, modes("default", mode), refuse, refuse)
		body := &counted{}
		req, err = http.NewRequestWithContext(t.Context(), "PUT", w.front.URL+"/api/user", io.NopCloser(body))
		require.NoError(t, err)
		req.ContentLength = 4
		req.Header.Set("Expect", "100-continue")
		req.Header.Set("X-Test-Unread", "1")
		res, err = client.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusForbidden, res.StatusCode)
		require.Zero(t, body.reads.Load(), "the body must not be sent")
	}
}

type counted struct{ reads atomic.Int32 }

func (c *counted) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return copy(p, "body"), io.EOF
}

// TestEarlyHints checks that informational responses pass.
func TestEarlyHints(t *testing.T) {
	t.Parallel()
	w := start(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
	}, nil)
	hints := atomic.Int32{}
	trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
		hints.Add(1)
		require.Equal(t, http.StatusEarlyHints, code)
		return nil
	}})
	_, err := try(trace, w.front, "GET", "/api/tags", "")
	require.NoError(t, err)
	require.EqualValues(t, 1, hints.Load())
}

// TestDisconnect checks that a client which leaves ends the work of the system,
// and that this is no failure of the system.
func TestDisconnect(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"old", "new"} {
		reached, ended := make(chan struct{}, 1), make(chan struct{}, 1)
		hang := func(_ http.ResponseWriter, r *http.Request) {
			reached <- struct{}{}
			<-r.Context().Done()
			ended <- struct{}{}
		}
		w := start(t, modes("default", mode), hang, hang)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := try(ctx, w.front, "GET", "/api/articles", "")
			done <- err
		}()
		<-reached
		cancel()
		<-ended
		require.ErrorIs(t, <-done, context.Canceled)
		require.Len(t, append(w.old.all(), w.new.all()...), 1, "no fallback for a client that is gone")
		require.Empty(t, w.metric(`strangle_requests_total{operation="GetArticles",status="none",upstream="`+mode+`"}`))
	}
}

// TestUpgrade checks that a WebSocket goes to the old system in all modes.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	upgrade := func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "websocket", r.Header.Get("Upgrade"))
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		w.WriteHeader(http.StatusSwitchingProtocols)
		c, buffer, err := http.NewResponseController(w).Hijack()
		require.NoError(t, err)
		defer c.Close()
		line, err := buffer.ReadString('\n')
		require.NoError(t, err)
		_, err = io.WriteString(c, "echo "+line)
		require.NoError(t, err)
	}
	for _, mode := range []string{"old", "new", "shadow", "100%"} {
		w := start(t, modes("reads", mode), upgrade, nil)
		for _, path := range []string{"/socket", "/api/articles"} {
			c, err := net.Dial("tcp", w.front.Listener.Addr().String())
			require.NoError(t, err)
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", path)
			r := bufio.NewReader(c)
			res, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
			_, err = io.WriteString(c, "hello\n")
			require.NoError(t, err)
			line, err := r.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "echo hello\n", line)
			require.NoError(t, c.Close())
		}
		require.Empty(t, w.new.all())
	}
}

// TestCompressed checks that a client gets the bytes that a system has sent.
func TestCompressed(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := io.WriteString(z, "text")
	require.NoError(t, err)
	require.NoError(t, z.Close())
	respond := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") == "" {
			_, _ = io.WriteString(w, "text")
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}
	w := start(t, nil, respond, respond)
	plain := httptest.NewRequest("GET", "/api/tags", nil)
	recorder := httptest.NewRecorder()
	w.proxy.ServeHTTP(recorder, plain)
	require.Equal(t, "text", recorder.Body.String())
	require.Empty(t, w.old.all()[0].header["Accept-Encoding"], "the proxy must not ask for compression by itself")
	a := w.send("GET", "/api/tags", "", "Accept-Encoding", "gzip")
	require.Equal(t, "gzip", a.Header.Get("Content-Encoding"))
	require.Equal(t, packed.String(), a.body)
}

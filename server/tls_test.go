package server_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/certificate"
	"github.com/byline-api/byline/server/servertest"
)

func trusting(cert *x509.Certificate, change func(*tls.Config)) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	config := &tls.Config{RootCAs: pool}
	if change != nil {
		change(config)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	files := servertest.NewPEMFiles(t)
	first := files.Write(t, 1, time.Now().Add(time.Hour))
	pair, err := certificate.Load(files.Cert, files.Key, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.Certificate = pair }))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Edge.Serve(ctx, listener) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })
	address := listener.Addr().String()
	get := func(c *http.Client, path string) (*http.Response, error) {
		res, err := c.Get("https://" + address + path)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		return res, err
	}
	serial := func(cert *x509.Certificate) int64 {
		res, err := get(trusting(cert, nil), "/api/tags")
		require.NoError(t, err)
		require.Equal(t, 200, res.StatusCode)
		return res.TLS.PeerCertificates[0].SerialNumber.Int64()
	}

	res, err := get(trusting(first, nil), "/api/tags")
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, "HTTP/2.0", res.Proto)
	require.EqualValues(t, tls.VersionTLS13, res.TLS.Version)
	require.Equal(t, "max-age=63072000", res.Header.Get("Strict-Transport-Security"))
	res, err = get(trusting(first, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12; c.NextProtos = []string{"http/1.1"} }), "/")
	require.NoError(t, err)
	require.Equal(t, "max-age=63072000", res.Header.Get("Strict-Transport-Security"), "pages have it too")
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.1": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
		"weak cipher": func(c *tls.Config) {
			c.MaxVersion = tls.VersionTLS12
			c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		},
	} {
		config := trusting(first, change).Transport.(*http.Transport).TLSClientConfig
		_, err = tls.Dial("tcp", address, config) // HTTP/2 would refuse the connection in any case
		require.ErrorContains(t, err, "remote error: tls: ", name)
	}
	res, err = http.Get("http://" + address + "/api/tags")
	require.NoError(t, err, "plain HTTP gets a response that names the mistake")
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, 400, res.StatusCode)
	require.Contains(t, string(body), "HTTPS")

	second := files.Write(t, 2, time.Now().Add(time.Hour))
	changed, err := pair.Refresh()
	require.NoError(t, err)
	require.True(t, changed)
	require.EqualValues(t, 2, serial(second))
	changed, err = pair.Refresh()
	require.NoError(t, err)
	require.False(t, changed, "unchanged files are not read again")

	for name, spoil := range map[string]func(){
		"NotPEM": func() { require.NoError(t, os.WriteFile(files.Cert, []byte("nonsense"), 0o600)) },
		"OtherKey": func() {
			other := servertest.NewPEMFiles(t)
			other.Write(t, 9, time.Now().Add(time.Hour))
			key, err := os.ReadFile(other.Key)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(files.Key, key, 0o600))
		},
		"Expired": func() { files.Write(t, 3, time.Now().Add(-time.Hour)) },
		"Gone":    func() { require.NoError(t, os.Remove(files.Cert)) },
	} {
		spoil()
		changed, err := pair.Refresh()
		require.Error(t, err, name)
		require.False(t, changed)
		require.EqualValues(t, 2, serial(second), "%s: the previous pair stays in use", name)
		_, err = certificate.Load(files.Cert, files.Key, slog.New(slog.DiscardHandler))
		require.Error(t, err, "a start with these files fails")
	}
	third := files.Write(t, 4, time.Now().Add(time.Hour))
	_, err = pair.Refresh()
	require.NoError(t, err)
	require.EqualValues(t, 4, serial(third))
}

func TestPlainHTTPHasNoHSTS(t *testing.T) {
	t.Parallel()
	res, _ := servertest.New(t).Do("GET", "/tags", "")
	require.Empty(t, res.Header.Get("Strict-Transport-Security"))
}

// TestCORSOnlyForTheAPI checks that pages of other sites can read the API and
// the document, and none of the service's own pages.
func TestCORSOnlyForTheAPI(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	ask := func(method, path string) http.Header {
		req, err := http.NewRequest(method, s.Root+path, nil)
		require.NoError(t, err)
		req.Header.Set("Origin", "https://front.example")
		req.Header.Set("Access-Control-Request-Method", "PUT")
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		res.Body.Close()
		return res.Header
	}
	for _, path := range []string{"/api/tags", "/api/user", "/api/articles/none", "/api/none"} {
		for _, method := range []string{"GET", "OPTIONS"} {
			h := ask(method, path)
			require.Equal(t, "*", h.Get("Access-Control-Allow-Origin"), path)
			require.Empty(t, h.Get("Access-Control-Allow-Credentials"), "browsers send no token by themselves")
		}
		require.Equal(t, "cross-origin", ask("GET", path).Get("Cross-Origin-Resource-Policy"))
	}
	for _, path := range []string{"/", "/docs", "/docs/errors", "/livez", "/readyz", "/version", "/none"} {
		for _, method := range []string{"GET", "OPTIONS"} {
			h := ask(method, path)
			require.Empty(t, h.Get("Access-Control-Allow-Origin"), path)
			require.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"), path)
			require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
			require.Equal(t, "DENY", h.Get("X-Frame-Options"))
			require.Contains(t, h.Get("Content-Security-Policy"), "frame-ancestors 'none'")
		}
	}
}

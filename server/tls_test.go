package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// pemFiles are a certificate and its key on disk.
type pemFiles struct{ cert, key string }

func newPEMFiles(t *testing.T) pemFiles {
	dir := t.TempDir()
	return pemFiles{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
}

// write makes a certificate for 127.0.0.1 with a serial number and returns it.
func (f pemFiles) write(t *testing.T, serial int64, ends time.Time) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "byline test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: ends, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(f.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(f.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	// A file system may not tell two writes apart by their time.
	stamp := time.Now().Add(time.Duration(serial) * time.Second)
	require.NoError(t, os.Chtimes(f.cert, stamp, stamp))
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert
}

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
	files := newPEMFiles(t)
	first := files.write(t, 1, time.Now().Add(time.Hour))
	certificate, err := server.LoadCertificate(files.cert, files.key, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.Certificate = certificate }))
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
		_, err = get(trusting(first, change), "/api/tags")
		require.Error(t, err, name)
	}
	res, err = http.Get("http://" + address + "/api/tags")
	require.NoError(t, err, "plain HTTP gets an answer that says what is wrong")
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, 400, res.StatusCode)
	require.Contains(t, string(body), "HTTPS")

	second := files.write(t, 2, time.Now().Add(time.Hour))
	changed, err := certificate.Refresh()
	require.NoError(t, err)
	require.True(t, changed)
	require.EqualValues(t, 2, serial(second))
	changed, err = certificate.Refresh()
	require.NoError(t, err)
	require.False(t, changed, "what has not changed is not read again")

	for name, spoil := range map[string]func(){
		"NotPEM": func() { require.NoError(t, os.WriteFile(files.cert, []byte("nonsense"), 0o600)) },
		"OtherKey": func() {
			other := newPEMFiles(t)
			other.write(t, 9, time.Now().Add(time.Hour))
			key, err := os.ReadFile(other.key)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(files.key, key, 0o600))
		},
		"Expired": func() { files.write(t, 3, time.Now().Add(-time.Hour)) },
		"Gone":    func() { require.NoError(t, os.Remove(files.cert)) },
	} {
		spoil()
		changed, err := certificate.Refresh()
		require.Error(t, err, name)
		require.False(t, changed)
		require.EqualValues(t, 2, serial(second), "%s: the pair before stays", name)
		_, err = server.LoadCertificate(files.cert, files.key, slog.New(slog.DiscardHandler))
		require.Error(t, err, "a start with it fails")
	}
	third := files.write(t, 4, time.Now().Add(time.Hour))
	_, err = certificate.Refresh()
	require.NoError(t, err)
	require.EqualValues(t, 4, serial(third))
}

// TestCertificateFollow renews files under a service that nobody tells. The
// time of the bubble is not the machine's: days pass at once.
func TestCertificateFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		files, log := newPEMFiles(t), &servertest.Log{}
		ends := time.Now().Add(24 * time.Hour)
		files.write(t, 1, ends)
		certificate, err := server.LoadCertificate(files.cert, files.key, slog.New(slog.NewTextHandler(log, nil)))
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- certificate.Follow(ctx) }()
		inUse := func(after time.Duration) int64 {
			time.Sleep(after)
			synctest.Wait()
			leaf, err := certificate.InUse()
			require.NoError(t, err)
			return leaf.SerialNumber.Int64()
		}
		const soon, refused, taken = 11 * time.Second, "the new certificate is not used", "certificate read again"
		require.EqualValues(t, 1, inUse(time.Hour))
		require.Empty(t, log.String(), "nothing has changed")

		files.write(t, 2, ends)
		require.EqualValues(t, 2, inUse(soon))
		require.Equal(t, 1, strings.Count(log.String(), taken))

		require.NoError(t, os.WriteFile(files.cert, []byte("half a file"), 0o600))
		require.EqualValues(t, 2, inUse(time.Hour), "the pair before stays")
		require.Equal(t, 1, strings.Count(log.String(), refused), "not every ten seconds:\n%s", log)
		require.NoError(t, os.Remove(files.cert))
		require.EqualValues(t, 2, inUse(time.Hour))
		require.Equal(t, 2, strings.Count(log.String(), refused), "another fault is told too:\n%s", log)

		files.write(t, 3, ends)
		require.EqualValues(t, 3, inUse(soon), "a fault does not end it")
		require.Equal(t, 2, strings.Count(log.String(), taken))
		require.NoError(t, os.Remove(files.cert))
		require.EqualValues(t, 3, inUse(soon))
		require.Equal(t, 3, strings.Count(log.String(), refused), "the same fault, after it was mended, is news")

		stop()
		require.NoError(t, <-ended)
		files.write(t, 4, ends)
		require.EqualValues(t, 3, inUse(time.Hour))
	})
}

func TestPlainHTTPHasNoHSTS(t *testing.T) {
	t.Parallel()
	res, _ := servertest.New(t).Do("GET", "/tags", "")
	require.Empty(t, res.Header.Get("Strict-Transport-Security"))
}

// TestCORSOnlyForTheAPI holds that other sites' pages can read what needs a
// token or is public anyway, and nothing of the service's own but the document.
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
			require.Empty(t, h.Get("Access-Control-Allow-Credentials"), "tokens travel in a header, never by themselves")
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

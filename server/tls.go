package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// certInterval is how often the files of a certificate are looked at: those
// who renew it need no signal, and mounted secrets change without an event.
const certInterval = 10 * time.Second

// Certificate is a pair of files, read again when they change.
type Certificate struct {
	cert, key string
	log       *slog.Logger
	current   atomic.Pointer[tls.Certificate]
	// read is what the files looked like when they were read last.
	read [2]stat
}

type stat struct {
	size     int64
	modified time.Time
}

// LoadCertificate reads a certificate, with its chain, and its key from PEM
// files.
func LoadCertificate(cert, key string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{cert: cert, key: key, log: log}
	if _, err := c.Refresh(); err != nil {
		return nil, err
	}
	return c, nil
}

// Refresh reads the files if they have changed, and tells whether they have.
// After an error the pair that was read before stays in use.
func (c *Certificate) Refresh() (changed bool, err error) {
	var now [2]stat
	for i, file := range []string{c.cert, c.key} {
		info, err := os.Stat(file)
		if err != nil {
			return false, fmt.Errorf("tls: %w", err)
		}
		now[i] = stat{info.Size(), info.ModTime()}
	}
	if now == c.read {
		return false, nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return false, fmt.Errorf("tls: %s and %s: %w", c.cert, c.key, err)
	}
	if time.Now().After(pair.Leaf.NotAfter) {
		return false, fmt.Errorf("tls: the certificate in %s expired at %s", c.cert, pair.Leaf.NotAfter.Format(time.RFC3339))
	}
	c.read = now
	c.current.Store(&pair)
	return true, nil
}

// Follow reads the files again when they change, until ctx ends.
func (c *Certificate) Follow(ctx context.Context) error {
	tick := time.NewTicker(certInterval)
	defer tick.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			changed, err := c.Refresh()
			switch {
			case err != nil && err.Error() != told: // not every ten seconds
				c.log.Error("the new certificate is not used; the one before stays", "error", err)
			case changed:
				c.log.Info("certificate read again", "notAfter", c.current.Load().Leaf.NotAfter)
			}
			told = ""
			if err != nil {
				told = err.Error()
			}
		}
	}
}

// config is TLS as the service speaks it: 1.2 and newer, with Go's choice of
// suites, of which all for 1.2 that have no forward secrecy are taken out.
func (c *Certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		CipherSuites: []uint16{ // of TLS 1.2; 1.3 has no others
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if pair := c.current.Load(); pair != nil {
				return pair, nil
			}
			return nil, errors.New("tls: no certificate")
		},
	}
}

// hsts tells browsers to come back over TLS only, for two years. Without
// subdomains: those are not this service's to decide about.
var hsts = []string{"max-age=63072000"}

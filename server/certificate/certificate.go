// Package certificate reads the TLS certificate of the service from files,
// and reads it again when they change, so that a renewal needs no restart.
package certificate

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

// interval is how often Follow checks the files. It polls, because a tool that
// renews a certificate sends no signal, and mounted secrets change without a
// file system event.
const interval = 10 * time.Second

// KeyPair is a certificate and its private key, read from two files.
type KeyPair struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]
	// read holds the state of the two files when they were last read.
	read [2]fileState
}

type fileState struct {
	size     int64
	modified time.Time
}

// Load reads a certificate, with its chain, and its key from PEM files.
func Load(certFile, keyFile string, log *slog.Logger) (*KeyPair, error) {
	p := &KeyPair{certFile: certFile, keyFile: keyFile, log: log}
	if _, err := p.Refresh(); err != nil {
		return nil, err
	}
	return p, nil
}

// Refresh reads the files again if they have changed, and reports whether they
// have. After an error the previous certificate stays in use.
func (p *KeyPair) Refresh() (changed bool, err error) {
	var now [2]fileState
	for i, file := range []string{p.certFile, p.keyFile} {
		info, err := os.Stat(file)
		if err != nil {
			return false, fmt.Errorf("tls: %w", err)
		}
		now[i] = fileState{size: info.Size(), modified: info.ModTime()}
	}
	if now == p.read {
		return false, nil
	}
	loaded, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return false, fmt.Errorf("tls: %s and %s: %w", p.certFile, p.keyFile, err)
	}
	if time.Now().After(loaded.Leaf.NotAfter) {
		return false, fmt.Errorf("tls: the certificate in %s expired at %s", p.certFile, loaded.Leaf.NotAfter.Format(time.RFC3339))
	}
	p.read = now
	p.current.Store(&loaded)
	return true, nil
}

// Follow reads the files again whenever they change, until ctx ends.
func (p *KeyPair) Follow(ctx context.Context) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	last := "" // the error of the previous check
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			changed, err := p.Refresh()
			switch {
			case err != nil && err.Error() != last: // the same error is logged once
				p.log.Error("the new certificate is not used; the one before stays", "error", err)
			case changed:
				p.log.Info("certificate read again", "notAfter", p.current.Load().Leaf.NotAfter)
			}
			last = ""
			if err != nil {
				last = err.Error()
			}
		}
	}
}

// TLSConfig returns a configuration that serves the certificate: TLS 1.2 and
// newer, with the cipher suites that Go chooses except those without forward
// secrecy.
func (p *KeyPair) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		CipherSuites: []uint16{ // of TLS 1.2; 1.3 has no others
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if current := p.current.Load(); current != nil {
				return current, nil
			}
			return nil, errors.New("tls: no certificate")
		},
	}
}

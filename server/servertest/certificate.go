package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// PEMFiles are the files of a certificate and of its private key.
type PEMFiles struct{ Cert, Key string }

// NewPEMFiles returns the names of two files that do not exist yet.
func NewPEMFiles(t *testing.T) PEMFiles {
	dir := t.TempDir()
	return PEMFiles{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
}

// Write creates a certificate for 127.0.0.1 that is valid until ends, writes it
// and its key to the files, and returns it.
func (f PEMFiles) Write(t *testing.T, serial int64, ends time.Time) *x509.Certificate {
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
	require.NoError(t, os.WriteFile(f.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(f.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	// A file system may not tell two writes apart by their time.
	stamp := time.Now().Add(time.Duration(serial) * time.Second)
	require.NoError(t, os.Chtimes(f.Cert, stamp, stamp))
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert
}

package server

import (
	"crypto/x509"

	"github.com/byline-api/byline/server/contract"
)

// Document is what s serves, for tests that change what it declares.
func (s *Server) Document() *contract.Document { return s.doc }

// InUse is the certificate that handshakes get.
func (c *Certificate) InUse() (*x509.Certificate, error) {
	pair, err := c.config().GetCertificate(nil)
	if err != nil {
		return nil, err
	}
	return pair.Leaf, nil
}

package server

import "github.com/byline-api/byline/server/contract"

// Document is what s serves, for tests that change what it declares.
func (s *Server) Document() *contract.Document { return s.doc }

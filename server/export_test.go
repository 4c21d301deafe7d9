package server

import "github.com/byline-api/byline/server/contract"

// Document returns the document of s, for tests that change it.
func (s *Server) Document() *contract.Document { return s.doc }

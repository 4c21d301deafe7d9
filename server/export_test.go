package server

import (
	"context"

	"github.com/byline-api/byline/server/contract"
)

// Document returns the document of s, for tests that change it.
func (s *Server) Document() *contract.Document { return s.doc }

// BeatQuotas and RoundQuotas do at once what ShareQuotas does at times of its
// own.
func (s *Server) BeatQuotas(ctx context.Context)  { s.fleet.Beat(ctx) }
func (s *Server) RoundQuotas(ctx context.Context) { s.fleet.Round(ctx, true) }

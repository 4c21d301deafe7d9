package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/server/contract"
)

// inOrder returns err, or the error that takes precedence over it. A 422 must
// not hide that the target is missing or belongs to another user: clients rely
// on the order 401, 404, 403, 422. inOrder looks the targets up only after a
// 422, from validation or from the operation. Like all work, that takes a
// place.
func (s *Server) inOrder(ctx context.Context, x *exchange, err error) error {
	if translate.Problem(err).Status() != http.StatusUnprocessableEntity {
		return err
	}
	targets := x.targets()
	if targets == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.RequestTimeout)
	defer cancel()
	refusal := s.admission.Do(ctx, &x.place, func() error { return s.deps.API.Refusal(ctx, targets, x.op.Owner) })
	if refusal != nil {
		return refusal
	}
	return err
}

// targets returns the objects that the path names. It stops at the first name
// that is invalid: no object can have it, and the 422 reports it.
func (x *exchange) targets() (all []api.Target) {
	for _, t := range x.op.Targets {
		value := x.pathParam(t.Param)
		if !t.Valid(value) {
			break
		}
		all = append(all, api.Target{Kind: t.Kind, Private: t.Private, Value: value})
	}
	return all
}

// checkTargets returns an error for each target that package api cannot look
// up.
func checkTargets(operations []*contract.Operation) error {
	var gaps []error
	for _, op := range operations {
		for _, t := range op.Targets {
			if !api.HasLookup(t.Kind) {
				gaps = append(gaps, fmt.Errorf("server: %s: path parameter %s: x-target names the kind %q, which has no lookup; "+
					"add it to lookups in api/targets.go", op.ID, t.Param, t.Kind))
			}
		}
	}
	return errors.Join(gaps...)
}

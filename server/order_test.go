package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// TestOrder checks the order 404, 403, 422 for every operation. The requests
// come from the document: each input that an operation declares is sent with
// a bad value, for a target that exists, for each that is missing, and as
// a user who does not own it.
func TestOrder(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	inputs := badInputs(t)
	s := servertest.New(t)
	for _, op := range doc.Operations() {
		if len(op.Targets) == 0 {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			t.Parallel()
			st := newStage(s.For(t))
			require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
			c := valid[op.ID](st)
			stranger := st.s.Register("").Token
			refuse := func(what string, c call, status int, field string) {
				t.Helper()
				res, body := c.do(st.s, op.Method)
				var p client.Problem
				require.NoError(t, json.Unmarshal([]byte(body), &p), "%s with %s: %s", op.ID, what, body)
				require.Equal(t, status, res.StatusCode, "%s with %s: 404, 403 and 422 come in this order; "+
					"see x-target and x-owner in openapi.yaml and lookups in api/targets.go: %s", op.ID, what, body)
				if field != "" {
					require.Len(t, p.Errors, 1, body)
					require.Contains(t, p.Errors, field, "%s with %s", op.ID, what)
				}
			}
			for input, spoil := range inputs[op.ID] {
				refuse(input, spoil(c), 422, "")
				for _, target := range op.Targets {
					refuse(input+" and a missing "+target.Kind, spoil(c.missing(t, op, target)), 404, target.Kind)
				}
				if op.Owner != "" {
					refuse(input+" and a foreign "+op.Owner, spoil(c.as(stranger)), c.foreign(), op.Owner)
				}
			}
			for i, target := range op.Targets {
				if target.Valid("x") {
					continue
				}
				malformed := c.naming(op, target, "x")
				refuse("a malformed "+target.Param, malformed, 422, target.Param)
				for _, parent := range op.Targets[:i] {
					refuse("a malformed "+target.Param+" and a missing "+parent.Kind, malformed.missing(t, op, parent), 404, parent.Kind)
					if parent.Kind == op.Owner {
						refuse("a malformed "+target.Param+" and a foreign "+parent.Kind, malformed.as(stranger), c.foreign(), parent.Kind)
					}
				}
			}
		})
	}
}

// badInputs has, by operation, changes to a valid request after which it is
// refused with 422: a bad value for its body, or for one of its parameters that
// are not in the path, or a parameter that it does not have.
func badInputs(t *testing.T) map[string]map[string]func(call) call {
	t.Helper()
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	all := map[string]map[string]func(call) call{}
	for _, item := range doc.Paths.Map() {
		for _, o := range item.Operations() {
			inputs := map[string]func(call) call{}
			if o.RequestBody != nil {
				inputs["a bad body"] = func(c call) call { return c.sending("null") }
			}
			if o.Extensions["x-unknown-query"] == nil {
				inputs["an unknown parameter"] = func(c call) call { return c.at(c.path + "?surprise=1") }
			}
			for _, ref := range append(o.Parameters, item.Parameters...) {
				p := ref.Value
				bad, found := badText(p.Schema.Value)
				switch {
				case !found:
				case p.In == openapi3.ParameterInQuery:
					inputs["a bad "+p.Name] = func(c call) call { return c.at(c.path + "?" + p.Name + "=" + bad) }
				case p.In == openapi3.ParameterInHeader:
					inputs["a bad "+p.Name] = func(c call) call { return c.with(p.Name, bad) }
				}
			}
			all[o.OperationID] = inputs
		}
	}
	return all
}

// badText returns a value that does not conform to the schema of a parameter,
// if there is one.
func badText(s *openapi3.Schema) (string, bool) {
	switch {
	case !s.Type.Is(openapi3.TypeString) || s.Enum != nil || s.Format != "":
		return "~", true
	case s.MaxLength != nil:
		return strings.Repeat("x", int(*s.MaxLength)+1), true
	}
	return "", false
}

// foreign returns the status of the response to somebody who does not own the
// target.
func (c call) foreign() int {
	if c.unseen {
		return 404
	}
	return 403
}

// naming replaces the value of a target in the path.
func (c call) naming(op *contract.Operation, target contract.Target, value string) call {
	names, values := strings.Split(op.Path, "/"), strings.Split(c.path, "/")
	for i, name := range names {
		if name == "{"+target.Param+"}" {
			values[i] = value
		}
	}
	return c.at(strings.Join(values, "/"))
}

// missing returns a value for a target in the path that no object has.
func (c call) missing(t *testing.T, op *contract.Operation, target contract.Target) call {
	t.Helper()
	for _, value := range []string{"none", "9007199254740991", "2147483647"} {
		if target.Valid(value) {
			return c.naming(op, target, value)
		}
	}
	t.Fatalf("add a valid %s of %s to missing in server/order_test.go", target.Param, op.Path)
	return c
}

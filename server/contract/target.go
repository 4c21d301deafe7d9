package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/byline-api/byline/api/auth"
)

// Target is an object that a parameter of the path names.
type Target struct {
	Param string `json:"-"`
	// Kind is what the object is called in a 404.
	Kind string `json:"kind"`
	// Private reports whether others get 404 instead of 403, because only the
	// owner may know that the object exists.
	Private bool `json:"private"`

	param *param
}

// Valid reports whether a value of the parameter conforms to its schema.
func (t Target) Valid(value string) bool {
	var c checker
	c.param(t.param, value)
	return c.fields == nil
}

// readTargets reads x-target of the parameters in the path.
func (op *Operation) readTargets(refs openapi3.Parameters) error {
	var gaps []error
	for _, p := range op.path {
		t := Target{Param: p.name, param: p}
		i := slices.IndexFunc(refs, func(r *openapi3.ParameterRef) bool {
			return r.Value.In == openapi3.ParameterInPath && r.Value.Name == p.name
		})
		encoded, err := json.Marshal(refs[i].Value.Extensions["x-target"])
		if err == nil {
			err = json.Unmarshal(encoded, &t)
		}
		if err != nil || t.Kind == "" {
			gaps = append(gaps, fmt.Errorf("path parameter %s lacks x-target: {kind: ...} with a kind of lookups in api/targets.go", p.name))
		}
		op.Targets = append(op.Targets, t)
	}
	slices.SortFunc(op.Targets, func(a, b Target) int {
		return strings.Index(op.Path, "{"+a.Param+"}") - strings.Index(op.Path, "{"+b.Param+"}")
	})
	if len(op.Targets) > 0 && !slices.Contains(op.Statuses, 404) {
		gaps = append(gaps, errors.New("names an object in its path, so that it must declare 404"))
	}
	return errors.Join(gaps...)
}

// readOwner reads x-owner. An operation must declare who may use the objects in
// its path, except in three cases: everybody may read without a token, a role
// permits the use of other users' objects, and a private object exists only for
// its owner.
func (op *Operation) readOwner(extensions map[string]any) error {
	value, declared := extensions["x-owner"]
	owner, _ := value.(string)
	private := slices.ContainsFunc(op.Targets, func(t Target) bool { return t.Private })
	decides := len(op.Targets) > 0 && op.Security == Required && op.Role <= auth.Author && !private
	switch {
	case declared && !decides:
		return errors.New("has x-owner, which is for operations that need a token and no role above author, with an object in the path that is not private")
	case decides && !declared:
		return errors.New("lacks x-owner: the kind of the object in its path that only its owner may use, or none if others may use it too")
	case !declared || owner == "none":
		return nil
	case !slices.ContainsFunc(op.Targets, func(t Target) bool { return t.Kind == owner }):
		return fmt.Errorf("x-owner is %v, which is neither none nor the kind of an object in its path", value)
	case !slices.Contains(op.Statuses, 403):
		return errors.New("has x-owner, so that it must declare 403")
	}
	op.Owner = owner
	return nil
}

package server_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// TestUnknownMembers adds members that the document does not declare to each
// object in the body of each operation. They are reported, or refused if
// x-refused has them.
func TestUnknownMembers(t *testing.T) {
	t.Parallel()
	loaded, err := contract.Load()
	require.NoError(t, err)
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	s := servertest.New(t)
	for _, op := range loaded.Operations() {
		declared := doc.Paths.Value(op.Path).GetOperation(op.Method)
		if declared.RequestBody == nil {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			t.Parallel()
			st := newStage(s.For(t))
			require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
			refused, _ := declared.Extensions["x-refused"].([]any)
			for _, o := range objectsOf(declared.RequestBody.Value.Content["application/json"].Schema.Value, "body") {
				unknown := map[string]any{"surprise": map[string]any{"status": "draft"}}
				want := []string{o.path + ".surprise"}
				for _, name := range o.members[:min(len(o.members), 9)] { // ten names are reported
					unknown[name+"s"] = nil
					want = append(want, o.path+"."+name+"s")
				}
				res, body := withObjects(st, op.ID).adding(t, o, unknown).do(st.s, op.Method)
				require.Less(t, res.StatusCode, 300, body)
				require.ElementsMatch(t, want, strings.Split(res.Header.Get(ignoredHeader), ", "))
				st = newStage(st.s)

				c := withObjects(st, op.ID)
				for _, name := range refused {
					if slices.Contains(o.members, name.(string)) {
						continue // the operation knows it here
					}
					res, body := c.adding(t, o, map[string]any{name.(string): nil}).do(st.s, op.Method)
					p := requireProblem(t, 422, "validation_failed", res, []byte(body))
					require.Contains(t, p.Errors, name)
					require.Empty(t, res.Header.Get(ignoredHeader))
				}
			}
		})
	}
}

// withObjects returns a valid request with every object that its body may have.
func withObjects(s *stage, id string) call {
	c := valid[id](s)
	switch id {
	case "CreateArticle", "UpdateArticle", "UpdateWorkingCopy":
		series(s)
		return c.sending(strings.Replace(c.body, `{"article":{`, fmt.Sprintf(`{"article":{"series":{"slug":%q},`, s.series), 1))
	default:
		return c
	}
}

// object is an object in a body whose members the document lists.
type object struct {
	path    string // body.article
	members []string
}

// objectsOf returns the objects in a value of the schema.
func objectsOf(s *openapi3.Schema, path string) (all []object) {
	if s.Items != nil {
		return objectsOf(s.Items.Value, path+".0")
	}
	o := object{path: path}
	for _, ref := range append(s.AllOf, &openapi3.SchemaRef{Value: s}) {
		for name, member := range ref.Value.Properties {
			o.members = append(o.members, name)
			all = append(all, objectsOf(member.Value, path+"."+name)...)
		}
	}
	if len(o.members) > 0 {
		slices.Sort(o.members)
		all = append(all, o)
	}
	return all
}

// adding adds members to an object in the body.
func (c call) adding(t *testing.T, o object, members map[string]any) call {
	t.Helper()
	var body any
	require.NoError(t, json.Unmarshal([]byte(c.body), &body))
	at := body
	for _, name := range strings.Split(o.path, ".")[1:] {
		if items, ok := at.([]any); ok && len(items) > 0 {
			at = items[0]
		} else if inner, ok := at.(map[string]any); ok {
			at = inner[name]
		}
	}
	into, ok := at.(map[string]any)
	require.True(t, ok, "give the valid request for %s in server/scenarios_test.go an object at %s", c.path, o.path)
	for name, value := range members {
		require.NotContains(t, into, name)
		into[name] = value
	}
	text, err := json.Marshal(body)
	require.NoError(t, err)
	return c.sending(string(text))
}

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/byline-api/byline/gen/spec"
)

// operation is an operation of the document.
type operation struct {
	id, method, path string // path of the document, with the base
	declared         *openapi3.Operation
	body             *openapi3.Schema // nil if there is none
	maxBody          int
	statuses         []int
	// privileged operations are for moderators, editors and admins. No user of an
	// attack is one.
	privileged bool
}

// operations reads the document. It is compiled in, so an error means that this
// program was built wrongly.
func operations() (all []operation) {
	doc, err := spec.GetSpec()
	if err != nil {
		panic(err)
	}
	base := strings.TrimSuffix(doc.Servers[0].URL, "/")
	for _, path := range doc.Paths.InMatchingOrder() {
		item := doc.Paths.Value(path)
		for _, method := range []string{"GET", "PUT", "POST", "DELETE", "PATCH"} {
			o := item.GetOperation(method)
			if o == nil {
				continue
			}
			o.Parameters = append(append(openapi3.Parameters{}, item.Parameters...), o.Parameters...)
			op := operation{id: o.OperationID, method: method, path: base + path, declared: o}
			for code := range o.Responses.Map() {
				if n, err := strconv.Atoi(code); err == nil {
					op.statuses = append(op.statuses, n)
				}
			}
			if o.RequestBody != nil {
				if media := o.RequestBody.Value.Content["application/json"]; media != nil && media.Schema != nil {
					op.body = media.Schema.Value
				}
			}
			role, _ := o.Extensions["x-role"].(string)
			op.privileged = role == "moderator" || role == "editor" || role == "admin"
			if n, ok := o.Extensions["x-max-body"].(float64); ok {
				op.maxBody = int(n)
			}
			all = append(all, op)
		}
	}
	return all
}

// param returns the parameters in a place: path, query or header.
func (op operation) params(in string) (all []*openapi3.Parameter) {
	for _, ref := range op.declared.Parameters {
		if ref.Value.In == in {
			all = append(all, ref.Value)
		}
	}
	return all
}

// declares expects a status that the document declares for op, or that the
// server may return for any operation.
func (op operation) declares(o outcome) string {
	if len(o.answers) != 1 {
		return fmt.Sprintf("%d responses to one request", len(o.answers))
	}
	for _, s := range op.statuses {
		if s == o.first().status {
			return ""
		}
	}
	if deliberate(o.first()) {
		return ""
	}
	return fmt.Sprintf("status %d, which the document does not declare for %s", o.first().status, op.id)
}

// wrong expects a refusal that the document declares.
func (op operation) wrong(o outcome) string { return also(op.declares, refused)(o) }

// costly operations hash a password, so they get fewer variants.
func (op operation) costly() bool { return op.declared.Extensions["x-rate-limit"] == "auth" }

// writes reports whether op changes what its user has.
func (op operation) writes() bool {
	security := op.declared.Security
	if op.method == "GET" || op.declared.Extensions["x-safe"] == true || security == nil || len(*security) == 0 {
		return false
	}
	return !slices.ContainsFunc(*security, func(r openapi3.SecurityRequirement) bool { return len(r) == 0 })
}

// scope returns what a credential has to permit.
func (op operation) scope() string {
	scope, _ := op.declared.Extensions["x-scope"].(string)
	return scope
}

// fill returns the path with the goat's own objects. Values for parameters in
// with are used unchanged.
func (s *site) fill(op operation, with map[string]string) string {
	path := op.path
	for _, p := range op.params("path") {
		value, given := with[p.Name]
		switch {
		case given:
		case p.Name == "username":
			value = s.rival.name
		case p.Name == "slug":
			value = s.goatSlug
		case p.Name == "id" && strings.Contains(op.path, "/comments/"):
			value = s.goatComment
		case p.Example != nil:
			value = fmt.Sprint(p.Example)
		default:
			value = "1"
		}
		path = strings.Replace(path, "{"+p.Name+"}", value, 1)
	}
	return path
}

// message returns a valid request of op by the goat, without a body.
func (s *site) message(op operation) message {
	return message{method: op.method, target: s.fill(op, nil), token: s.goat.token, fields: neededHeaders(op)}
}

func neededHeaders(op operation) (fields []string) {
	for _, p := range op.params("header") {
		if p.Required {
			fields = append(fields, fmt.Sprintf("%s: %v", p.Name, headerValue(p)))
		}
	}
	return fields
}

func headerValue(p *openapi3.Parameter) any {
	if p.Example != nil {
		return p.Example
	}
	return "1"
}

// place is a value in a body, identified by the names on the path to it.
type place struct {
	path   []string // "[]" is the first item of an array
	schema *openapi3.Schema
}

func (p place) String() string { return strings.Join(p.path, ".") }

// places lists every value that a body may have, starting with the body itself.
func places(s *openapi3.Schema) []place { return placesAt(s, nil, 0) }

func placesAt(s *openapi3.Schema, path []string, depth int) []place {
	all := []place{{path, s}}
	if depth > 6 {
		return all // a schema that refers to itself
	}
	for _, name := range sortedKeys(s.Properties) {
		all = append(all, placesAt(s.Properties[name].Value, extend(path, name), depth+1)...)
	}
	for _, part := range s.AllOf {
		all = append(all, placesAt(part.Value, path, depth+1)[1:]...)
	}
	if s.Items != nil {
		all = append(all, placesAt(s.Items.Value, extend(path, "[]"), depth+1)...)
	}
	return all
}

func extend(path []string, name string) []string { return append(append([]string{}, path...), name) }

// texts returns the places of a body that accept text.
func (op operation) texts() (all []place) {
	if op.body == nil {
		return nil
	}
	for _, p := range places(op.body) {
		if p.schema.Type.Is("string") && len(p.schema.Enum) == 0 {
			all = append(all, p)
		}
	}
	return all
}

// example returns a body that op accepts: the document's example, if there is
// one, with unused names.
func (s *site) example(op operation) any {
	var value any
	if media := op.declared.RequestBody.Value.Content["application/json"]; media != nil && media.Example != nil {
		text, _ := json.Marshal(media.Example)
		_ = json.Unmarshal(text, &value) // a copy
	}
	if value == nil {
		value = sample(op.body, 0)
	}
	if op.id != "Login" {
		s.unique(value)
	}
	return value
}

func (s *site) unique(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if _, text := member.(string); text && name == "username" {
				v[name] = s.name("u")
			} else if text && name == "email" {
				v[name] = s.name("e") + "@example.com"
			} else {
				s.unique(member)
			}
		}
	case []any:
		for _, item := range v {
			s.unique(item)
		}
	}
}

// sample returns a value of a schema.
func sample(s *openapi3.Schema, depth int) any {
	switch {
	case s.Example != nil:
		return s.Example
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Type.Is("object") || len(s.AllOf) > 0:
		members := map[string]any{}
		if depth < 6 {
			for name, ref := range s.Properties {
				members[name] = sample(ref.Value, depth+1)
			}
			for _, part := range s.AllOf {
				if more, ok := sample(part.Value, depth+1).(map[string]any); ok {
					for name, member := range more {
						members[name] = member
					}
				}
			}
		}
		return members
	case s.Type.Is("array"):
		return []any{sample(s.Items.Value, depth+1)}
	case s.Type.Is("integer"), s.Type.Is("number"):
		if s.Min != nil {
			return *s.Min
		}
		return 1
	case s.Type.Is("boolean"):
		return true
	case s.Format == "email":
		return "sample@example.com"
	case s.Format == "date-time":
		return "2030-01-02T03:04:05.678Z"
	case s.Format == "uuid":
		return "8e03978e-40d5-43e8-bc93-6894a57f9324"
	default:
		return "a sample of text"
	}
}

const marker = "@@MARKER@@"

// with returns the example with a JSON text in a place. The text need not be
// valid.
func (s *site) with(op operation, p place, text string) string {
	body, err := json.Marshal(put(s.example(op), p.path, marker))
	if err != nil {
		panic(err) // the example of the document is invalid
	}
	return strings.Replace(string(body), `"`+marker+`"`, text, 1)
}

// put sets a value in decoded JSON and creates missing parents.
func put(value any, path []string, to any) any {
	if len(path) == 0 {
		return to
	}
	if path[0] == "[]" {
		items, _ := value.([]any)
		if len(items) == 0 {
			items = []any{nil}
		}
		items[0] = put(items[0], path[1:], to)
		return items
	}
	members, ok := value.(map[string]any)
	if !ok {
		members = map[string]any{}
	}
	members[path[0]] = put(members[path[0]], path[1:], to)
	return members
}

// get returns the value of a place in a decoded response.
func get(value any, path []string) (any, bool) {
	for _, name := range path {
		if name == "[]" {
			items, ok := value.([]any)
			if !ok || len(items) == 0 {
				return nil, false
			}
			value = items[0]
			continue
		}
		members, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = members[name]; !ok {
			return nil, false
		}
	}
	return value, true
}

func isCursor(p *openapi3.Parameter) bool { return p.Name == "cursor" }

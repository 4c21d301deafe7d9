package contract

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/getkin/kin-openapi/openapi3"
)

// secretName matches the names of members that usually contain a secret.
var secretName = regexp.MustCompile(`(?i)^key$|(token|password|secret)$`)

// readSecrets finds out whether a response contains a secret, such as a token.
// Members with a secret declare x-secret.
func (op *Operation) readSecrets(responses *openapi3.Responses) error {
	w := secretWalk{seen: map[*openapi3.Schema]bool{}}
	for _, response := range responses.Map() {
		for _, content := range response.Value.Content {
			w.walk(content.Schema)
		}
	}
	if op.Secret = w.found; op.Secret && op.Cache.Scope == "shared" {
		w.gaps = append(w.gaps, errors.New("has a response with x-secret, so that its x-cache must not be shared"))
	}
	return errors.Join(w.gaps...)
}

// secretWalk is a walk through the schemas of responses.
type secretWalk struct {
	seen  map[*openapi3.Schema]bool
	found bool
	gaps  []error
}

func (w *secretWalk) walk(ref *openapi3.SchemaRef) {
	if ref == nil || w.seen[ref.Value] {
		return
	}
	s := ref.Value
	w.seen[s] = true
	for name, member := range s.Properties {
		secret, declared := member.Value.Extensions["x-secret"].(bool)
		w.found = w.found || secret
		if !declared && member.Value.Type.Is(openapi3.TypeString) && secretName.MatchString(name) {
			w.gaps = append(w.gaps, fmt.Errorf("response member %s looks like a secret: declare x-secret: true, or false if it is none", name))
		}
		w.walk(member)
	}
	w.walk(s.Items)
	w.walk(s.AdditionalProperties.Schema)
	for _, parts := range []openapi3.SchemaRefs{s.AllOf, s.AnyOf, s.OneOf} {
		for _, part := range parts {
			w.walk(part)
		}
	}
}

package pages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"go.yaml.in/yaml/v3"
)

// addDocument adds the OpenAPI document as it was written, and as JSON, and a
// form of it for the reference, whose path it returns. It changes the document.
func addDocument(resources map[string]*resource, document []byte, root *yaml.Node) (reference string, err error) {
	asJSON, err := toJSON(root)
	if err != nil {
		return "", fmt.Errorf("openapi.yaml: %w", err)
	}
	useExamples(root)
	useBearer(root)
	if err := addSamples(root); err != nil {
		return "", err
	}
	prepared, err := toJSON(root)
	if err != nil {
		return "", fmt.Errorf("openapi.yaml: %w", err)
	}
	reference = assetURL("openapi.json", prepared)
	resources["/openapi.yaml"] = newResource("application/yaml", document, revalidated, "")
	resources["/openapi.json"] = newResource("application/json", asJSON, revalidated, "")
	resources[reference] = newResource("application/json", prepared, immutable, "")
	for _, path := range []string{"/openapi.yaml", "/openapi.json"} {
		resources[path].anyOrigin = true // editors and generators in browsers load them
	}
	// The server, which each form names once.
	resources["/openapi.yaml"].links = []string{"\n  - url: "}
	resources["/openapi.json"].links = []string{`"servers":[{"url":"`}
	resources[reference].links = resources["/openapi.json"].links
	for _, path := range []string{"/openapi.yaml", "/openapi.json", reference} {
		base := resources[path].at(place{defaultOrigin, "/base"})
		if bytes.Count(base.plain(), []byte("/base/")) != 1 {
			return "", fmt.Errorf("%s: cannot find the URL of the server", path)
		}
	}
	return reference, nil
}

// useExamples changes the document so that a request which the reference
// proposes succeeds. Scalar fills in each example that it finds, and a list
// that is filtered by all examples at once is empty. It shows an example with
// x-disabled too, but sends it only if the reader says so.
func useExamples(n *yaml.Node) {
	if n.Kind == yaml.MappingNode && member(n, "in") != nil && member(n, "name") != nil && member(n, "schema") != nil {
		required, example := member(n, "required"), member(n, "example")
		if (required == nil || required.Value != "true") && example != nil {
			off := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"}
			one := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{stringNode("value"), new(*example), stringNode("x-disabled"), off}}
			for i := 0; i < len(n.Content); i += 2 {
				if n.Content[i+1] == example {
					n.Content[i] = stringNode("examples")
				}
			}
			// "default" is the example that Scalar takes.
			*example = yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{stringNode("default"), one}}
		}
		return
	}
	for _, child := range n.Content {
		useExamples(child)
	}
}

// useBearer removes the scheme Token from the document. OpenAPI can describe it
// only as an API key, whose value begins with "Token ", so that Scalar would
// send, and show in its samples, the token without a scheme.
func useBearer(root *yaml.Node) {
	schemes := member(member(root.Content[0], "components"), "securitySchemes")
	remove(schemes, "Token")
	member(member(schemes, "Bearer"), "description").Value = "The `user.token` that signing in returns"
	for _, operation := range routes(root) {
		if security := member(operation, "security"); security != nil {
			security.Content = slices.DeleteFunc(security.Content, func(n *yaml.Node) bool { return member(n, "Token") != nil })
		}
	}
}

// methods are the members of a path that are operations.
var methods = map[string]bool{"get": true, "put": true, "post": true, "delete": true, "patch": true}

type route struct{ method, path string }

// routes iterates over the operations of the document, in its order.
func routes(root *yaml.Node) iter.Seq2[route, *yaml.Node] {
	return func(yield func(route, *yaml.Node) bool) {
		paths := member(root.Content[0], "paths").Content
		for i := 0; i+1 < len(paths); i += 2 {
			members := paths[i+1].Content
			for j := 0; j+1 < len(members); j += 2 {
				if method := members[j].Value; methods[method] && !yield(route{method, paths[i].Value}, members[j+1]) {
					return
				}
			}
		}
	}
}

// member returns the value of a member of a mapping, or nil.
func member(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// remove removes a member of a mapping.
func remove(n *yaml.Node, name string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			n.Content = slices.Delete(n.Content, i, i+2)
			return
		}
	}
}

// stringNode returns a string.
func stringNode(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

// toJSON converts YAML to JSON. It preserves the order of members, which the
// document's author chose for readers.
func toJSON(root *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	if err := writeNode(&b, root); err != nil {
		return nil, err
	}
	return append(b.Bytes(), '\n'), nil
}

func writeNode(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.DocumentNode:
		return writeNode(b, n.Content[0])
	case yaml.AliasNode:
		return writeNode(b, n.Alias)
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeNode(b, item); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeValue(b, n.Content[i].Value); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := writeNode(b, n.Content[i+1]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	default:
		return writeScalar(b, n)
	}
}

func writeScalar(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Tag {
	case "!!int", "!!float", "!!bool", "!!null":
		var v any
		if err := n.Decode(&v); err != nil {
			return err
		}
		return writeValue(b, v)
	default:
		return writeValue(b, n.Value)
	}
}

func writeValue(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the newline of Encode
	return nil
}

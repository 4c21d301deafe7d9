package pages

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// addDocument adds the OpenAPI document as it was written, and as JSON.
func addDocument(resources map[string]*resource, text []byte) error {
	asJSON, err := yamlToJSON(text)
	if err != nil {
		return fmt.Errorf("openapi.yaml: %w", err)
	}
	resources["/openapi.yaml"] = newResource("application/yaml", text, revalidated, "")
	resources["/openapi.json"] = newResource("application/json", asJSON, revalidated, "")
	for _, path := range []string{"/openapi.yaml", "/openapi.json"} {
		resources[path].anyOrigin = true // editors and generators in browsers load them
	}
	// The server, which both forms name once.
	resources["/openapi.yaml"].links = []string{"\n  - url: "}
	resources["/openapi.json"].links = []string{`"servers":[{"url":"`}
	for _, path := range []string{"/openapi.yaml", "/openapi.json"} {
		if base := resources[path].below("/base"); base == resources[path] || bytes.Count(base.plain(), []byte("/base/")) != 1 {
			return fmt.Errorf("%s: cannot find the URL of the server", path)
		}
	}
	return nil
}

// yamlToJSON converts YAML to JSON. It preserves the order of members, which
// the document's author chose for readers.
func yamlToJSON(text []byte) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := writeNode(&b, &root); err != nil {
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

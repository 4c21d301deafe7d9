package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document has the members of openapi.yaml that the SDK depends on.
type document struct {
	Info struct{ Version string }
	Tags []struct{ Name, Description string }
	// Paths holds the operations of each path by their method.
	Paths      ordered[ordered[operation]]
	Components struct {
		Parameters    map[string]parameter
		RequestBodies map[string]message `yaml:"requestBodies"`
		Responses     map[string]message
		Schemas       ordered[*schema]
	}
}

type operation struct {
	ID          string `yaml:"operationId"`
	SDK         string `yaml:"x-sdk"`
	SDKPage     string `yaml:"x-sdk-page"`
	Tags        []string
	Summary     string
	Description string
	Security    []map[string]any
	Scope       string `yaml:"x-scope"`
	Role        string `yaml:"x-role"`
	Idempotent  bool   `yaml:"x-idempotent"`
	Safe        bool   `yaml:"x-safe"`
	Stream      bool   `yaml:"x-stream"`
	Deprecated  bool
	Parameters  []parameter
	RequestBody *message `yaml:"requestBody"`
	Responses   ordered[message]

	method, path string
	// plain and whole tell the two methods of an operation with x-sdk-page apart:
	// the first takes no query and returns the list, the other takes the query
	// and returns the whole response.
	plain, whole bool
}

type parameter struct {
	Ref         string `yaml:"$ref"`
	Name        string
	In          string
	Description string
	Schema      *schema
	Example     yaml.Node

	component string // its name below components
}

// message is a request body or a response.
type message struct {
	Ref     string `yaml:"$ref"`
	Content map[string]struct {
		Schema  *schema
		Example yaml.Node
	}
}

type schema struct {
	Ref         string `yaml:"$ref"`
	Type        string
	Format      string
	Nullable    bool
	Description string
	Minimum     yaml.Node
	Default     yaml.Node
	Enum        []string
	EnumNames   []string `yaml:"x-enum-varnames"`
	Secret      bool     `yaml:"x-secret"`
	Items       *schema
	Required    []string
	Properties  ordered[*schema]
	// Additional is a boolean or a schema.
	Additional yaml.Node `yaml:"additionalProperties"`
	// AllOf has one schema, to describe a reference.
	AllOf []*schema `yaml:"allOf"`
	// These are not supported.
	OneOf yaml.Node `yaml:"oneOf"`
	AnyOf yaml.Node `yaml:"anyOf"`
}

// ordered is a mapping in the order of the document.
type ordered[T any] []entry[T]

type entry[T any] struct {
	Name  string
	Value T
}

// UnmarshalYAML implements [yaml.Unmarshaler].
func (o *ordered[T]) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: is not a mapping", node.Line)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		item := entry[T]{Name: node.Content[i].Value}
		if err := node.Content[i+1].Decode(&item.Value); err != nil {
			return err
		}
		*o = append(*o, item)
	}
	return nil
}

func (o ordered[T]) get(name string) (T, bool) {
	for _, item := range o {
		if item.Name == name {
			return item.Value, true
		}
	}
	var none T
	return none, false
}

func load(path string) (*document, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	doc := &document{}
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return doc, nil
}

func refName(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

func (d *document) parameter(p parameter) parameter {
	if p.Ref == "" {
		return p
	}
	name := refName(p.Ref)
	p = d.Components.Parameters[name]
	p.component = name
	return p
}

// resolve follows the reference of a schema. It returns the name of the schema
// too, if it has one.
func (d *document) resolve(s *schema) (*schema, string, error) {
	if len(s.AllOf) == 1 {
		s = s.AllOf[0]
	}
	if s.Ref == "" {
		return s, "", nil
	}
	name := refName(s.Ref)
	found, ok := d.Components.Schemas.get(name)
	if !ok {
		return nil, "", fmt.Errorf("there is no schema %s", name)
	}
	return found, name, nil
}

// content returns the schema of a body or a response, and its example. A
// message without content has no schema.
func content(messages map[string]message, m *message) (*schema, yaml.Node) {
	if m == nil {
		return nil, yaml.Node{}
	}
	if m.Ref != "" {
		found := messages[refName(m.Ref)]
		m = &found
	}
	for _, mediaType := range m.Content {
		return mediaType.Schema, mediaType.Example
	}
	return nil, yaml.Node{}
}

// success returns the response for success.
func (op *operation) success() *message {
	for _, response := range op.Responses {
		if strings.HasPrefix(response.Name, "2") {
			return &response.Value
		}
	}
	return nil
}

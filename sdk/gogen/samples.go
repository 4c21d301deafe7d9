package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// sample is a call with the values of the examples in the document.
type sample struct {
	// code is the call, for the reference.
	code string
	// function is an example function that makes the call and prints result.
	function string
	// exchange is the request and the response, for the test of the function.
	exchange string
}

// sample returns the sample of an operation.
func (g *generator) sample(m *method) (*sample, error) {
	path := m.op.path
	arguments := "ctx"
	var sent yaml.Node
	query := url.Values{}
	for _, p := range m.op.Parameters {
		if p = g.doc.parameter(p); p.In == "path" {
			literal, err := g.literal(p.Schema, "", &p.Example)
			if err != nil {
				return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
			}
			arguments += ", " + literal
			path = strings.Replace(path, "{"+p.Name+"}", url.PathEscape(p.Example.Value), 1)
		}
	}
	if body, example := content(g.doc.Components.RequestBodies, m.op.RequestBody); body != nil {
		sent = example
		if flat := m.body != "body"; flat {
			s, _, err := g.doc.resolve(body)
			if err != nil {
				return nil, err
			}
			body, example = s.Properties[0].Value, *example.Content[1]
		}
		literal, err := g.literal(body, "", &example)
		if err != nil {
			return nil, fmt.Errorf("the example of the body: %w", err)
		}
		arguments += ", " + literal
	}
	if m.params != "" {
		filter, err := g.filter(m, query)
		if err != nil {
			return nil, err
		}
		arguments += ", " + filter
	}
	schema, received := content(g.doc.Components.Responses, m.op.success())
	if schema != nil && received.IsZero() {
		return nil, errors.New("the response has no example")
	}
	return g.render(m, path, query, arguments, &sent, &received)
}

// filter returns the parameters of a list: its first filter that has an
// example. Other operations are called without parameters.
func (g *generator) filter(m *method, query url.Values) (string, error) {
	for _, p := range m.query {
		if m.item == "" || slices.Contains([]string{"limit", "offset", "cursor", "format"}, p.Name) || p.Example.IsZero() {
			continue
		}
		literal, err := g.literal(p.Schema, exported(p.component), &p.Example)
		query.Set(p.Name, p.Example.Value)
		return fmt.Sprintf("&byline.%s{%s: %s}", m.params, exported(p.Name), literal), err
	}
	return "nil", nil
}

// render puts the sample together.
func (g *generator) render(m *method, path string, query url.Values, arguments string, sent, received *yaml.Node) (*sample, error) {
	resource := strings.TrimSuffix(m.service, "Service")
	call := fmt.Sprintf("c.%s.%s", resource, m.name)
	const fatal = "if err != nil {\n\tlog.Fatal(err)\n}\n"
	var code, use, output string
	shown, value := g.shown(m, received)
	switch {
	case m.item != "":
		all := "All"
		if m.op.Stream {
			all = ""
		}
		item := m.itemName()
		code = fmt.Sprintf("for %s, err := range %s%s(%s) {\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tfmt.Println("+shown+")\n}\n", item, call, all, arguments, item)
		output = value
	case m.result == "":
		code = fmt.Sprintf("err := %s(%s)\n", call, arguments)
		use, output = fatal+"fmt.Println(\"done\")\n", "done"
		code = strings.Replace(code, "err :=", "err =", 1)
	default:
		name := m.variable()
		code = fmt.Sprintf("%s, err := %s(%s)\n", name, call, arguments)
		use = fatal + fmt.Sprintf("fmt.Println("+shown+")\n", name)
		output = value
	}
	request, err := jsonOf(sent)
	if err != nil {
		return nil, err
	}
	response, err := jsonOf(received)
	if err != nil {
		return nil, err
	}
	if m.result == "string" {
		response, output = received.Value, strings.ReplaceAll(strings.TrimSpace(output), "\n", "\n\t// ")
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	token := ""
	if len(m.op.Security) > 0 {
		token = `, byline.WithToken(os.Getenv("BYLINE_TOKEN"))`
	}
	function := fmt.Sprintf("func Example%s_%s() {\n\tctx := context.Background()\n\tc, err := byline.New(\"https://byline.example.com\"%s)\n\t%s%s%s\t// Output: %s\n}\n\n",
		m.service, m.name, token, fatal, code, use, output)
	reference, err := format.Source([]byte(strings.Replace(strings.TrimSpace(code), "err = ", "err := ", 1)))
	if err != nil {
		return nil, err
	}
	return &sample{
		code:     string(reference),
		function: function,
		exchange: fmt.Sprintf("\t%q: {%s, %s, %s},\n", m.op.method+" "+path, quoted(request), m.status(), quoted(response)),
	}, nil
}

// variable returns the name of the variable for the result.
func (m *method) variable() string {
	if m.result == "string" {
		return "text"
	}
	name := strings.TrimLeft(m.result, "*[]")
	if before, ok := strings.CutSuffix(name, "CreatedResponse"); ok {
		name = before
	}
	if before, ok := strings.CutSuffix(name, "BatchResponse"); ok {
		name = before + ".batch"
	}
	if strings.HasPrefix(m.result, "[]") {
		name = strings.TrimPrefix(m.value, "out.")
	}
	return local(name)
}

// itemName returns the name of the variable of a loop.
func (m *method) itemName() string {
	if m.op.Stream {
		return "record"
	}
	if before, ok := strings.CutSuffix(m.list, "ies"); ok {
		return local(before + "y")
	}
	return local(strings.TrimSuffix(m.list, "s"))
}

func (m *method) status() string {
	for _, response := range m.op.Responses {
		if strings.HasPrefix(response.Name, "2") {
			return response.Name
		}
	}
	return "0"
}

// shown returns the expression that the example prints, with %s for the
// variable, and its value in the example of the response.
func (g *generator) shown(m *method, received *yaml.Node) (expression, value string) {
	body, _ := content(g.doc.Components.Responses, m.op.success())
	if body == nil {
		return "", ""
	}
	s, _, _ := g.doc.resolve(body)
	node := received
	if !m.op.Stream && (m.item != "" || m.value != "out") { // flattened
		s, _, _ = g.doc.resolve(s.Properties[0].Value)
		node = node.Content[1]
	}
	if m.item != "" && s.Type == "array" {
		s, _, _ = g.doc.resolve(s.Items)
		if node = nil; len(received.Content[1].Content) > 0 { // an example can have no items
			node = received.Content[1].Content[0]
		}
	}
	return g.shownMember("%s", s, node)
}

// shownMember returns the first text of an object, or its first member if it has
// none, and the length of a list. node is nil if there is no example.
func (g *generator) shownMember(expression string, s *schema, node *yaml.Node) (shown, value string) {
	if node == nil {
		node = &yaml.Node{}
	}
	if s.Type == "array" {
		return "len(" + expression + ")", strconv.Itoa(len(node.Content))
	}
	if s.Type != "object" {
		return expression, node.Value
	}
	for _, p := range s.Properties {
		found, _, _ := g.doc.resolve(p.Value)
		if slices.Contains(s.Required, p.Name) && found.Type == "string" && found.Format == "" && !p.Value.Secret && !found.Nullable {
			return g.shownMember(expression+"."+exported(p.Name), found, child(node, p.Name))
		}
	}
	first := s.Properties[0]
	inner, _, _ := g.doc.resolve(first.Value)
	return g.shownMember(expression+"."+exported(first.Name), inner, child(node, first.Name))
}

func child(node *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i+1]
		}
	}
	return nil
}

func jsonOf(node *yaml.Node) (string, error) {
	if node.IsZero() {
		return "", nil
	}
	var value any
	if err := node.Decode(&value); err != nil {
		return "", err
	}
	text, err := json.Marshal(asGo(value))
	return string(text), err
}

// asGo writes times as Go does, so that requests can be compared.
func asGo(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = asGo(member)
		}
	case []any:
		for i, item := range value {
			value[i] = asGo(item)
		}
	case string:
		if at, err := time.Parse(time.RFC3339, value); err == nil {
			return at
		}
	}
	return value
}

func quoted(text string) string {
	if strings.ContainsAny(text, "`\n") {
		return strconv.Quote(text)
	}
	return "`" + text + "`"
}

// literal returns a Go expression for an example.
func (g *generator) literal(s *schema, name string, node *yaml.Node) (string, error) {
	t, err := g.goType(s, name)
	if err != nil {
		return "", err
	}
	s, _, _ = g.doc.resolve(s)
	switch {
	case node.IsZero():
		return "", fmt.Errorf("%s has no example", t)
	case len(s.Enum) > 0:
		if i := slices.Index(s.Enum, node.Value); i >= 0 {
			return "byline." + constant(t, s, i), nil
		}
		return "", fmt.Errorf("%q is not one of the values of %s", node.Value, t)
	case t == "time.Time":
		at, err := time.Parse(time.RFC3339, node.Value)
		return fmt.Sprintf("time.Date(%d, %d, %d, %d, %d, %d, %d, time.UTC)", at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond()), err
	case t == "string":
		return strconv.Quote(node.Value), nil
	case s.Type == "array":
		item := strings.TrimPrefix(t, "[]")
		if item != "string" {
			t = "[]byline." + item
		}
		var items []string
		for _, element := range node.Content {
			literal, err := g.literal(s.Items, name, element)
			if err != nil {
				return "", err
			}
			items = append(items, literal)
		}
		return t + "{" + strings.Join(items, ", ") + "}", nil
	case s.Type == "object":
		return g.objectLiteral(s, t, node)
	}
	return node.Value, nil
}

// objectLiteral returns a composite literal for the example of an object.
func (g *generator) objectLiteral(s *schema, t string, node *yaml.Node) (string, error) {
	var b strings.Builder
	b.WriteString("byline." + t + "{\n")
	for _, member := range s.Properties {
		example := child(node, member.Name)
		if example == nil {
			continue
		}
		mt, _, err := g.memberType(t, s, member.Name, member.Value)
		if err != nil {
			return "", err
		}
		literal := "byline.Null[" + strings.TrimSuffix(strings.TrimPrefix(mt, "Nullable["), "]") + "]()"
		if example.Tag != "!!null" {
			if literal, err = g.literal(member.Value, exported(t+"."+member.Name), example); err != nil {
				return "", err
			}
			switch {
			case strings.HasPrefix(mt, "*"):
				literal = "byline.Ptr(" + literal + ")"
			case strings.HasPrefix(mt, "Nullable["):
				literal = "byline.Value(" + literal + ")"
			}
		}
		b.WriteString("\t" + exported(member.Name) + ": " + literal + ",\n")
	}
	b.WriteString("}")
	return b.String(), nil
}

// samples returns the file for the reference, and the file with the example
// functions.
func samples(operations []string, all map[string]*sample) (reference, functions []byte, err error) {
	codes := map[string]string{}
	var calls, exchanges strings.Builder
	for _, id := range operations {
		codes[id] = all[id].code
		calls.WriteString(all[id].function)
		exchanges.WriteString(all[id].exchange)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(codes); err != nil {
		return nil, nil, err
	}
	return text.Bytes(), []byte(header + "package byline_test\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\t\"log\"\n\t\"os\"\n\t\"time\"\n\n\tbyline \"github.com/byline-api/byline/sdk/go\"\n)\n\n" +
		calls.String() + "// exchanges holds the requests of the examples, and the responses to them.\nvar exchanges = map[string]exchange{\n" + exchanges.String() + "}\n"), nil
}

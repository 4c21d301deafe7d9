package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// resource is a group of operations, such as articles.
type resource struct {
	name        string
	description string
	operations  []*operation
}

// resources groups the operations by the resource in x-sdk, in the order of the
// document.
func (d *document) resources() ([]*resource, error) {
	var found []*resource
	for _, path := range d.Paths {
		for i := range path.Value {
			op := &path.Value[i].Value
			op.method, op.path = strings.ToUpper(path.Value[i].Name), path.Name
			name, method, ok := strings.Cut(op.SDK, ".")
			if !ok || name == "" || method == "" {
				return nil, fmt.Errorf("%s %s: x-sdk must be resource.method, such as articles.create", op.method, op.path)
			}
			at := slices.IndexFunc(found, func(r *resource) bool { return r.name == name })
			if at < 0 {
				at = len(found)
				found = append(found, &resource{name: name, description: d.tagDescription(name, op)})
			}
			found[at].operations = append(found[at].operations, op)
			if op.SDKPage != "" {
				paged := *op
				paged.SDK, paged.whole, op.plain = op.SDKPage, true, true
				found[at].operations = append(found[at].operations, &paged)
			}
		}
	}
	return found, nil
}

// tagDescription returns the description of the tag with the name of the
// resource, or of the tag of its first operation.
func (d *document) tagDescription(name string, op *operation) string {
	description := ""
	for _, tag := range d.Tags {
		if strings.EqualFold(tag.Name, name) {
			return tag.Description
		}
		if len(op.Tags) > 0 && tag.Name == op.Tags[0] {
			description = tag.Description
		}
	}
	return description
}

// argument is an argument of a method, after the context.
type argument struct{ name, typ string }

// method has the parts of a method that the templates need.
type method struct {
	op        *operation
	service   string // such as ArticlesService
	name      string // such as Create
	arguments []argument
	params    string // the type of the query parameters, if there are any
	query     []parameter
	body      string // the expression for the body
	out       string // declaration of the variable for the response
	value     string // expression of the result
	result    string // type of the result
	item      string // type of the items, if the operation is paged
	list      string // name of the list in a page
}

// operationMethod returns the method for an operation. It also returns the
// declaration of its parameters.
func (g *generator) operationMethod(r *resource, op *operation) (*method, string, error) {
	_, short, _ := strings.Cut(op.SDK, ".")
	m := &method{op: op, service: exported(r.name) + "Service", name: exported(short)}
	for _, p := range op.Parameters {
		p = g.doc.parameter(p)
		switch p.In {
		case "path":
			t, err := g.goType(p.Schema, exported(p.component))
			if err != nil {
				return nil, "", err
			}
			m.arguments = append(m.arguments, argument{local(p.Name), t})
		case "query":
			if op.plain {
				continue
			}
			m.query = append(m.query, p)
		}
	}
	if err := g.requestBody(m); err != nil {
		return nil, "", err
	}
	declaration := ""
	if len(m.query) > 0 {
		m.params = exported(r.name) + m.name + "Params"
		m.arguments = append(m.arguments, argument{"params", "*" + m.params})
		var err error
		if declaration, err = g.parameters(m); err != nil {
			return nil, "", err
		}
	}
	return m, declaration, g.response(m)
}

// requestBody adds the argument for the body. A body with one member that is an
// object is flattened to this object.
func (g *generator) requestBody(m *method) error {
	body, _ := content(g.doc.Components.RequestBodies, m.op.RequestBody)
	if body == nil {
		return nil
	}
	s, _, err := g.doc.resolve(body)
	if err != nil {
		return err
	}
	if len(s.Properties) == 1 {
		member := s.Properties[0]
		inner, _, err := g.doc.resolve(member.Value)
		if err != nil {
			return err
		}
		if inner.Type == "object" {
			t, err := g.goType(member.Value, "")
			m.arguments = append(m.arguments, argument{local(member.Name), t})
			m.body = fmt.Sprintf("map[string]any{%q: %s}", member.Name, local(member.Name))
			return err
		}
	}
	t, err := g.goType(body, "")
	m.arguments = append(m.arguments, argument{"body", t})
	m.body = "body"
	return err
}

// response sets the result of the method. A response with one member that is an
// object or a list is flattened, and a page has the same form for every list.
func (g *generator) response(m *method) error {
	body, _ := content(g.doc.Components.Responses, m.op.success())
	if body == nil {
		return nil
	}
	s, _, err := g.doc.resolve(body)
	if err != nil {
		return err
	}
	if m.op.Stream {
		m.item, err = g.goType(body, "")
		return err
	}
	if _, paged := s.Properties.get("nextCursor"); paged && !m.op.plain && !m.op.whole {
		list := s.Properties[0]
		t, err := g.goType(list.Value, "")
		if err != nil {
			return err
		}
		m.item, m.list = strings.TrimPrefix(t, "[]"), list.Name
		m.result = "*Page[" + m.item + "]"
		count := ""
		m.value = "&Page[" + m.item + "]{Items: out.Items, NextCursor: out.Next"
		if len(s.Properties) == 3 {
			count = fmt.Sprintf("\t\tCount int64 `json:%q`\n", s.Properties[1].Name)
			m.value += ", TotalCount: out.Count"
		}
		m.value += "}"
		m.out = fmt.Sprintf("var out struct {\n\t\tItems %s `json:%q`\n%s\t\tNext string `json:\"nextCursor\"`\n\t}", t, list.Name, count)
		return nil
	}
	if s.Type == "string" { // plain text
		m.result, m.value, m.out = "string", "out", "var out string"
		return nil
	}
	t, err := g.goType(body, "")
	if err != nil {
		return err
	}
	if len(s.Properties) == 1 || m.op.plain {
		member := s.Properties[0]
		inner, _, err := g.doc.resolve(member.Value)
		if err != nil {
			return err
		}
		if inner.Type == "object" || inner.Type == "array" {
			g.used[refName(body.Ref)] = false
			if t, err = g.goType(member.Value, ""); err != nil {
				return err
			}
			if inner.Type == "object" {
				t = "*" + t
			}
			m.result, m.value = t, "out."+exported(member.Name)
			m.out = fmt.Sprintf("var out struct {\n\t\t%s %s `json:%q`\n\t}", exported(member.Name), t, member.Name)
			return nil
		}
	}
	m.result, m.value, m.out = "*"+t, "out", "var out *"+t
	return nil
}

// parameters returns the type of the query parameters of an operation. The zero
// value of a member means that the parameter is not sent.
func (g *generator) parameters(m *method) (string, error) {
	var b, values strings.Builder
	b.WriteString(comment("", fmt.Sprintf("%s are the optional parameters of %s. A member that is zero is not sent.", m.params, m.op.SDK)))
	fmt.Fprintf(&b, "type %s struct {\n", m.params)
	for _, p := range m.query {
		t, err := g.goType(p.Schema, exported(p.component))
		if err != nil {
			return "", err
		}
		name := exported(p.Name)
		zero := p.Schema.Minimum.Value == "0" && p.Schema.Default.IsZero() // it means something else than no parameter
		switch t {
		case "bool":
			if p.Schema.Default.Value == "false" { // that is the same as no parameter
				fmt.Fprintf(&values, "\tif p.%s {\n\t\tq.Set(%q, \"true\")\n\t}\n", name, p.Name)
				break
			}
			t = "*bool"
			fmt.Fprintf(&values, "\tif p.%s != nil {\n\t\tq.Set(%q, strconv.FormatBool(*p.%s))\n\t}\n", name, p.Name, name)
		case "int", "int64":
			if zero {
				t = "*" + t
				fmt.Fprintf(&values, "\tif p.%s != nil {\n\t\tq.Set(%q, strconv.FormatInt(int64(*p.%s), 10))\n\t}\n", name, p.Name, name)
				break
			}
			fmt.Fprintf(&values, "\tif p.%s != 0 {\n\t\tq.Set(%q, strconv.FormatInt(int64(p.%s), 10))\n\t}\n", name, p.Name, name)
		default:
			if strings.HasPrefix(t, "[]") || t == "time.Time" {
				return "", fmt.Errorf("%s: sdk/gogen does not know parameters of type %s", p.Name, t)
			}
			fmt.Fprintf(&values, "\tif p.%s != \"\" {\n\t\tq.Set(%q, string(p.%s))\n\t}\n", name, p.Name, name)
		}
		fmt.Fprintf(&b, "%s\t%s %s\n", comment("\t", sentence(p.Description)), name, t)
	}
	fmt.Fprintf(&b, "}\n\nfunc (p *%s) values() url.Values {\n\tq := url.Values{}\n\tif p == nil {\n\t\treturn q\n\t}\n%s\treturn q\n}\n\n", m.params, values.String())
	return b.String(), nil
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// request returns the composite literal of the request.
func (m *method) request() string {
	var b strings.Builder
	fmt.Fprintf(&b, "request{\n\t\toperation: %q, method: %q, path: %q,\n", m.op.SDK, m.op.method, m.op.path)
	if names := placeholder.FindAllStringSubmatch(m.op.path, -1); len(names) > 0 {
		b.WriteString("\t\targuments: []any{")
		for _, name := range names {
			b.WriteString(local(name[1]) + ", ")
		}
		b.WriteString("},\n")
	}
	if m.params != "" {
		b.WriteString("\t\tquery: params.values(),\n")
	}
	if m.body != "" {
		fmt.Fprintf(&b, "\t\tbody: %s,\n", m.body)
	}
	if len(m.op.Security) == 0 {
		b.WriteString("\t\tanonymous: true,\n")
	}
	if m.op.Idempotent {
		b.WriteString("\t\tkeyed: true,\n")
	}
	if m.op.Safe {
		b.WriteString("\t\tsafe: true,\n")
	}
	if m.result == "string" {
		b.WriteString("\t\ttext: true,\n")
	}
	b.WriteString("\t}")
	return b.String()
}

// doc returns the comment of the method.
func (m *method) doc() string {
	text := sentence(m.name+" "+thirdPerson(m.op.Summary)) + "\n\n" + m.op.Description + "\n\n" + m.sends()
	if m.op.Deprecated {
		text += "\n\nDeprecated: the API will lose this operation."
	}
	return comment("", text)
}

// sends says what the method sends, and which permission it needs.
func (m *method) sends() string {
	text := "It sends " + m.op.method + " " + m.op.path
	switch {
	case len(m.op.Security) == 0:
		return text + ", and no token."
	case slices.ContainsFunc(m.op.Security, func(s map[string]any) bool { return len(s) == 0 }):
		return text + ". A token is optional."
	}
	text += ", and needs a token"
	switch m.op.Scope {
	case "", "account":
		text += " of a signed-in user"
	default:
		text += " with the scope " + m.op.Scope
	}
	if m.op.Role != "" {
		text += ", and the role " + m.op.Role
	}
	return text + "."
}

// declaration returns the Go code of the method.
func (m *method) declaration() string {
	var b strings.Builder
	signature, names := "ctx context.Context", ""
	for _, a := range m.arguments {
		signature += ", " + a.name + " " + a.typ
		names += ", " + a.name
	}
	signature += ", options ...CallOption"
	head := fmt.Sprintf("func (s *%s) ", m.service)
	b.WriteString(m.doc())
	if m.op.Stream {
		fmt.Fprintf(&b, "%s%s(%s) iter.Seq2[%s, error] {\n\treturn s.core.stream(ctx, %s, options)\n}\n\n", head, m.name, signature, m.item, m.request())
		return b.String()
	}
	switch {
	case m.result == "":
		fmt.Fprintf(&b, "%s%s(%s) error {\n\treturn s.core.call(ctx, %s, nil, options)\n}\n\n", head, m.name, signature, m.request())
	default:
		fmt.Fprintf(&b, "%s%s(%s) (%s, error) {\n\t%s\n\terr := s.core.call(ctx, %s, &out, options)\n", head, m.name, signature, m.result, m.out, m.request())
		if m.item != "" {
			fmt.Fprintf(&b, "\tif err != nil {\n\t\treturn nil, err\n\t}\n\treturn %s, nil\n}\n\n", m.value)
		} else {
			fmt.Fprintf(&b, "\treturn %s, err\n}\n\n", m.value)
		}
	}
	if m.item != "" {
		b.WriteString(comment("", fmt.Sprintf("%sAll iterates over the items of all pages of [%s.%s]. It requests a page when the loop gets there, and ends after an error.", m.name, m.service, m.name)))
		fmt.Fprintf(&b, "%s%sAll(%s) iter.Seq2[%s, error] {\n", head, m.name, signature, m.item)
		fmt.Fprintf(&b, "\tvar page %s\n\tif params != nil {\n\t\tpage = *params\n\t}\n", m.params)
		names = strings.TrimSuffix(names, ", params") + ", &page"
		fmt.Fprintf(&b, "\treturn pages(page.Cursor, func(cursor string) (*Page[%s], error) {\n\t\tpage := page\n\t\tpage.Cursor = cursor\n\t\treturn s.%s(ctx%s, options...)\n\t})\n}\n\n", m.item, m.name, names)
	}
	return b.String()
}

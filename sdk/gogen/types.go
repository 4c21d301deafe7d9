package main

import (
	"fmt"
	"slices"
	"strings"
)

// generator collects the types that the methods refer to.
type generator struct {
	doc *document
	// used holds the names of the schemas that need a type.
	used map[string]bool
	// inline holds enumerations that have no name in the document.
	inline []namedEnum
}

type namedEnum struct {
	name        string
	description string
	schema      *schema
}

// typeNames are names in the SDK that differ from those in the document.
var typeNames = map[string]string{"ProblemCode": "Code"}

func typeName(name string) string {
	if renamed, ok := typeNames[name]; ok {
		return renamed
	}
	return exported(name)
}

// freeObject is the type of an object whose members the document does not name.
const freeObject = "map[string]any"

// goType returns the Go type of a value that is present and not null. name is
// the name of the type if the schema is an enumeration without a name.
func (g *generator) goType(s *schema, name string) (string, error) {
	s, ref, err := g.doc.resolve(s)
	if err != nil {
		return "", err
	}
	if !s.OneOf.IsZero() || !s.AnyOf.IsZero() || len(s.AllOf) > 0 {
		return "", fmt.Errorf("%s: sdk/gogen does not know oneOf, anyOf, and allOf of several schemas", name)
	}
	switch {
	case s.Type == "string" && len(s.Enum) > 0:
		if ref == "" {
			if !slices.ContainsFunc(g.inline, func(e namedEnum) bool { return e.name == name }) {
				g.inline = append(g.inline, namedEnum{name, s.Description, s})
			}
			return name, nil
		}
		g.used[ref] = true
		return typeName(ref), nil
	case s.Type == "string" && s.Format == "date-time":
		return "time.Time", nil
	case s.Type == "string":
		return "string", nil
	case s.Type == "boolean":
		return "bool", nil
	case s.Type == "integer" && s.Format == "int32":
		return "int", nil
	case s.Type == "integer":
		return "int64", nil
	case s.Type == "number":
		return "float64", nil
	case s.Type == "array" && s.Items != nil:
		item, err := g.goType(s.Items, name)
		return "[]" + item, err
	case s.Additional.Value == "true" && len(s.Properties) == 0:
		return freeObject, nil
	case s.Type == "object" && ref != "":
		if g.used[ref] {
			return typeName(ref), nil
		}
		g.used[ref] = true
		for _, member := range s.Properties { // what it refers to is used, too
			if _, err := g.goType(member.Value, exported(ref+"."+member.Name)); err != nil {
				return "", err
			}
		}
		return typeName(ref), nil
	}
	return "", fmt.Errorf("%s: sdk/gogen does not know the type %q (%s); objects need a name below components", name, s.Type, s.Format)
}

// memberType returns the type and the JSON tag of a member of an object.
func (g *generator) memberType(parent string, object *schema, name string, s *schema) (t, tag string, err error) {
	resolved, _, err := g.doc.resolve(s)
	if err != nil {
		return "", "", err
	}
	if t, err = g.goType(s, exported(parent+"."+name)); err != nil {
		return "", "", err
	}
	nullable := resolved.Nullable || s.Nullable
	patch := len(object.Required) == 0 // all members are optional: absent is not zero
	list := strings.HasPrefix(t, "[]")
	switch {
	case slices.Contains(object.Required, name):
		if nullable && t != freeObject {
			t = "*" + t
		}
		return t, name, nil
	case patch && nullable:
		return "Nullable[" + t + "]", name + ",omitzero", nil
	case patch && list:
		return t, name + ",omitzero", nil
	case t == freeObject:
		return t, name + ",omitempty", nil
	case t == "bool" && !patch && resolved.Default.Value != "true":
		return t, name + ",omitempty", nil // absent is false
	case patch, t == "bool", t == "time.Time", resolved.Type == "object":
		return "*" + t, name + ",omitempty", nil
	}
	return t, name + ",omitempty", nil
}

// member returns the declaration of a member of an object.
func (g *generator) member(parent string, object *schema, name string, s *schema) (string, error) {
	t, tag, err := g.memberType(parent, object, name, s)
	if err != nil {
		return "", err
	}
	description := s.Description
	if description == "" {
		resolved, _, _ := g.doc.resolve(s) // memberType has done that, too
		description = resolved.Description
	}
	text := ""
	if description != "" {
		text = comment("\t", sentence(description))
	}
	return fmt.Sprintf("%s\t%s %s `json:%q`\n", text, exported(name), t, tag), nil
}

// object returns the declaration of an object's type.
func (g *generator) object(name string, s *schema) (string, error) {
	var b strings.Builder
	description := s.Description
	if description == "" {
		description = "has the members of " + name + " in the document"
	}
	b.WriteString(comment("", about(typeName(name), description)))
	fmt.Fprintf(&b, "type %s struct {\n", typeName(name))
	var secrets []string // texts that are shown as [hidden]
	nested := false      // whether an object in this one has some
	for _, member := range s.Properties {
		line, err := g.member(name, s, member.Name, member.Value)
		if err != nil {
			return "", err
		}
		b.WriteString(line)
		resolved, _, _ := g.doc.resolve(member.Value) // member has done that, too
		switch {
		case g.secret(member.Value) && slices.Contains(s.Required, member.Name) && resolved.Type == "string":
			secrets = append(secrets, exported(member.Name))
		case g.secret(member.Value):
			nested = true
		}
	}
	b.WriteString("}\n\n")
	if len(secrets) > 0 || nested {
		b.WriteString(hiding(typeName(name), secrets))
	}
	return b.String(), nil
}

// secret reports whether a value is or contains a token or a password.
func (g *generator) secret(s *schema) bool {
	resolved, _, err := g.doc.resolve(s)
	if err != nil {
		return false
	}
	return s.Secret || resolved.Format == "password" ||
		slices.ContainsFunc(resolved.Properties, func(p entry[*schema]) bool { return g.secret(p.Value) })
}

// hiding returns methods that keep secrets out of logs. Objects in the object
// have such methods of their own, which fmt uses. Pointers are not shown.
func hiding(name string, secrets []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "// String implements [fmt.Stringer]. It hides tokens and passwords.\n")
	fmt.Fprintf(&b, "func (v %s) String() string {\n", name)
	for _, secret := range secrets {
		fmt.Fprintf(&b, "\tv.%s = hide(v.%s)\n", secret, secret)
	}
	fmt.Fprintf(&b, "\ttype plain %s\n\treturn fmt.Sprintf(\"%%+v\", plain(v))\n}\n\n", name)
	fmt.Fprintf(&b, "// GoString implements [fmt.GoStringer] like String.\n")
	fmt.Fprintf(&b, "func (v %s) GoString() string { return \"byline.%s\" + v.String() }\n\n", name, name)
	fmt.Fprintf(&b, "// LogValue implements [slog.LogValuer] like String.\n")
	fmt.Fprintf(&b, "func (v %s) LogValue() slog.Value { return slog.StringValue(v.String()) }\n\n", name)
	return b.String()
}

// about returns a comment that begins with the name of the type, as Go has it.
func about(name, description string) string {
	first, _, _ := strings.Cut(description, " ")
	switch first {
	case "has", "is":
		return sentence(name + " " + description)
	case "A", "An", "One", "The":
		return sentence(name + " is " + uncapitalized(description))
	}
	return sentence(name + ": " + uncapitalized(description))
}

// enum returns the declaration of an enumeration.
func enum(name, description string, s *schema) (string, error) {
	if len(s.EnumNames) > 0 && len(s.EnumNames) != len(s.Enum) {
		return "", fmt.Errorf("%s: x-enum-varnames must have a name for each value", name)
	}
	if description == "" {
		description = "is one of the values below"
	}
	var b strings.Builder
	b.WriteString(comment("", about(name, description)))
	fmt.Fprintf(&b, "type %s string\n\n", name)
	fmt.Fprintf(&b, "// The values of %s.\nconst (\n", name)
	for i, value := range s.Enum {
		fmt.Fprintf(&b, "\t%s %s = %q\n", constant(name, s, i), name, value)
	}
	b.WriteString(")\n\n")
	return b.String(), nil
}

// constant returns the name of the constant for the value with index i.
func constant(name string, s *schema, i int) string {
	if len(s.EnumNames) > 0 {
		return s.EnumNames[i]
	}
	return name + exported(s.Enum[i])
}

// types returns the declarations of all types in use, in the order of the
// document.
func (g *generator) types() (string, error) {
	g.used["ProblemCode"] = true
	var b strings.Builder
	for _, s := range g.doc.Components.Schemas {
		if !g.used[s.Name] || s.Value.Additional.Value == "true" { // such a type is written by hand
			continue
		}
		declare := g.object
		if len(s.Value.Enum) > 0 {
			declare = func(name string, s *schema) (string, error) { return enum(typeName(name), s.Description, s) }
		}
		text, err := declare(s.Name, s.Value)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	for _, e := range g.inline {
		text, err := enum(e.name, e.description, e.schema)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

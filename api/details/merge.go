package details

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object whose members keep their order.
type object struct {
	members []member
	index   map[string]int // of a member in members, by its name
}

type member struct {
	name  string
	value jsontext.Value // nil if the member was removed
}

// parse reads a value. It returns an empty object if the value is none.
func parse(value []byte) *object {
	o := &object{index: map[string]int{}}
	d := jsontext.NewDecoder(bytes.NewBuffer(value))
	if d.PeekKind() != '{' {
		return o
	}
	_, _ = d.ReadToken()
	// The kind is '}' at the end.
	for d.PeekKind() == '"' {
		name, _ := d.ReadToken()
		text := name.String() // before the next read
		value, err := d.ReadValue()
		if err != nil {
			break // all that is parsed here is valid
		}
		o.set(text, value.Clone())
	}
	return o
}

// get returns the value of a member, or nil.
func (o *object) get(name string) jsontext.Value {
	if i, found := o.index[name]; found {
		return o.members[i].value
	}
	return nil
}

// set changes a member in its place, adds it at the end, or removes it if the
// value is nil.
func (o *object) set(name string, value jsontext.Value) {
	i, found := o.index[name]
	switch {
	case found:
		o.members[i].value = value
		if value == nil {
			delete(o.index, name)
		}
	case value != nil:
		o.index[name] = len(o.members)
		o.members = append(o.members, member{name, value})
	}
}

// text returns the object as JSON without white space.
func (o *object) text() jsontext.Value {
	out := jsontext.Value{'{'}
	for _, m := range o.members {
		if m.value == nil {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, m.name)
		out = append(out, ':')
		out = append(out, m.value...)
	}
	return append(out, '}')
}

// merge applies a merge patch (RFC 7396) to a value, which is nil if there is
// none. It returns nil if the patch removes the value. The nesting of a patch
// is bounded when the body is read.
func merge(value, patch jsontext.Value) jsontext.Value {
	switch patch.Kind() {
	case 'n':
		return nil
	case '{':
		out := parse(value)
		for _, m := range parse(patch).members {
			out.set(m.name, merge(out.get(m.name), m.value))
		}
		return out.text()
	}
	// Strings get one spelling, so that one which is sent back with other
	// escapes is no change. Numbers keep their digits.
	patch = patch.Clone()
	_ = patch.Format()
	return patch
}

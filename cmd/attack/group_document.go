package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/getkin/kin-openapi/openapi3"
)

// groups are the groups of attacks in the order in which they run. Each
// function is called right before its attacks run.
var groups = []func(*site) []attack{
	encodings, types, numbers, unicodes, injections, readOnly,
	sizes, mediaTypes, bombs, headers, paths, methods, origins,
	tokens, cursors, others, halves, smuggling, pipelines, races,
	longResponses, manyTags, addresses, rendering, names, maximums,
	defaults, quotas, trust, hashes, team, moderation, previews, schedules, squatting, revisions,
}

// aim returns an attack on an operation. The request is created when the attack
// runs, because an earlier attack may have deleted the objects.
func aim(group, name string, op operation, build func(*site) message, want expect) attack {
	return attack{group, op.id + " " + name, func(s *site) (r result) {
		if s.used {
			if err := s.spare(); err != nil {
				r.complaints = append(r.complaints, err.Error())
				return r
			}
			s.used = false
		}
		o := s.do(build(s))
		if a := o.first(); op.method != "GET" && a.status < 300 {
			s.used = true
		}
		if complaint := want(o); complaint != "" {
			r.complaints = append(r.complaints, complaint)
		}
		r.outcomes = []outcome{o}
		return r
	}}
}

// badText contains texts that are not JSON, or that must not be stored.
func badText() map[string]string {
	utf16Of := func(text string) string {
		var b strings.Builder
		for _, u := range utf16.Encode([]rune(text)) {
			b.WriteByte(byte(u))
			b.WriteByte(byte(u >> 8))
		}
		return b.String()
	}
	return map[string]string{
		"lone byte FF": "\"a\xff\"", "overlong slash": "\"a\xc0\xaf\"", "overlong NUL": "\"a\xc0\x80\"", "surrogate in UTF-8": "\"\xed\xa0\x80\"",
		"beyond Unicode": "\"\xf4\x90\x80\x80\"", "cut sequence": "\"\xe2\x82\"", "five bytes": "\"\xf8\x88\x80\x80\x80\"", "Latin-1": "\"caf\xe9\"",
		"UTF-16 inside": `"` + utf16Of("text") + `"`, "raw NUL": "\"a\x00b\"", "escaped NUL": `"a\u0000b"`, "raw newline": "\"a\nb\"",
		"raw escape": "\"\x1b[2J\"", "lone high surrogate": `"\ud800"`, "lone low surrogate": `"\udc00"`, "swapped surrogates": `"\udc00\ud800"`,
		"bad escape": `"\x41"`, "short escape": `"\u12"`, "single quotes": `'a'`, "no end": `"a`, "NaN": `NaN`, "Infinity": `-Infinity`,
		"undefined": `undefined`, "comment": `"a" /* b */`, "comma": `"a",`, "hexadecimal": `0x10`, "leading zero": `012`, "plus": `+1`,
	}
}

func encodings(s *site) (all []attack) {
	const group = "encodings"
	bad := badText()
	for _, op := range s.ops {
		for _, p := range op.texts()[:min(len(op.texts()), 1)] {
			for _, name := range sortedKeys(bad) {
				all = append(all, aim(group, name, op, func(s *site) message {
					m := s.message(op)
					m.body = s.with(op, p, bad[name])
					return m
				}, op.wrong))
			}
			whole := map[string]func(string) string{
				"byte order mark": func(b string) string { return "\xef\xbb\xbf" + b },
				"UTF-16LE":        func(b string) string { return "\xff\xfe" + widened(b, 2, 0) },
				"UTF-16BE":        func(b string) string { return "\xfe\xff" + widened(b, 2, 1) },
				"UTF-32":          func(b string) string { return widened(b, 4, 0) },
				"UTF-7":           func(b string) string { return strings.ReplaceAll(b, "{", "+AHs-") },
				"bytes after":     func(b string) string { return b + "{}" },
				"NUL after":       func(b string) string { return b + "\x00" },
				"cut":             func(b string) string { return b[:len(b)/2] },
				"form":            func(b string) string { return "a=" + url.QueryEscape(b) },
				"XML": func(string) string {
					return "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"
				},
				"two wrappers":      func(b string) string { return b[:len(b)-1] + "," + b[1:] },
				"empty":             func(string) string { return " " },
				"JSON in a string":  func(b string) string { return fmt.Sprintf("%q", b) },
				"array around":      func(b string) string { return "[" + b + "]" },
				"number":            func(string) string { return "1" },
				"null":              func(string) string { return "null" },
				"prototype members": func(string) string { return `{"__proto__":{"a":1},"constructor":{"prototype":{}}}` },
			}
			for _, name := range sortedKeys(whole) {
				want := op.wrong
				if name == "prototype members" && takesObject(op.body) {
					want = op.declares // unknown members have no effect
				}
				all = append(all, aim(group, name, op, func(s *site) message {
					m := s.message(op)
					m.body = whole[name](s.with(op, p, `"text"`))
					return m
				}, want))
			}
		}
		for _, p := range slices.Concat(op.params("query"), op.params("path")) {
			for name, text := range map[string]string{
				"%FF": "%FF", "overlong": "%C0%AF", "surrogate": "%ED%A0%80", "NUL": "a%00", "bad hex": "%zz", "cut escape": "%4", "IIS": "%u0041", "UTF-16": "%FE%FFa",
			} {
				all = append(all, aim(group, name+" in "+p.Name, op, func(s *site) message { return s.messageWith(op, p, text) },
					func(o outcome) string { return also(refused)(o) }))
			}
		}
	}
	return all
}

func widened(text string, width, at int) string {
	b := make([]byte, width*len(text))
	for i := range len(text) {
		b[i*width+at] = text[i]
	}
	return string(b)
}

// messageWith returns a request of op with the given value of a parameter in
// its path or query. The text is sent unchanged.
func (s *site) messageWith(op operation, p *openapi3.Parameter, text string) message {
	m := s.message(op)
	if p.In == "path" {
		m.target = s.fill(op, map[string]string{p.Name: text})
	} else {
		m.target += "?" + p.Name + "=" + text
	}
	if op.body != nil {
		m.body = s.with(op, place{path: []string{"unused"}}, "1")
	}
	return m
}

// types sends each type of JSON in each place that expects another one.
func types(s *site) (all []attack) {
	const group = "types"
	values := map[string]string{"null": "null", "boolean": "true", "integer": "7", "string": `"text"`, "array": "[]", "object": "{}", "number": "1.5", "nested array": `[["a"]]`}
	for _, op := range s.ops {
		if op.body != nil {
			for _, p := range places(op.body) {
				for _, name := range sortedKeys(values) {
					if fits(p.schema, name) {
						continue
					}
					all = append(all, aim(group, name+" as "+p.String(), op, func(s *site) message {
						m := s.message(op)
						m.body = s.with(op, p, values[name])
						return m
					}, op.wrong))
				}
			}
		}
		for _, p := range op.params("query") {
			t := p.Schema.Value
			if t.Type.Is("string") && len(t.Enum) == 0 {
				continue
			}
			for _, text := range []string{"text", "true1", "null", "1.5", "[]", "{}", "1e2", "", "1,2", "%22%22"} {
				all = append(all, aim(group, "query "+p.Name+"="+text, op, func(s *site) message { return s.messageWith(op, p, text) }, op.wrong))
			}
		}
		for _, p := range slices.Concat(op.params("query"), op.params("path")) {
			switch {
			case p.In == "query":
				all = append(all, aim(group, p.Name+" twice", op, func(s *site) message {
					m := s.messageWith(op, p, "1")
					m.target += "&" + p.Name + "=2"
					return m
				}, op.wrong))
				for _, form := range []string{"%5B%5D", "%5B0%5D", "%5B$ne%5D", ".a"} {
					all = append(all, aim(group, p.Name+form, op, func(s *site) message {
						m := s.messageWith(op, p, "1")
						m.target = strings.Replace(m.target, p.Name+"=", p.Name+form+"=", 1)
						return m
					}, op.declares))
				}
			case p.Schema.Value.Type.Is("integer"):
				for _, text := range []string{"text", "1.5", "1e2", "%5B%5D", "null", "0x1", "1%20"} {
					all = append(all, aim(group, "path "+p.Name+"="+text, op, func(s *site) message { return s.messageWith(op, p, text) }, op.wrong))
				}
			}
		}
	}
	return all
}

// fits reports whether a schema accepts a value of the kinds that types sends.
func fits(s *openapi3.Schema, name string) bool {
	switch {
	case s.Type == nil: // any type, or composed of other schemas
		return true
	case name == "null":
		return s.Nullable
	case name == "array", name == "nested array":
		return s.Type.Is("array") && (name == "array" && s.MinItems == 0 || s.Items.Value.Type.Is("array"))
	case name == "object":
		return takesObject(s)
	case name == "integer":
		return s.Type.Is("integer") || s.Type.Is("number")
	case name == "string":
		return s.Type.Is("string")
	}
	return s.Type.Is(name)
}

// takesObject reports whether a schema accepts an object that has none of its
// members, or takes one for what a response has in this place.
func takesObject(s *openapi3.Schema) bool {
	return s.Type.Is("object") && len(s.Required) == 0 || s.Extensions["x-returned-as"] == openapi3.TypeObject
}

// numbers sends values outside of the range of every integer.
func numbers(s *site) (all []attack) {
	const group = "numbers"
	odd := []string{
		"-1", "0", "2147483647", "2147483648", "-2147483648", "4294967296", "9007199254740991", "9007199254740993", "9223372036854775807",
		"9223372036854775808", "-9223372036854775809", "18446744073709551616", strings.Repeat("9", 400), "1e308", "1e400", "1E1000000000", "0.1e1", "-0", "1.0",
	}
	urlOnly := []string{"%2B1", "0x7fffffff", "1_000", "%D9%A1", "%EF%BC%91", "NaN", "Infinity", "%201", "1%20", "01", "0b1", "--1", "1;1", "1%00"}
	for _, op := range s.ops {
		for _, p := range slices.Concat(op.params("query"), op.params("path")) {
			if !p.Schema.Value.Type.Is("integer") {
				continue
			}
			for _, text := range slices.Concat(odd, urlOnly) {
				all = append(all, aim(group, p.Name+"="+short(text, 20), op, func(s *site) message { return s.messageWith(op, p, text) }, op.declares))
			}
		}
		if op.body == nil {
			continue
		}
		for _, p := range places(op.body) {
			for _, text := range odd {
				want := op.declares
				if !p.schema.Type.Is("integer") && p.schema.Type != nil {
					if !p.schema.Type.Is("string") { // types covers the other parameters
						continue
					}
					want = op.wrong
				}
				all = append(all, aim(group, p.String()+"="+short(text, 20), op, func(s *site) message {
					m := s.message(op)
					m.body = s.with(op, p, text)
					return m
				}, want))
			}
		}
	}
	return all
}

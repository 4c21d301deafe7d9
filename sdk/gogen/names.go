package main

import (
	"go/token"
	"strings"
	"unicode"
)

// initialisms are words that Go writes in capital letters.
var initialisms = map[string]bool{"api": true, "html": true, "id": true, "json": true, "url": true}

// words splits a name such as apiKeys, APIKey or user.role_changed into words in
// lower case.
func words(name string) []string {
	var found []string
	runes := []rune(name)
	alphanumeric := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	for i, r := range runes {
		if !alphanumeric(i) {
			continue
		}
		begins := !alphanumeric(i - 1)
		if !begins && unicode.IsUpper(r) { // aB, or the B of ABc
			begins = !unicode.IsUpper(runes[i-1]) || alphanumeric(i+1) && unicode.IsLower(runes[i+1])
		}
		if begins {
			found = append(found, "")
		}
		found[len(found)-1] += string(unicode.ToLower(r))
	}
	return found
}

// exported returns the exported Go name of a name of the document.
func exported(name string) string {
	var b strings.Builder
	for _, word := range words(name) {
		if initialisms[word] {
			b.WriteString(strings.ToUpper(word))
		} else {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// local returns the Go name of a variable.
func local(name string) string {
	first := words(name)[0]
	name = first + exported(name)[len(first):]
	if token.IsKeyword(name) {
		name += "_"
	}
	return name
}

// thirdPerson turns the imperative of a summary into a sentence about a
// function: "Publish an article" into "publishes an article".
func thirdPerson(summary string) string {
	verb, rest, _ := strings.Cut(summary, " ")
	verb = uncapitalized(verb)
	last, before := verb[len(verb)-1:], verb[len(verb)-2:len(verb)-1]
	switch {
	case strings.HasSuffix(verb, "sh"), strings.HasSuffix(verb, "ch"), strings.Contains("sxzo", last):
		verb += "es"
	case last == "y" && !strings.Contains("aeiou", before):
		verb = verb[:len(verb)-1] + "ies"
	default:
		verb += "s"
	}
	return strings.TrimSpace(verb + " " + rest)
}

// comment formats text as a Go comment of up to 80 columns.
func comment(indent, text string) string {
	var b strings.Builder
	width := 80 - len(indent)*4 - len("// ") // gofmt indents with tabs
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			b.WriteString(indent + "//\n")
		}
		line := ""
		for _, word := range strings.Fields(paragraph) {
			if line != "" && len(line)+1+len(word) > width {
				b.WriteString(indent + "// " + line + "\n")
				line = ""
			}
			line = strings.TrimSpace(line + " " + word)
		}
		b.WriteString(indent + "// " + line + "\n")
	}
	return b.String()
}

// uncapitalized returns text for the middle of a sentence. Words in capital
// letters stay as they are.
func uncapitalized(text string) string {
	if len(text) > 1 && unicode.IsUpper(rune(text[1])) {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// sentence ends text with a period, as Go comments do.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

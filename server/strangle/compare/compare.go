// Package compare compares the responses of two systems to the same request. It
// knows what is equal by the contract though the bytes differ, and what is
// noise.
//
//	path.go     JSON paths, with which rules name members
//	compare.go  Rules.Compare, which returns the differences of two responses
//	lists.go    lists: elements with a name of their own, and sets
//	equal.go    values that are equal by the contract
//	noise.go    Without, which removes what the old system itself changes
//	shown.go    what may be shown of a value, without personal text
//	book.go     the differences of many requests, grouped and counted
package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
)

// Response is a response to compare. The body is not compressed.
type Response struct {
	Status      int
	ContentType string
	Body        []byte
}

// Rules say what is equal. The zero value compares strictly.
type Rules struct {
	// Ignore names members that are not compared, with all below them.
	Ignore []Path
	// Unordered names lists whose order has no meaning.
	Unordered []Path
	// Moving names numbers that may differ by up to Tolerance, because new has
	// the data of a moment ago.
	Moving    []Path
	Tolerance float64
	// Tokens names members that are different in every response. Two texts are
	// equal, unless one is empty.
	Tokens []Path
	// AbsentIsNull makes a member that is absent equal to one that is null.
	AbsentIsNull bool
	// ReportAdded reports members that only the new response has. The contract
	// allows them.
	ReportAdded bool
	// ErrorBodies compares the bodies of errors too. The two systems word them
	// in different ways, and clients rely on the status.
	ErrorBodies bool
}

// DefaultRules returns rules for what the contract says of every backend: the
// list of tags has no order, and every response has another token.
func DefaultRules() Rules {
	return Rules{Unordered: []Path{MustPath("$.tags")}, Tokens: []Path{MustPath("$..token")}}
}

// Kind is a kind of difference.
type Kind string

// The kinds of differences.
const (
	Status      Kind = "status"
	ContentType Kind = "content-type"
	Missing     Kind = "missing" // the new response lacks a member or an element
	Added       Kind = "added"   // only the new response has it
	Type        Kind = "type"    // a text and a number, for example
	Value       Kind = "value"
	Order       Kind = "order" // the elements of a list are the same
	Body        Kind = "body"  // bodies that are not both JSON
)

// Difference is a place in which two responses differ.
type Difference struct {
	// Path is the place, with [*] for the elements of lists.
	Path string
	Kind Kind
	// Old and New are the values, which may contain personal text. See Shown.
	Old, New any
}

const (
	// maxDifferences bounds the differences of one comparison. Responses with
	// more of them are simply not the same.
	maxDifferences = 500
	// maxAlike bounds those of one kind at one place, such as a member of all
	// elements of a list, so that others have room.
	maxAlike = 5
)

// maxDepth bounds how deep values are compared.
const maxDepth = 200

// Compare returns the differences of two responses to the same request.
func (r *Rules) Compare(old, new Response) []Difference {
	c := comparison{rules: r}
	if old.Status != new.Status {
		c.add(nil, Status, json.Number(jsonText(old.Status)), json.Number(jsonText(new.Status)))
		return c.found // the bodies differ for the same reason
	}
	if old.Status >= http.StatusBadRequest && !r.ErrorBodies {
		return nil
	}
	oldType, newType := mediaType(old.ContentType), mediaType(new.ContentType)
	if oldType != newType {
		c.add(nil, ContentType, oldType, newType)
	}
	oldBody, oldErr := decode(old.Body)
	newBody, newErr := decode(new.Body)
	switch {
	case oldErr == nil && newErr == nil:
		c.values(oldBody, newBody)
	case !bytes.Equal(old.Body, new.Body):
		c.add(nil, Body, string(old.Body), string(new.Body))
	}
	return c.found
}

// mediaType returns the type without parameters, such as charset.
func mediaType(header string) string {
	parsed, _, err := mime.ParseMediaType(header)
	if err != nil {
		return header
	}
	return parsed
}

// decode decodes a body that is one JSON value. Numbers keep their digits.
func decode(body []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one value")
	}
	return value, nil
}

// comparison is one comparison that is under way.
type comparison struct {
	rules *Rules
	place []step
	found []Difference
	alike map[sort]int // the number of differences
}

// sort is what differences have in common that count as one.
type sort struct {
	path string
	kind Kind
}

// add records a difference at the place, or below it if there is a step.
func (c *comparison) add(below *step, kind Kind, old, new any) {
	if len(c.found) == maxDifferences {
		return
	}
	place := c.place
	if below != nil {
		place = append(place[:len(place):len(place)], *below)
	}
	path := group(place)
	if c.alike == nil {
		c.alike = map[sort]int{}
	}
	if of := (sort{path, kind}); c.alike[of] < maxAlike {
		c.alike[of]++
		c.found = append(c.found, Difference{Path: path, Kind: kind, Old: old, New: new})
	}
}

// at compares the values of a member or an element.
func (c *comparison) at(s step, old, new any) {
	c.place = append(c.place, s)
	c.values(old, new)
	c.place = c.place[:len(c.place)-1]
}

// values compares what both responses have at the place.
func (c *comparison) values(old, new any) {
	if len(c.place) > maxDepth || anyMatches(c.rules.Ignore, c.place) {
		return
	}
	if anyMatches(c.rules.Tokens, c.place) && areTokens(old, new) {
		return
	}
	switch old := old.(type) {
	case map[string]any:
		if new, ok := new.(map[string]any); ok {
			c.objects(old, new)
			return
		}
	case []any:
		if new, ok := new.([]any); ok {
			c.lists(old, new)
			return
		}
	}
	switch {
	case kindOf(old) != kindOf(new):
		c.add(nil, Type, old, new)
	case !c.equal(old, new):
		c.add(nil, Value, old, new)
	}
}

// objects compares the members of two objects. Their order has no meaning.
func (c *comparison) objects(old, new map[string]any) {
	for _, name := range sortedNames(old, new) {
		s := step{name: name}
		before, inOld := old[name]
		after, inNew := new[name]
		switch {
		case inOld && inNew:
			c.at(s, before, after)
		case c.rules.AbsentIsNull && before == nil && after == nil:
		case inOld:
			c.oneSided(s, Missing, before, nil)
		case c.rules.ReportAdded:
			c.oneSided(s, Added, nil, after)
		}
	}
}

// oneSided records a member or an element that one response lacks.
func (c *comparison) oneSided(s step, kind Kind, old, new any) {
	c.place = append(c.place, s)
	if !anyMatches(c.rules.Ignore, c.place) {
		c.add(nil, kind, old, new)
	}
	c.place = c.place[:len(c.place)-1]
}

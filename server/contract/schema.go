package contract

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/byline-api/byline/api/problem"
)

const (
	hasNUL    = "must not contain NUL"
	givenOnce = "must be given once"
)

// wrongType has the message for a value of the wrong type, by the right type.
var wrongType = map[string]string{
	openapi3.TypeString: "must be a string", openapi3.TypeInteger: "must be an integer", openapi3.TypeBoolean: "must be a boolean",
	openapi3.TypeArray: "must be an array", openapi3.TypeObject: "must be an object",
}

// asRequest lacks openapi3.VisitAsRequest, with which each object would look at
// all members of its schema for those that are readOnly, in sorted order.
// checkSchema refuses readOnly instead.
var (
	asRequest  = visitOptions()
	asResponse = visitOptions(openapi3.VisitAsResponse())
)

func visitOptions(more ...openapi3.SchemaValidationOption) []openapi3.SchemaValidationOption {
	return append(more, openapi3.MultiErrors(), openapi3.SetSchemaRegexCompiler(regexMatcher), openapi3.WithStringFormatValidators(formats))
}

// checkSchema returns an error for what a request schema declares and
// kin-openapi would ignore or get wrong. It also returns the largest maxItems.
// Every array must have one: kin-openapi returns an error for every wrong item,
// so that without maxItems a body could cause any number of errors.
func checkSchema(ref *openapi3.SchemaRef) (longest int, err error) {
	var gaps []error
	err = ref.WalkSubtree(func(pointer string, ref *openapi3.SchemaRef) error {
		gap := func(format string, args ...any) {
			gaps = append(gaps, fmt.Errorf("#%s: "+format, append([]any{pointer}, args...)...))
		}
		s := ref.Value
		_, known := formats[s.Format]
		switch {
		case s.ReadOnly:
			gap("readOnly is not checked")
		case s.Type.Is(openapi3.TypeNumber):
			gap("type number is not checked")
		case s.Type.Is(openapi3.TypeInteger):
			known = s.Format == "int32" || s.Format == "int64"
		case s.Type.Is(openapi3.TypeArray) && s.MaxItems == nil:
			gap("array lacks maxItems")
		case s.Type.Is(openapi3.TypeArray):
			longest = max(longest, int(min(*s.MaxItems, math.MaxInt32)))
		}
		if s.Format != "" && !known {
			gap("format %s is not checked", s.Format)
		}
		if as, declared := s.Extensions["x-returned-as"]; declared && (as != openapi3.TypeObject || !s.Type.Is(openapi3.TypeString)) {
			gap("x-returned-as must be object, on a member that is a string")
		}
		if or, declared := s.Extensions["x-or-number"]; declared && (or != true || !s.Type.Is(openapi3.TypeString)) {
			gap("x-or-number must be true, on a member that is a string")
		}
		for _, bound := range []*float64{s.Min, s.Max} {
			// kin-openapi compares as float64, where 2^53 and 2^53+1 are equal.
			if bound != nil && (*bound != math.Trunc(*bound) || math.Abs(*bound) >= 1<<53) {
				gap("bound %v must be a whole number below 2^53", *bound)
			}
		}
		return nil
	})
	return longest, errors.Join(append(gaps, err)...)
}

// checker collects the wrong fields of one request.
type checker struct {
	op      *Operation
	dec     *jsontext.Decoder
	fields  problem.Fields // nil until something is wrong
	ignored *Ignored
}

// add adds the message of a field, unless the field has one already. Further
// messages often repeat the first one in other words.
func (c *checker) add(field, message string) {
	if c.fields == nil {
		c.fields = problem.Fields{}
	}
	if len(c.fields[field]) == 0 {
		c.fields.Add(field, message)
	}
}

// judge checks a value against its schema with kin-openapi.
func (c *checker) judge(s *openapi3.Schema, field string, value any) {
	if err := s.VisitJSON(value, asRequest...); err != nil {
		c.report(s, field, err)
	}
}

// report adds the messages for errors of kin-openapi. It does not use the
// messages of kin-openapi, which show the value and the schema, and may change
// between versions.
func (c *checker) report(s *openapi3.Schema, field string, err error) {
	switch err := err.(type) {
	case openapi3.MultiError:
		for _, err := range err {
			c.report(s, field, err)
		}
	case *openapi3.SchemaError:
		if parts := (openapi3.MultiError)(nil); err.SchemaField == "allOf" && errors.As(err.Origin, &parts) {
			c.report(s, field, parts)
			return
		}
		path := err.JSONPointer()
		if err.SchemaField == "required" {
			field = path[len(path)-1]
		} else {
			field = fieldOf(s, field, slices.Values(path))
		}
		c.add(field, message(err, len(path) == 0))
	default:
		c.add(field, "is invalid")
	}
}

// fieldOf returns the last declared member on the path to a value, so that the
// fields of an error are names of the document and never text of the client.
func fieldOf(s *openapi3.Schema, field string, path iter.Seq[string]) string {
	for name := range path {
		switch member := property(s, name); {
		case member != nil:
			field, s = name, member
		case s.Items != nil:
			s = s.Items.Value
		default:
			return field
		}
	}
	return field
}

func property(s *openapi3.Schema, name string) *openapi3.Schema {
	if ref := s.Properties[name]; ref != nil {
		return ref.Value
	}
	for _, part := range s.AllOf {
		if member := property(part.Value, name); member != nil {
			return member
		}
	}
	return nil
}

// listsMembers reports whether the schema is that of an object which knows no
// other members than those that it declares.
func listsMembers(s *openapi3.Schema) bool {
	if open := s.AdditionalProperties; open.Has != nil || open.Schema != nil {
		return false // it permits other members, or validation refuses them for false
	}
	isObject := s.Type.Is(openapi3.TypeObject)
	return isObject || slices.ContainsFunc(s.AllOf, func(part *openapi3.SchemaRef) bool { return listsMembers(part.Value) })
}

// message returns what is wrong with a value. root reports whether the value is
// the whole body.
func message(e *openapi3.SchemaError, root bool) string {
	s := e.Schema
	kind := strings.Join(s.Type.Slice(), "")
	keyword := e.SchemaField
	if typed := (&openapi3.Schema{Type: s.Type}); keyword == "enum" && typed.VisitJSON(e.Value) != nil {
		keyword = "type" // kin-openapi checks enum before type
	}
	switch text, _ := e.Value.(string); keyword {
	case "nullable", "type":
		n, _ := e.Value.(oddNumber)
		_, err := strconv.ParseInt(string(n), 10, 64)
		switch {
		case e.Value == nil && !root:
			return problem.Blank
		case kind == openapi3.TypeInteger && errors.Is(err, strconv.ErrRange):
			return outOfRange(s, strings.HasPrefix(string(n), "-"))
		case wrongType[kind] != "":
			return wrongType[kind]
		}
	case "required":
		return problem.Blank
	case "enum":
		words := make([]string, len(s.Enum))
		for i, word := range s.Enum {
			words[i] = fmt.Sprint(word)
		}
		return "must be one of " + strings.Join(words, ", ")
	case "maxLength":
		return fmt.Sprintf("is too long (maximum is %d characters)", *s.MaxLength)
	case "minLength", "pattern", "format":
		f, formatted := formats[s.Format].(format)
		own, worded := s.Extensions["x-message"].(string)
		switch {
		case kind == openapi3.TypeInteger:
			return outOfRange(s, e.Value.(float64) < 0)
		case isBlank(text):
			return problem.Blank
		case keyword == "minLength":
			return fmt.Sprintf("is too short (minimum is %d characters)", s.MinLength)
		case keyword == "format" && formatted:
			return f.message
		case keyword == "pattern" && worded:
			return own
		}
		return "has an invalid format"
	case "minimum", "exclusiveMinimum":
		return outOfRange(s, true)
	case "maximum", "exclusiveMaximum":
		return outOfRange(s, false)
	case "minItems":
		if items, _ := e.Value.([]any); len(items) == 0 {
			return problem.Blank
		}
		return fmt.Sprintf("has too few items (minimum is %d)", s.MinItems)
	case "maxItems":
		return fmt.Sprintf("has too many items (maximum is %d)", *s.MaxItems)
	case "uniqueItems":
		return "has an item twice"
	case "multipleOf":
		return fmt.Sprintf("must be a multiple of %v", *s.MultipleOf)
	case "properties":
		return "has an unknown member"
	}
	return "is invalid"
}

// outOfRange returns the message with the lower or the upper bound of an
// integer.
func outOfRange(s *openapi3.Schema, low bool) string {
	lower, upper := int64(math.MinInt64), int64(math.MaxInt64)
	if s.Format == "int32" {
		lower, upper = math.MinInt32, math.MaxInt32
	}
	if s.Min != nil {
		lower = max(lower, int64(*s.Min))
		if s.ExclusiveMin.IsTrue() {
			lower++
		}
	}
	if s.Max != nil {
		upper = min(upper, int64(*s.Max))
		if s.ExclusiveMax.IsTrue() {
			upper--
		}
	}
	if low {
		return fmt.Sprintf("must be at least %d", lower)
	}
	return fmt.Sprintf("must be at most %d", upper)
}

// oddNumber is the text of a number that does not fit into an int64.
// kin-openapi reports a wrong type for a Go type that it does not know. If the
// number were a float64, it would accept 1.0, 1e2 and, without a format, 1e300
// as integers, which JSON Schema allows and the handlers' types cannot store.
type oddNumber string

func number(digits string) any {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return oddNumber(digits)
	}
	return n
}

// textValue converts the text of a parameter or a header to the type of its
// schema. It returns the text itself if it cannot be converted.
func textValue(s *openapi3.Schema, text string) any {
	switch {
	case s.Type.Is(openapi3.TypeInteger):
		return number(text)
	case s.Type.Is(openapi3.TypeBoolean) && (text == "true" || text == "false"):
		return text == "true"
	}
	return text
}

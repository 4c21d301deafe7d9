package contract

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// kind is the JSON type of a schema.
type kind int

const (
	text kind = iota
	integer
	boolean
	array
	object
)

var kinds = map[string]kind{
	openapi3.TypeString: text, openapi3.TypeInteger: integer, openapi3.TypeBoolean: boolean,
	openapi3.TypeArray: array, openapi3.TypeObject: object,
}

// wrongType is what a value of another type is told.
var wrongType = [...]string{
	text: "must be a string", integer: "must be an integer", boolean: "must be a boolean",
	array: "must be an array", object: "must be an object",
}

// schema is a schema of the document, compiled: regular expressions parsed,
// messages written.
type schema struct {
	kind     kind
	nullable bool

	minLength, maxLength int // Unicode code points
	pattern              *regexp.Regexp
	format               func([]byte) bool
	enum                 []string
	min, max             int64

	minItems, maxItems int
	items              *schema

	properties map[string]*property
	required   []*property // property i has the bit 1<<i

	tooShort, tooLong, badPattern, badFormat, notInEnum, tooSmall, tooLarge, tooFew, tooMany string
}

// property is a declared member of an object.
type property struct {
	name   string
	schema *schema
	bit    uint64 // 0 when the member is optional
}

// compiler compiles every schema once; a schema may contain itself.
type compiler map[*openapi3.Schema]*schema

func (c compiler) compile(ref *openapi3.SchemaRef) (*schema, error) {
	from := ref.Value
	if s := c[from]; s != nil {
		return s, nil
	}
	if err := unchecked(from); err != nil {
		return nil, err
	}
	s := &schema{nullable: from.Nullable}
	c[from] = s
	if from.Type == nil || len(*from.Type) != 1 {
		return nil, errors.New("needs one type")
	}
	var found bool
	if s.kind, found = kinds[(*from.Type)[0]]; !found {
		return nil, fmt.Errorf("type %s is not checked", (*from.Type)[0])
	}
	switch s.kind {
	case text:
		return s, s.compileText(from)
	case integer:
		return s, s.compileInteger(from)
	case array:
		return s, s.compileArray(c, from)
	case object:
		return s, s.compileObject(c, from)
	}
	return s, nil
}

// unchecked returns an error when a schema uses a keyword that the checker
// would skip. It clears what is checked or only describes and wants nothing
// to be left, so that a keyword that kin-openapi learns later counts as well.
func unchecked(from *openapi3.Schema) error {
	rest := *from
	rest.Extensions, rest.Origin = nil, nil
	rest.Type, rest.Format, rest.Enum, rest.Nullable = nil, "", nil, false
	rest.Title, rest.Description, rest.Default, rest.Example, rest.ExternalDocs, rest.Deprecated = "", "", nil, nil, nil, false
	rest.Min, rest.Max = nil, nil
	rest.MinLength, rest.MaxLength, rest.Pattern = 0, nil, ""
	rest.MinItems, rest.MaxItems, rest.Items = 0, nil, nil
	rest.Required, rest.Properties = nil, nil
	value := reflect.ValueOf(rest)
	for i := range value.NumField() {
		if !value.Field(i).IsZero() {
			name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
			return fmt.Errorf("keyword %s is not checked", name)
		}
	}
	return nil
}

func (s *schema) compileText(from *openapi3.Schema) error {
	s.minLength, s.maxLength = int(from.MinLength), limit(from.MaxLength)
	s.tooShort = fmt.Sprintf("is too short (minimum is %d characters)", s.minLength)
	s.tooLong = fmt.Sprintf("is too long (maximum is %d characters)", s.maxLength)
	if from.Pattern != "" {
		var err error
		if s.pattern, err = compilePattern(from.Pattern); err != nil {
			return err
		}
		s.badPattern = "has an invalid format"
		if message, ok := from.Extensions["x-message"].(string); ok {
			s.badPattern = message
		}
	}
	if from.Format != "" {
		f, found := formats[from.Format]
		if !found {
			return fmt.Errorf("format %s is not checked", from.Format)
		}
		s.format, s.badFormat = f.valid, f.message
	}
	for _, value := range from.Enum {
		word, ok := value.(string)
		if !ok {
			return fmt.Errorf("enum value %v is not a string", value)
		}
		s.enum = append(s.enum, word)
	}
	s.notInEnum = "must be one of " + strings.Join(s.enum, ", ")
	return nil
}

func (s *schema) compileInteger(from *openapi3.Schema) error {
	switch from.Format {
	case "", "int64":
		s.min, s.max = math.MinInt64, math.MaxInt64
	case "int32":
		s.min, s.max = math.MinInt32, math.MaxInt32
	default:
		return fmt.Errorf("format %s is not checked", from.Format)
	}
	if from.Enum != nil {
		return errors.New("enum of an integer is not checked")
	}
	for _, bound := range []struct {
		from *float64
		to   *int64
	}{{from.Min, &s.min}, {from.Max, &s.max}} {
		if bound.from == nil {
			continue
		}
		// Above 2^53 a float64 is not the integer that the document says.
		if *bound.from != math.Trunc(*bound.from) || math.Abs(*bound.from) > 1<<53 {
			return fmt.Errorf("bound %v must be a whole number of at most 2^53", *bound.from)
		}
		*bound.to = int64(*bound.from)
	}
	s.tooSmall = fmt.Sprintf("must be at least %d", s.min)
	s.tooLarge = fmt.Sprintf("must be at most %d", s.max)
	return nil
}

func (s *schema) compileArray(c compiler, from *openapi3.Schema) error {
	s.minItems, s.maxItems = int(from.MinItems), limit(from.MaxItems)
	s.tooFew = fmt.Sprintf("has too few items (minimum is %d)", s.minItems)
	s.tooMany = fmt.Sprintf("has too many items (maximum is %d)", s.maxItems)
	if from.Items == nil {
		return errors.New("array lacks items")
	}
	var err error
	if s.items, err = c.compile(from.Items); err != nil {
		return fmt.Errorf("items: %w", err)
	}
	return nil
}

func (s *schema) compileObject(c compiler, from *openapi3.Schema) error {
	s.properties = make(map[string]*property, len(from.Properties))
	for name, ref := range from.Properties {
		child, err := c.compile(ref)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.properties[name] = &property{name: name, schema: child}
	}
	if len(from.Required) > 64 {
		return errors.New("more than 64 required members")
	}
	for i, name := range from.Required {
		p := s.properties[name]
		if p == nil {
			return fmt.Errorf("required member %s is not declared", name)
		}
		p.bit = 1 << i
		s.required = append(s.required, p)
	}
	return nil
}

// limit returns an optional upper limit.
func limit(max *uint64) int {
	if max == nil || *max > math.MaxInt {
		return math.MaxInt
	}
	return int(*max)
}

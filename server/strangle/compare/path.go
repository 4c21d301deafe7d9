package compare

import (
	"fmt"
	"strconv"
	"strings"
)

// Path is a JSON path, with which a rule names members. It knows this part of
// RFC 9535: $ is the value itself, .name and ["name"] a member, .* any member,
// [2] an element, [*] any element, and ..name a member at any depth.
type Path struct {
	text  string
	steps []step
}

// step is one step of a path, or of a place in a value.
type step struct {
	name    string
	index   int
	element bool // index counts, and name does not
	any     bool // any name, or any index
	deep    bool // there may be any steps before this one
}

const (
	maxPath  = 500 // bytes
	maxSteps = 60  // one bit of a word for each, and some to spare
)

// ParsePath parses a JSON path.
func ParsePath(text string) (Path, error) {
	p := Path{text: text}
	rest, found := strings.CutPrefix(text, "$")
	switch {
	case !found:
		return Path{}, fmt.Errorf("the path %q must begin with $, such as $.articles[*].author.image", text)
	case len(text) > maxPath:
		return Path{}, fmt.Errorf("a path has a maximum of %d bytes", maxPath)
	}
	for rest != "" {
		var s step
		var ok bool
		if s, rest, ok = cutStep(rest); !ok {
			return Path{}, fmt.Errorf("the path %q is wrong after %q: the next step must be .name, .*, ..name, [\"name\"], [2] or [*]", text, text[:len(text)-len(rest)])
		}
		if p.steps = append(p.steps, s); len(p.steps) > maxSteps {
			return Path{}, fmt.Errorf("a path has a maximum of %d steps", maxSteps)
		}
	}
	return p, nil
}

// MustPath is ParsePath for paths that are constants.
func MustPath(text string) Path {
	p, err := ParsePath(text)
	if err != nil {
		panic(err)
	}
	return p
}

// UnmarshalText implements encoding.TextUnmarshaler, for configuration files.
func (p *Path) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePath(string(text))
	return err
}

// MarshalText implements encoding.TextMarshaler.
func (p Path) MarshalText() ([]byte, error) { return []byte(p.text), nil }

// String returns the path as it was written.
func (p Path) String() string { return p.text }

// cutStep returns the first step of a path and what follows it. If there is
// none, the rest is the text as it was.
func cutStep(text string) (s step, rest string, ok bool) {
	if inside, found := strings.CutPrefix(text, "["); found {
		return cutBracket(text, inside)
	}
	rest, s.deep = strings.CutPrefix(text, "..")
	if !s.deep {
		if rest, ok = strings.CutPrefix(text, "."); !ok {
			return s, text, false
		}
	}
	end := strings.IndexAny(rest, ".[")
	if end < 0 {
		end = len(rest)
	}
	if s.name, rest = rest[:end], rest[end:]; s.name == "*" {
		s.any, s.name = true, ""
	} else if s.name == "" || strings.ContainsAny(s.name, `]"'*$ `) {
		return step{}, text, false
	}
	return s, rest, true
}

// cutBracket returns a step in brackets. inside is the text after the bracket.
func cutBracket(text, inside string) (s step, rest string, ok bool) {
	if inside == "" {
		return step{}, text, false
	}
	if quote := inside[:1]; quote == `"` || quote == "'" {
		name, rest, found := strings.Cut(inside[1:], quote+"]")
		if !found || strings.Contains(name, quote) {
			return step{}, text, false
		}
		return step{name: name}, rest, true
	}
	number, rest, found := strings.Cut(inside, "]")
	switch index, err := strconv.ParseUint(number, 10, 31); {
	case !found:
		return step{}, text, false
	case number == "*":
		return step{element: true, any: true}, rest, true
	case err != nil:
		return step{}, text, false
	default:
		return step{element: true, index: int(index)}, rest, true
	}
}

// matches reports whether the path names a place. It follows all ways to read
// the path at once, a bit for each, so that no path is slow.
func (p Path) matches(place []step) bool {
	ways := uint64(1)
	for _, at := range place {
		next := uint64(0)
		for i, s := range p.steps {
			if ways&(1<<i) == 0 {
				continue
			}
			if s.deep {
				next |= 1 << i
			}
			if s.accepts(at) {
				next |= 1 << (i + 1)
			}
		}
		if ways = next; ways == 0 {
			return false
		}
	}
	return ways&(1<<len(p.steps)) != 0
}

func (s step) accepts(at step) bool {
	if s.element != at.element {
		return false
	}
	return s.any || s.name == at.name && s.index == at.index
}

// anyMatches reports whether one of the paths names a place.
func anyMatches(paths []Path, place []step) bool {
	for _, p := range paths {
		if p.matches(place) {
			return true
		}
	}
	return false
}

// maxName bounds the names in a place. Longer ones are rather data than names.
const maxName = 64

// group returns a place with [*] for all elements, so that the same difference
// of many elements is one. A name that is rather data, such as the key of a
// map by e-mail address, is hidden.
func group(place []step) string {
	var text strings.Builder
	text.WriteByte('$')
	for _, s := range place {
		switch {
		case s.element:
			text.WriteString("[*]")
		case isName(s.name):
			text.WriteString("." + s.name)
		default:
			text.WriteString(".*")
		}
	}
	return text.String()
}

func isName(text string) bool {
	for _, c := range []byte(text) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return text != "" && len(text) <= maxName
}

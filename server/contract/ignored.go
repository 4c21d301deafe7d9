package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Ignored is what a request has and its operation neither knows nor refuses:
// parameters of the query and members of the body. The zero Ignored is empty.
type Ignored struct {
	names []string
	more  bool // there are more than names has
}

const (
	maxIgnored = 10
	// maxName is the longest name that is reported, in bytes. It is shorter than
	// every token and key, so that the response repeats none that a client has
	// put in the wrong place.
	maxName = 24
	// anyName stands for a name that is not reported, and for further names.
	anyName = "*"
)

// Empty reports whether the operation knows all that the request has.
func (i *Ignored) Empty() bool { return len(i.names) == 0 }

// String returns the names as a list of tokens (RFC 9651).
func (i *Ignored) String() string {
	text := strings.Join(i.names, ", ")
	if i.more {
		text += ", " + anyName
	}
	return text
}

func (i *Ignored) full() bool { return i.more }

// add adds the name of a parameter or a member, below where it was found.
func (i *Ignored) add(where, name string) {
	name = where + "." + reported(name)
	switch {
	case slices.Contains(i.names, name):
	case len(i.names) == maxIgnored:
		i.more = true
	default:
		i.names = append(i.names, name)
	}
}

// reported returns the name, or anyName if it is not one that a program would
// give to a member.
func reported(name string) string {
	odd := func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, odd) {
		return anyName
	}
	return name
}

// readUnknownQuery reads x-unknown-query. Clients of the RealWorld contract may
// send parameters of their own to its operations.
func (op *Operation) readUnknownQuery(extensions map[string]any) error {
	value, declared := extensions["x-unknown-query"]
	if declared && value != "report" {
		return errors.New("x-unknown-query must be report, or left out to refuse parameters that the operation does not know")
	}
	if !declared && !slices.Contains(op.Statuses, 422) {
		return errors.New("refuses unknown query parameters, so that it must declare 422")
	}
	op.ReportsUnknownQuery = declared
	return nil
}

const (
	unknownParam  = "is not a query parameter of this operation"
	unknownParams = "has a parameter that this operation does not have"
)

// unknownParam adds an error for a parameter that the operation does not
// declare, unless the operation reports those: Canonical has noted it then.
func (c *checker) unknownParam(name string) {
	switch {
	case c.refuses(name) || c.op.ReportsUnknownQuery:
	case reported(name) == anyName || len(c.fields) >= maxIgnored:
		c.add("query", unknownParams)
	default:
		message := unknownParam
		for _, p := range c.op.query {
			if near(p.name, name) {
				message += "; did you mean " + p.name + "?"
				break
			}
		}
		c.add(name, message)
	}
}

// near reports whether two names differ by one letter, or by two letters in the
// other order.
func near(a, b string) bool {
	a, b = folded(a), folded(b)
	same := 0
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
		same++
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
		same++
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return same >= 2 && (swapped || len(a) <= 1 && len(b) <= 1)
}

// notSupported is the message for the names of x-refused.
const notSupported = "is not known here, and is not ignored, since it might decide who sees the text"

// readRefused reads x-refused. They are the names of members and parameters
// that callers would expect to decide who sees what they write: ignoring those
// would publish what was not meant to be public. If the operation declares the
// name, its other spellings are refused.
func (op *Operation) readRefused(extensions map[string]any) error {
	value, declared := extensions["x-refused"]
	if !declared {
		return nil
	}
	names, ok := value.([]any)
	if !ok || len(names) == 0 || op.body == nil {
		return errors.New("x-refused must be a list of names, on an operation that takes a body")
	}
	op.refused = map[string]string{}
	for _, n := range names {
		name := fmt.Sprint(n)
		op.refused[folded(name)] = name
	}
	return nil
}

// refuses reports whether an unknown name is one of x-refused, and adds the
// message for it. Names are compared as people take them for the same:
// published_at is publishedAt.
func (c *checker) refuses(name string) bool {
	if c.op.refused == nil || len(name) > 2*maxName {
		return false
	}
	refused, found := c.op.refused[folded(name)]
	if found {
		c.add(refused, notSupported)
	}
	return found
}

func folded(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// unknownMember notes a member that the object does not declare. The decoder
// has just read its name.
func (c *checker) unknownMember(name string) {
	if c.refuses(name) || c.ignored.full() {
		return
	}
	where := bodyField
	parents := slices.Collect(c.dec.StackPointer().Tokens())
	for _, parent := range parents[:len(parents)-1] {
		where += "." + reported(parent)
	}
	c.ignored.add(where, name)
}

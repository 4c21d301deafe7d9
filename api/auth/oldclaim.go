package auth

import (
	"encoding/json"
	"errors"
	"strings"
)

// Identifier is what a token of the older system names an account by.
type Identifier string

// The identifiers. A key is the primary key of the user in the older system,
// which the import has stored.
const (
	ByKey      Identifier = ""
	ByUsername Identifier = "username"
	ByEmail    Identifier = "email"
)

// OldClaim is where tokens of the older system name the account.
type OldClaim struct {
	By Identifier
	// Number makes only a number count, and not a text: many systems have the
	// username in a claim in which others have the key, and a user may choose the
	// key of somebody else as a name.
	Number bool
	// Path has the names of the members that lead to the claim.
	Path []string
}

const (
	maxOldClaims  = 10
	maxClaimDepth = 8
	maxClaimName  = 100
)

var errOldClaims = errors.New("must be one or more claims (comma-separated), such as user.id, username:user.name or email:email")

// ParseOldClaims parses a list of claims, each with its members separated by
// dots. The beginning username: or email: says that the claim has that of the
// account, instead of a key, and number: that a text there is no key.
func ParseOldClaims(text string) ([]OldClaim, error) {
	parts := strings.Split(text, ",")
	if len(parts) > maxOldClaims {
		return nil, errOldClaims
	}
	claims := make([]OldClaim, 0, len(parts))
	for _, part := range parts {
		c, err := parseOldClaim(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		claims = append(claims, c)
	}
	return claims, nil
}

func parseOldClaim(text string) (c OldClaim, err error) {
	for _, by := range []Identifier{ByUsername, ByEmail} {
		if path, found := strings.CutPrefix(text, string(by)+":"); found {
			c.By, text = by, path
			break
		}
	}
	if c.By == ByKey {
		text, c.Number = strings.CutPrefix(text, numberPrefix)
	}
	c.Path = strings.Split(text, ".")
	if len(c.Path) > maxClaimDepth {
		return c, errOldClaims
	}
	for _, name := range c.Path {
		if name == "" || len(name) > maxClaimName || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == ':' || r > '~' }) {
			return c, errOldClaims
		}
	}
	return c, nil
}

// String returns the claim as ParseOldClaims accepts it.
func (c OldClaim) String() string {
	path := strings.Join(c.Path, ".")
	switch {
	case c.Number:
		return numberPrefix + path
	case c.By == ByKey:
		return path
	}
	return string(c.By) + ":" + path
}

const numberPrefix = "number:"

// find returns the value of the claim. A claim that is null counts as absent, and
// so does a text where only a number counts.
func (c OldClaim) find(claims map[string]any) (v any, found bool) {
	v = claims
	for _, name := range c.Path {
		members, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		v = members[name]
	}
	if _, isNumber := v.(json.Number); c.Number && !isNumber {
		return nil, false
	}
	return v, v != nil
}

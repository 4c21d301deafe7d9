// Package etag makes and compares entity tags (RFC 9110, section 8.8.3).
//
// A tag is the hash of an answer's bytes. The tag of something that can be
// edited starts with its version, "<version>.<hash>": the hash makes
// If-None-Match exact, and the version lets If-Match see edits only, so that a
// favourite between an editor's read and write does not cost the edit.
package etag

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Version names a state of something that can be edited: its id, since another
// one may come to have its slug, and the number of its edits.
func Version(id int64, edits int32) string {
	return strconv.FormatInt(id, 36) + "v" + strconv.Itoa(int(edits))
}

// Of returns the strong tag of a body. version may be empty.
func Of(version string, body []byte) string {
	var sum [8]byte
	binary.BigEndian.PutUint64(sum[:], xxhash.Sum64(body))
	buf := make([]byte, 0, 40)
	buf = append(buf, '"')
	if version != "" {
		buf = append(append(buf, version...), '.')
	}
	buf = base64.RawURLEncoding.AppendEncode(buf, sum[:])
	return string(append(buf, '"'))
}

// Encoded returns the tag of the same answer under a content coding. Strong
// tags name bytes, so each coding needs one of its own.
func Encoded(tag, coding string) string {
	return strings.TrimSuffix(tag, `"`) + "-" + coding + `"`
}

// NoneMatch tells whether an If-None-Match field holds the tag, compared
// weakly (RFC 9110, section 13.1.2), under whatever content coding it was
// answered: the client has the same content then.
func NoneMatch(field, tag string) bool {
	want := opaque(tag)
	for t := range tags(field) {
		if t == "*" || base(opaque(t)) == want {
			return true
		}
	}
	return false
}

// MatchesVersion tells whether an If-Match field allows a change of a resource
// at this version: it is "*", or one of its tags, none of them weak, begins
// with the version.
func MatchesVersion(field, version string) bool {
	for t := range tags(field) {
		if t == "*" {
			return true
		}
		quoted, ok := strings.CutPrefix(t, `"`)
		if v, _, found := strings.Cut(quoted, "."); ok && found && v == version && strings.HasSuffix(quoted, `"`) {
			return true
		}
	}
	return false
}

// tags yields the members of a list of entity tags. A comma is legal inside a
// quoted tag.
func tags(field string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for field != "" {
			field = strings.TrimLeft(field, " \t,")
			end, quoted := 0, false
			for end < len(field) && (quoted || field[end] != ',') {
				if field[end] == '"' {
					quoted = !quoted
				}
				end++
			}
			if t := strings.TrimRight(field[:end], " \t"); t != "" && !yield(t) {
				return
			}
			field = field[end:]
		}
	}
}

// opaque strips the weakness mark and the quotes.
func opaque(tag string) string {
	return strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
}

// codings are the suffixes that Encoded gives.
var codings = [...]string{"-gzip", "-zstd"}

func base(opaque string) string {
	for _, c := range codings {
		opaque = strings.TrimSuffix(opaque, c)
	}
	return opaque
}

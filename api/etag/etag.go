// Package etag creates and compares entity tags (RFC 9110, section 8.8.3).
//
// A tag is the hash of a response body. The tag of a resource that can be
// edited starts with its version, "<version>.<hash>". The hash makes
// If-None-Match exact. The version makes If-Match depend on edits only, so that
// a favorite between an editor's read and write does not make the write fail.
package etag

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Version returns the version of a resource that can be edited: its id and the
// number of its edits. The id is needed because another resource may get the
// same slug later.
func Version(id int64, edits int32) string {
	return strconv.FormatInt(id, 36) + "v" + strconv.Itoa(int(edits))
}

// WorkingCopyVersion returns the version of the working copy of an article: the
// revision that it is, and the number of changes of its state. The revision of
// the article is part of it, because publishing the working copy replaces that
// text.
func WorkingCopyVersion(articleID int64, revision, edits, articleRevision int32) string {
	return strconv.FormatInt(articleID, 36) + "w" + strconv.Itoa(int(revision)) + "-" + strconv.Itoa(int(edits)) + "-" + strconv.Itoa(int(articleRevision))
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

// Encoded returns the tag of the same body with a content coding. A strong tag
// identifies bytes, so each coding needs its own tag.
func Encoded(tag, coding string) string {
	return strings.TrimSuffix(tag, `"`) + "-" + coding + `"`
}

// NoneMatch reports whether an If-None-Match field contains the tag, compared
// weakly (RFC 9110, section 13.1.2). It ignores the content coding, because the
// client has the same content with any coding.
func NoneMatch(field, tag string) bool {
	want := opaque(tag)
	for t := range tags(field) {
		if t == "*" || base(opaque(t)) == want {
			return true
		}
	}
	return false
}

// MatchesVersion reports whether an If-Match field allows a change of a
// resource at this version: the field is "*", or one of its strong tags starts
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

// tags yields the members of a list of entity tags. A quoted tag may contain
// commas.
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

// opaque removes the prefix of a weak tag and the quotes.
func opaque(tag string) string {
	return strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
}

// codings are the suffixes that Encoded appends.
var codings = [...]string{"-gzip", "-zstd"}

func base(opaque string) string {
	for _, c := range codings {
		opaque = strings.TrimSuffix(opaque, c)
	}
	return opaque
}

// Package names decides which names of users and tags are accepted, and which
// of them are the same: two accounts must not have names that people cannot
// tell apart.
package names

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/runes"
	"golang.org/x/text/secure/precis"
)

// profile is the Nickname profile of RFC 8266, which compares names regardless
// of case, width, normalisation and the kind and number of spaces. It refuses
// invisible, unassigned and private characters. The username profiles of RFC
// 8265 would refuse spaces and symbols too, which have always been accepted.
var profile = precis.NewRestrictedProfile(precis.Nickname, runes.Predicate(func(r rune) bool {
	return r == '\u2800' // a braille pattern without dots, which looks like a space
}))

// Refused is the message about a name that Fold refuses.
const Refused = "must not contain invisible or unassigned characters"

// Fold returns the form of a name that all names which look the same share, or
// "" if the name is refused. The form is unique among accounts.
func Fold(name string) string {
	if isPlain(name) {
		return strings.ToLower(name)
	}
	folded, err := profile.CompareKey(withoutJoiners(name))
	if err != nil || !utf8.ValidString(name) {
		return ""
	}
	return strings.Map(smallForm, folded)
}

// smallForm returns the usual one of the small letters that share a capital,
// such as σ for ς, which the profile leaves apart. A dotless i is no i.
func smallForm(r rune) rune {
	if r == 'ı' || !unicode.IsLower(r) {
		return r
	}
	return unicode.ToLower(unicode.ToUpper(r))
}

// isPlain reports whether the profile would only change the case of a name:
// it is printable ASCII, with single spaces between words. Most names are, and
// the profile allocates memory for each.
func isPlain(name string) bool {
	previous := byte(' ')
	for i := range len(name) {
		c := name[i]
		if c < ' ' || c > '~' || c == ' ' && previous == ' ' {
			return false
		}
		previous = c
	}
	return previous != ' '
}

// withoutJoiners removes the invisible characters that join emoji and select
// their style, which the profile refuses everywhere. They must stand behind a
// symbol, or in the emoji of a key, as in 1️⃣.
func withoutJoiners(name string) string {
	name = strings.ReplaceAll(name, "\ufe0f\u20e3", "\u20e3")
	behindSymbol := false
	return strings.Map(func(r rune) rune {
		switch r {
		case '\u200d', '\ufe0e', '\ufe0f':
			if behindSymbol {
				return -1
			}
		}
		behindSymbol = unicode.IsSymbol(r)
		return r
	}, name)
}

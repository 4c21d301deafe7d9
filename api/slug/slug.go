// Package slug converts article titles to the slugs in their URLs.
//
// The transliteration table is github.com/gosimple/unidecode. The package
// gosimple/slug, which is usually used with it, is not suitable: it reads
// mutable package variables that any other import may set, inserts English
// words ("AT&T" becomes "atandt"), and breaks words at the apostrophes that the
// table uses for soft signs and ayins ("Большой" becomes "bol-shoi").
package slug

import (
	"crypto/rand"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gosimple/unidecode"
	"golang.org/x/text/unicode/norm"
)

const (
	// MaxLen is the maximum length of a slug, in bytes (which are also its
	// characters).
	MaxLen = 100

	suffixLen    = 8  // 40 random bits: a second collision on the same title is not expected in practice
	generatedLen = 12 // 60 random bits, since all titles without letters share one prefix

	// maxBase leaves room for the suffix of Candidate, so that a retry does not
	// lose words.
	maxBase = MaxLen - 1 - suffixLen

	// maxInput limits the work for a malicious title, in bytes. The longest
	// useful input is much shorter: maxBase letters of 4 bytes, each with a few
	// marks.
	maxInput = 4096
)

// reserved must be sorted. It contains the current routes and names that a
// future route under /articles/ could have, because the new route would hide an
// article with that name.
var reserved = []string{
	"archive", "batch", "bulk", "count", "drafts", "events", "export", "favorites", "feed", "import", "new", "popular",
	"preview", "random", "recent", "rss", "scheduled", "search", "stats", "stream", "tags", "trash", "trending",
}

// IsReserved reports whether s is, or may become, a route segment under
// /articles/. Such a name cannot be the slug of an article.
func IsReserved(s string) bool {
	_, found := slices.BinarySearch(reserved, s)
	return found
}

// Valid reports whether s has the form of a slug: [a-z0-9]+(-[a-z0-9]+)*, at
// most MaxLen bytes. It does not check for reserved words.
func Valid(s string) bool {
	if s == "" || len(s) > MaxLen || s[len(s)-1] == '-' {
		return false
	}
	previous := byte('-')
	for i := range len(s) {
		c := s[i]
		if !isSlugAlnum(c) && (c != '-' || previous == '-') {
			return false
		}
		previous = c
	}
	return true
}

// From returns the slug of a title. It is always valid, never reserved, and
// short enough for Candidate to append a suffix. Equal titles have equal slugs,
// also if they differ only in Unicode normalization (UAX #15). The exception is
// a title that has no letter or digit with an ASCII form: its slug is random
// ("article-" and 12 characters).
func From(title string) string {
	s := shorten(fold(title), maxBase)
	switch {
	case s == "":
		return "article-" + random(generatedLen)
	case IsReserved(s):
		return s + "-article"
	}
	return s
}

// Candidate returns the slug for an attempt to insert an article. Attempt 0 is
// base itself. Each later attempt has a new random suffix, because counting up
// would make concurrent writers of the same title collide repeatedly. If From
// could not have returned base, Candidate calls From first, so that the result
// is always valid and never reserved.
func Candidate(base string, attempt int) string {
	if !Valid(base) || IsReserved(base) {
		base = From(base)
	}
	if attempt <= 0 {
		return base
	}
	return shorten(base, maxBase) + "-" + random(suffixLen)
}

// fold transliterates the start of title to the form of a slug, which may be
// empty. It stops when the result is longer than maxBase, so that shorten can
// see whether a word ends at the limit.
func fold(title string) string {
	var out strings.Builder
	boundary := false
	write := func(c byte) {
		if boundary && out.Len() > 0 {
			out.WriteByte('-')
		}
		boundary = false
		out.WriteByte(c)
	}
	// NFC is used because NFKC splits letters that the table only has as a
	// whole, such as Thai sara am.
	for _, r := range norm.NFC.String(cut(title, maxInput)) {
		switch {
		case out.Len() > maxBase:
			return out.String()
		case r < utf8.RuneSelf && isSlugAlnum(lower(byte(r))):
			write(lower(byte(r)))
		case joins(r):
		case r < utf8.RuneSelf || !unicode.In(r, unicode.L, unicode.M, unicode.N):
			// Symbols are separators too: their English names do not belong in
			// titles of other languages.
			boundary = true
		default:
			ascii := transliterate(r)
			// The table writes a space after ideographs and a slash in
			// fractions. Both must be separated from the preceding text.
			boundary = boundary || strings.ContainsAny(ascii, " /")
			for i := range len(ascii) {
				switch c := lower(ascii[i]); {
				case isSlugAlnum(c):
					write(c)
				case c == ' ' || c == '/':
					boundary = true
				}
			}
		}
	}
	return out.String()
}

// joins reports whether r may be part of a word without ending it: apostrophes
// (also Hebrew geresh and gershayim) and invisible format characters such as
// soft hyphens, joiners and direction marks. The zero width space is the
// exception, because it separates words in Khmer and Thai.
func joins(r rune) bool {
	switch r {
	case '\'', '‘', '’', '\uff07', '׳', '״':
		return true
	case '\u200b':
		return false
	}
	return unicode.Is(unicode.Cf, r)
}

// letters overrides the table for letters that it writes as punctuation, which
// would be dropped from the word.
var letters = map[rune]string{
	'ə': "e", 'ǝ': "e", // Azerbaijani
	'ә': "a", 'ӛ': "a", // Kazakh, Tatar
	'ة': "a", 'ۃ': "a", 'ى': "a", // Arabic, Urdu
}

// transliterate returns the ASCII form of a letter, mark or digit. It may be
// empty or contain punctuation and upper case.
func transliterate(r rune) string {
	// The table lacks some capitals, such as ẞ, but has their small letters.
	r = unicode.ToLower(r)
	if s, ok := letters[r]; ok {
		return s
	}
	s := unidecode.Unidecode(string(r))
	if strings.ContainsFunc(s, func(c rune) bool { return c < utf8.RuneSelf && isSlugAlnum(lower(byte(c))) }) {
		return s
	}
	// The table does not contain styled letters such as 𝐇, but they decompose
	// to plain ones. "[?]" stands for an unknown letter.
	return strings.ReplaceAll(unidecode.Unidecode(norm.NFKD.String(string(r))), "[?]", "")
}

// shorten cuts s to at most limit bytes, at the last word boundary, or inside
// the first word if that alone is too long.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	if i := strings.LastIndexByte(s[:limit+1], '-'); i > 0 {
		return s[:i]
	}
	return s[:limit]
}

// cut returns at most limit bytes of s without splitting a character.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for i := limit; i > limit-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:limit]
}

// random returns n characters of lower-case base32 (RFC 4648) from crypto/rand,
// with 5 bits each. n must be at most 26.
func random(n int) string { return strings.ToLower(rand.Text()[:n]) }

func isSlugAlnum(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Package slug turns article titles into the addresses under which they are served.
//
// The transliteration table is github.com/gosimple/unidecode. Its usual companion, gosimple/slug, is not used: it reads
// mutable package variables that any other import may set, inserts English words ("AT&T" becomes "atandt"), and breaks
// words at the apostrophes by which the table marks soft signs and ayins ("Большой" becomes "bol-shoi").
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
	// MaxLen is the greatest length of a slug, in bytes (which are also its characters).
	MaxLen = 100

	suffixLen    = 8  // 40 random bits: a second collision on the same title is not expected in practice
	generatedLen = 12 // 60 random bits, since all titles without letters share one prefix

	// maxBase leaves room in MaxLen for the suffix of Candidate, so that a retry does not lose words.
	maxBase = MaxLen - 1 - suffixLen

	// maxInput bounds the work on a hostile title, in bytes. The longest honest input that can still matter is far below:
	// maxBase letters of 4 bytes, each with a few marks.
	maxInput = 4096
)

// reserved must stay sorted. Besides today's routes it holds the names that a route under /articles/ could plausibly take,
// because an article that already owns the name would be shadowed by the new route.
var reserved = []string{
	"archive", "batch", "bulk", "count", "drafts", "events", "export", "favorites", "feed", "import", "new", "popular",
	"preview", "random", "recent", "rss", "scheduled", "search", "stats", "stream", "tags", "trash", "trending",
}

// IsReserved reports whether s is, or may become, a route segment under /articles/ and so cannot name an article.
func IsReserved(s string) bool {
	_, found := slices.BinarySearch(reserved, s)
	return found
}

// Valid reports whether s has the form of a slug: [a-z0-9]+(-[a-z0-9]+)*, at most MaxLen bytes. It lets a handler answer
// 404 to any other path segment without asking the database. It says nothing about reserved words.
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

// From returns the slug of a title: always valid, never reserved, short enough for Candidate to extend without a cut.
// Equal titles, also when they differ only in Unicode normalization (UAX #15), give equal slugs. The exception is a title
// without one letter or digit that has an ASCII form: its slug is random ("article-" and 12 characters).
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

// Candidate returns the slug to try at the given attempt to insert an article. Attempt 0 is base itself; each later one
// carries a fresh random suffix, because counting up would make concurrent writers of one title collide again and again.
// A base that From could not have returned is passed through From first, so the result is always valid and never reserved.
func Candidate(base string, attempt int) string {
	if !Valid(base) || IsReserved(base) {
		base = From(base)
	}
	if attempt <= 0 {
		return base
	}
	return shorten(base, maxBase) + "-" + random(suffixLen)
}

// fold transliterates the start of title to the form of a slug, or to nothing. It goes on until the result exceeds maxBase,
// so that shorten can see whether the limit falls on the end of a word.
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
	// NFC, not NFKC: the latter splits letters that the table knows only whole, such as Thai sara am.
	for _, r := range norm.NFC.String(cut(title, maxInput)) {
		switch {
		case out.Len() > maxBase:
			return out.String()
		case r < utf8.RuneSelf && isSlugAlnum(lower(byte(r))):
			write(lower(byte(r)))
		case joins(r):
		case r < utf8.RuneSelf || !unicode.In(r, unicode.L, unicode.M, unicode.N):
			// Symbols separate too: naming them would put English words into titles of other languages.
			boundary = true
		default:
			ascii := transliterate(r)
			// The table ends ideographs with a space and writes fractions with a slash: both stand apart from what precedes.
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

// joins reports whether r may stand inside a word without ending it: apostrophes (also Hebrew geresh and gershayim) and
// invisible format characters such as soft hyphen, joiners and direction marks. The zero width space is the exception,
// since Khmer and Thai writers put it between words.
func joins(r rune) bool {
	switch r {
	case '\'', '‘', '’', '\uff07', '׳', '״':
		return true
	case '\u200b':
		return false
	}
	return unicode.Is(unicode.Cf, r)
}

// letters corrects the table where it writes a letter as punctuation, which would drop it from the word.
var letters = map[rune]string{
	'ə': "e", 'ǝ': "e", // Azerbaijani
	'ә': "a", 'ӛ': "a", // Kazakh, Tatar
	'ة': "a", 'ۃ': "a", 'ى': "a", // Arabic, Urdu
}

// transliterate returns the ASCII form of one letter, mark or digit, which may hold punctuation and upper case, or nothing.
func transliterate(r rune) string {
	// The table lacks some capitals, such as ẞ, whose small letter it knows.
	r = unicode.ToLower(r)
	if s, ok := letters[r]; ok {
		return s
	}
	s := unidecode.Unidecode(string(r))
	if strings.ContainsFunc(s, func(c rune) bool { return c < utf8.RuneSelf && isSlugAlnum(lower(byte(c))) }) {
		return s
	}
	// Styled letters such as 𝐇 lie beyond the table but decompose to plain ones; "[?]" stands for an unknown letter.
	return strings.ReplaceAll(unidecode.Unidecode(norm.NFKD.String(string(r))), "[?]", "")
}

// shorten cuts s to at most limit bytes: at the last word boundary, or inside the first word when that alone is too long.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	if i := strings.LastIndexByte(s[:limit+1], '-'); i > 0 {
		return s[:i]
	}
	return s[:limit]
}

// cut returns at most limit bytes of s and does not split a character.
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

// random returns n characters of lower-case base32 (RFC 4648) from crypto/rand, 5 bits each; n is at most 26.
func random(n int) string { return strings.ToLower(rand.Text()[:n]) }

func isSlugAlnum(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

package server

import (
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// maxPath bounds the bytes of a path in a log line. They show the operator a
// mistyped address; a scanner cannot fill the log.
const maxPath = 200

// minMistyped is the length from which a word may be mistyped and is still
// shown. Many first names resemble shorter words of the document: Logan and
// login.
const minMistyped = 7

// probed are words in the paths that scanners of the web look for.
const probed = `actuator admin asp aspx aws backup bak bin boaform cgi config console content css debug env favicon git graphql
	gz html ico includes index js json jsp manager map metrics old php phpmyadmin phpunit plugins png remote robots security
	server setup sitemap sql ssh status swagger tar telescope txt ui uploads v1 v2 v3 vendor well known wordpress wp xml
	xmlrpc yaml yml zip`

// maxSegment bounds the bytes of a segment that is looked at.
const maxSegment = 40

// pathWords are the words that may be logged as part of a path that no route
// has. They are public, so that they cannot be secrets.
type pathWords struct {
	known map[string]bool
	long  []string // those that may be mistyped
}

// newPathWords returns the words in the paths of all routes, and those that
// scanners look for.
func newPathWords(routes []*echo.Route) pathWords {
	words := pathWords{known: map[string]bool{}}
	for _, word := range strings.Fields(probed) {
		words.known[word] = true
	}
	for _, route := range routes {
		for segment := range strings.SplitSeq(route.Path, "/") {
			if !strings.ContainsAny(segment, ":*") {
				for _, word := range splitWords(segment) {
					words.known[strings.ToLower(word)] = true
				}
			}
		}
	}
	for word := range words.known {
		if len(word) >= minMistyped {
			words.long = append(words.long, word)
		}
	}
	return words
}

// show returns a path in which each segment that is not made of known words is
// replaced by its length in bytes, such as {24}: it can be a token, an e-mail
// address or a name. What follows its last dot remains if it is a known word.
// Therefore the path has no control characters either.
func (words pathWords) show(path string) string {
	var shown strings.Builder
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if !words.contain(segment) {
			extension := ""
			if dot := strings.LastIndexByte(segment, '.'); dot >= 0 && words.known[strings.ToLower(segment[dot+1:])] {
				extension = segment[dot:]
			}
			segment = "{" + strconv.Itoa(len(segment)-len(extension)) + "}" + extension
		}
		if shown.Len()+len("/")+len(segment)+len("/…") > maxPath {
			shown.WriteString("/…")
			break
		}
		shown.WriteString("/" + segment)
	}
	return shown.String()
}

// contain reports whether a segment is made of known words, of which each long
// one may be mistyped once.
func (words pathWords) contain(segment string) bool {
	if len(segment) > maxSegment {
		return false
	}
	for _, word := range splitWords(segment) {
		if word = strings.ToLower(word); !words.known[word] && !words.mistyped(word) {
			return false
		}
	}
	return true
}

// mistyped reports whether a word is a long known one with one mistake.
func (words pathWords) mistyped(word string) bool {
	return len(word) >= minMistyped && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == "" &&
		slices.ContainsFunc(words.long, func(known string) bool { return oneMistake(word, known) })
}

// oneMistake reports whether one letter is missing, added or wrong, or two
// neighbours are swapped.
func oneMistake(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

func splitWords(segment string) []string {
	return strings.FieldsFunc(segment, func(c rune) bool { return strings.ContainsRune(".-_", c) })
}

// Package diff compares the texts of two revisions.
package diff

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// MaxLines is the maximum number of lines of both texts together. A text of a
// million characters has far fewer, unless its lines are empty: comparing
// a million empty lines takes seconds and hundreds of megabytes.
const MaxLines = 100_000

// lineSize is about how many bytes comparing takes for a line, besides its
// text, divided by the copies that budget.Share.Reserve counts.
const lineSize = 64

// Size returns how many bytes of text comparing two texts is worth, for the
// budget of memory.
func Size(before, after string) int {
	return len(before) + len(after) + lineSize*(strings.Count(before, "\n")+strings.Count(after, "\n"))
}

// ErrTooLong is the error for texts with more than MaxLines lines.
var ErrTooLong = errors.New("diff: the texts have too many lines")

// Part is a text with a name, before and after.
type Part struct{ Name, Before, After string }

// Unified returns the differences of the parts in the unified format, in which
// the program patch reads them. It is empty if there are none. The arguments
// before and after are the folders in the names of the files; an empty before
// means that the files are new.
//
// The differences are exact: a line ends with "\n" alone, so that "\r" is a
// character like any other. They need not be the shortest ones, because finding
// those takes too long if nearly everything differs.
func Unified(before, after string, parts ...Part) (string, error) {
	lines := 0
	for _, p := range parts {
		lines += strings.Count(p.Before, "\n") + strings.Count(p.After, "\n")
	}
	if lines > MaxLines {
		return "", ErrTooLong
	}
	var b strings.Builder
	for _, p := range parts {
		from := "/dev/null"
		if before != "" {
			from = before + "/" + p.Name
		}
		text, err := udiff.ToUnified(from, after+"/"+p.Name, p.Before, udiff.Lines(p.Before, p.After), udiff.DefaultContextLines)
		if err != nil {
			return "", fmt.Errorf("comparing %s: %w", p.Name, err)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// Package filesource reads what an import stores from files: the JSON export of
// Ghost, a folder of Markdown, and the two exports of this service, which are
// NDJSON.
//
//	ghost*.go     Ghost, and how its texts become Markdown
//	markdown*.go  a folder of Markdown with front matter
//	ndjson*.go    the exports of this service
//	writer.go     writes NDJSON, for sources that collect rows first
//
// Opening a source reads all of it once, without storing it. So whatever is wrong
// with the files is found before anything is imported, and the numbers of rows
// are exact.
package filesource

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/byline-api/byline/db/importer/source"
)

// Note says what of a row the source cannot pass on, or passes on changed. Key is
// "" if the text is about several rows.
type Note struct {
	Kind source.Kind
	Key  string
	Text string
}

// notes passes notes on, each once, however often rows are read.
type notes struct {
	tell func(Note) // may be nil
	told map[Note]bool
}

func newNotes(tell func(Note)) notes { return notes{tell, map[Note]bool{}} }

func (n notes) add(kind source.Kind, key, text string) {
	note := Note{kind, key, text}
	if n.tell != nil && !n.told[note] {
		n.told[note] = true
		n.tell(note)
	}
}

// addCounted passes on notes without a key, each with the number of its rows.
func (n notes) addCounted(rows map[Note]int) {
	for _, note := range slices.SortedFunc(maps.Keys(rows), func(a, b Note) int { return strings.Compare(a.Text, b.Text) }) {
		n.add(note.Kind, "", fmt.Sprintf("%d %s", rows[note], note.Text))
	}
}

// openFile opens a regular file, whose parts can be read again.
func openFile(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file: an import reads its parts several times, so write it to a file first", path)
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// nothing is the sequence of rows of a kind that a source does not have.
func nothing[R any](func(R, error) bool) {}

// articlesOnly is the part of a source that has no comments, favorites and
// follows.
type articlesOnly struct{}

// Comments implements source.Source.
func (articlesOnly) Comments(context.Context, source.Range) iter.Seq2[source.Comment, error] {
	return nothing[source.Comment]
}

// Favorites implements source.Source.
func (articlesOnly) Favorites(context.Context, source.Range) iter.Seq2[source.Favorite, error] {
	return nothing[source.Favorite]
}

// Follows implements source.Source.
func (articlesOnly) Follows(context.Context, source.Range) iter.Seq2[source.Follow, error] {
	return nothing[source.Follow]
}

// failed is a sequence that ends with an error at once.
func failed[R any](err error) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var none R
		yield(none, err)
	}
}

// keysOf returns the keys of rows.
func keysOf[R any](rows iter.Seq2[R, error], key func(R) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for row, err := range rows {
			if err != nil {
				yield("", err)
				return
			}
			if !yield(key(row), nil) {
				return
			}
		}
	}
}

// keysOfKind returns the keys of all rows of a kind of a source.
func keysOfKind(ctx context.Context, s source.Source, kind source.Kind) iter.Seq2[string, error] {
	all := source.Range{}
	switch kind {
	case source.Users:
		return keysOf(s.Users(ctx, all), func(r source.User) string { return r.Key })
	case source.Articles:
		return keysOf(s.Articles(ctx, all), func(r source.Article) string { return r.Key })
	case source.Comments:
		return keysOf(s.Comments(ctx, all), func(r source.Comment) string { return r.Key })
	case source.Favorites:
		return keysOf(s.Favorites(ctx, all), func(r source.Favorite) string { return r.Key })
	case source.Follows:
		return keysOf(s.Follows(ctx, all), func(r source.Follow) string { return r.Key })
	}
	return failed[string](fmt.Errorf("there are no rows of the kind %q", kind))
}

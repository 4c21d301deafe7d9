// Package tagnames knows the names that responses show for the tags of
// articles.
//
// An article has each tag as the text that identifies it, which is the name
// that it was first given (db/migrations, 00022). Names keeps in memory which
// of these texts stand for another name, since editors have renamed the tag or
// merged it into another one. There are few, so that an article costs no query.
package tagnames

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/query"
)

// Names follows the changes of names. Its methods may be called concurrently.
type Names struct {
	conn    query.DBTX
	current atomic.Pointer[Shown]
	loading sync.Mutex
}

// New returns Names that shows every text as it is until it first learns of
// changes.
func New(conn query.DBTX) *Names { return &Names{conn: conn} }

// Current returns the names of the moment.
func (n *Names) Current() *Shown { return n.current.Load() }

// NameTags returns the names of tags at the moment, each once.
func (n *Names) NameTags(tags []string) []string { return n.Current().Names(tags) }

// Learn implements changes.Subscriber. A change of a name is a change of
// everything, since no response says which names it shows.
func (n *Names) Learn(ctx context.Context, b changes.Batch) error {
	if !b.All {
		return nil
	}
	return n.Load(ctx)
}

// Load reads the names.
func (n *Names) Load(ctx context.Context) error {
	n.loading.Lock() // what was read last is shown
	defer n.loading.Unlock()
	rows, err := query.New().TagListChanged(ctx, n.conn)
	if err != nil {
		return fmt.Errorf("reading the names of tags: %w", err)
	}
	shown := make(Shown, len(rows))
	for _, r := range rows {
		shown[r.Text] = tag{key: r.Tag, name: r.Name}
	}
	n.current.Store(&shown)
	return nil
}

// Shown maps texts in the tags of articles to the tags that they stand for. It
// contains only texts that are not shown themselves. nil is empty.
type Shown map[string]tag

// A tag is the text that identifies a tag now, and its name.
type tag struct{ key, name string }

func (s *Shown) find(text string) tag {
	if s != nil {
		if t, ok := (*s)[text]; ok {
			return t
		}
	}
	return tag{key: text, name: text}
}

// Names returns the names of tags, each once. It returns the argument itself if
// all texts are names.
func (s *Shown) Names(tags []string) []string {
	if s == nil || len(*s) == 0 || !slices.ContainsFunc(tags, func(text string) bool { _, ok := (*s)[text]; return ok }) {
		return tags
	}
	out := make([]string, 0, len(tags))
	for _, text := range tags {
		if name := s.find(text).name; !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// Articles returns the key of the list of the articles with the tag that a name
// leads to. The texts are the tags of one of these articles.
func (s *Shown) Articles(name string, texts []string) changes.Key {
	folded := Fold(name)
	for _, text := range texts {
		if t := s.find(text); Fold(t.name) == folded {
			return changes.ArticlesTagged(t.key)
		}
	}
	return changes.Tags // the name is an earlier one
}

const (
	// MaxLen is the maximum length of a tag, in characters, and MaxTags the
	// maximum number of tags of an article: as in openapi.yaml.
	MaxLen  = 50
	MaxTags = 30
)

// Check returns the tags of a request as they are stored, without duplicates.
// have are the tags that the article shows now. The limits do not hold for
// these, so that an article from before the limits can be edited.
func Check(tags, have []string) ([]string, error) {
	out := make([]string, 0, len(tags))
	seen := make(map[string]bool, len(tags))
	kept := make(map[string]bool, len(have))
	for _, tag := range have {
		kept[Fold(tag)] = true
	}
	added := false
	for _, tag := range tags {
		tag = Clean(tag)
		folded := Fold(tag)
		if seen[folded] {
			continue
		}
		if !kept[folded] {
			added = true
			if err := CheckName("tagList", tag); err != nil {
				return nil, err
			}
		}
		seen[folded] = true
		out = append(out, tag)
	}
	if added && len(out) > MaxTags {
		return nil, problem.InvalidField("tagList", fmt.Sprintf("has too many items (maximum is %d)", MaxTags))
	}
	return out, nil
}

// Fold is names.Fold, also for names that are refused now.
func Fold(name string) string {
	if name == "" {
		return ""
	}
	if folded := names.Fold(name); folded != "" {
		return folded
	}
	return name
}

// Clean returns a name as it is stored: in normalization form C, and without
// spaces around it.
func Clean(name string) string { return norm.NFC.String(strings.TrimSpace(name)) }

// CheckName returns an error about a field if a clean name cannot be that of a
// tag. Two tags must not look the same because one has a character that nobody
// sees.
func CheckName(field, name string) error {
	switch {
	case names.Fold(name) == "":
		return problem.InvalidField(field, names.Refused)
	case utf8.RuneCountInString(name) > MaxLen:
		return problem.InvalidField(field, fmt.Sprintf("is too long (maximum is %d characters)", MaxLen))
	}
	return nil
}

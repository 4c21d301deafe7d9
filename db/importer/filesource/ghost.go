package filesource

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/byline-api/byline/db/importer/lenient"
	"github.com/byline-api/byline/db/importer/source"
)

// GhostOptions says how to read an export of Ghost.
type GhostOptions struct {
	// SiteURL is the address of the site, which Ghost writes as __GHOST_URL__.
	SiteURL string
	// Pages includes pages, which are not in lists of posts.
	Pages bool
	// Note, if it is set, is called for what is left out or changed.
	Note func(Note)
}

// GhostSource is the JSON export of Ghost, with or without the member db around
// it. It keeps in memory the users, the tags, and where each post is in the file;
// posts are read one at a time. The keys are Ghost's ids.
//
// Ghost exports no members, comments and subscriptions, and since version 1 no
// passwords.
type GhostSource struct {
	articlesOnly
	file    *os.File
	path    string
	options GhostOptions
	notes   notes
	texts   *texts
	version string
	found   bool // there is a list of posts

	posts   []ghostPart // sorted by their keys
	users   []ghostUser
	tags    map[string]ghostTag
	of      map[string]ghostLinks // by the key of a post
	roles   map[string]string     // names by their keys
	roleOf  map[string]string     // keys of roles by those of users
	dropped int                   // pages that are left out
}

var _ source.Source = (*GhostSource)(nil)

type (
	// ghostPart is where a post is in the file.
	ghostPart struct {
		key        string
		start, end int64
	}
	ghostTag struct {
		ID         lenient.Key `json:"id"`
		Name       string      `json:"name"`
		Visibility string      `json:"visibility"`
	}
	// ghostLink leads from a post to a tag or an author.
	ghostLink struct {
		PostID    lenient.Key `json:"post_id"`
		TagID     lenient.Key `json:"tag_id"`
		AuthorID  lenient.Key `json:"author_id"`
		SortOrder int         `json:"sort_order"`
	}
	ghostLinks struct{ tags, authors []ghostLink }
)

// Ghost opens an export and checks that it is complete.
func Ghost(path string, options GhostOptions) (*GhostSource, error) {
	site, err := siteURL(options.SiteURL)
	if err != nil {
		return nil, err
	}
	if site != nil {
		options.SiteURL = strings.TrimSuffix(site.String(), "/")
	}
	f, _, err := openFile(path)
	if err != nil {
		return nil, err
	}
	s := &GhostSource{file: f, path: path, options: options, notes: newNotes(options.Note), texts: newTexts(),
		tags: map[string]ghostTag{}, of: map[string]ghostLinks{}, roles: map[string]string{}, roleOf: map[string]string{}}
	if err := s.index(); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// index reads the whole file once.
func (s *GhostSource) index() error {
	text := bufio.NewReaderSize(s.file, 1<<20)
	if bom, err := text.Peek(3); err == nil && string(bom) == "\xef\xbb\xbf" {
		// A space keeps the places of what follows.
		text = bufio.NewReaderSize(io.MultiReader(strings.NewReader("   "), io.NewSectionReader(s.file, 3, 1<<62)), 1<<20)
	}
	dec := jsontext.NewDecoder(text, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	err := s.document(dec, true)
	if err == nil {
		if _, err = dec.ReadToken(); errors.Is(err, io.EOF) {
			err = nil
		} else if err == nil {
			err = fmt.Errorf("there is more behind the JSON, at byte %d", dec.InputOffset())
		}
	}
	if err != nil {
		return placed(dec, err)
	}
	if !s.found {
		return errors.New("the file is no export of Ghost: it has no list db[0].data.posts")
	}
	slices.SortFunc(s.posts, func(a, b ghostPart) int { return strings.Compare(a.key, b.key) })
	for i := 1; i < len(s.posts); i++ {
		if s.posts[i].key == s.posts[i-1].key {
			return fmt.Errorf("two posts have the id %q, the second one before byte %d", s.posts[i].key, max(s.posts[i].end, s.posts[i-1].end))
		}
	}
	for key, links := range s.of {
		byOrder := func(a, b ghostLink) int { return cmp.Compare(a.SortOrder, b.SortOrder) }
		slices.SortStableFunc(links.tags, byOrder)
		slices.SortStableFunc(links.authors, byOrder)
		s.of[key] = links
	}
	slices.SortFunc(s.users, func(a, b ghostUser) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for i, u := range s.users {
		if u.ID == "" || i > 0 && u.ID == s.users[i-1].ID {
			return fmt.Errorf("each user must have an id of their own, and the id %q is there twice or empty", u.ID)
		}
	}
	return nil
}

// placed says at which byte the file is wrong.
func placed(dec *jsontext.Decoder, err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the file ends at byte %d, before the end of its JSON: it is incomplete; export it again", dec.InputOffset())
	case errors.As(err, &syntax):
		return fmt.Errorf("the file is no JSON at byte %d: %w", syntax.ByteOffset, syntax.Err)
	}
	return err
}

// document reads the outermost object, or one of its list db.
func (s *GhostSource) document(dec *jsontext.Decoder, outermost bool) error {
	return members(dec, func(name string) error {
		switch {
		case name == "db" && outermost:
			return elements(dec, func() error { return s.document(dec, false) })
		case name == "meta":
			var meta struct{ Version any }
			err := decode(dec, &meta)
			s.version = fmt.Sprint(meta.Version)
			return err
		case name == "data":
			if s.found {
				return errors.New("the file has several exports: split it")
			}
			return members(dec, func(name string) error { return s.table(dec, name) })
		}
		return dec.SkipValue()
	})
}

// table reads the rows of a table.
func (s *GhostSource) table(dec *jsontext.Decoder, name string) error {
	switch name {
	case "posts":
		s.found = true
		return elements(dec, func() error { return s.addPost(dec) })
	case "users":
		return elements(dec, row(dec, func(u ghostUser) { s.users = append(s.users, u) }))
	case "tags":
		return elements(dec, row(dec, func(t ghostTag) { s.tags[string(t.ID)] = t }))
	case "posts_tags", "posts_authors":
		return elements(dec, row(dec, func(l ghostLink) {
			links := s.of[string(l.PostID)]
			if name == "posts_tags" {
				links.tags = append(links.tags, l)
			} else {
				links.authors = append(links.authors, l)
			}
			s.of[string(l.PostID)] = links
		}))
	case "roles":
		return elements(dec, row(dec, func(r struct {
			ID   lenient.Key `json:"id"`
			Name string      `json:"name"`
		}) {
			s.roles[string(r.ID)] = r.Name
		}))
	case "roles_users":
		return elements(dec, row(dec, func(r struct {
			RoleID lenient.Key `json:"role_id"`
			UserID lenient.Key `json:"user_id"`
		}) {
			s.roleOf[string(r.UserID)] = string(r.RoleID)
		}))
	}
	return dec.SkipValue()
}

// addPost notes where a post is.
func (s *GhostSource) addPost(dec *jsontext.Decoder) error {
	text, err := dec.ReadValue()
	if err != nil {
		return err
	}
	end := dec.InputOffset()
	var p ghostPost
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("the post before byte %d: %w", end, member(err))
	}
	if p.ID == "" {
		return fmt.Errorf("the post before byte %d has no id", end)
	}
	if p.isPage() && !s.options.Pages {
		s.dropped++
		return nil
	}
	s.posts = append(s.posts, ghostPart{string(p.ID), end - int64(len(text)), end})
	return nil
}

// members calls read for each member of the object that comes next, after its
// name. It skips a value that is null.
func members(dec *jsontext.Decoder, read func(name string) error) error {
	if kind := dec.PeekKind(); kind == 'n' {
		return dec.SkipValue()
	} else if kind != '{' && kind != 0 {
		return fmt.Errorf("there must be a JSON object before byte %d", dec.InputOffset())
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if err := read(name.String()); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// elements calls read for each element of the list that comes next.
func elements(dec *jsontext.Decoder, read func() error) error {
	if kind := dec.PeekKind(); kind == 'n' {
		return dec.SkipValue()
	} else if kind != '[' && kind != 0 {
		return fmt.Errorf("there must be a JSON list before byte %d", dec.InputOffset())
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		if err := read(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// row returns a function that reads a row of a table.
func row[R any](dec *jsontext.Decoder, add func(R)) func() error {
	return func() error {
		var r R
		if err := decode(dec, &r); err != nil {
			return err
		}
		add(r)
		return nil
	}
}

func decode(dec *jsontext.Decoder, into any) error {
	text, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("the object before byte %d: %w", dec.InputOffset(), member(err))
	}
	return nil
}

// member returns an error without the names of types of Go.
func member(err error) error {
	var value *json.UnmarshalTypeError
	if errors.As(err, &value) {
		return fmt.Errorf("the member %q cannot be a JSON %s", value.Field, strings.Fields(value.Value)[0])
	}
	return err
}

// Describe implements source.Source.
func (s *GhostSource) Describe() string {
	text := "the export of Ghost " + s.version + " in the file " + s.path
	if s.dropped > 0 {
		text += fmt.Sprintf("; pages left out: %d", s.dropped)
	}
	return text
}

// HasIDs implements source.Source.
func (s *GhostSource) HasIDs() bool { return true }

// Origin implements source.Source.
func (s *GhostSource) Origin() string { return "exports of Ghost" }

// Counts implements source.Source.
func (s *GhostSource) Counts(context.Context) (source.Counts, error) {
	return source.Counts{source.Users: int64(len(s.users)), source.Articles: int64(len(s.posts))}, nil
}

// Keys implements source.Source.
func (s *GhostSource) Keys(ctx context.Context, kind source.Kind) iter.Seq2[string, error] {
	if kind == source.Articles { // without reading the posts again
		return func(yield func(string, error) bool) {
			for _, p := range s.posts {
				if !yield(p.key, nil) {
					return
				}
			}
		}
	}
	return keysOfKind(ctx, s, kind)
}

// Close implements source.Source.
func (s *GhostSource) Close() error { return s.file.Close() }

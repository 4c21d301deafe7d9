package filesource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/db/importer/source"
)

// MarkdownOptions says how to read a folder of Markdown.
type MarkdownOptions struct {
	// Author is the name of the author of files that name none. If it is "",
	// those articles have no author, and the importer has a rule for that.
	Author string
	// SiteURL is the address of the old site, by which relative addresses of
	// pictures become absolute ones.
	SiteURL string
	// MaxFile is the size of the largest file that is accepted, in bytes; 0 means
	// 4 MB.
	MaxFile int64
	// Now is the time at which a date is in the future; nil means time.Now.
	Now func() time.Time
	// Note, if it is set, is called for what is left out or changed.
	Note func(Note)
}

const defaultMaxFile = 4 << 20

// maxProblems is how many files are named in the error about files that cannot
// be read.
const maxProblems = 20

// MarkdownSource is a folder of Markdown files with front matter, as those of
// Hugo, Jekyll, Eleventy and Astro. An article's key is the path of its file, and
// a user's key the folded name.
type MarkdownSource struct {
	articlesOnly
	root    *os.Root
	folder  string
	options MarkdownOptions
	site    *url.URL
	paths   []string      // sorted
	users   []source.User // sorted by their keys
}

var _ source.Source = (*MarkdownSource)(nil)

// Markdown opens a folder and reads all files once. If some cannot be read, its
// error names them.
func Markdown(folder string, options MarkdownOptions) (*MarkdownSource, error) {
	options.MaxFile = cmp.Or(options.MaxFile, defaultMaxFile)
	if options.Now == nil {
		options.Now = time.Now
	}
	site, err := siteURL(options.SiteURL)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	s := &MarkdownSource{root: root, folder: folder, options: options, site: site}
	if err := errors.Join(s.find(), s.index()); err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	return s, nil
}

// siteURL returns an absolute address, or nil for "".
func siteURL(address string) (*url.URL, error) {
	if address == "" {
		return nil, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the address of the site must begin with http:// or https://, and is %q", address)
	}
	return u.JoinPath("/"), nil
}

// Folders that have no articles in them: what programs install or build, and the
// parts of pages. Those at the top have these names in the folder of a program;
// below it, they are as good names of sections as others.
var (
	skippedAnywhere = []string{"node_modules", "_site", "_includes", "_layouts", "_sass", "_data"}
	skippedAtTop    = []string{"vendor", "layouts", "themes", "archetypes", "resources"}
)

// isSkipped reports whether a folder is left out.
func isSkipped(p string) bool {
	name := path.Base(p)
	return p != "." && (strings.HasPrefix(name, ".") || slices.Contains(skippedAnywhere, name) || slices.Contains(skippedAtTop, p))
}

// find lists the files. os.Root follows no symbolic link out of the folder, and
// fs.WalkDir follows none.
func (s *MarkdownSource) find() error {
	err := fs.WalkDir(s.root.FS(), ".", func(p string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if isSkipped(p) {
				s.noteSkipped(p)
				return fs.SkipDir
			}
		case strings.HasPrefix(name, "."):
		case entry.Type()&fs.ModeSymlink != 0:
			s.note(p, "this is a symbolic link, and is not followed")
		case !isMarkdown(name):
		case !entry.Type().IsRegular():
			s.note(p, "the file is no regular file, and is left out")
		case strings.HasPrefix(name, "_index."):
			s.note(p, "the file is the page of a section, and is left out")
		default:
			s.paths = append(s.paths, p)
		}
		return nil
	})
	slices.Sort(s.paths)
	return err
}

// noteSkipped notes that a folder is left out, if it has Markdown. Packages of
// Node.js all have, which says nothing.
func (s *MarkdownSource) noteSkipped(folder string) {
	if path.Base(folder) == "node_modules" {
		return
	}
	_ = fs.WalkDir(s.root.FS(), folder, func(_ string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil: // what is left out need not be readable
			return fs.SkipDir
		case entry.IsDir() && entry.Name() == "node_modules":
			return fs.SkipDir
		case !entry.IsDir() && isMarkdown(entry.Name()):
			s.note(folder, "the folder is left out, since programs keep files of their own in it; if it has articles, import it by itself")
			return fs.SkipAll
		}
		return nil
	})
}

func isMarkdown(name string) bool {
	return slices.Contains([]string{".md", ".markdown", ".mdx"}, strings.ToLower(path.Ext(name)))
}

func (s *MarkdownSource) note(key, text string) {
	if s.options.Note != nil {
		s.options.Note(Note{source.Articles, key, text})
	}
}

// index reads all files once. It finds the authors, and the files that cannot be
// read.
func (s *MarkdownSource) index() error {
	byKey := map[string]source.User{}
	var problems []error
	for _, p := range s.paths {
		page, err := s.read(p)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", p, err))
			continue
		}
		for _, text := range page.notes {
			s.note(p, text)
		}
		u := page.author
		if have, known := byKey[u.Key]; u.Key != "" && (!known || have.Email == "") {
			u.Username = cmp.Or(have.Username, u.Username)
			byKey[u.Key] = u
		}
	}
	for _, u := range byKey {
		s.users = append(s.users, u)
	}
	slices.SortFunc(s.users, func(a, b source.User) int { return strings.Compare(a.Key, b.Key) })
	if n := len(problems); n > maxProblems {
		problems = append(problems[:maxProblems], fmt.Errorf("and %d more files", n-maxProblems))
	}
	return errors.Join(problems...)
}

// userKey returns the key of an author: one for all spellings of a name that the
// importer takes for the same.
func userKey(name string) string { return cmp.Or(names.Fold(name), name) }

// Describe implements source.Source.
func (s *MarkdownSource) Describe() string {
	return fmt.Sprintf("%d Markdown files in the folder %s", len(s.paths), s.folder)
}

// HasIDs implements source.Source: the keys are made of names.
func (s *MarkdownSource) HasIDs() bool { return false }

// Origin implements source.Source.
func (s *MarkdownSource) Origin() string { return "Markdown files" }

// Counts implements source.Source.
func (s *MarkdownSource) Counts(context.Context) (source.Counts, error) {
	return source.Counts{source.Users: int64(len(s.users)), source.Articles: int64(len(s.paths))}, nil
}

// Users implements source.Source. Users have no e-mail addresses unless the
// front matter has them, and no passwords.
func (s *MarkdownSource) Users(_ context.Context, r source.Range) iter.Seq2[source.User, error] {
	return func(yield func(source.User, error) bool) {
		for _, u := range s.users {
			if u.Position = u.Key; u.Key > r.After && !yield(u, nil) {
				return
			}
		}
	}
}

// Articles implements source.Source.
func (s *MarkdownSource) Articles(ctx context.Context, r source.Range) iter.Seq2[source.Article, error] {
	return func(yield func(source.Article, error) bool) {
		for _, p := range s.paths {
			if p <= r.After {
				continue
			}
			err := ctx.Err()
			var page page
			if err == nil {
				if page, err = s.read(p); err != nil {
					err = fmt.Errorf("%s: %w", p, err)
				}
			}
			if err != nil {
				yield(source.Article{}, err)
				return
			}
			page.article.Position = p
			if !yield(page.article, nil) {
				return
			}
		}
	}
}

// Keys implements source.Source.
func (s *MarkdownSource) Keys(ctx context.Context, kind source.Kind) iter.Seq2[string, error] {
	if kind == source.Articles { // without reading the files again
		return func(yield func(string, error) bool) {
			for _, p := range s.paths {
				if !yield(p, nil) {
					return
				}
			}
		}
	}
	return keysOfKind(ctx, s, kind)
}

// Close implements source.Source.
func (s *MarkdownSource) Close() error { return s.root.Close() }

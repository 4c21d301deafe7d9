package filesource

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/language"

	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/db/importer/source"
)

// page is a file as an import needs it.
type page struct {
	article source.Article
	author  source.User // without a key if there is none
	notes   []string
}

// read reads a file.
func (s *MarkdownSource) read(p string) (page, error) {
	f, err := s.root.Open(p)
	if err != nil {
		return page{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, s.options.MaxFile+1))
	if err != nil {
		return page{}, err
	}
	if int64(len(data)) > s.options.MaxFile {
		return page{}, fmt.Errorf("the file is larger than %d bytes: shorten it, or raise the limit", s.options.MaxFile)
	}
	text, err := normal(data)
	if err != nil {
		return page{}, err
	}
	front, body, err := splitFrontMatter(text)
	if err != nil {
		return page{}, err
	}
	return s.page(p, front, strings.TrimLeft(body, "\n"))
}

// page makes an article of a file.
func (s *MarkdownSource) page(p string, front frontMatter, body string) (page, error) {
	named := nameOf(p)
	a := source.Article{Row: source.Row{Key: p}, Body: body, Slug: front.slug(), Title: front.text("title"),
		Description: front.text("description", "summary", "excerpt", "subtitle"),
		Canonical:   front.text("canonical", "canonicalurl"), Language: cmp.Or(front.text("lang", "language", "locale"), named.language)}
	if a.Slug == "" {
		a.Slug = slugOf(named.stem)
	}
	if a.Title == "" {
		a.Title, a.Body = takeTitle(body)
	}
	if a.Title == "" {
		a.Title = titleOf(named.stem)
	}
	// In Jekyll, spaces separate tags in a text.
	jekyll := strings.Contains("/"+p, "/_posts/") || strings.Contains("/"+p, "/_drafts/")
	a.Tags = append(front.list(jekyll, "tags", "tag"), front.list(jekyll, "categories", "category")...)
	out := page{author: s.author(front)}
	a.AuthorKey = out.author.Key
	if err := s.dates(&a, front, named.date); err != nil {
		return page{}, err
	}
	a.Draft = a.Draft || front.flag("draft") || front.off("published") || strings.Contains("/"+p, "/_drafts/")
	a.Cover = s.absolute(front.text("image", "cover", "coverimage", "featuredimage", "featureimage", "heroimage", "thumbnail", "images"))
	if shortcode.MatchString(a.Body) {
		out.notes = append(out.notes, "the text has commands of the program that made the pages, such as {{< … >}} or {% … %}: they stay as they are")
	}
	if strings.EqualFold(path.Ext(p), ".mdx") {
		out.notes = append(out.notes, "the file is MDX: its components stay as they are")
	}
	out.article = a
	return out, nil
}

var shortcode = regexp.MustCompile(`\{\{[<%].*?[>%]\}\}|\{%.*?%\}`)

// fileName is what the path of a file says about its article.
type fileName struct {
	stem     string // without folder, extension, date and language
	date     time.Time
	language string
}

var (
	datedName = regexp.MustCompile(`^(\d{4}-\d{1,2}-\d{1,2})[-_](.+)$`)
	indexName = regexp.MustCompile(`^index(?:\.([a-z]{2,3}(?:-[A-Za-z]{2,4})?))?$`)
)

func nameOf(p string) (n fileName) {
	n.stem = strings.TrimSuffix(path.Base(p), path.Ext(p))
	if m := indexName.FindStringSubmatch(n.stem); m != nil {
		if _, err := language.Parse(m[1]); err == nil {
			n.language = m[1]
		}
		if folder := path.Base(path.Dir(p)); folder != "." {
			n.stem = folder
		}
	}
	if m := datedName.FindStringSubmatch(n.stem); m != nil {
		if date, err := time.Parse("2006-1-2", m[1]); err == nil {
			n.date, n.stem = date, m[2]
		}
	}
	return n
}

// slug returns the last segment of the address in the front matter, or "". An
// address with placeholders, such as /:year/:title/, is no address.
func (f frontMatter) slug() string {
	for _, name := range []string{"slug", "permalink", "url"} {
		text := f.text(name)
		if strings.Contains(text, ":") && !strings.Contains(text, "://") || strings.Contains(text, "{") {
			continue
		}
		u, err := url.Parse(text)
		if err != nil {
			continue
		}
		last := strings.TrimSuffix(path.Base("/"+strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/index.html")), ".html")
		if last != "" && last != "/" && last != "." {
			return last
		}
	}
	return ""
}

// slugOf returns the slug of a file by its name, as programs make it: most names
// are slugs already.
func slugOf(stem string) string {
	if lower := strings.ToLower(stem); slug.Valid(lower) {
		return lower
	}
	return slug.From(stem)
}

// titleOf returns the title of a file by its name.
func titleOf(stem string) string {
	title := strings.TrimSpace(strings.NewReplacer("-", " ", "_", " ").Replace(stem))
	for i, r := range title {
		if i == 0 {
			return string(unicode.ToUpper(r)) + title[len(string(r)):]
		}
	}
	return title
}

// dates sets the times of an article. What programs show only later, or no more,
// is a draft.
func (s *MarkdownSource) dates(a *source.Article, front frontMatter, named time.Time) error {
	var err error
	read := func(names ...string) time.Time {
		t, understood := front.time(names...)
		if !understood {
			err = errors.Join(err, fmt.Errorf("%s is no date that is understood: write it as 2024-12-31", names[0]))
		}
		return t
	}
	a.CreatedAt = read("date", "pubdate", "publisheddate", "published", "created", "createdat", "datepublished")
	a.PublishedAt = read("publishdate", "publishedat")
	a.UpdatedAt = read("lastmod", "updated", "updateddate", "updatedat", "modified", "lastmodified", "lastmodifiedat", "datemodified")
	expires := read("expirydate")
	for _, t := range []time.Time{named, a.PublishedAt, a.UpdatedAt} {
		if a.CreatedAt.IsZero() {
			a.CreatedAt = t
		}
	}
	now := s.options.Now()
	a.Draft = a.CreatedAt.After(now) || a.PublishedAt.After(now) || !expires.IsZero() && expires.Before(now)
	return err
}

// author returns the first author of a file.
func (s *MarkdownSource) author(front frontMatter) (u source.User) {
	v := front.of("author", "authors")
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	if person, ok := v.(map[string]any); ok {
		p := lowered(person)
		u.Username, u.Email = p.text("name", "username", "title"), p.text("email")
	} else {
		u.Username = textOf(v)
	}
	if u.Username == "" {
		u.Username = s.options.Author
	}
	if u.Username != "" {
		u.Key = userKey(u.Username)
	}
	return u
}

// absolute returns the address of a picture. Without the address of the site, a
// relative one stays as it is.
func (s *MarkdownSource) absolute(address string) string {
	u, err := url.Parse(address)
	if address == "" || err != nil || s.site == nil {
		return address
	}
	return s.site.ResolveReference(u).String()
}

var (
	atxHeading    = regexp.MustCompile(`^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$`)
	setextHeading = regexp.MustCompile(`^ {0,3}(=+|-+)[ \t]*$`)
	codeFence     = regexp.MustCompile("^ {0,3}(```+|~~~+)")
)

// takeTitle returns the first heading of a text and the text without it: a
// heading before everything else, or the first one of level 1.
func takeTitle(body string) (title, rest string) {
	lines := strings.SplitAfter(body, "\n")
	fence, empty := "", true
	for i, line := range lines {
		line = strings.TrimRight(line, "\n")
		if m := codeFence.FindStringSubmatch(line); m != nil && (fence == "" || strings.HasPrefix(m[1], fence)) {
			if fence == "" {
				fence = m[1]
			} else {
				fence = ""
			}
		}
		if fence != "" {
			empty = false
			continue
		}
		length, level := 1, 0
		if m := atxHeading.FindStringSubmatch(line); m != nil {
			title, level = m[2], len(m[1])
		} else if i+1 < len(lines) && strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "    ") {
			if m := setextHeading.FindStringSubmatch(strings.TrimRight(lines[i+1], "\n")); m != nil && (i == 0 || strings.TrimSpace(lines[i-1]) == "") {
				title, length, level = strings.TrimSpace(line), 2, 1
				if m[1][0] == '-' {
					level = 2
				}
			}
		}
		if title = strings.TrimSpace(title); title != "" && (level == 1 || empty) {
			before, after := strings.Join(lines[:i], ""), strings.Join(lines[i+length:], "")
			return title, strings.TrimLeft(before, "\n") + strings.TrimLeft(after, "\n")
		}
		title = ""
		empty = empty && strings.TrimSpace(line) == ""
	}
	return "", body
}

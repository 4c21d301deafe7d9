package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// groups are the sections of the navigation and their guides, in the order in
// which to read them.
var groups = []group{
	{Title: "Start", names: []string{"quick-start", "sdks", "authentication", "accounts", "errors"}},
	{Title: "Publish", names: []string{"publishing", "article-members", "previews", "tags-and-series", "team", "comments", "comment-approval"}},
	{Title: "Use the API", names: []string{"pagination", "caching", "idempotency", "batch", "content", "rate-limits", "personal-data", "versioning", "api-changelog"}},
	{Title: "Run it", names: []string{"deploying", "high-availability", "operating", "backup", "read-replicas", "configuration", "observability", "performance", "scaling", "profiling", "faults", "security", "licenses"}},
	{Title: "Move to it", names: []string{"leaving-node", "importing", "strangle", "export"}},
	{Title: "Change it", names: []string{"development"}},
}

type group struct {
	Title  string
	Guides []*guide
	names  []string
}

type guide struct {
	Name, Path, Title string
	// Summary is the first paragraph, without markup.
	Summary string
	// Sections are the parts of the guide. The first begins with its title and
	// has no ID.
	Sections []section
	HTML     template.HTML
	// Markdown is the text with links that work where it is served, and without
	// comments.
	Markdown []byte
	group    int
}

// Contents returns the sections that the guide lists at its side.
func (g *guide) Contents() []section {
	return slices.DeleteFunc(slices.Clone(g.Sections), func(s section) bool { return s.level != 2 })
}

type section struct {
	ID, Title string
	// Text is everything below the heading, for searches.
	Text  string
	level int
}

// readGuides renders every guide, in the order of the navigation. A guide that
// no group names comes last, so that readers still find it.
func readGuides(files fs.FS) ([]*guide, error) {
	paths, err := fs.Glob(files, "*.md")
	if err != nil {
		return nil, err
	}
	guides := make([]*guide, 0, len(paths))
	for _, p := range paths {
		text, err := fs.ReadFile(files, p)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(p, ".md")
		g := &guide{Name: name, Path: "/docs/" + name, Markdown: withoutComments(text)}
		if err := render(g, text); err != nil {
			return nil, fmt.Errorf("docs/%s: %w", p, err)
		}
		guides = append(guides, g)
	}
	slices.SortStableFunc(guides, func(a, b *guide) int { return rank(a) - rank(b) })
	return guides, nil
}

// addPictures serves the pictures of guides beside them. Their names have no
// hash, since the guides are served as Markdown too.
func addPictures(resources map[string]*resource, files fs.FS) error {
	paths, err := fs.Glob(files, "*.svg")
	if err != nil {
		return err
	}
	for _, p := range paths {
		data, err := fs.ReadFile(files, p)
		if err != nil {
			return err
		}
		resources["/docs/"+p] = newResource("image/svg+xml", data, revalidated, picturePolicy)
	}
	return nil
}

// codeOrComment matches what stands at the beginning of a line: a block of code,
// or a comment and the empty lines after it.
var codeOrComment = regexp.MustCompile("(?ms)^```.*?^```|^<!--.*?-->\n+")

// withoutComments returns a guide without its comments, which tell the tests how
// to run the code.
func withoutComments(text []byte) []byte {
	return codeOrComment.ReplaceAllFunc(text, func(match []byte) []byte {
		if bytes.HasPrefix(match, []byte("<!--")) {
			return nil
		}
		return match
	})
}

func rank(g *guide) int {
	n := 0
	for i, group := range groups {
		g.group = i
		if at := slices.Index(group.names, g.Name); at >= 0 {
			return n + at
		}
		n += len(group.names)
	}
	return n
}

func navigation(guides []*guide) []group {
	nav := slices.Clone(groups)
	for _, g := range guides {
		nav[g.group].Guides = append(nav[g.group].Guides, g)
	}
	return nav
}

// Package markup converts Markdown of untrusted users to HTML that a page may
// insert without changes.
//
// Two layers keep scripts out, each of which would be sufficient: of HTML in a
// text only the tags and attributes of a list are written (raw.go), and the
// output is sanitised with an allow list (policy.go), which is the last step. A
// third layer limits the work for any text (limits.go).
package markup

import (
	"bytes"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Converter converts Markdown to HTML. It is safe for concurrent use.
type Converter struct{ markdown goldmark.Markdown }

// NewConverter returns a Converter of CommonMark with a part of HTML, and with
// GitHub's tables, task lists, footnotes, strikethrough and autolinks. The
// links and images of a text may have addresses relative to base (ParseBase),
// unless it is nil.
func NewConverter(base *url.URL) *Converter {
	return &Converter{goldmark.New(goldmark.WithParser(newParser(base)), goldmark.WithRenderer(newRenderer(base)))}
}

func newParser(base *url.URL) parser.Parser {
	return parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(limitedContainer{parser.NewListParser()}, 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(limitedContainer{parser.NewBlockquoteParser()}, 800),
			util.Prioritized(rawBlock{parser.NewHTMLBlockParser()}, 900),
			util.Prioritized(limitedContainer{limitedFootnotes{extension.NewFootnoteBlockParser()}}, 999),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(extension.NewTaskCheckBoxParser(), 0),
			util.Prioritized(limitedInline{parser.NewCodeSpanParser()}, 100),
			util.Prioritized(limitedInline{limitedReferences{extension.NewFootnoteParser()}}, 101),
			util.Prioritized(limitedInline{parser.NewLinkParser()}, 200),
			util.Prioritized(limitedInline{parser.NewAutoLinkParser()}, 300),
			util.Prioritized(limitedInline{rawInline{parser.NewRawHTMLParser()}}, 400),
			util.Prioritized(limitedInline{parser.NewEmphasisParser()}, 500),
			util.Prioritized(limitedInline{extension.NewStrikethroughParser()}, 500),
			util.Prioritized(limitedLinks{bareURLs{}}, 998),
			util.Prioritized(limitedInline{limitedLinks{bareMails}}, 999),
		),
		parser.WithParagraphTransformers(
			util.Prioritized(limitedDefinitions{parser.LinkReferenceParagraphTransformer}, 100),
			util.Prioritized(limitedTable{extension.NewTableParagraphTransformer()}, 200),
		),
		parser.WithASTTransformers(
			util.Prioritized(extension.NewTableASTTransformer(), 0),
			util.Prioritized(extension.NewFootnoteASTTransformer(), 900),
			util.Prioritized(headings{}, 999), // after the footnotes have their places
			util.Prioritized(links{base}, 1000),
		),
	)
}

func newRenderer(base *url.URL) renderer.Renderer {
	return renderer.NewRenderer(renderer.WithNodeRenderers(
		util.Prioritized(extension.NewTableHTMLRenderer(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), 500),
		util.Prioritized(extension.NewStrikethroughHTMLRenderer(), 500),
		util.Prioritized(extension.NewTaskCheckBoxHTMLRenderer(), 500),
		util.Prioritized(extension.NewFootnoteHTMLRenderer(extension.WithFootnoteIDPrefixFunction(footnotePrefix)), 500),
		util.Prioritized(rawRenderer{base}, 500),
		util.Prioritized(html.NewRenderer(), 1000),
	))
}

// bareMails makes links of e-mail addresses alone; bareURLs does the rest.
var bareMails = func() parser.InlineParser {
	never := regexp.MustCompile(`^[^\s\S]`)
	return extension.NewLinkifyParser(extension.WithLinkifyURLRegexp(never), extension.WithLinkifyWWWRegexp(never))
}()

// Text is a text as HTML. Requests share it and must not change it.
type Text struct {
	// HTML has only elements that are properly nested and closed. It runs and
	// submits nothing, and loads nothing but images.
	HTML string
	// Contents are the headings of the HTML that have an id, in its order. It
	// is not nil.
	Contents []Heading
}

// Heading is a heading with an id.
type Heading struct {
	Level int // from 1 to 6
	ID    string
	Text  string // not HTML, up to maxTitle characters
}

// Convert converts Markdown to HTML.
func (c *Converter) Convert(src string) *Text {
	source := []byte(strings.TrimPrefix(src, "\ufeff")) // a byte order mark
	pc := parser.NewContext()
	doc := c.markdown.Parser().Parse(text.NewReader(source), parser.WithContext(pc))
	made := new(bytes.Buffer)
	made.Grow(len(source) + len(source)/4)
	// Render returns only errors of the writer, and a buffer has none.
	_ = c.markdown.Renderer().Render(made, source, doc)
	contents := pc.Get(contentsKey).([]Heading)
	if pc.Get(rawKey) != nil {
		var dropped map[string]bool
		made, dropped = balance(made.Bytes())
		contents = slices.DeleteFunc(contents, func(h Heading) bool { return dropped[h.ID] })
	}
	return &Text{HTML: policy.SanitizeReader(made).String(), Contents: contents}
}

// rel tells search engines not to follow a user's link, and prevents the linked
// page from accessing the page with the link.
const rel = "nofollow noopener ugc"

// links resolves relative addresses, and sets rel on every link to another
// page. It replaces links by their text if the address is not permitted, if
// there are more than maxLinks, or if repeated definitions make the output much
// longer than the source.
type links struct{ base *url.URL }

// Transform implements parser.ASTTransformer.
func (l links) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	left, count := len(reader.Source())+expansion, 0
	var refused []ast.Node
	check := func(n ast.Node, address, title []byte) []byte {
		if count++; count > maxLinks {
			refused = append(refused, n)
			return address
		}
		_, isImage := n.(*ast.Image)
		inside := !isImage && ownFragment.Match(address)
		if !inside {
			n.SetAttributeString("rel", []byte(rel)) // images are rendered without it
		}
		left -= len(address) + len(title)
		if !inside && !permitted(address) {
			address = l.resolve(address)
		}
		if left < 0 || address == nil {
			refused = append(refused, n)
		}
		return address
	}
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n := n.(type) {
			case *ast.Link:
				if heading := fragment(n.Destination, doc); heading != nil {
					n.Destination = heading
				}
				n.Destination = check(n, n.Destination, n.Title)
			case *ast.Image:
				n.Destination = check(n, n.Destination, n.Title)
			case *ast.AutoLink:
				address := n.URL(reader.Source())
				if n.AutoLinkType == ast.AutoLinkEmail {
					address = append([]byte("mailto:"), address...)
				}
				check(n, address, nil)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, n := range refused {
		parent := n.Parent()
		if auto, ok := n.(*ast.AutoLink); ok {
			parent.InsertBefore(parent, n, ast.NewString(auto.Label(reader.Source())))
		}
		for child := n.FirstChild(); child != nil; child = n.FirstChild() {
			parent.InsertBefore(parent, n, child)
		}
		parent.RemoveChild(parent, n)
	}
}

// resolve returns the absolute address that a relative one in Markdown means,
// as Markdown, or nil if it means none.
func (l links) resolve(address []byte) []byte {
	absolute := resolve(l.base, string(unescape(address)))
	if absolute == "" {
		return nil
	}
	return []byte(strings.ReplaceAll(absolute, "&", "&amp;"))
}

// permitted reports whether an address is absolute and has a permitted scheme.
// A relative address would mean another page on each page that shows the text.
func permitted(address []byte) bool {
	u, err := url.Parse(string(util.URLEscape(address, true)))
	return err == nil && isAbsolute(u)
}

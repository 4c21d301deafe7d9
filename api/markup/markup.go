// Package markup turns the Markdown of strangers into HTML that a page may
// insert as it is.
//
// Two layers keep scripts out, each of which would do alone: the parser knows
// no raw HTML, so that tags in the text are shown as text, and what it makes
// is sanitised by a list of what is permitted (policy.go). A third keeps the
// work small, whatever was written (limits.go).
package markup

import (
	"bytes"
	"net/url"
	"slices"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown is CommonMark without raw HTML, with GitHub's tables,
// strikethrough and autolinks. Task lists are left out: they are forms.
var markdown = goldmark.New(
	goldmark.WithParser(parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(shallow{parser.NewListParser()}, 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(shallow{parser.NewBlockquoteParser()}, 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(thrifty{parser.NewCodeSpanParser()}, 100),
			util.Prioritized(thrifty{parser.NewLinkParser()}, 200),
			util.Prioritized(thrifty{parser.NewAutoLinkParser()}, 300),
			util.Prioritized(thrifty{parser.NewEmphasisParser()}, 500),
			util.Prioritized(thrifty{extension.NewStrikethroughParser()}, 500),
			util.Prioritized(thrifty{extension.NewLinkifyParser()}, 999),
		),
		parser.WithParagraphTransformers(
			util.Prioritized(brief{parser.LinkReferenceParagraphTransformer}, 100),
			util.Prioritized(compact{extension.NewTableParagraphTransformer()}, 200),
		),
		parser.WithASTTransformers(
			util.Prioritized(extension.NewTableASTTransformer(), 0),
			util.Prioritized(links{}, 1000),
		),
	)),
	goldmark.WithRenderer(renderer.NewRenderer(renderer.WithNodeRenderers(
		util.Prioritized(extension.NewTableHTMLRenderer(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), 500),
		util.Prioritized(extension.NewStrikethroughHTMLRenderer(), 500),
		util.Prioritized(html.NewRenderer(), 1000),
	))),
)

// HTML returns src, which is Markdown, as HTML: elements that are properly
// nested and closed, and nothing that runs, loads or submits anything but
// images.
func HTML(src string) string {
	source := []byte(src)
	var made bytes.Buffer
	made.Grow(len(source) + len(source)/4)
	// Its error is the writer's, and a buffer has none.
	_ = markdown.Convert(source, &made)
	return policy.SanitizeReader(&made).String()
}

// rel tells search engines not to follow a stranger's link, and browsers not
// to give the page that it leads to a handle on this one.
const rel = "nofollow noopener ugc"

// links marks every link, and puts text in the place of those that lead to
// nowhere that is permitted, or repeat a definition until the answer is far
// longer than the source.
type links struct{}

// Transform implements parser.ASTTransformer.
func (links) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	left := len(reader.Source()) + expansion
	var refused []ast.Node
	check := func(n ast.Node, address, title []byte) {
		n.SetAttributeString("rel", []byte(rel)) // not rendered of images
		if left -= len(address) + len(title); left < 0 || !permitted(address) {
			refused = append(refused, n)
		}
	}
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n := n.(type) {
			case *ast.Link:
				check(n, n.Destination, n.Title)
			case *ast.Image:
				check(n, n.Destination, n.Title)
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

// permitted tells whether an address is absolute, of a scheme that only leads
// to somewhere. Relative ones would mean another place on every page.
func permitted(address []byte) bool {
	u, err := url.Parse(string(util.URLEscape(address, true)))
	return err == nil && slices.Contains(schemes, u.Scheme)
}

package pages

import (
	"bytes"
	"errors"
	"html/template"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown passes raw HTML through: the guides are the project's own. Columns
// are aligned by attribute, since the policy permits no inline styles.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.Strikethrough, extension.Linkify,
		extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))),
	goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(blocks{}, 1000))),
	goldmark.WithRendererOptions(html.WithUnsafe(), renderer.WithNodeRenderers(util.Prioritized(blocks{}, 100))),
)

// source is the URL of the repository's files that the service does not serve.
const source = "https://github.com/byline-api/byline/blob/main/"

// render sets the title, summary, sections and HTML of g from its Markdown.
func render(g *guide, src []byte) error {
	ctx := parser.NewContext(parser.WithIDs(&anchors{used: map[string]bool{}}))
	doc := markdown.Parser().Parse(text.NewReader(src), parser.WithContext(ctx))
	if first := doc.FirstChild(); first == nil || first.Kind() != ast.KindHeading || first.(*ast.Heading).Level != 1 {
		return errors.New("a guide begins with a first-level heading")
	}
	var headings []*ast.Heading
	var texts []*strings.Builder // of the sections, one for each heading
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			headings, texts = append(headings, n), append(texts, &strings.Builder{})
		case *ast.Link:
			from := string(n.Destination)
			to := siteLink(from)
			n.Destination = []byte(to)
			if strings.HasPrefix(to, "/") {
				to = defaultOrigin + to
			}
			if strings.HasPrefix(from, "../") || strings.HasPrefix(from, "/") {
				g.Markdown = bytes.ReplaceAll(g.Markdown, []byte("]("+from+")"), []byte("]("+to+")"))
			}
		case *ast.Image:
			n.Destination = []byte(siteLink(string(n.Destination)))
		case *ast.Paragraph:
			if g.Summary == "" && n.Parent() == doc {
				g.Summary = plainText(n, src)
			}
		}
		// The text of blocks that have no blocks in them, without code.
		if first := n.FirstChild(); n.Kind() != ast.KindHeading && n.Type() == ast.TypeBlock && first != nil && first.Type() == ast.TypeInline {
			text := texts[len(texts)-1]
			text.WriteString(plainText(n, src) + " ")
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return err
	}
	for i, h := range headings {
		title := plainText(h, src)
		part := section{Title: title, Text: strings.Join(strings.Fields(texts[i].String()), " "), level: h.Level}
		if h.Level == 1 && g.Title == "" {
			g.Title = title
			g.Sections = append(g.Sections, part)
			continue
		}
		value, _ := h.AttributeString("id")
		id, _ := value.([]byte)
		part.ID = string(id)
		g.Sections = append(g.Sections, part)
		link := ast.NewLink()
		link.Destination = append([]byte("#"), id...)
		link.SetAttributeString("class", []byte("anchor"))
		link.SetAttributeString("aria-label", []byte("Link to this section"))
		link.AppendChild(link, ast.NewString([]byte("#")))
		h.AppendChild(h, link)
	}
	var b bytes.Buffer
	if err := markdown.Renderer().Render(&b, src, doc); err != nil {
		return err
	}
	g.HTML = template.HTML(b.String())
	return nil
}

// siteLink converts a link between files of the repository into one between the
// pages of the service.
func siteLink(dest string) string {
	if strings.Contains(dest, ":") || strings.HasPrefix(dest, "/") || strings.HasPrefix(dest, "#") {
		return dest
	}
	file, fragment, found := strings.Cut(dest, "#")
	if found {
		fragment = "#" + fragment
	}
	switch file = path.Join("docs", file); {
	case file == "openapi.yaml":
		return "/openapi.yaml"
	case path.Dir(file) == "docs" && path.Ext(file) == ".md":
		return "/" + strings.TrimSuffix(file, ".md") + fragment
	case path.Dir(file) == "docs" && path.Ext(file) == ".svg":
		return "/" + file
	default:
		return source + file + fragment
	}
}

// plainText returns the text of a node, without markup.
func plainText(n ast.Node, src []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(src))
			if t.SoftLineBreak() {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// anchors names headings as GitHub does, so that links work in both places:
// goldmark's own would turn already_taken into already-taken.
type anchors struct{ used map[string]bool }

func (a *anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	id := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		default:
			return -1
		}
	}, strings.TrimSpace(string(value)))
	unique := id
	for n := 1; a.used[unique]; n++ {
		unique = id + "-" + strconv.Itoa(n)
	}
	a.used[unique] = true
	return []byte(unique)
}

func (a *anchors) Put(value []byte) { a.used[string(value)] = true }

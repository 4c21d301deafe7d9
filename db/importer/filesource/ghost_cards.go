package filesource

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// These functions make HTML of the two formats of Ghost's editors, for posts that
// have no HTML. The HTML then becomes Markdown as that of other posts does.

// ghostNode is a node of Lexical, or the values of a card of Mobiledoc.
type ghostNode struct {
	Type     string          `json:"type"`
	Children []ghostNode     `json:"children"`
	Text     string          `json:"text"`
	Format   json.RawMessage `json:"format"` // bits for a text, an alignment for others
	Tag      string          `json:"tag"`
	ListType string          `json:"listType"`

	URL         string      `json:"url"`
	Src         string      `json:"src"`
	Alt         string      `json:"alt"`
	Caption     string      `json:"caption"`
	Code        string      `json:"code"`
	Language    string      `json:"language"`
	HTML        string      `json:"html"`
	Markdown    string      `json:"markdown"`
	CalloutText string      `json:"calloutText"`
	Heading     string      `json:"heading"`
	Content     string      `json:"content"`
	ButtonText  string      `json:"buttonText"`
	ButtonURL   string      `json:"buttonUrl"`
	FileName    string      `json:"fileName"`
	Images      []ghostNode `json:"images"`
	Metadata    struct {
		Title string `json:"title"`
	} `json:"metadata"`
}

// cards writes HTML and notes what it leaves out.
type cards struct {
	out  strings.Builder
	lost []string
}

func (c *cards) printf(format string, args ...string) {
	escaped := make([]any, len(args))
	for i, a := range args {
		escaped[i] = html.EscapeString(a)
	}
	fmt.Fprintf(&c.out, format, escaped...)
}

func (c *cards) result() (string, []string) {
	slices.Sort(c.lost)
	return c.out.String(), slices.Compact(c.lost)
}

// lexicalHTML converts a document of Lexical, the editor since version 5.
func lexicalHTML(text string) (string, []string, error) {
	var doc struct{ Root ghostNode }
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return "", nil, fmt.Errorf("its Lexical document is no JSON of the usual form: %w", member(err))
	}
	var c cards
	if err := c.nodes(doc.Root.Children, 0); err != nil {
		return "", nil, err
	}
	out, lost := c.result()
	return out, lost, nil
}

func (c *cards) nodes(all []ghostNode, depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	for _, n := range all {
		if err := c.node(n, depth); err != nil {
			return err
		}
	}
	return nil
}

// blockTags are the elements that are made of nodes.
var blockTags = []string{"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li"}

func (c *cards) node(n ghostNode, depth int) error {
	switch n.Type {
	case "text", "extended-text", "code-highlight":
		c.text(n)
		return nil
	case "linebreak":
		c.out.WriteString("<br>")
		return nil
	case "link", "autolink":
		c.printf(`<a href="%s">`, n.URL)
		err := c.nodes(n.Children, depth+1)
		c.out.WriteString("</a>")
		return err
	}
	tag := ""
	switch n.Type {
	case "paragraph", "aside":
		tag = "p"
	case "heading", "extended-heading":
		tag = n.Tag
	case "quote", "extended-quote":
		tag = "blockquote"
	case "list":
		tag = map[string]string{"number": "ol"}[n.ListType]
		if tag == "" {
			tag = "ul"
		}
	case "listitem":
		tag = "li"
	default:
		c.card(n)
		return c.nodes(n.Children, depth+1)
	}
	if !slices.Contains(blockTags, tag) {
		tag = "p"
	}
	c.out.WriteString("<" + tag + ">")
	err := c.nodes(n.Children, depth+1)
	c.out.WriteString("</" + tag + ">\n")
	return err
}

// text writes a text with its format, of which each bit is one.
func (c *cards) text(n ghostNode) {
	var bits int
	_ = json.Unmarshal(n.Format, &bits) // other formats are none
	var closing string
	for bit, tag := range map[int]string{1: "strong", 2: "em", 4: "s", 16: "code"} {
		if bits&bit != 0 {
			closing += tag + " "
		}
	}
	tags := strings.Fields(closing)
	slices.Sort(tags)
	for _, tag := range slices.Backward(tags) {
		c.out.WriteString("<" + tag + ">")
	}
	c.printf("%s", n.Text)
	for _, tag := range tags {
		c.out.WriteString("</" + tag + ">")
	}
}

// card writes what an editor calls a card: a picture, a piece of code.
func (c *cards) card(n ghostNode) {
	switch strings.TrimPrefix(n.Type, "card-") {
	case "image":
		c.picture(n)
	case "gallery":
		for _, image := range n.Images {
			c.picture(image)
		}
	case "horizontalrule", "hr":
		c.out.WriteString("<hr>\n")
	case "codeblock", "code":
		c.printf("<pre><code class=\"language-%s\">%s</code></pre>\n", n.Language, n.Code)
	case "html":
		c.out.WriteString("<div>" + n.HTML + "</div>\n")
	case "markdown":
		c.markdown(n.Markdown)
	case "embed":
		if n.URL != "" {
			c.printf("<p><a href=\"%s\">%s</a></p>\n", n.URL, n.URL)
		} else {
			c.out.WriteString("<div>" + n.HTML + "</div>\n")
		}
	case "bookmark":
		title := n.Metadata.Title
		if title == "" {
			title = n.URL
		}
		c.printf("<p><a href=\"%s\">%s</a></p>\n", n.URL, title)
	case "callout":
		c.out.WriteString("<blockquote>" + n.CalloutText + "</blockquote>\n")
	case "toggle":
		c.out.WriteString("<p><strong>" + n.Heading + "</strong></p><div>" + n.Content + "</div>\n")
	case "button":
		c.printf("<p><a href=\"%s\">%s</a></p>\n", n.ButtonURL, n.ButtonText)
	case "video", "audio", "file":
		name := n.FileName
		if name == "" {
			name = n.Src
		}
		c.printf("<p><a href=\"%s\">%s</a></p>\n", n.Src, name)
	case "paywall": // divides the text and shows nothing
	default:
		c.lost = append(c.lost, fmt.Sprintf("a card of the type %.40q", n.Type))
	}
}

func (c *cards) picture(n ghostNode) {
	c.printf("<p><img src=\"%s\" alt=\"%s\"></p>\n", n.Src, n.Alt)
	if n.Caption != "" {
		c.out.WriteString("<p>" + n.Caption + "</p>\n")
	}
}

func (c *cards) markdown(text string) {
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM)).Convert([]byte(text), &c.out); err != nil {
		c.lost = append(c.lost, "a card of the type \"markdown\"")
	}
}

// mobiledoc is a document of the editor before version 5.
type mobiledoc struct {
	Atoms    [][]json.RawMessage `json:"atoms"`
	Cards    [][]json.RawMessage `json:"cards"`
	Markups  [][]json.RawMessage `json:"markups"`
	Sections [][]json.RawMessage `json:"sections"`
}

var errMobiledoc = errors.New("its Mobiledoc document is no JSON of the usual form")

// mobiledocHTML converts a document of Mobiledoc.
func mobiledocHTML(text string) (string, []string, error) {
	var doc mobiledoc
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return "", nil, errMobiledoc
	}
	var c cards
	for _, section := range doc.Sections {
		if err := c.section(doc, section); err != nil {
			return "", nil, err
		}
	}
	out, lost := c.result()
	return out, lost, nil
}

// The kinds of sections of Mobiledoc.
const (
	markupSection = 1
	imageSection  = 2
	listSection   = 3
	cardSection   = 10
)

func (c *cards) section(doc mobiledoc, section []json.RawMessage) error {
	var kind int
	var name string
	switch {
	case read(section, 0, &kind) && kind == cardSection:
		var index int
		var n ghostNode
		if !read(section, 1, &index) || index < 0 || index >= len(doc.Cards) || !read(doc.Cards[index], 0, &name) {
			return errMobiledoc
		}
		_ = read(doc.Cards[index], 1, &n) // a card may have no values
		n.Type = name
		c.card(n)
	case kind == imageSection && read(section, 1, &name):
		c.picture(ghostNode{Src: name})
	case kind == markupSection && read(section, 1, &name):
		return c.markers(doc, section, name)
	case kind == listSection && read(section, 1, &name):
		var items []json.RawMessage
		if !read(section, 2, &items) || name != "ul" && name != "ol" {
			return errMobiledoc
		}
		c.out.WriteString("<" + name + ">")
		for _, item := range items {
			if err := c.markers(doc, []json.RawMessage{nil, nil, item}, "li"); err != nil {
				return err
			}
		}
		c.out.WriteString("</" + name + ">\n")
	default:
		return errMobiledoc
	}
	return nil
}

var inlineTags = []string{"a", "b", "strong", "i", "em", "s", "code", "u", "sub", "sup"}

// markers writes the text of a section. Each marker is a text, and says which
// elements begin before it and how many end behind it.
func (c *cards) markers(doc mobiledoc, section []json.RawMessage, tag string) error {
	var markers [][]json.RawMessage
	if !read(section, 2, &markers) {
		return errMobiledoc
	}
	if !slices.Contains(blockTags, tag) {
		tag = "p"
	}
	c.out.WriteString("<" + tag + ">")
	var open []string
	for _, m := range markers {
		var kind, closed int
		var opened []int
		if !read(m, 0, &kind) || !read(m, 1, &opened) || !read(m, 2, &closed) || len(open)+len(opened) > maxDepth {
			return errMobiledoc
		}
		for _, index := range opened {
			name, err := c.open(doc, index)
			if err != nil {
				return err
			}
			open = append(open, name)
		}
		var text string
		var atom int
		if kind == 1 && read(m, 3, &atom) && atom >= 0 && atom < len(doc.Atoms) {
			if _ = read(doc.Atoms[atom], 1, &text); text == "" {
				c.out.WriteString("<br>") // the atom soft-return
			}
		} else {
			_ = read(m, 3, &text)
		}
		c.printf("%s", text)
		for range min(max(closed, 0), len(open)) {
			c.out.WriteString("</" + open[len(open)-1] + ">")
			open = open[:len(open)-1]
		}
	}
	for _, name := range slices.Backward(open) { // a document that is not right
		c.out.WriteString("</" + name + ">")
	}
	c.out.WriteString("</" + tag + ">\n")
	return nil
}

// open begins the element of a markup.
func (c *cards) open(doc mobiledoc, index int) (string, error) {
	var name string
	if index < 0 || index >= len(doc.Markups) || !read(doc.Markups[index], 0, &name) {
		return "", errMobiledoc
	}
	if name = strings.ToLower(name); !slices.Contains(inlineTags, name) {
		name = "span"
	}
	var attributes []string
	_ = read(doc.Markups[index], 1, &attributes) // most have none
	c.out.WriteString("<" + name)
	if len(attributes) > 1 && attributes[0] == "href" {
		c.printf(` href="%s"`, attributes[1])
	}
	c.out.WriteString(">")
	return name, nil
}

// read reads an element of a list, and reports whether it is there.
func read(list []json.RawMessage, index int, into any) bool {
	return index < len(list) && json.Unmarshal(list[index], into) == nil
}

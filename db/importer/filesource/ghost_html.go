package filesource

import (
	"errors"
	"slices"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/strikethrough"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// texts converts HTML to Markdown.
type texts struct{ converter *converter.Converter }

func newTexts() *texts {
	return &texts{converter.NewConverter(converter.WithPlugins(base.NewBasePlugin(), commonmark.NewCommonmarkPlugin(),
		strikethrough.NewStrikethroughPlugin(), table.NewTablePlugin(table.WithCellPaddingBehavior(table.CellPaddingBehaviorMinimal))))}
}

// maxDepth is how deep elements may be nested. Texts of people are not so deep.
const maxDepth = 200

var errDeep = errors.New("its parts are nested too deep")

// markdown converts HTML, and says what it has left out.
func (t *texts) markdown(text string) (markdown string, lost []string, err error) {
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return "", nil, err
	}
	if lost, err = replaceMedia(doc, 0); err != nil {
		return "", nil, err
	}
	out, err := t.converter.ConvertNode(doc)
	return string(out), lost, err
}

// replaceMedia puts links where Markdown has no element for what is shown, and
// names elements that have no address.
func replaceMedia(n *html.Node, depth int) (lost []string, err error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling
		switch child.DataAtom {
		case atom.Iframe, atom.Video, atom.Audio, atom.Embed, atom.Object:
			if address := addressOf(child); address != "" {
				n.InsertBefore(link(address), child)
			} else {
				lost = append(lost, "an element <"+child.Data+"> without an address")
			}
			n.RemoveChild(child)
		case atom.Script, atom.Form, atom.Input, atom.Textarea, atom.Select, atom.Svg, atom.Canvas:
			lost = append(lost, "an element <"+child.Data+">")
			n.RemoveChild(child)
		default:
			more, err := replaceMedia(child, depth+1)
			if err != nil {
				return nil, err
			}
			lost = append(lost, more...)
		}
		child = next
	}
	slices.Sort(lost)
	return slices.Compact(lost), nil
}

// addressOf returns the address of what an element shows.
func addressOf(n *html.Node) string {
	for _, a := range n.Attr {
		if (a.Key == "src" || a.Key == "data") && a.Val != "" {
			return a.Val
		}
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.DataAtom == atom.Source {
			return addressOf(child)
		}
	}
	return ""
}

func link(address string) *html.Node {
	p := &html.Node{Type: html.ElementNode, DataAtom: atom.P, Data: "p"}
	a := &html.Node{Type: html.ElementNode, DataAtom: atom.A, Data: "a", Attr: []html.Attribute{{Key: "href", Val: address}}}
	a.AppendChild(&html.Node{Type: html.TextNode, Data: address})
	p.AppendChild(a)
	return p
}

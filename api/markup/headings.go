package markup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// idPrefix begins each id in the HTML. Without it, a heading could have the id
// of an element of the page around it. GitHub uses the same prefix.
const idPrefix = "user-content-"

const (
	// maxHeadings is how many headings of a text have an id.
	maxHeadings = 1000
	// maxID is how many characters the id of a heading has, without its prefix
	// and its number.
	maxID = 100
	// maxTitle is how many characters of a heading the contents have.
	maxTitle = 200
)

// headings gives an id to each heading, which consists of the words of the
// heading, as on GitHub. Links to "#words" lead to it. It makes the contents
// from the headings with an id.
type headings struct{}

var contentsKey = parser.NewContextKey()

// idsMeta is the name of the ids of the headings in the document's metadata,
// where the renderer finds them.
const idsMeta = "headingIDs"

// Transform implements parser.ASTTransformer.
func (headings) Transform(doc *ast.Document, reader text.Reader, pc parser.Context) {
	next := map[string]int{} // by id, how many further headings have the same text
	contents := []Heading{}
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		heading, ok := n.(*ast.Heading)
		if !ok || !entering || len(next) == maxHeadings {
			return ast.WalkContinue, nil
		}
		base, title := words(heading, reader.Source())
		if base == "" {
			return ast.WalkSkipChildren, nil
		}
		id := base
		for _, taken := next[id]; taken; _, taken = next[id] {
			next[base]++
			id = base + "-" + strconv.Itoa(next[base])
		}
		next[id] = 0
		heading.SetAttributeString("id", []byte(idPrefix+id))
		contents = append(contents, Heading{Level: heading.Level, ID: idPrefix + id, Text: title})
		return ast.WalkSkipChildren, nil
	})
	doc.AddMeta(idsMeta, next)
	pc.Set(contentsKey, contents)
}

// words returns the text of a heading twice: in lower case, with hyphens for
// spaces and without punctuation, and as it is shown.
func words(heading *ast.Heading, source []byte) (id, title string) {
	var ids, titles strings.Builder
	idLength, titleLength := 0, 0
	add := func(text []byte) {
		for _, r := range string(text) {
			if r == '\n' {
				r = ' '
			}
			if titleLength < maxTitle {
				titles.WriteRune(r)
				titleLength++
			}
			switch {
			case idLength >= maxID:
				continue
			case r == ' ' || r == '-':
				ids.WriteByte('-')
			case r == '_' || unicode.In(r, unicode.L, unicode.M, unicode.N):
				ids.WriteRune(unicode.ToLower(r))
			default:
				continue
			}
			idLength++
		}
	}
	_ = ast.Walk(heading, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			if text := n.Segment.Value(source); n.IsRaw() {
				add(text) // code
			} else {
				add(unescape(text))
			}
			if n.SoftLineBreak() || n.HardLineBreak() {
				add([]byte{' '})
			}
		case *ast.String:
			add(n.Value)
		case *ast.AutoLink:
			add(n.Label(source))
		}
		return ast.WalkContinue, nil
	})
	return strings.Trim(ids.String(), "-"), strings.TrimSpace(titles.String())
}

// unescape returns a part of a text without references to characters and
// without the backslashes before punctuation.
func unescape(s []byte) []byte {
	return util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(s)))
}

// fragment returns the address of the heading that a link to "#words" in n's
// document means, or nil.
func fragment(address []byte, n ast.Node) []byte {
	name, ok := bytes.CutPrefix(address, []byte{'#'})
	if !ok {
		return nil
	}
	ids, _ := n.OwnerDocument().Meta()[idsMeta].(map[string]int)
	for _, id := range []string{string(name), strings.ToLower(string(name))} {
		if _, found := ids[id]; found {
			return []byte("#" + idPrefix + id)
		}
	}
	return nil
}

const footnotePrefixKey = "footnotePrefix"

// footnotePrefix returns the prefix of the ids of a text's footnotes. It has a
// hash of the text, since a page may show several texts with footnotes.
func footnotePrefix(n ast.Node) []byte {
	prefix, _ := n.OwnerDocument().Meta()[footnotePrefixKey].(string)
	return []byte(prefix)
}

func newFootnotePrefix(source []byte) string {
	sum := sha256.Sum256(source)
	return idPrefix + hex.EncodeToString(sum[:4]) + "-"
}

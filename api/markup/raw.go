package markup

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
	"golang.org/x/net/html"
)

// tags are the elements that a text may write as HTML, with their attributes.
// All other tags in a text are shown as text.
var tags = map[string][]string{
	"a": {"href", "title"}, "abbr": {"title"}, "b": nil, "blockquote": nil, "br": nil, "caption": nil, "cite": nil, "code": nil,
	"dd": nil, "del": nil, "details": {"open"}, "div": {"align"}, "dl": nil, "dt": nil, "em": nil, "figcaption": nil, "figure": nil,
	"h1": {"align"}, "h2": {"align"}, "h3": {"align"}, "h4": {"align"}, "h5": {"align"}, "h6": {"align"}, "hr": nil, "i": nil,
	"img": {"src", "alt", "title", "width", "height", "align"}, "ins": nil, "kbd": nil, "li": nil, "mark": nil, "ol": {"start"},
	"p": {"align"}, "pre": nil, "q": nil, "s": nil, "samp": nil, "small": nil, "strong": nil, "sub": nil, "summary": nil, "sup": nil,
	"table": nil, "tbody": nil, "td": {"align", "colspan", "rowspan"}, "tfoot": nil, "th": {"align", "colspan", "rowspan"},
	"thead": nil, "tr": nil, "tt": nil, "u": nil, "ul": nil, "var": nil,
}

// void are the elements that have no end tag.
var void = map[string]bool{"br": true, "hr": true, "img": true, "input": true}

const (
	// maxOpen is how deep the elements of a text with tags may be nested.
	// Further tags are left out.
	maxOpen = 300
	// maxTags is how many tags, or blocks of them, a text may have. Further
	// ones are shown as text.
	maxTags = 5000
)

// rawKey is the key of the number of tags and blocks.
var rawKey = parser.NewContextKey()

// beginsTag reports whether s begins with one of the tags, or with a comment.
func beginsTag(s []byte) bool {
	if bytes.HasPrefix(s, []byte("<!--")) {
		return true
	}
	s = bytes.TrimPrefix(bytes.TrimPrefix(s, []byte{'<'}), []byte{'/'})
	end := 0
	for end < len(s) && util.IsAlphaNumeric(s[end]) {
		end++
	}
	if end == len(s) || end < len(s) && s[end] == '-' {
		return false
	}
	_, known := tags[strings.ToLower(string(s[:end]))]
	return known
}

// rawInline parses only the tags that a text may have.
type rawInline struct{ parser.InlineParser }

// Parse implements parser.InlineParser.
func (p rawInline) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	seen, _ := pc.Get(rawKey).(int)
	if line, _ := block.PeekLine(); seen >= maxTags || !beginsTag(line) {
		return nil
	}
	n := p.InlineParser.Parse(parent, block, pc)
	if n != nil {
		pc.Set(rawKey, seen+1)
	}
	return n
}

// rawBlock parses only blocks that begin with such a tag.
type rawBlock struct{ parser.BlockParser }

// Open implements parser.BlockParser.
func (p rawBlock) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	seen, _ := pc.Get(rawKey).(int)
	line, _ := reader.PeekLine()
	if at := pc.BlockOffset(); seen >= maxTags || at < 0 || !beginsTag(line[at:]) {
		return nil, parser.NoChildren
	}
	n, state := p.BlockParser.Open(parent, reader, pc)
	if n != nil {
		pc.Set(rawKey, seen+1)
	}
	return n, state
}

// rawRenderer writes the tags of a text with no other attributes than those in
// the list above. It resolves relative addresses.
type rawRenderer struct{ base *url.URL }

// RegisterFuncs implements renderer.NodeRenderer.
func (r rawRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindRawHTML, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			r.writeTags(w, n, n.(*ast.RawHTML).Segments.Value(source))
		}
		return ast.WalkSkipChildren, nil
	})
	reg.Register(ast.KindHTMLBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			block := n.(*ast.HTMLBlock)
			raw := block.Lines().Value(source)
			if block.HasClosure() {
				raw = append(raw, block.ClosureLine.Value(source)...)
			}
			r.writeTags(w, n, raw)
		}
		return ast.WalkContinue, nil
	})
}

// writeTags writes a part of a text, which is a node. Tags that the text must
// not have are written as text, comments are left out.
func (r rawRenderer) writeTags(w util.BufWriter, n ast.Node, raw []byte) {
	asText := func(raw []byte) {
		for _, c := range raw {
			switch c {
			case '<':
				_, _ = w.WriteString("&lt;")
			case '>':
				_, _ = w.WriteString("&gt;")
			default:
				_ = w.WriteByte(c)
			}
		}
	}
	z := html.NewTokenizer(bytes.NewReader(raw))
	for {
		kind := z.Next()
		raw := bytes.Clone(z.Raw()) // Token changes it
		switch kind {
		case html.ErrorToken:
			asText(raw)
			return
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			token := z.Token()
			if _, known := tags[token.Data]; !known {
				asText(raw)
				z.NextIsNotRawText() // also behind <script>
			} else if kind == html.EndTagToken {
				_, _ = w.WriteString("</" + token.Data + ">")
			} else {
				r.writeTag(w, n, token)
			}
		case html.CommentToken:
			if !bytes.HasPrefix(raw, []byte("<!--")) {
				asText(raw)
			}
		default:
			asText(raw)
		}
	}
}

// writeTag writes a start tag. A link whose address is not permitted is left
// out; of such an image its alternative text remains.
func (r rawRenderer) writeTag(w util.BufWriter, n ast.Node, token html.Token) {
	alternative := ""
	var attributes []html.Attribute
	for _, name := range tags[token.Data] {
		for _, a := range token.Attr {
			if a.Key != name {
				continue
			}
			switch name {
			case "alt":
				alternative = a.Val
			case "open":
				a.Val = ""
			}
			if name == "href" || name == "src" {
				if a.Val = r.address(n, name, a.Val); a.Val == "" {
					continue
				}
			}
			attributes = append(attributes, a)
			break
		}
	}
	switch addressed := len(attributes) > 0 && (attributes[0].Key == "href" || attributes[0].Key == "src"); {
	case token.Data == "img" && !addressed:
		_, _ = w.WriteString(html.EscapeString(alternative))
		return
	case token.Data == "a" && !addressed:
		return
	case token.Data == "a" && !ownFragment.MatchString(attributes[0].Val):
		attributes = append(attributes, html.Attribute{Key: "rel", Val: rel})
	}
	_, _ = w.WriteString("<" + token.Data)
	for _, a := range attributes {
		_, _ = w.WriteString(" " + a.Key + `="` + html.EscapeString(a.Val) + `"`)
	}
	_ = w.WriteByte('>')
}

// address returns the address that is written for the one in an attribute, or
// "" if it is not permitted.
func (r rawRenderer) address(n ast.Node, attribute, address string) string {
	if attribute == "href" {
		if heading := fragment([]byte(address), n); heading != nil {
			return string(heading)
		}
		if ownFragment.MatchString(address) {
			return address
		}
	}
	if permitted([]byte(strings.TrimSpace(address))) {
		return address
	}
	return resolve(r.base, strings.Trim(address, " "))
}

// balance returns HTML in which every element is closed, in the right order. A
// text can have tags without their counterparts. It also returns the ids of the
// elements that it has left out because they are nested too deep.
func balance(made []byte) (out *bytes.Buffer, dropped map[string]bool) {
	out, dropped = new(bytes.Buffer), map[string]bool{}
	out.Grow(len(made))
	var stack []string
	open := map[string]int{}
	pop := func() string {
		name := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		open[name]--
		out.WriteString("</" + name + ">")
		return name
	}
	z := html.NewTokenizer(bytes.NewReader(made))
	for {
		switch z.Next() {
		case html.ErrorToken:
			for len(stack) > 0 {
				pop()
			}
			return out, dropped
		case html.StartTagToken:
			raw := z.Raw()
			tag, _ := z.TagName()
			name := string(tag)
			switch {
			case void[name]:
				out.Write(raw)
			case len(stack) < maxOpen && (name != "a" || open["a"] == 0): // links cannot be nested
				out.Write(raw)
				stack = append(stack, name)
				open[name]++
			default:
				for more := true; more; {
					var key, value []byte
					if key, value, more = z.TagAttr(); string(key) == "id" {
						dropped[string(value)] = true
					}
				}
			}
		case html.EndTagToken:
			tag, _ := z.TagName()
			if name := string(tag); open[name] > 0 {
				for pop() != name {
				}
			}
		default:
			out.Write(z.Raw())
		}
	}
}

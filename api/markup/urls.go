package markup

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// bareURLs makes links of URLs that stand in a text, by the rules of GitHub
// Flavored Markdown, section 6.9. The parser of goldmark ends a URL at the
// first character that is not ASCII, so that the link leads to another page.
type bareURLs struct{}

// Trigger implements parser.InlineParser.
func (bareURLs) Trigger() []byte { return []byte{' ', '*', '_', '~', '(', ':'} }

// Parse implements parser.InlineParser. It is called at a colon, behind which
// there may be "//", and where a word may begin.
func (bareURLs) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	if pc.IsInLinkLabel() {
		return nil
	}
	line, segment := block.PeekLine()
	if line[0] == ':' {
		return schemeURL(parent, block, line, segment.Start)
	}
	return wwwURL(parent, block, line, segment.Start)
}

// schemeURL makes a link of a URL, of which line begins behind the scheme. The
// scheme is the end of the text before.
func schemeURL(parent ast.Node, block text.Reader, line []byte, at int) ast.Node {
	before, ok := parent.LastChild().(*ast.Text)
	if !ok || before.Segment.Stop != at || !bytes.HasPrefix(line, []byte("://")) {
		return nil
	}
	word := before.Segment.Value(block.Source())
	start := len(word)
	for start > 0 && isLetter(word[start-1]) && len(word)-start < len("https")+1 {
		start--
	}
	scheme := word[start:]
	if !bytes.EqualFold(scheme, []byte("http")) && !bytes.EqualFold(scheme, []byte("https")) {
		return nil
	}
	length := urlLength(line[len("://"):], false)
	if length == 0 {
		return nil
	}
	length += len("://")
	if start == 0 {
		parent.RemoveChild(parent, before)
	} else {
		before.Segment = before.Segment.WithStop(at - len(scheme))
	}
	block.Advance(length)
	return ast.NewAutoLink(ast.AutoLinkURL, ast.NewTextSegment(text.NewSegment(at-len(scheme), at+length)))
}

// wwwURL makes a link of a URL without a scheme.
func wwwURL(parent ast.Node, block text.Reader, line []byte, at int) ast.Node {
	prefix := 0
	switch line[0] {
	case ' ', '\t', '*', '_', '~', '(':
		prefix = 1
	default:
		switch before := block.PrecendingCharacter(); before {
		case '*', '_', '~', '(':
		default:
			if !unicode.IsSpace(before) {
				return nil
			}
		}
	}
	if !bytes.HasPrefix(line[prefix:], []byte("www.")) {
		return nil
	}
	length := urlLength(line[prefix:], true)
	if length <= len("www.") {
		return nil
	}
	if prefix > 0 {
		ast.MergeOrAppendTextSegment(parent, text.NewSegment(at, at+prefix))
	}
	block.Advance(prefix + length)
	link := ast.NewAutoLink(ast.AutoLinkURL, ast.NewTextSegment(text.NewSegment(at+prefix, at+prefix+length)))
	link.Protocol = []byte("http")
	return link
}

// urlLength returns the length of the URL at the start of a text that begins
// with its host, or 0 if the host is not valid.
func urlLength(s []byte, dotted bool) int {
	end := hostLength(s, dotted)
	if end == 0 {
		return 0
	}
	for end < len(s) {
		r, size := utf8.DecodeRune(s[end:])
		if r == '<' || unicode.IsSpace(r) || unicode.IsControl(r) {
			break
		}
		end += size
	}
	return trimURL(s[:end])
}

// hostLength returns the length of the host at the start of s. Its last two
// labels must not have underscores.
func hostLength(s []byte, dotted bool) int {
	i, dots, underscores, underscoresBefore := 0, 0, 0, 0
	for i < len(s) {
		r, size := utf8.DecodeRune(s[i:])
		switch {
		case r == '.':
			underscoresBefore, underscores = underscores, 0
			dots++
		case r == '_':
			underscores++
		case r != '-' && !unicode.In(r, unicode.L, unicode.M, unicode.N):
			size = 0
		}
		if size == 0 || i == 0 && !unicode.In(r, unicode.L, unicode.N) {
			break
		}
		i += size
	}
	if underscores+underscoresBefore > 0 || dotted && dots == 0 {
		return 0
	}
	return i
}

// trimURL returns the length of a URL without the punctuation behind it. A
// closing parenthesis belongs to the URL if it has an opening one.
func trimURL(s []byte) int {
	unmatched := bytes.Count(s, []byte{')'}) - bytes.Count(s, []byte{'('})
	for end := len(s); ; end-- {
		if end == 0 {
			return 0
		}
		switch s[end-1] {
		case '?', '!', '.', ',', ':', '*', '_', '~', '\'', '"':
		case ')':
			if unmatched <= 0 {
				return end
			}
			unmatched--
		case ';':
			i := end - 1
			for i > 0 && isLetter(s[i-1]) {
				i--
			}
			if i > 0 && i < end-1 && s[i-1] == '&' {
				end = i // behind the ampersand, which the next round cuts
			}
		default:
			r, size := utf8.DecodeLastRune(s[:end])
			if !endsText(r) {
				return end
			}
			end -= size - 1
		}
	}
}

// endsText reports whether r, which is not ASCII, is punctuation behind a URL:
// a quotation mark, a full stop or a comma.
func endsText(r rune) bool {
	return unicode.In(r, unicode.Pi, unicode.Pf) || strings.ContainsRune("」』。，、", r)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

package markup

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// The parser's time grows with the square of some elements that a text may
// contain, and a browser cannot show a thousand nested elements. Texts that
// people write are far below these limits. Beyond them, the markup is shown as
// plain text.
const (
	// maxDepth is how deep lists and quotes may be nested.
	maxDepth = 32
	// maxMarks is how many characters that may start or end an inline element,
	// such as * and [, a paragraph may have.
	maxMarks = 500
	// maxLines is how many lines a paragraph with link definitions may have.
	maxLines = 1000
	// maxPipes is how many escaped pipes the tables of a text may have.
	maxPipes = 1000
	// maxLinks is how many links and images a text may have. One takes 8 µs to
	// render, so that 256 KB of the shortest would take 0.3 s.
	maxLinks = 5000
	// maxFootnotes is how many footnotes a text may have.
	maxFootnotes = 100
	// maxReferences is how many references to footnotes a text may have. Each
	// makes two links of about 100 bytes.
	maxReferences = 200
	// expansion is how many bytes the links of a text may have in addition to
	// the length of the text. A definition can be used many times.
	expansion = 64 << 10
	// padding is how many cells a table may have in addition to the bytes of
	// its text. Short rows are filled up to the widest row.
	padding = 1000
)

// limitedContainer limits the nesting of containers to maxDepth.
type limitedContainer struct{ parser.BlockParser }

// Open implements parser.BlockParser.
func (s limitedContainer) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	depth := 0
	for n := parent; n != nil; n = n.Parent() {
		switch n.Kind() {
		case ast.KindList, ast.KindBlockquote, extast.KindFootnote:
			depth++
		}
	}
	if depth >= maxDepth {
		return nil, parser.NoChildren
	}
	return s.BlockParser.Open(parent, reader, pc)
}

var marksKey = parser.NewContextKey()

// marks counts the calls of the inline parsers for a block.
type marks struct {
	block ast.Node
	n     int
}

// limitedInline limits the calls of an inline parser to maxMarks for each
// block.
type limitedInline struct{ parser.InlineParser }

// Parse implements parser.InlineParser.
func (t limitedInline) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	if !util.IsPunct(block.Peek()) { // the start of a word, which may be a URL
		return t.InlineParser.Parse(parent, block, pc)
	}
	seen, ok := pc.Get(marksKey).(*marks)
	if !ok {
		seen = &marks{}
		pc.Set(marksKey, seen)
	}
	if seen.block != parent {
		seen.block, seen.n = parent, 0
	}
	if seen.n++; seen.n > maxMarks {
		return nil
	}
	return t.InlineParser.Parse(parent, block, pc)
}

// CloseBlock implements parser.CloseBlocker, if the inline parser does.
func (t limitedInline) CloseBlock(parent ast.Node, block text.Reader, pc parser.Context) {
	if c, ok := t.InlineParser.(parser.CloseBlocker); ok {
		c.CloseBlock(parent, block, pc)
	}
}

var linksKey = parser.NewContextKey()

// limitedLinks leaves addresses as text if a text has more than maxLinks.
type limitedLinks struct{ parser.InlineParser }

// Parse implements parser.InlineParser.
func (l limitedLinks) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	seen, ok := pc.Get(linksKey).(*int)
	if !ok {
		seen = new(int)
		pc.Set(linksKey, seen)
	}
	if *seen >= maxLinks {
		return nil
	}
	n := l.InlineParser.Parse(parent, block, pc)
	if n != nil {
		*seen++
	}
	return n
}

var (
	footnotesKey  = parser.NewContextKey()
	referencesKey = parser.NewContextKey()
)

// limitedFootnotes leaves footnotes as text if there are too many.
type limitedFootnotes struct{ parser.BlockParser }

// Open implements parser.BlockParser.
func (f limitedFootnotes) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	n, _ := pc.Get(footnotesKey).(int)
	if n >= maxFootnotes {
		return nil, parser.NoChildren
	}
	opened, state := f.BlockParser.Open(parent, reader, pc)
	if opened != nil {
		if n == 0 {
			parent.OwnerDocument().AddMeta(footnotePrefixKey, newFootnotePrefix(reader.Source()))
		}
		pc.Set(footnotesKey, n+1)
	}
	return opened, state
}

// limitedReferences leaves references to footnotes as text if there are too
// many.
type limitedReferences struct{ parser.InlineParser }

// Parse implements parser.InlineParser.
func (r limitedReferences) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	n, _ := pc.Get(referencesKey).(int)
	if n >= maxReferences {
		return nil
	}
	reference := r.InlineParser.Parse(parent, block, pc)
	if reference != nil {
		pc.Set(referencesKey, n+1)
	}
	return reference
}

var pipesKey = parser.NewContextKey()

// limitedTable leaves tables as text if most of their cells would be padding.
type limitedTable struct{ parser.ParagraphTransformer }

// Transform implements parser.ParagraphTransformer.
func (c limitedTable) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	lines, size, widest, escaped := node.Lines(), 0, 0, 0
	for i := range lines.Len() {
		segment := lines.At(i)
		line := segment.Value(reader.Source())
		size += len(line)
		widest = max(widest, bytes.Count(line, []byte{'|'})+1)
		escaped += bytes.Count(line, []byte(`\|`))
	}
	before, _ := pc.Get(pipesKey).(int)
	if widest < 2 || widest*lines.Len() > size+padding || before+escaped > maxPipes {
		return
	}
	pc.Set(pipesKey, before+escaped)
	c.ParagraphTransformer.Transform(node, reader, pc)
}

// limitedDefinitions leaves link definitions as text if there are too many at
// once.
type limitedDefinitions struct{ parser.ParagraphTransformer }

// Transform implements parser.ParagraphTransformer.
func (b limitedDefinitions) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	if node.Lines().Len() <= maxLines {
		b.ParagraphTransformer.Transform(node, reader, pc)
	}
}

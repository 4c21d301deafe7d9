package markup

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// The parser's time grows with the square of some things that a text may have
// many of, and a page that nests a thousand elements is none that a browser
// shows. Texts of people stay far below these limits; beyond them the marks of
// a text are shown as text.
const (
	// maxDepth is how deep lists and quotes may be nested.
	maxDepth = 32
	// maxMarks is how many marks that may begin or end something inline, such
	// as * and [, a paragraph may have.
	maxMarks = 500
	// maxLines is how many lines a paragraph may have that defines links.
	maxLines = 1000
	// maxPipes is how many escaped pipes the tables of a text may have.
	maxPipes = 1000
	// expansion is how many bytes more than the text has its links may take
	// all in all: a definition can be used many times.
	expansion = 64 << 10
	// padding is how many cells more than its text has bytes a table may get:
	// short rows are filled up to the width of the widest.
	padding = 1000
)

// shallow opens containers up to maxDepth.
type shallow struct{ parser.BlockParser }

// Open implements parser.BlockParser.
func (s shallow) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	depth := 0
	for n := parent; n != nil; n = n.Parent() {
		switch n.Kind() {
		case ast.KindList, ast.KindBlockquote:
			depth++
		}
	}
	if depth >= maxDepth {
		return nil, parser.NoChildren
	}
	return s.BlockParser.Open(parent, reader, pc)
}

var marksKey = parser.NewContextKey()

// marks counts what the inline parsers of a block were asked for.
type marks struct {
	block ast.Node
	n     int
}

// thrifty asks an inline parser up to maxMarks times in a block.
type thrifty struct{ parser.InlineParser }

// Parse implements parser.InlineParser.
func (t thrifty) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	if !util.IsPunct(block.Peek()) { // the beginning of a word, which may be an address
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

// CloseBlock implements parser.CloseBlocker, for those that are one.
func (t thrifty) CloseBlock(parent ast.Node, block text.Reader, pc parser.Context) {
	if c, ok := t.InlineParser.(parser.CloseBlocker); ok {
		c.CloseBlock(parent, block, pc)
	}
}

var pipesKey = parser.NewContextKey()

// compact leaves tables alone that would mostly consist of cells which are not
// in the text.
type compact struct{ parser.ParagraphTransformer }

// Transform implements parser.ParagraphTransformer.
func (c compact) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
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

// brief leaves definitions of links alone where there are too many at once.
type brief struct{ parser.ParagraphTransformer }

// Transform implements parser.ParagraphTransformer.
func (b brief) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	if node.Lines().Len() <= maxLines {
		b.ParagraphTransformer.Transform(node, reader, pc)
	}
}

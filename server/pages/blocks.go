package pages

import (
	"bytes"
	"html"
	"slices"
	"strconv"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// clients are the languages in which a guide shows a call. Blocks of code that
// follow one another at once, each in another of these, become tabs.
var clients = []struct{ language, title string }{
	{"sh", "curl"}, {"ts", "TypeScript"}, {"python", "Python"}, {"go", "Go"},
}

// tabs is a node whose children are blocks of code, of which one is shown.
type tabs struct {
	ast.BaseBlock
	number int // in its guide
}

var (
	kindTabs = ast.NewNodeKind("Tabs")
	kindWide = ast.NewNodeKind("Wide")
)

// Kind implements ast.Node.
func (*tabs) Kind() ast.NodeKind { return kindTabs }

// Dump implements ast.Node.
func (t *tabs) Dump(source []byte, level int) { ast.DumpHelper(t, source, level, nil, nil) }

// wide is a node that scrolls sideways if its child, a table, is too wide.
type wide struct{ ast.BaseBlock }

// Kind implements ast.Node.
func (*wide) Kind() ast.NodeKind { return kindWide }

// Dump implements ast.Node.
func (w *wide) Dump(source []byte, level int) { ast.DumpHelper(w, source, level, nil, nil) }

// blocks is a transformer that groups code into tabs and wraps tables, and the
// renderer of these and of code.
type blocks struct{}

// Transform implements parser.ASTTransformer.
func (blocks) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	count := 0
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if n.Kind() == extast.KindTable {
			around := &wide{}
			doc.ReplaceChild(doc, n, around)
			around.AppendChild(around, n)
			n = around
			continue
		}
		run := clientRun(n, reader.Source())
		if len(run) < 2 {
			continue
		}
		count++
		group := &tabs{number: count}
		doc.InsertBefore(doc, n, group)
		for _, block := range run {
			group.AppendChild(group, block) // which removes it from doc
		}
		n = group
	}
}

// clientRun returns the blocks of code from n on, one after the other, that are
// each in another language of clients.
func clientRun(n ast.Node, source []byte) (run []ast.Node) {
	var seen []string
	for ; n != nil; n = n.NextSibling() {
		block, ok := n.(*ast.FencedCodeBlock)
		if !ok {
			break
		}
		language := string(block.Language(source))
		if clientTitle(language) == "" || slices.Contains(seen, language) {
			break
		}
		seen, run = append(seen, language), append(run, n)
	}
	return run
}

func clientTitle(language string) string {
	for _, c := range clients {
		if c.language == language {
			return c.title
		}
	}
	return ""
}

// RegisterFuncs implements renderer.NodeRenderer.
func (b blocks) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(kindTabs, b.renderTabs)
	r.Register(kindWide, b.renderWide)
	r.Register(ast.KindFencedCodeBlock, b.renderCode)
}

// renderTabs renders tabs as a group of radio buttons, which work without a
// script. The text of a button and the code that it shows follow it at once.
func (blocks) renderTabs(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.WriteString("<fieldset class=\"tabs\">\n<legend>Language</legend>\n")
	} else {
		_, _ = w.WriteString("</fieldset>\n")
	}
	return ast.WalkContinue, nil
}

func (blocks) renderWide(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.WriteString("<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">\n")
	} else {
		_, _ = w.WriteString("</div>\n")
	}
	return ast.WalkContinue, nil
}

func (blocks) renderCode(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.FencedCodeBlock)
	language := string(n.Language(source))
	if group, ok := n.Parent().(*tabs); ok {
		checked := ""
		if n.PreviousSibling() == nil {
			checked = " checked"
		}
		name := "tabs-" + strconv.Itoa(group.number)
		_, _ = w.WriteString(`<input type="radio" name="` + name + `" id="` + name + "-" + language + `" value="` + language + `"` + checked + ">" +
			`<label for="` + name + "-" + language + `">` + clientTitle(language) + "</label>")
	}
	var code, b bytes.Buffer
	for _, line := range n.Lines().Sliced(0, n.Lines().Len()) {
		code.Write(line.Value(source))
	}
	class := ""
	if language != "" {
		class = ` class="language-` + html.EscapeString(language) + `"`
	}
	b.WriteString(`<div class="code"><pre tabindex="0"><code` + class + ">")
	if err := writeCode(&b, language, code.String()); err != nil {
		return ast.WalkStop, err
	}
	b.WriteString("</code></pre></div>\n")
	_, err := w.Write(b.Bytes())
	return ast.WalkSkipChildren, err
}

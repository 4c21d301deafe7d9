package pages

import (
	"bytes"
	"embed"
	"fmt"
	"html"
	"sync"

	"github.com/alecthomas/chroma/v2"
)

//go:embed lexers/*.xml
var lexerFiles embed.FS

// languages are the lexers of the languages of code blocks. A block in another
// language is shown as it is.
var languages = map[string]func() *chroma.RegexLexer{
	"sh":     lexer("bash"),
	"go":     lexer("go"),
	"json":   lexer("json"),
	"python": lexer("python"),
	"sql":    lexer("sql"),
	"ts":     lexer("typescript"),
	"yaml":   lexer("yaml"),
}

// lexer returns a function that reads a lexer at its first call.
func lexer(name string) func() *chroma.RegexLexer {
	return sync.OnceValue(func() *chroma.RegexLexer {
		return chroma.MustNewXMLLexer(lexerFiles, "lexers/"+name+".xml")
	})
}

// writeCode writes code as HTML, with a class for each kind of token that the
// stylesheet has a colour for.
func writeCode(b *bytes.Buffer, language, code string) error {
	read := languages[language]
	if read == nil {
		b.WriteString(html.EscapeString(code))
		return nil
	}
	tokens, err := chroma.Tokenise(chroma.Coalesce(read()), nil, code)
	if err != nil {
		return fmt.Errorf("code in %s: %w", language, err)
	}
	for _, token := range tokens {
		text := html.EscapeString(token.Value)
		if class := tokenClass(token.Type); class != "" {
			text = `<span class="` + class + `">` + text + `</span>`
		}
		b.WriteString(text)
	}
	return nil
}

// tokenClass returns the class of a kind of token, or "".
func tokenClass(t chroma.TokenType) string {
	switch {
	case t.InCategory(chroma.Comment):
		return "comment"
	case t == chroma.NameTag || t == chroma.NameVariable || t == chroma.NameAttribute:
		return "name"
	case t.InCategory(chroma.Keyword) || t == chroma.NameBuiltin:
		return "keyword"
	case t.InSubCategory(chroma.LiteralString):
		return "string"
	case t.InSubCategory(chroma.LiteralNumber):
		return "number"
	default:
		return ""
	}
}

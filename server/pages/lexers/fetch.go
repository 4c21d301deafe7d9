//go:build ignore

// This program writes the lexers of the languages in the guides from the pinned
// Chroma. Linking all of Chroma's lexers would add 4 MB to the binary and 9 ms
// to the start of every command.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
)

func main() {
	dir := os.Args[1]
	for _, name := range []string{"bash", "go", "json", "python", "sql", "typescript", "yaml"} {
		lexer, ok := lexers.Get(name).(*chroma.RegexLexer)
		if !ok {
			log.Fatalf("%s is no lexer of rules alone", name)
		}
		if name == "go" {
			lexer = plainGo(lexer)
		}
		text, err := chroma.Marshal(lexer)
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".xml"), append(text, '\n'), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// plainGo returns the lexer of Go without templates in raw strings, which need
// another lexer.
func plainGo(lexer *chroma.RegexLexer) *chroma.RegexLexer {
	rules, err := lexer.Rules()
	if err != nil {
		log.Fatal(err)
	}
	for i, rule := range rules["root"] {
		if rule.Pattern == "(`)([^`]*)(`)" {
			rules["root"][i].Type = chroma.LiteralString
		}
	}
	return chroma.MustNewLexer(lexer.Config(), func() chroma.Rules { return rules })
}

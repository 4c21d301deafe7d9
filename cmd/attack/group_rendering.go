package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	renderers    = 16 // connections
	renderedFor  = 4 * time.Second
	costlyLength = 250_000 // bytes
)

// costlyTexts take long to render.
var costlyTexts = []string{"<http://a.b> ", "www.a.bc ", "a@b.cd ", "http://a.b/c* ", "[a](http://b) ", "![a](http://b)\n", "> a\n\n", "- a\n", "*a **b** ", "| a | b |\n",
	"# a b\n", "[^1] ", "<kbd>a</kbd> ", "~~a~~ ", "`a` ", "\\[a\\] "}

// rendering asks for the HTML of costly texts by many connections, with a
// parameter that makes each request another one.
func rendering(s *site) []attack {
	const group = "costly HTML"
	return []attack{{group, fmt.Sprintf("%d connections, and another caller", renderers), func(s *site) (r result) {
		text := func(i int) string { return strings.Repeat(costlyTexts[i], costlyLength/len(costlyTexts[i])) }
		reader, err := s.register("reader")
		slugs := make([]string, len(costlyTexts))
		if !r.must(errors.Join(err, together(len(slugs), func(i int) (err error) {
			slugs[i], err = s.publish(s.rival, object("article", map[string]any{"title": s.name("costly"), "description": "d", "body": text(i)}))
			return err
		}))) {
			return r
		}
		until := time.Now().Add(s.patient(renderedFor))
		var wait sync.WaitGroup
		var mu sync.Mutex
		for c := range renderers {
			wait.Go(func() {
				for i := c; time.Now().Before(until); i++ {
					// The HTML of a text is kept, so that each needs an edit.
					n, at := i%len(slugs), "/api/articles/"+slugs[i%len(slugs)]
					edit := object("article", map[string]any{"body": text(n) + fmt.Sprintf(" edit %d.%d", c, i)})
					for _, m := range []message{
						{method: "PUT", target: at, token: s.rival.token, body: edit},
						{method: "GET", target: fmt.Sprintf("%s?format=html&b=%d.%d", at, c, i), token: s.rival.token},
					} {
						o := s.do(m)
						mu.Lock()
						if complaint := status(200)(o); complaint != "" {
							r.complain("%s %s: %s", m.method, at, complaint)
						}
						if o.first().status == 200 {
							o.answers[0].body = nil // they are long
						}
						o.sent = o.sent[:min(len(o.sent), 400)]
						r.outcomes = append(r.outcomes, o)
						mu.Unlock()
					}
				}
			})
		}
		for time.Now().Before(until) {
			body := s.name("short")
			slug, err := s.publish(reader, object("article", map[string]any{"title": body, "description": "d", "body": body}))
			mu.Lock()
			if r.must(err) {
				mu.Unlock()
				o := s.do(message{method: "GET", target: "/api/articles/" + slug + "?format=html", token: reader.token})
				mu.Lock()
				if complaint := served(o); complaint != "" {
					r.complain("the other caller: %s", complaint)
				} else if made, _ := member(decoded(o.first()), "article", "bodyHtml").(string); !strings.Contains(made, body) {
					r.complain("the other caller got the HTML %q, want that of %q", made, body)
				}
				r.outcomes = append(r.outcomes, o)
			}
			mu.Unlock()
			time.Sleep(50 * time.Millisecond)
		}
		wait.Wait()
		return r
	}}}
}

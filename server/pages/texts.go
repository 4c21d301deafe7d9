package pages

import (
	"fmt"
	"strings"
)

const (
	plainType    = "text/plain; charset=utf-8"
	markdownType = "text/markdown; charset=utf-8"
)

// robots keeps crawlers out of the API: its responses are data of other sites,
// and each costs a query.
const robots = "User-agent: *\nDisallow: /api/\n"

// addTexts adds what programs read: robots.txt, each guide as Markdown, and
// llms.txt, which lists the guides (llmstxt.org).
func addTexts(resources map[string]*resource, nav []group) {
	resources["/robots.txt"] = newResource(plainType, []byte(robots), revalidated, "")
	var list strings.Builder
	list.WriteString("# Byline\n\n> " + summary + "\n\nThe API is described by [openapi.yaml](" + defaultOrigin + "/openapi.yaml) and " +
		"[openapi.json](" + defaultOrigin + "/openapi.json), OpenAPI 3.0.3.\n")
	for _, group := range nav {
		fmt.Fprintf(&list, "\n## %s\n\n", group.Title)
		for _, g := range group.Guides {
			fmt.Fprintf(&list, "- [%s](%s%s.md): %s\n", g.Title, defaultOrigin, g.Path, g.Summary)
			guide := newResource(markdownType, g.Markdown, revalidated, "")
			guide.addresses = true
			resources[g.Path+".md"] = guide
		}
	}
	llms := newResource(plainType, []byte(list.String()), revalidated, "")
	llms.addresses = true
	resources["/llms.txt"] = llms
}

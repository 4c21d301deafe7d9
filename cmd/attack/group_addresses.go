package main

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// unsafe are addresses that a browser resolves relative to the page that shows
// them, or that run a script. They are written into Markdown and HTML in each
// of the ways of embeddings.
var unsafe = func() (all []string) {
	for _, scheme := range []string{"http", "https", "HTTP", "hTTps"} {
		for _, rest := range []string{":x", ":/x", ":///x", ":\\x", ":\\\\x", ":/\\x", ":\\/x", ":?x", ":#x", ":", "://", ":///", ":////x", "://?x",
			"://#x", "://:80", "://@", "://user@", "://user:pass@/x", ":\t//", ":%2f%2fx", "%3a//x", "://%", "://\\x", "://\u3000", ":／／x"} {
			all = append(all, scheme+rest)
		}
	}
	all = append(all, "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/x", "./x", "../x", "x", "?x", "",
		"%2f%2fevil.example", "/%2fevil.example", "\t//evil.example", " //evil.example", "\u00a0//evil.example", "#x", "#", "#user-content-\"onclick=", "#user-content- x")
	for _, script := range []string{"javascript", "JaVaScRiPt", "vbscript", "data", "livescript", "blob", "file", "filesystem", "view-source", "jar", "feed", "ftp", "tel", "intent", "ws", "about", "chrome", "mhtml", "x"} {
		for _, rest := range []string{":alert(1)", "://x/%0aalert(1)", ":text/html,<script>alert(1)</script>", "&colon;alert(1)", "&#58;alert(1)", "&#x3a;alert(1)", "&#0000058;alert(1)"} {
			all = append(all, script+rest)
		}
	}
	return append(all,
		"java\tscript:x", "java\nscript:x", "java\rscript:x", "java\u0000script:x", "\u0001javascript:x", "\u001fjavascript:x", " javascript:x", "\u00a0javascript:x",
		"\ufeffjavascript:x", "\u200bjavascript:x", "java\u00adscript:x", "java\u200bscript:x", "javascript\u00a0:x", "javascript\t:x", "javascript :x",
		"&Tab;javascript:x", "&NewLine;javascript:x", "java&Tab;script:x", "java&NewLine;script&colon;x", "&#106;avascript:x", "&#x6A;avascript:x", "&#0000106avascript:x",
		"&#x6A&#x61&#x76&#x61script:x", "javascript&#58x", "java\\script:x", "\\javascript:x", "javascript\\:x", "javascript%3ax", "%6aavascript:x", "java%0ascript:x",
		"ｊavascript:x", "javascript：x", "jav\u0430script:x", "javaſcript:x", "http://x\">javascript:", "javascript:http://x.example", "data:image/svg+xml;base64,PHN2Zz4=",
		"data:image/svg+xml,<svg onload=alert(1)>", "javascript:/*http://x.example*/alert(1)", "javascript://x.example/%0aalert(1)", "feed:javascript:x", "view-source:javascript:x",
	)
}()

// embeddings are the ways to write an address into a text. URL is replaced.
var embeddings = []string{
	"[a](URL)", "[a](<URL>)", "![a](URL)", "![a](<URL>)", "[a](URL \"t\")", "[![a](URL)](URL)", "<URL>", "URL", "[a]: URL\n\n[a]", "[a]: <URL>\n\n[a]", "![a][b]\n\n[b]: URL",
	"<a href=\"URL\">a</a>", "<a href='URL'>a</a>", "<a href=URL>a</a>", "<img src=\"URL\">", "<img src=URL alt=a>", "<p><a href=\"URL\"><img src=\"URL\"></a></p>", "<a href=\"http://x.example\" href=\"URL\">a</a>",
	"<a xlink:href=\"URL\">a</a>", "<img src=\"http://x.example/a\" srcset=\"URL 2x\">", "<details open ontoggle=\"URL\">a</details>", "<a href=\"http://x.example\" ping=\"URL\">a</a>", "<q cite=\"URL\">a</q>", "<input type=image src=\"URL\">", "<table background=\"URL\"><tr><td background=\"URL\">a</td></tr></table>",
	"a[^1]\n\n[^1]: [a](URL)", "# [a](URL)", "| [a](URL) |\n|---|\n| ![a](URL) |", "> - [ ] [a](URL)", "www.x.example/URL", "https://x.example/URL", "http://URL",
}

// addressesOfArticle is the number of texts of an article.
const addressesOfArticle = 250

// addresses writes every unsafe address in every way, and checks the HTML as a
// browser reads it.
func addresses(s *site) (all []attack) {
	const group = "addresses in HTML"
	var texts []string
	for _, embedding := range embeddings {
		for _, u := range unsafe {
			texts = append(texts, strings.ReplaceAll(embedding, "URL", u))
		}
	}
	for i, chunk := range slices.Collect(slices.Chunk(texts, addressesOfArticle)) {
		// A nul cannot be sent. The document refuses it; see encodings.
		text := strings.ReplaceAll(strings.Join(chunk, "\n\n"), "\x00", "\ufffd")
		all = append(all, attack{group, fmt.Sprintf("texts %d to %d", i*addressesOfArticle, i*addressesOfArticle+len(chunk)), func(s *site) (r result) {
			slug, err := s.publish(s.rival, object("article", map[string]any{"title": s.name("addresses"), "description": "d", "body": text}))
			if !r.must(err) {
				return r
			}
			a := r.expects(s, message{method: "GET", target: "/api/articles/" + slug + "?format=html", token: s.rival.token}, status(200))
			// The response may show what the article says.
			r.outcomes[0].sent = append(r.outcomes[0].sent, text...)
			made, _ := member(decoded(a), "article", "bodyHtml").(string)
			if a.status == 200 && made == "" {
				r.complain("the article has no bodyHtml")
			}
			r.harmless(made)
			return r
		}})
	}
	return append(all, attack{group, "in a comment", func(s *site) (r result) {
		text := strings.ReplaceAll(strings.Join(texts[:200], "\n\n"), "\x00", "\ufffd")
		slug := r.article(s)
		at := "/api/articles/" + slug + "/comments"
		r.expects(s, message{method: "POST", target: at, token: s.rival.token, body: object("comment", map[string]any{"body": text})}, status(200, 201))
		a := r.expects(s, message{method: "GET", target: at + "?format=html"}, status(200))
		list, _ := decoded(a)["comments"].([]any)
		for _, c := range list {
			made, _ := member(c, "bodyHtml").(string)
			r.harmless(made)
		}
		return r
	}}, attack{group, "as the image of a user", func(s *site) (r result) {
		for _, u := range unsafe {
			m := message{method: "PUT", target: "/api/user", token: s.rival.token, body: object("user", map[string]any{"image": u})}
			a := r.expects(s, m, status(200, 400, 422))
			if image, _ := member(decoded(a), "user", "image").(string); a.status == 200 && !safeImage(image) {
				r.complain("the image %q was accepted", u)
			}
		}
		r.expects(s, message{method: "PUT", target: "/api/user", token: s.rival.token, body: `{"user":{"image":null}}`}, status(200))
		return r
	}})
}

// The elements and attributes that the HTML of a text may have. Only href and
// src are addresses.
var (
	calmElement   = regexp.MustCompile(`^(a|abbr|b|blockquote|br|caption|cite|code|dd|del|details|div|dl|dt|em|figcaption|figure|h[1-6]|hr|i|img|input|ins|kbd|li|mark|ol|p|pre|q|s|samp|small|span|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|tt|ul|var|wbr|rp|rt|ruby|html|head|body)$`)
	calmAttribute = regexp.MustCompile(`^(align|alt|checked|class|colspan|disabled|height|href|id|open|rel|rowspan|src|start|title|type|width)$`)
	// absolute has a host, whatever a browser does with the rest. A browser
	// removes tabs and line ends from addresses, and takes \ for /.
	absolute = regexp.MustCompile(`^(?i:https?)://([^/?#\\@\s]*@)?[^/?#\\@:\x00-\x20]+(:[0-9]*)?([/?#][^\x00-\x20\\]*)?$`)
	// withHost has a host, which a browser may still refuse.
	withHost = regexp.MustCompile(`^(?i:https?)://([^/?#\\]*@)?[^/?#\\@:\x00-\x20][^/?#\\@]*([/?#\\]|$)`)
	mailto   = regexp.MustCompile(`^(?i:mailto):[^\x00-\x20]*$`)
	fragment = regexp.MustCompile(`^#user-content-[^\s"'<>]+$`)
)

// harmless expects that a fragment of HTML has only addresses that are the same
// on every page, and nothing that runs.
func (r *result) harmless(fragmentOfHTML string) {
	doc, err := html.Parse(strings.NewReader(fragmentOfHTML))
	if !r.must(err) {
		return
	}
	for n := range doc.Descendants() {
		if n.Type == html.CommentNode {
			r.complain("a comment %q", n.Data)
		}
		if n.Type != html.ElementNode {
			continue
		}
		if n.Namespace != "" || !calmElement.MatchString(n.Data) {
			r.complain("the element <%s>", n.Data)
		}
		for _, a := range n.Attr {
			isAddress := a.Key == "href" || a.Key == "src"
			switch {
			case !calmAttribute.MatchString(a.Key) || isAddress && (a.Key == "href") != (n.Data == "a"):
				r.complain("the attribute <%s %s=%q>", n.Data, a.Key, a.Val)
			case isAddress && !absolute.MatchString(a.Val) && (a.Key == "src" || !mailto.MatchString(a.Val) && !fragment.MatchString(a.Val)):
				r.complain("the address <%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	}
}

// safeImage reports whether the image of a user is an absolute address, a
// picture itself, or relative to the page.
func safeImage(image string) bool {
	image = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, strings.TrimLeft(image, "\x00\x01\x1f "))
	scheme, _, ok := strings.Cut(image, ":")
	if !ok || strings.ContainsAny(scheme, "/?#\\") {
		return true
	}
	if _, err := url.Parse(image); strings.EqualFold(scheme, "data") {
		return err == nil && strings.HasPrefix(strings.ToLower(image), "data:image/")
	}
	return withHost.MatchString(image)
}

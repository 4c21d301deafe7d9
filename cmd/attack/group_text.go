package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// payloads are texts with a meaning for some interpreter. They contain no word
// of leaks, so that their echo does not count as a leak.
var payloads = map[string]string{
	"SQL or":           `' OR '1'='1`,
	"SQL comment":      `x'; --`,
	"SQL union":        `' UNION ALL (TABLE users) --`,
	"SQL sleep":        `'||(pg_sleep(9))||'`,
	"SQL sleep number": `1;pg_sleep(9)--`,
	"SQL sleep or":     `' or pg_sleep(9) is null or 'a'='`,
	"SQL drop":         `'); DROP TABLE articles CASCADE; --`,
	"SQL dollar":       `$$; DROP TABLE users; $$`,
	"SQL placeholder":  `$1 $2 ? ?? :name %s`,
	"SQL backslash":    `\'; DROP TABLE tags; --`,
	"SQL wide quote":   "\u02bc OR 1=1 --",
	"like":             `%_%`,
	"array":            `{a,b,"c'}`,
	"NoSQL":            `{"$gt":""}`,
	"NoSQL where":      `';return true;var a='`,
	"LDAP":             `*)(uid=*))(|(uid=*`,
	"XPath":            `' or '1'='1' or ''='`,
	"template":         `{{7*7}}${7*7}<%= 7*7 %>#{7*7}`,
	"Go template":      `{{.}}{{printf "%s" .}}`,
	"log4j":            `${jndi:ldap://127.0.0.1:1/a}`,
	"shell":            "`id`;$(id)|id&&id\\n",
	"format":           `%s%s%s%n%n%x%d%!v(MISSING)`,
	"script":           `<script>alert(1)</script>`,
	"image":            `"><img src=x onerror=alert(1)>`,
	"javascript":       `javascript:alert(1)//`,
	"markdown":         `[a](javascript:alert(1)) ![b](x "onerror=alert(1)")`,
	"entity":           `&lt;script&gt;&#0;&#x110000;`,
	"traversal":        `../../../../../../etc/passwd`,
	"traversal 2":      `..\..\..\windows\win.ini`,
	"file":             `file:///etc/passwd`,
	"internal":         `http://169.254.169.254/latest/meta-data/`,
	"CRLF":             "a\r\n" + canary + ": 1\r\n\r\nb",
	"LF":               "a\n" + canary + ": 1",
	"CR":               "a\r" + canary + ": 1",
	"encoded CRLF":     `a%0d%0a` + canary + `: 1`,
	"wide CRLF":        "a\u560d\u560a" + canary + ": 1",
	"line separator":   "a\u2028" + canary + ": 1\u2029\u0085",
	"header list":      `"a", "b"; rel="next", <//evil.example>; rel="next"`,
	"log line":         "a\n{\"level\":\"ERROR\",\"msg\":\"forged\"}",
	"terminal":         "\u001b]0;owned\u0007\u001b[2J",
	"CSV":              `=cmd|'/C calc'!A0`,
	"JSON":             `","admin":true,"a":"`,
	"regexp 1":         strings.Repeat("a", 60) + "!",
	"regexp 2":         strings.Repeat("a@", 30) + "!",
	"regexp 3":         "(" + strings.Repeat("(a+)+", 12) + "$",
	"regexp 4":         strings.Repeat("/.", 30),
	"regexp 5":         strings.Repeat(" ", 62) + "x",
}

// strange are texts that people and programs read differently.
var strange = map[string]string{
	"homoglyph":              "\u0430dmin",
	"full width":             "ａｄｍｉｎ",
	"right to left":          "\u202egnp.exe",
	"isolate":                "\u2067a\u2069",
	"zero width":             "a\u200bb\u200c\u200d\ufeff",
	"only zero width":        "\u200b\u200b",
	"soft hyphen":            "a\u00adb",
	"no-break space":         "\u00a0a\u00a0",
	"only spaces":            "\u2003\u3000\u00a0",
	"composed":               "\u00e9",
	"decomposed":             "e\u0301",
	"many marks":             "e" + strings.Repeat("\u0301", 50),
	"Hangul jamo":            "\u1112\u1161\u11ab",
	"ligature":               "ﬀ\ufb03\ufdfa",
	"dotless i":              "\u0131\u0130iI",
	"sharp s":                "ß\u1e9e",
	"final sigma":            "Σσς",
	"Kelvin":                 "\u212a\u212b",
	"emoji family":           "👨\u200d👩\u200d👧\u200d👦",
	"flags":                  "🇩🇪🇩",
	"variation":              "☃\ufe0e☃\ufe0f",
	"private use":            "\ue000\U0010fffd",
	"noncharacter":           "\ufffe\uffff\U0001ffff",
	"replacement":            "\ufffd",
	"tags":                   "\U000e0001\U000e0041",
	"musical":                "\U0001d173",
	"Arabic digits":          "\u0661\u0662",
	"superscript":            "x\u00b2",
	"line separators":        "a\u2028b\u2029c\u0085d",
	"C1 controls":            "a\u0080\u009fb",
	"delete":                 "a\u007fb",
	"bell":                   "a\u0007b",
	"object replacement":     "\ufffc",
	"interlinear":            "\ufff9a\ufffab\ufffb",
	"combining first":        "\u0301a",
	"Thai":                   "น้ำ",
	"Zalgo":                  "Z\u0335\u0321\u0325a\u0334\u0327l\u0337\u0328",
	"surrogate pair escaped": "😀",
}

func injections(s *site) []attack { return written(s, "injection", payloads, 8) }

func unicodes(s *site) []attack { return written(s, "unicode", strange, 6) }

// written sends each text in every text member of every operation. An accepted
// text must be returned unchanged, and no filter may match it. Operations that
// hash passwords get only some of the texts.
func written(s *site, group string, texts map[string]string, ofCostly int) (all []attack) {
	names := sortedKeys(texts)
	for _, op := range s.ops {
		some := names
		if op.costly() {
			some = nil
			for _, i := range s.rand.Perm(len(names))[:min(ofCostly, len(names))] {
				some = append(some, names[i])
			}
		}
		for _, p := range op.texts() {
			for _, name := range some {
				text := texts[name]
				all = append(all, aim(group, name+" as "+p.String(), op, func(s *site) message {
					m := s.message(op)
					quoted, _ := json.Marshal(text)
					m.body = s.with(op, p, string(quoted))
					return m
				}, also(op.declares, keeps(p.path, text))))
			}
		}
		for _, p := range slices.Concat(op.params("query"), op.params("path")) {
			for _, name := range some {
				all = append(all, aim(group, name+" in "+p.Name, op, func(s *site) message {
					return s.messageWith(op, p, plain(texts[name]))
				}, also(op.declares, matchesOnly(texts[name]))))
			}
		}
	}
	return all
}

// keeps expects that an accepted text is returned unchanged, if the response
// has the same member. Tags are names, which lose spaces around them and differ
// by no form of Unicode.
func keeps(path []string, text string) expect {
	return func(o outcome) string {
		a := o.first()
		if a.status >= 300 || slices.Contains(path, "password") {
			return ""
		}
		if slices.Contains(path, "tagList") {
			text = norm.NFC.String(strings.TrimSpace(text))
		}
		got, found := get(decoded(a), path)
		if kept, isText := got.(string); found && isText && kept != text && path[0] != "slugs" {
			return fmt.Sprintf("%s was sent as %q and returned as %q", strings.Join(path, "."), text, kept)
		}
		return ""
	}
}

// matchesOnly expects that a list contains only articles with exactly this
// text, or by an author whose name is the same for a reader, because earlier
// attacks may have created some.
func matchesOnly(text string) expect {
	return func(o outcome) string {
		body := decoded(o.first())
		items, _ := body["articles"].([]any)
		for _, item := range items {
			tags, _ := member(item, "tagList").([]any)
			name, _ := member(item, "author", "username").(string)
			if !strings.EqualFold(name, text) && !precis.Nickname.Compare(name, text) && !slices.Contains(tags, any(text)) {
				return fmt.Sprintf("the filter matched %v", member(item, "slug"))
			}
		}
		if n, ok := body["articlesCount"].(float64); ok && n > 0 && len(items) == 0 {
			return fmt.Sprintf("the filter counted %v articles", n)
		}
		return ""
	}
}

// readOnly sends members that a client must not set: the members of the
// response that the request does not have, and names that attackers guess.
func readOnly(s *site) (all []attack) {
	const group = "mass assignment"
	guessed := []string{"id", "userId", "admin", "isAdmin", "role", "roles", "scope", "scopes", "suspended", "hidden", "verified", "emailVerified", "passwordHash",
		"password_hash", "createdAt", "updatedAt", "slug", "author", "authorId", "author_id", "favoritesCount", "favorited", "following", "token", "edits", "deletedAt", "__proto__"}
	values := map[string]any{"text": "attacker", "number": 4242, "true": true, "object": map[string]any{"username": "attacker", "id": 1}}
	for _, op := range s.ops {
		if op.body == nil || op.costly() {
			continue
		}
		for _, wrapper := range sortedKeys(op.body.Properties) {
			inner := op.body.Properties[wrapper].Value
			if !inner.Type.Is("object") {
				continue
			}
			for _, name := range guessed {
				if inner.Properties[name] != nil {
					continue
				}
				for _, kind := range sortedKeys(values) {
					p := place{path: []string{wrapper, name}}
					text, _ := json.Marshal(values[kind])
					all = append(all, aim(group, name+" = "+kind, op, func(s *site) message {
						m := s.message(op)
						m.body = s.with(op, p, string(text))
						return m
					}, also(op.declares, ignores(p.path, values[kind]))))
				}
			}
		}
	}
	return all
}

// ignores expects that a value was not applied.
func ignores(path []string, value any) expect {
	sent, _ := json.Marshal(value)
	return func(o outcome) string {
		got, found := get(decoded(o.first()), path)
		if back, _ := json.Marshal(got); found && (string(back) == string(sent) || strings.Contains(string(back), "attacker")) {
			return fmt.Sprintf("%s was set to %s", strings.Join(path, "."), back)
		}
		return ""
	}
}

// cursors forges cursors of lists.
func cursors(s *site) (all []attack) {
	const group = "cursors"
	if err := s.spare(); err != nil {
		return []attack{impossible(group, err)}
	}
	for range 3 { // each list needs a second page
		if _, _, err := s.write(s.rival); err != nil {
			return []attack{impossible(group, err)}
		}
		if _, err := s.call(message{method: "POST", target: "/api/articles/" + s.goatSlug + "/comments", token: s.goat.token,
			body: object("comment", map[string]any{"body": "more"})}, 200, 201); err != nil {
			return []attack{impossible(group, err)}
		}
	}
	for _, op := range s.ops {
		if op.privileged || !slices.ContainsFunc(op.params("query"), isCursor) {
			continue
		}
		at := s.fill(op, nil)
		page, want := message{method: "GET", target: at + "?limit=1", token: s.goat.token}, status(400, 422)
		var good string
		if s.do(page).first().status == 403 {
			want = status(400, 403, 422) // a list for moderators, of which there is no cursor
		} else if answer, err := s.call(page, 200); err != nil {
			all = append(all, impossible(group, err))
			continue
		} else {
			good, _ = answer["nextCursor"].(string)
		}
		forged := map[string]string{
			"empty": "", "text": "abc", "number": "1", "zeros": strings.Repeat("A", max(len(good), 48)), "too long": strings.Repeat("A", 129), "huge": strings.Repeat("A", 8000),
			"base64 of SQL": "JyBPUiAnMSc9JzE", "JSON": "eyJpZCI6MX0", "padding": "====", "spaces": "   ", "control": "\x01\x02", "CRLF": "\r\n" + canary + ": 1",
			"alphabet": "+/+/+/", "unicode": "é∞", "traversal": "../../etc", "null": "null", "random": s.randomText(len(good)),
		}
		if good != "" {
			forged["cut at the front"], forged["cut at the end"], forged["half"] = good[1:], good[:len(good)-1], good[:len(good)/2]
			forged["longer"], forged["twice"], forged["upper case"] = good+"A", good+good, strings.ToUpper(good)
			for _, i := range []int{0, len(good) / 2, len(good) - 1} {
				changed := []byte(good)
				changed[i] = "AB"[b2i(changed[i] == 'A')]
				forged[fmt.Sprintf("byte %d changed", i)] = string(changed)
			}
		}
		for _, name := range sortedKeys(forged) {
			m := message{method: "GET", target: at + "?cursor=" + url.QueryEscape(forged[name]), token: s.goat.token}
			all = append(all, send(group, op.id+" "+name, m.raw(s.addr), want))
		}
		if good == "" {
			continue
		}
		// The cursor of one list is not valid for another.
		for _, other := range s.ops {
			if other.id != op.id && slices.ContainsFunc(other.params("query"), isCursor) {
				m := message{method: "GET", target: s.fill(other, nil) + "?cursor=" + url.QueryEscape(good), token: s.goat.token}
				all = append(all, send(group, op.id+" cursor for "+other.id, m.raw(s.addr), status(400, 403, 422)))
			}
		}
		if op.id == "GetArticles" {
			m := message{method: "GET", target: at + "?tag=other&cursor=" + url.QueryEscape(good), token: s.goat.token}
			all = append(all, send(group, "cursor with another filter", m.raw(s.addr), status(400, 422)))
		}
	}
	return all
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *site) randomText(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[s.rand.IntN(len(alphabet))]
	}
	return string(b)
}

// impossible is an attack whose preparation failed.
func impossible(group string, err error) attack {
	return attack{group, "make ready", func(*site) result { return result{complaints: []string{err.Error()}} }}
}

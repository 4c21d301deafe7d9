package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// previews attacks links that show a draft: guesses their tokens, uses them
// after their end, and looks for them and for the draft where they must not be.
func previews(s *site) []attack {
	attacks := map[string]func(*result, *site, drafted){
		"guessing":            (*result).guesses,
		"reuse after the end": (*result).reuses,
		"leaks":               (*result).leaks,
		"a flood of links":    (*result).floodsPreviews,
		"powers of a token":   (*result).overreaches,
	}
	var all []attack
	for _, name := range sortedKeys(attacks) {
		all = append(all, attack{"previews", name, func(s *site) (r result) {
			d, err := s.draft("Embargoed")
			if r.must(err) {
				attacks[name](&r, s, d)
			}
			return r
		}})
	}
	return all
}

// drafted is a draft with a preview.
type drafted struct {
	author             account
	slug, marker       string
	token, url, unseen string // unseen is a token that nobody has
}

// draft creates an author with a draft and a preview of it. The marker is in
// the texts of the draft alone.
func (s *site) draft(title string) (d drafted, err error) {
	if d.author, err = s.register("drafter"); err != nil {
		return d, err
	}
	d.marker = s.name("marker")
	answer, err := s.call(message{method: "POST", target: "/api/articles", token: d.author.token, body: object("article", map[string]any{
		"title": title + " " + d.author.name, "description": d.marker, "body": d.marker, "tagList": []string{d.marker}, "status": "draft",
	})}, 201)
	if err != nil {
		return d, err
	}
	d.slug, _ = member(answer, "article", "slug").(string)
	err = d.preview(s)
	d.unseen = strings.Repeat("a", len(d.token))
	return d, err
}

// preview creates a preview of the draft.
func (d *drafted) preview(s *site) error {
	answer, err := s.call(message{method: "POST", target: "/api/articles/" + d.slug + "/previews", token: d.author.token}, 201)
	d.token, _ = answer["token"].(string)
	d.url, _ = answer["url"].(string)
	return err
}

func (d drafted) read(token string) message {
	return message{method: "GET", target: "/api/previews/" + plain(token)}
}

// gone expects the response to a token that nobody has.
func (r *result) gone(s *site, d drafted, m message) {
	shape := func(a answer) string {
		p := decoded(a)
		delete(p, "requestId")
		return fmt.Sprint(a.status, p, a.header["Cache-Control"], a.header["Etag"], a.header["X-Robots-Tag"])
	}
	want := r.expects(s, d.read(d.unseen), status(404))
	got := r.expects(s, m, also(status(404), silentOn(d.marker)))
	if shape(got) != shape(want) {
		r.complain("%s %s is told from a token that nobody has: %s, %s", m.method, m.target, shape(got), shape(want))
	}
}

// guesses sends tokens that are like the right one, and others.
func (r *result) guesses(s *site, d drafted) {
	near := []string{d.token[1:], d.token[:25], d.token + "a", d.token + "/", d.token[:13] + "%" + d.token[14:], d.token[:25] + "_", d.token[:25] + "*",
		"' OR true --", "%", "_", "../articles/" + d.slug, d.slug, "null", "0", strings.Repeat("a", 4000)}
	for i := range d.token {
		other := byte('a')
		if d.token[i] == other {
			other = 'b'
		}
		near = append(near, d.token[:i]+string(other)+d.token[i+1:])
	}
	for _, token := range near {
		r.gone(s, d, d.read(token))
	}
	r.expects(s, d.read(d.token+"\x00"), also(status(400), silentOn(d.marker)))
	r.race(s, 200, func(int) message {
		b := make([]byte, len(d.token))
		for i := range b {
			b[i] = "abcdefghijklmnopqrstuvwxyz234567"[s.rand.IntN(32)]
		}
		return d.read(string(b))
	}, 404)
}

// reuses ends previews while they are read, and reads them afterwards.
func (r *result) reuses(s *site, d drafted) {
	first := r.expects(s, d.read(d.token), status(200))
	end := message{method: "DELETE", target: "/api/articles/" + d.slug + "/previews", token: d.author.token}
	r.race(s, 30, func(i int) message {
		if i == 10 {
			return end
		}
		return d.read(d.token)
	}, 200, 204, 404)
	for _, fields := range [][]string{
		nil, {"If-None-Match: *"}, {"If-None-Match: " + first.header.Get("ETag")}, {"If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"},
		{"Cache-Control: only-if-cached, max-stale"}, {"Range: bytes=0-"}, {"Authorization: Token " + d.author.token},
	} {
		m := d.read(d.token)
		m.fields = fields
		r.gone(s, d, m)
	}
	r.expects(s, message{method: "HEAD", target: "/api/previews/" + d.token}, status(404))
	r.expects(s, end, status(204))

	// A new one works, and does not bring the old one back.
	old := d.token
	if r.must(d.preview(s)) {
		r.expects(s, d.read(d.token), status(200))
		r.gone(s, d, d.read(old))
	}
	r.expects(s, message{method: "DELETE", target: "/api/articles/" + d.slug, token: d.author.token}, status(204))
	r.gone(s, d, d.read(d.token))
}

// leaks looks for the draft and the token in headers, caches, lists, the
// responses to others and the log.
func (r *result) leaks(s *site, d drafted) {
	bait := []string{"Host: evil.example", "X-Forwarded-Host: evil.example", "X-Forwarded-Prefix: //evil.example", "Referer: http://evil.example/" + d.token}
	for _, fields := range [][]string{nil, {"Accept: text/html"}, {"Origin: http://evil.example"}, bait[1:]} {
		m := d.read(d.token)
		m.fields = fields
		r.expects(s, m, also(status(200), field("Cache-Control", "no-store"), field("Referrer-Policy", "no-referrer"), field("X-Robots-Tag", "noindex"),
			field("ETag", ""), field("Last-Modified", ""), silentOn(d.token), silentOn("evil.example")))
	}
	m := message{method: "POST", target: "/api/articles/" + d.slug + "/previews", token: d.author.token, fields: bait[1:]}
	r.expects(s, m, also(status(201), field("Cache-Control", "no-store"), field("Location", ""), silentOn("evil.example")))

	// What the preview has shown is in no other response.
	for _, target := range []string{"/api/articles", "/api/articles/feed", "/api/articles?tag=" + d.marker, "/api/articles?author=" + d.author.name, "/api/tags", "/api/user/articles",
		"/api/articles/" + d.slug, "/api/articles/" + d.slug + "/comments", "/api/profiles/" + d.author.name, "/api/moderation/hidden", "/api/admin/audit"} {
		for _, token := range []string{"", s.rival.token} {
			m := message{method: "GET", target: target, token: token}
			r.expects(s, m, also(answered, silentOn(d.marker), silentOn(d.token)))
		}
	}
	for _, target := range []string{"/api/user/export", "/api/user/articles", "/api/articles/" + d.slug, "/api/user"} {
		r.expects(s, message{method: "GET", target: target, token: d.author.token}, also(status(200), silentOn(d.token)))
	}

	// Requests that are wrong around the token.
	for _, m := range []message{
		{method: "GET", target: "/previews/" + d.token}, {method: "GET", target: "/api/preview/" + d.token}, {method: "GET", target: "/api/previews/" + d.token + "/"},
		{method: "GET", target: "/api/previews/" + d.token + "/x"}, {method: "GET", target: "/api/previews/?token=" + d.token}, {method: "PUT", target: "/api/previews/" + d.token, body: "{}"},
		{method: "GET", target: "/api/previews/" + d.token + "?format=" + d.token}, {method: "GET", target: "//api/previews/" + d.token},
	} {
		r.expects(s, m, also(refused, silentOn(d.marker), silentOn(d.token)))
	}
	if s.data == "" {
		s.unrun = append(s.unrun, "previews: the log of a service that this program has not started")
		return
	}
	log, err := os.ReadFile(filepath.Join(filepath.Dir(s.data), "log"))
	if r.must(err) && strings.Contains(string(log), d.token) {
		r.complain("the token is in the log")
	}
}

// floodsPreviews creates many previews at once.
func (r *result) floodsPreviews(s *site, d drafted) {
	flood := result{}
	flood.race(s, 80, func(int) message {
		return message{method: "POST", target: "/api/articles/" + d.slug + "/previews", token: d.author.token}
	}, 201, 422)
	flood.exactly(49, 201) // and the one that is there
	r.outcomes, r.complaints = append(r.outcomes, flood.outcomes...), append(r.complaints, flood.complaints...)
	for _, body := range []string{`{"expiresIn":0}`, `{"expiresIn":-1}`, `{"expiresIn":2592001}`, `{"expiresIn":9223372036854775807}`, `{"expiresIn":1e300}`, `{"expiresIn":"1"}`} {
		m := message{method: "POST", target: "/api/articles/" + d.slug + "/previews", token: d.author.token, body: body}
		r.expects(s, m, status(400, 422))
	}
}

// overreaches uses the token of a preview for more than reading it.
func (r *result) overreaches(s *site, d drafted) {
	for _, token := range []string{d.token, "byl_" + d.token} {
		r.expects(s, message{method: "GET", target: "/api/user", token: token}, status(401))
		r.expects(s, message{method: "GET", target: "/api/articles/" + d.slug, token: token}, also(status(404), silentOn(d.marker)))
	}
	for _, method := range []string{"PUT", "POST", "PATCH", "DELETE"} {
		r.expects(s, message{method: method, target: "/api/previews/" + d.token, body: `{"article":{"title":"x"}}`}, status(405))
	}
	path := "/api/articles/" + d.slug + "/previews"
	for _, m := range []message{{method: "POST", target: path, token: s.rival.token}, {method: "DELETE", target: path, token: s.rival.token}} {
		r.expects(s, m, status(404)) // the draft does not exist for others
	}
	for _, m := range []message{{method: "POST", target: path}, {method: "DELETE", target: path}} {
		r.expects(s, m, status(401))
	}
	for _, suffix := range []string{"", "/comments", "/favorite", "/publish"} {
		m := message{method: "POST", target: "/api/articles/" + d.slug + suffix, token: s.rival.token, body: `{"comment":{"body":"x"}}`}
		r.expects(s, m, also(refused, silentOn(d.marker)))
	}
	if d.url != "/api/previews/"+d.token {
		r.complain("the link is %s", d.url)
	}
	r.expects(s, d.read(d.token), status(200))
}

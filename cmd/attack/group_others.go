package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// others uses the rival's token, or none, on the victim's objects. The snapshot
// after the group shows whether something was changed.
func others(s *site) (all []attack) {
	const group = "objects of other users"
	add := func(name string, m message, want expect) { all = append(all, send(group, name, m.raw(s.addr), want)) }
	at := "/api/articles/" + s.slug
	patch := object("article", map[string]any{"title": "taken over", "body": "taken over"})
	for name, token := range map[string]string{"nobody": "", "the rival": s.rival.token} {
		want, wantComment := status(401), status(401)
		if token != "" {
			want, wantComment = status(403, 404), status(403, 404)
		}
		add("update by "+name, message{method: "PUT", target: at, token: token, body: patch}, want)
		add("delete by "+name, message{method: "DELETE", target: at, token: token}, want)
		add("update under another case by "+name, message{method: "PUT", target: "/api/articles/" + strings.ToUpper(s.slug), token: token, body: patch}, want)
		add("delete a comment by "+name, message{method: "DELETE", target: at + "/comments/" + s.comment, token: token}, wantComment)
		add("delete with If-Match by "+name, message{method: "DELETE", target: at, token: token, fields: []string{"If-Match: *"}}, want)
		add("update with the owner in the query by "+name, message{method: "PUT", target: at + "?author=" + s.victim.name + "&userId=1", token: token, body: patch}, want)
		add("update with the owner in the body by "+name, message{method: "PUT", target: at, token: token,
			body: object("article", map[string]any{"title": "x", "author": map[string]any{"username": s.rival.name}})}, want)
	}
	// A comment can only be found at its own article.
	own, ownComment, err := s.write(s.rival)
	if err != nil {
		return []attack{impossible(group, err)}
	}
	add("a comment of another article", message{method: "DELETE", target: "/api/articles/" + own + "/comments/" + s.comment, token: s.rival.token}, status(403, 404))
	add("an own comment at another article", message{method: "DELETE", target: at + "/comments/" + ownComment, token: s.rival.token}, status(403, 404))
	for _, id := range []string{"1", "2", "3", "9007199254740991", "0", "-1", s.comment + ".0", "0" + s.comment, s.comment + "%00", "%20" + s.comment, s.comment + "%2f.."} {
		add("guessed comment "+id, message{method: "DELETE", target: at + "/comments/" + id, token: s.rival.token}, status(400, 403, 404, 422))
	}
	// Every operation that changes something is tried on the victim's objects.
	for _, op := range s.ops {
		if op.method == "GET" || len(op.params("path")) == 0 {
			continue
		}
		for name, token := range map[string]string{"nobody": "", "the rival": s.rival.token} {
			m := message{method: op.method, target: s.fill(op, map[string]string{"slug": s.slug, "username": s.victim.name, "id": s.comment}), token: token, fields: neededHeaders(op)}
			if op.body != nil {
				text, _ := json.Marshal(s.example(op))
				m.body = string(text)
			}
			if strings.Contains(op.path, "/comments") && op.method == "POST" && token != "" {
				continue // every user may comment
			}
			add(op.id+" by "+name, m, op.declares)
		}
	}
	return all
}

// halves sends requests whose last part is wrong. No part of them may be
// applied.
func halves(s *site) []attack {
	const group = "nothing partially applied"
	return []attack{
		{group, "a taken name leaves the account as it was", func(s *site) (r result) {
			s.unchanged(&r, message{method: "PUT", target: "/api/user", token: s.victim.token,
				body: object("user", map[string]any{"bio": "half", "image": "http://half", "username": s.rival.name})}, 409)
			return r
		}},
		{group, "a wrong member leaves the account as it was", func(s *site) (r result) {
			s.unchanged(&r, message{method: "PUT", target: "/api/user", token: s.victim.token,
				body: object("user", map[string]any{"bio": "half", "email": "no address"})}, 422)
			return r
		}},
		{group, "a wrong tag leaves the article as it was", func(s *site) (r result) {
			s.unchanged(&r, message{method: "PUT", target: "/api/articles/" + s.slug, token: s.victim.token,
				body: object("article", map[string]any{"title": "half", "tagList": []any{"a", ""}})}, 422)
			return r
		}},
		{group, "a stale If-Match leaves the article as it was", func(s *site) (r result) {
			s.unchanged(&r, message{method: "PUT", target: "/api/articles/" + s.slug, token: s.victim.token, fields: []string{`If-Match: "stale.x"`},
				body: object("article", map[string]any{"title": "half"})}, 412)
			return r
		}},
		{group, "a cut body leaves the article as it was", func(s *site) (r result) {
			m := message{method: "PUT", target: "/api/articles/" + s.slug, token: s.victim.token, body: object("article", map[string]any{"title": "half"})}
			m.body = m.body[:len(m.body)-1]
			s.unchanged(&r, m, 400)
			return r
		}},
		{group, "a refused article is in no list and leaves no tag", func(s *site) (r result) {
			tag := s.name("tag")
			m := message{method: "POST", target: "/api/articles", token: s.victim.token,
				body: object("article", map[string]any{"title": "half", "description": "d", "body": "", "tagList": []string{tag}})}
			s.unchanged(&r, m, 422)
			if answer, err := s.call(message{method: "GET", target: "/api/tags"}, 200); err != nil || strings.Contains(fmt.Sprint(answer["tags"]), tag) {
				r.complain("the tag of a refused article exists (%v)", err)
			}
			return r
		}},
		{group, "a refused registration leaves the name free", func(s *site) (r result) {
			name := s.name("half")
			bad := account{name: name, email: s.victim.email, password: "correct horse"}
			o := s.do(message{method: "POST", target: "/api/users", body: registration(bad)})
			if complaint := status(409)(o); complaint != "" {
				r.complaints = append(r.complaints, complaint)
			}
			bad.email = name + "@example.com"
			again := s.do(message{method: "POST", target: "/api/users", body: registration(bad)})
			if complaint := status(201)(again); complaint != "" {
				r.complaints = append(r.complaints, "the name can no longer be used: "+complaint)
			}
			r.outcomes = []outcome{o, again}
			return r
		}},
		{group, "a refused request leaves its Idempotency-Key free", func(s *site) (r result) {
			key := "Idempotency-Key: " + s.name("key")
			title := s.name("half")
			bad := s.do(message{method: "POST", target: "/api/articles", token: s.rival.token, fields: []string{key}, body: article("")})
			good := s.do(message{method: "POST", target: "/api/articles", token: s.rival.token, fields: []string{key}, body: article(title)})
			for _, complaint := range []string{status(422)(bad), status(201)(good)} {
				if complaint != "" {
					r.complaints = append(r.complaints, complaint)
				}
			}
			r.outcomes = []outcome{bad, good}
			return r
		}},
	}
}

// unchanged expects a refusal, and that the victim's objects have not changed.
func (s *site) unchanged(r *result, m message, want int) {
	o := s.do(m)
	r.outcomes = append(r.outcomes, o)
	if complaint := status(want)(o); complaint != "" {
		r.complaints = append(r.complaints, complaint)
	}
	if after, err := s.snapshot(); err != nil || after != s.before {
		r.complain("the refused request changed something (%v): %s", err, after)
	}
}

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	reporters   = 12
	openReports = 100 // the maximum for an account
)

// moderation floods moderators with reports, and tries to get around a block.
func moderation(s *site) []attack {
	const group = "reports and blocks"
	return []attack{
		{group, "many accounts report the same", massReports},
		{group, "an account reports everything", floodOfReports},
		{group, "a blocked user comes back", evasion},
		{group, "a block while the user comments", blockInTime},
	}
}

func reporting(a account, kind, id string) message {
	return message{method: "POST", target: "/api/reports", token: a.token, body: fmt.Sprintf(`{"kind":%q,"id":%q,"reason":"wrong"}`, kind, id)}
}

// massReports reports one article often, from many accounts. Moderators must
// see one item, with each account once, and nobody else anything.
func massReports(s *site) (r result) {
	author, errA := s.register("reported")
	slug, _, errB := s.write(author)
	accounts := make([]account, reporters)
	errC := together(reporters, func(i int) (err error) {
		accounts[i], err = s.register("reporter")
		return err
	})
	if !r.must(errors.Join(errA, errB, errC)) {
		return r
	}
	r.race(s, 10*reporters, func(i int) message { return reporting(accounts[i%reporters], "article", slug) }, 201)
	for _, m := range []message{
		{method: "GET", target: "/api/moderation/reports"}, {method: "GET", target: "/api/moderation/reports?status=decided"},
		{method: "PUT", target: "/api/moderation/reports/1", body: `{"action":"hide","note":"mine"}`},
	} {
		for _, token := range []string{author.token, accounts[0].token} {
			m.token = token
			r.expects(s, m, status(403))
		}
	}
	r.expects(s, reporting(author, "article", slug), status(422))
	r.expects(s, message{method: "GET", target: "/api/articles/" + slug}, status(200)) // reports alone hide nothing
	if s.root.token == "" {
		return r
	}
	a := r.expects(s, message{method: "GET", target: "/api/moderation/reports?kind=article&limit=100", token: s.root.token}, status(200))
	items, _ := decoded(a)["reports"].([]any)
	items = slices.DeleteFunc(items, func(item any) bool { return member(item.(map[string]any), "slug") != slug })
	if len(items) != 1 {
		r.complain("%d items for one article", len(items))
		return r
	}
	item := items[0].(map[string]any)
	if shown, _ := item["reports"].([]any); item["reportsCount"] != float64(reporters) || len(shown) > 5 {
		r.complain("%v reports by %d accounts, of which %d are shown", item["reportsCount"], reporters, len(shown))
	}
	decision := message{method: "PUT", target: fmt.Sprintf("/api/moderation/reports/%.0f", item["id"]), token: s.root.token, body: `{"action":"dismiss"}`}
	r.race(s, 10, func(int) message { return decision }, 200)
	decision.body = `{"action":"hide","note":"late"}`
	r.expects(s, decision, status(409))
	return r
}

// floodOfReports expects that an account can have only so many open reports.
func floodOfReports(s *site) (r result) {
	author, errA := s.register("reported")
	busy, errB := s.register("busy")
	slug, _, errC := s.write(author)
	if !r.must(errors.Join(errA, errB, errC)) {
		return r
	}
	const n = openReports + 20
	ids := make([]string, n)
	err := together(n, func(i int) error {
		answer, err := s.call(message{method: "POST", target: "/api/articles/" + slug + "/comments", token: author.token, body: `{"comment":{"body":"c"}}`}, 201)
		ids[i] = fmt.Sprintf("%.0f", member(answer, "comment", "id"))
		return err
	})
	if !r.must(err) {
		return r
	}
	flood := result{}
	flood.race(s, n, func(i int) message { return reporting(busy, "comment", ids[i]) }, 201, 422)
	flood.exactly(openReports, 201)
	r.outcomes, r.complaints = append(r.outcomes, flood.outcomes...), append(r.complaints, flood.complaints...)
	for _, id := range []string{"0", "-1", "1.0", "1e3", "9007199254740993", " 1", "%31", "' OR 1=1"} {
		r.expects(s, reporting(busy, "comment", id), status(404, 422))
	}
	r.expects(s, reporting(busy, "article", "../"+slug), status(404))
	return r
}

// comments returns the comments of an article that an account sees.
func (r *result) comments(s *site, a account, slug string) string {
	return string(r.expects(s, message{method: "GET", target: "/api/articles/" + slug + "/comments", token: a.token}, status(200)).body)
}

// pair creates a user with an article, and one who follows that user. It
// reports whether it could.
func (r *result) pair(s *site) (host, stalker account, slug string, ok bool) {
	host, errA := s.register("host")
	stalker, errB := s.register("stalker")
	slug, _, errC := s.write(host)
	if !r.must(errors.Join(errA, errB, errC)) {
		return host, stalker, slug, false
	}
	r.expects(s, message{method: "POST", target: "/api/profiles/" + host.name + "/follow", token: stalker.token}, status(200))
	return host, stalker, slug, true
}

func commenting(token, slug string, fields ...string) message {
	return message{method: "POST", target: "/api/articles/" + slug + "/comments", token: token, fields: fields, body: `{"comment":{"body":"it is me"}}`}
}

// evasion tries to reach somebody who has blocked the user.
func evasion(s *site) (r result) {
	host, stalker, slug, ok := r.pair(s)
	if !ok {
		return r
	}
	elsewhere, _, errA := s.write(s.rival)
	made, errB := s.call(message{method: "POST", target: "/api/user/keys", token: stalker.token, body: `{"apiKey":{"name":"k","scopes":["write"]}}`}, 201)
	if !r.must(errors.Join(errA, errB)) {
		return r
	}
	key, _ := made["key"].(string)
	r.expects(s, commenting(stalker.token, elsewhere), status(201))
	r.expects(s, message{method: "POST", target: "/api/profiles/" + host.name + "/block", token: host.token}, status(422))
	r.expects(s, message{method: "POST", target: "/api/profiles/" + stalker.name + "/block", token: host.token}, status(200))
	tryAll := func() {
		for _, token := range []string{stalker.token, key} {
			for _, m := range []message{
				commenting(token, slug), commenting(token, strings.ToUpper(slug)), commenting(token, slug, "Idempotency-Key: "+s.name("key")),
				{method: "POST", target: "/api/profiles/" + host.name + "/follow", token: token},
				{method: "POST", target: "/api/profiles/" + strings.ToUpper(host.name) + "/follow", token: token},
			} {
				r.expects(s, m, status(403, 404))
			}
		}
	}
	tryAll()
	// The other side of the block does not end it, and neither does another name.
	r.expects(s, message{method: "DELETE", target: "/api/profiles/" + host.name + "/block", token: stalker.token}, status(200))
	stalker.name = s.name("renamed")
	r.expects(s, message{method: "PUT", target: "/api/user", token: stalker.token, body: object("user", map[string]any{"username": stalker.name})}, status(200))
	tryAll()
	r.race(s, 20, func(int) message { return commenting(stalker.token, slug) }, 403)
	r.expects(s, commenting(stalker.token, elsewhere), status(201))
	for _, at := range []string{slug, elsewhere} {
		if seen := r.comments(s, host, at); strings.Contains(seen, "it is me") {
			r.complain("the comments of a blocked user are shown: %s", seen)
		}
		if seen := r.comments(s, stalker, at); strings.Contains(seen, "the comment of "+host.name) {
			r.complain("the comments of the one who has blocked are shown: %s", seen)
		}
	}
	profile := r.expects(s, message{method: "GET", target: "/api/profiles/" + host.name, token: stalker.token}, status(200))
	if strings.Contains(string(profile.body), "blocked") || strings.Contains(string(profile.body), `"following":true`) {
		r.complain("the blocked user is told more than necessary: %s", profile.body)
	}
	return r
}

// blockInTime blocks a user who comments and follows at that moment. After it,
// nothing may be added.
func blockInTime(s *site) (r result) {
	host, stalker, slug, ok := r.pair(s)
	if !ok {
		return r
	}
	r.race(s, 30, func(i int) message {
		switch {
		case i == 15:
			return message{method: "POST", target: "/api/profiles/" + stalker.name + "/block", token: host.token}
		case i%2 == 0:
			return message{method: "POST", target: "/api/profiles/" + host.name + "/follow", token: stalker.token}
		}
		return commenting(stalker.token, slug)
	}, 200, 201, 403)
	before := strings.Count(r.comments(s, account{}, slug), "it is me")
	r.race(s, 20, func(int) message { return commenting(stalker.token, slug) }, 403)
	if after := strings.Count(r.comments(s, account{}, slug), "it is me"); after != before {
		r.complain("%d comments before, %d after a block", before, after)
	}
	profile := r.expects(s, message{method: "GET", target: "/api/profiles/" + host.name, token: stalker.token}, status(200))
	if strings.Contains(string(profile.body), `"following":true`) {
		r.complain("a follow outlives a block: %s", profile.body)
	}
	return r
}

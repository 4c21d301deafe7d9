package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// team attacks a service on which only those may register who are invited, and
// only editors publish.
func team(s *site) []attack {
	return []attack{{"team", "invitations", func(s *site) (r result) {
		flags := []string{"--registration", "invite", "--authors-publish", "off", "--profile", "development", "--admin-addr", "127.0.0.1:0"}
		return s.elsewhere("by invitation", flags, func(s *site) (r result) {
			if !r.must(s.createRoot()) {
				return r
			}
			r.uninvited(s)
			r.forwarded(s)
			r.endedInvitations(s)
			r.submits(s)
			r.invitedOften(s)
			return r
		})
	}}}
}

// joining returns the registration of an account with the token of an
// invitation.
func joining(a account, token string) message {
	user := map[string]any{"username": a.name, "email": a.email, "password": a.password}
	if token != "" {
		user["invitation"] = token
	}
	return message{method: "POST", target: "/api/users", body: object("user", user)}
}

// newcomer returns an account that is not registered.
func (s *site) newcomer(kind string) account {
	name := s.name(kind)
	return account{name: name, email: name + "@example.com", password: "correct horse " + name}
}

// uninvited expects that a registration without a valid invitation reveals
// nothing about names and addresses.
func (r *result) uninvited(s *site) {
	stranger, taken := s.newcomer("stranger"), s.newcomer("taken")
	taken.name, taken.email = s.root.name, s.root.email
	for token, want := range map[string]int{"": 403, strings.Repeat("a", 26): 422, "' OR true --": 422, "\\x00": 422, strings.Repeat("7", 64): 422} {
		var texts []string
		for _, a := range []account{stranger, taken} {
			answer := r.expects(s, joining(a, token), status(want))
			var p map[string]any
			_ = json.Unmarshal(answer.body, &p) // status has complained already
			delete(p, "requestId")
			texts = append(texts, fmt.Sprint(p))
		}
		if texts[0] != texts[1] {
			r.complain("the refusal depends on the name: %s, %s", texts[0], texts[1])
		}
	}
	r.race(s, 60, func(i int) message { return joining(stranger, fmt.Sprintf("%026d", i)) }, 422)
}

// shownToken finds the token in the text of a mail.
var shownToken = regexp.MustCompile(`[a-z2-7]{26}`)

// invite invites an address, and returns the token that the mail shows.
func (r *result) invite(s *site, email, role string) string {
	m := message{method: "POST", target: "/api/admin/invitations", token: s.root.token, body: fmt.Sprintf(`{"email":%q,"role":%q}`, email, role)}
	r.expects(s, m, status(201))
	for begun := time.Now(); time.Since(begun) < 2*s.limit; time.Sleep(100 * time.Millisecond) {
		page := exchange(s.admin, message{method: "GET", target: "/mails"}.raw(s.admin), s.limit).first()
		if _, mail, found := strings.Cut(string(page.body), "<p>To "+email); found {
			return shownToken.FindString(mail)
		}
	}
	r.complain("no mail to %s", email)
	return ""
}

// forwarded uses an invitation with other addresses, many times at once, and
// again.
func (r *result) forwarded(s *site) {
	invited := s.newcomer("invited")
	token := r.invite(s, invited.email, "editor")
	for _, email := range []string{s.newcomer("thief").email, s.root.email, "x" + invited.email, invited.email + ".evil.example"} {
		thief := invited
		thief.email = email
		r.expects(s, joining(thief, token), status(422))
	}
	once := result{}
	once.race(s, 20, func(i int) message {
		a := invited
		a.name = fmt.Sprintf("%s-%d", invited.name, i)
		return joining(a, token)
	}, 201, 422)
	once.exactly(1, 201)
	r.outcomes, r.complaints = append(r.outcomes, once.outcomes...), append(r.complaints, once.complaints...)
	r.expects(s, joining(s.newcomer("late"), token), status(422))

	joined, err := s.signIn(invited)
	if !r.must(err) {
		return
	}
	for _, m := range []message{ // an editor is no admin
		{method: "POST", target: "/api/admin/invitations", body: `{"email":"friend@example.com","role":"admin"}`},
		{method: "POST", target: "/api/admin/users", body: `{"username":"friend","email":"friend@example.com","role":"admin"}`},
		{method: "GET", target: "/api/admin/invitations"},
		{method: "DELETE", target: "/api/admin/invitations/1"},
	} {
		m.token = joined.token
		r.expects(s, m, status(403))
	}
}

// endedInvitations uses invitations that were withdrawn, that another one has
// replaced, and whose admin is no admin any more.
func (r *result) endedInvitations(s *site) {
	withdrawn, replaced, orphaned := s.newcomer("withdrawn"), s.newcomer("replaced"), s.newcomer("orphaned")
	ended := map[*account]string{&withdrawn: r.invite(s, withdrawn.email, "admin")}
	list := r.expects(s, message{method: "GET", target: "/api/admin/invitations", token: s.root.token}, status(200))
	pending, _ := member(decoded(list), "invitations").([]any)
	for _, i := range pending {
		if id, _ := member(i, "id").(float64); member(i, "email") == withdrawn.email {
			path := fmt.Sprintf("/api/admin/invitations/%.0f", id)
			r.expects(s, message{method: "DELETE", target: path, token: s.root.token}, status(204))
			r.expects(s, message{method: "DELETE", target: path, token: s.root.token}, status(404))
		}
	}

	ended[&replaced] = r.invite(s, replaced.email, "admin")
	r.expects(s, message{method: "POST", target: "/api/admin/invitations", token: s.root.token, body: fmt.Sprintf(`{"email":%q,"role":"reader"}`, replaced.email)}, status(201))

	helper := s.newcomer("helper")
	r.expects(s, joining(helper, r.invite(s, helper.email, "admin")), status(201))
	helper, err := s.signIn(helper)
	if !r.must(err) {
		return
	}
	root := s.root
	s.root = helper
	ended[&orphaned] = r.invite(s, orphaned.email, "admin")
	s.root = root
	r.expects(s, message{method: "PUT", target: "/api/admin/users/" + helper.name + "/role", token: s.root.token, body: `{"role":"editor"}`}, status(200))

	for a, token := range ended {
		if token == "" {
			r.complain("no token for %s", a.name)
		}
		r.race(s, 5, func(int) message { return joining(*a, token) }, 422)
	}
}

// submits tries to publish as an author where only editors may.
func (r *result) submits(s *site) {
	author := s.newcomer("author")
	r.expects(s, joining(author, r.invite(s, author.email, "author")), status(201))
	author, err := s.signIn(author)
	if !r.must(err) {
		return
	}
	post := func(members string, want ...int) {
		body := `{"article":{"title":"Unreviewed","description":"d","body":"b"` + members + `}}`
		r.expects(s, message{method: "POST", target: "/api/articles", token: author.token, body: body}, status(want...))
	}
	for _, members := range []string{``, `,"status":"published"`, `,"status":"scheduled","publishedAt":"2100-01-01T00:00:00Z"`, `,"status":"draft","author":"` + s.root.name + `"`} {
		post(members, 403)
	}
	for _, members := range []string{`,"status":"Published"`, `,"status":null`, `,"status":["published"]`, `,"status":"draft","publishedAt":"2001-01-01T00:00:00Z"`} {
		post(members, 422)
	}
	post(`,"status":"draft"`, 201)
	for _, members := range []string{`"status":"published"`, `"published":true`} {
		m := message{method: "PUT", target: "/api/articles/unreviewed", token: author.token, body: `{"article":{` + members + `}}`}
		r.expects(s, m, status(403, 422))
	}
	r.expects(s, message{method: "GET", target: "/api/articles/unreviewed"}, status(404))
	if list := r.expects(s, message{method: "GET", target: "/api/articles"}, status(200)); !strings.Contains(string(list.body), `"articlesCount":0`) {
		r.complain("an author has published: %s", list.body)
	}
}

// invitedOften expects that an admin cannot flood a mailbox.
func (r *result) invitedOften(s *site) {
	email := s.newcomer("flooded").email
	for range 20 {
		r.invite(s, email, "reader")
	}
	last := s.newcomer("last").email
	r.invite(s, last, "reader") // mails are sent in their order
	page := exchange(s.admin, message{method: "GET", target: "/mails"}.raw(s.admin), s.limit).first()
	if n := strings.Count(string(page.body), "<p>To "+email); n < 1 || n > 5 {
		r.complain("an address that was invited 20 times was sent %d mails", n)
	}
}

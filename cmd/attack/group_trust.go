package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// theft is a request of the thief.
type theft struct {
	op   operation
	name string
	body string // instead of the example
}

// thefts returns a request for each operation that writes for its user, and
// some more for the account itself.
func (s *site) thefts() (all []theft) {
	for _, op := range s.ops {
		if !op.writes() || op.privileged && s.root.token == "" {
			continue
		}
		all = append(all, theft{op: op, name: op.id})
		if op.id == "UpdateCurrentUser" {
			for _, member := range []string{"username", "email", "password"} {
				value := s.name("thief")
				if member == "email" {
					value += "@example.com"
				}
				all = append(all, theft{op, op.id + " with " + member, object("user", map[string]any{member: value})})
			}
		}
	}
	return all
}

// message returns a request with a credential of v.
func (t theft) message(s *site, v robbed, token string) message {
	with := map[string]string{"slug": v.slug, "username": v.bystander.name}
	switch {
	case strings.Contains(t.op.path, "/comments/"):
		with["id"] = v.comment
	case strings.Contains(t.op.path, "/keys/"):
		with["id"] = v.keyID
	case strings.Contains(t.op.path, "/sessions/"):
		with["id"] = v.ownSessionID
	}
	maps.Copy(with, v.aims[t.op.id])
	m := message{method: t.op.method, target: s.fill(t.op, with), token: token, fields: neededHeaders(t.op), body: t.body}
	if t.op.body != nil && m.body == "" {
		body := s.example(t.op)
		for name, value := range map[string]string{"email": v.email, "password": v.password} {
			// An account that is to be created has its own.
			if path := []string{"user", name}; has(body, path) && !has(body, []string{"user", "username"}) {
				body = put(body, path, value)
			}
		}
		switch t.op.id {
		case "CreateReport":
			body = map[string]any{"kind": "profile", "id": v.bystander.name, "reason": "stolen"}
		case "MergeTag":
			body = map[string]any{"into": "attack"}
		case "UpdateTag":
			body = map[string]any{"description": "stolen"}
		case "UpdateSeries": // the articles in the example are not in it
			body = map[string]any{"series": map[string]any{"title": "stolen"}}
		}
		text, err := json.Marshal(body)
		if err != nil {
			panic(err) // the example of the document is invalid
		}
		m.body = string(text)
	}
	return m
}

func has(body any, path []string) bool {
	_, found := get(body, path)
	return found
}

// endsSession reports whether the session of the thief cannot be used after t.
func (t theft) endsSession() bool {
	return t.op.method == "DELETE" && t.op.scope() == "account" && len(t.op.params("path")) == 0
}

// recovery is what an owner, or an admin, does against a thief.
type recovery struct {
	name string
	// which returns the credentials that it ends, of those of the thief.
	which func(robbed) map[string]string
	// prepare returns what to send. It may change the password of v.
	prepare func(s *site, v *robbed) (message, error)
	asRoot  bool
	// only limits the operations; nil is all.
	only func(operation) bool
	// quick means that it needs no password hash.
	quick bool
	// signIns means that it also ends the sign-ins in progress.
	signIns bool
}

func both(v robbed) map[string]string     { return map[string]string{"session": v.session, "key": v.key} }
func sessions(v robbed) map[string]string { return map[string]string{"session": v.session} }

var recoveries = []recovery{
	{name: "sign-out everywhere", quick: true, which: sessions, prepare: func(_ *site, v *robbed) (message, error) {
		return message{method: "DELETE", target: "/api/sessions", token: v.token}, nil
	}},
	{name: "the end of the session", quick: true, which: sessions, prepare: func(_ *site, v *robbed) (message, error) {
		return message{method: "DELETE", target: "/api/sessions/" + v.sessionID, token: v.token}, nil
	}},
	{name: "a changed password", which: sessions, signIns: true, prepare: func(s *site, v *robbed) (message, error) {
		v.password = "new horse " + v.name
		return message{method: "PUT", target: "/api/user", token: v.token, body: object("user", map[string]any{"password": v.password})}, nil
	}},
	{name: "a revoked key", which: func(v robbed) map[string]string { return map[string]string{"key": v.key} },
		prepare: func(_ *site, v *robbed) (message, error) {
			return message{method: "DELETE", target: "/api/user/keys/" + v.keyID, token: v.token}, nil
		}},
	{name: "a password reset", which: both, asRoot: true, signIns: true, prepare: resetPassword},
	{name: "a suspension", which: both, asRoot: true, quick: true, signIns: true, prepare: func(s *site, v *robbed) (message, error) {
		return message{method: "PUT", target: "/api/admin/users/" + v.name + "/suspension", token: s.root.token, body: `{"reason":"stolen"}`}, nil
	}},
	{name: "a lower role", which: both, asRoot: true, only: func(op operation) bool { return op.declared.Extensions["x-role"] != nil },
		prepare: func(s *site, v *robbed) (message, error) {
			return message{method: "PUT", target: "/api/admin/users/" + v.name + "/role", token: s.root.token, body: `{"role":"reader"}`}, nil
		}},
}

// resetPassword makes a token like that of a mail, and returns the request that
// sets a new password with it.
func resetPassword(s *site, v *robbed) (message, error) {
	token, err := s.command("", "admin", "reset-link", v.name)
	v.password = "new horse " + v.name
	return message{method: "POST", target: "/api/users/password-reset/confirm",
		body: fmt.Sprintf(`{"token":%q,"password":%q}`, token, v.password)}, err
}

// trust tries to keep access to an account whose owner has taken it back.
func trust(s *site) (all []attack) {
	const group = "trust"
	add := func(name string, run func(*site, *result) error) {
		all = append(all, attack{group, name, func(s *site) (r result) {
			r.must(run(s, &r))
			return r
		}})
	}
	add("held open, with a valid session", heldWhileValid)
	for _, rec := range recoveries {
		if rec.asRoot && s.root.token == "" {
			continue // the service was not started by this program
		}
		add("held open during "+rec.name, func(s *site, r *result) error { return s.heldDuring(rec, r) })
		if rec.quick {
			add("waiting for a password hash during "+rec.name, func(s *site, r *result) error { return s.hashesDuring(rec, r) })
		}
		if rec.signIns {
			add("sign-ins in progress during "+rec.name, func(s *site, r *result) error { return s.signInsDuring(rec, r) })
		}
	}
	if s.root.token != "" {
		add("keys made before the address was verified", oldKeys)
	}
	return append(all, attack{group, "new keys without the current password", func(s *site) result {
		return s.elsewhere("that requires the current password", []string{"--require-current-password", "on"}, func(s *site) (r result) {
			r.must(withoutPassword(s, &r))
			return r
		})
	}})
}

// heldWhileValid checks that the requests of the other attacks of this group
// would write, if nobody prevented it.
func heldWhileValid(s *site, r *result) error {
	v, err := s.rob()
	if err != nil {
		return err
	}
	all := s.thefts()
	// What deletes comes last, and what deletes the least comes first.
	order := func(t theft) int {
		switch {
		case t.endsSession():
			return 3
		case t.body != "": // a new password ends other sessions
			return 2
		case t.op.method == "DELETE":
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b theft) int { return cmp.Or(order(a)-order(b), len(b.op.path)-len(a.op.path)) })
	for _, t := range all {
		if t.endsSession() {
			if v, err = s.rob(); err != nil {
				return err
			}
		}
		h, err := s.holdBack(t.name, t.message(s, v, v.session))
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		o := h.finish()
		r.outcomes = append(r.outcomes, o)
		if status := o.first().status; status/100 != 2 {
			r.complain("%s: status %d, so that its attacks prove nothing: %s", t.name, status, short(string(o.first().body), 300))
		}
	}
	return nil
}

// heldDuring holds requests for all operations open while the owner recovers
// the account. None of them may write afterwards.
func (s *site) heldDuring(rec recovery, r *result) error {
	v, err := s.rob()
	if err != nil {
		return err
	}
	before, err := s.belongings(v)
	if err != nil {
		return err
	}
	recover, err := rec.prepare(s, &v)
	if err != nil {
		return err
	}
	var open []*held
	defer func() {
		for _, h := range open {
			_ = h.conn.Close()
		}
	}()
	for _, kind := range sortedKeys(rec.which(v)) {
		for _, t := range s.thefts() {
			if kind == "key" && t.op.scope() == "account" || rec.only != nil && !rec.only(t.op) {
				continue
			}
			h, err := s.holdBack(t.name+" with the "+kind, t.message(s, v, rec.which(v)[kind]))
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			open = append(open, h)
		}
	}
	if _, err := s.call(recover, 200, 204); err != nil {
		return err
	}
	for _, h := range open {
		r.want(h.finish(), h.name, 401, 403)
	}
	return s.untouched(v, before, r)
}

// untouched expects that a thief has changed nothing of the account, which its
// owner can use again.
func (s *site) untouched(v robbed, before string, r *result) error {
	if err := s.reinstate(v); err != nil {
		return err
	}
	owner, err := s.signIn(v.account)
	if err != nil {
		return fmt.Errorf("the owner signs in: %w", err)
	}
	v.account = owner
	after, err := s.belongings(v)
	if err == nil && before != after {
		r.complain("a thief has changed the account:\n  before %s\n  after  %s", before, after)
	}
	return err
}

// reinstate takes back what an admin did to the account.
func (s *site) reinstate(v robbed) error {
	if s.root.token == "" {
		return nil
	}
	_, err := s.call(message{method: "DELETE", target: "/api/admin/users/" + v.name + "/suspension", token: s.root.token}, 200)
	return errors.Join(err, s.setRole(v, "admin"))
}

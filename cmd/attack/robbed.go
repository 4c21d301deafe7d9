package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// robbed is an account whose session and API key a thief has. The token is that
// of the owner.
type robbed struct {
	account
	session, key     string // the thief's
	sessionID, keyID string
	ownSessionID     string
	slug, comment    string
	bystander        account // somebody else
	// aims are the path parameters of operations that need objects of their own,
	// since others of these operations would leave them in another state.
	aims map[string]map[string]string
}

// rob creates an account and gives a thief its credentials. If there is an
// admin, the account is one too, so that all operations are at stake.
func (s *site) rob() (v robbed, err error) {
	if v.account, err = s.register("robbed"); err != nil {
		return v, err
	}
	if v.bystander, err = s.register("bystander"); err != nil {
		return v, err
	}
	scopes := []string{"write"}
	if s.root.token != "" {
		scopes = append(scopes, "admin")
		if err = s.setRole(v, "admin"); err != nil {
			return v, err
		}
	}
	if v.slug, v.comment, err = s.write(v.account); err != nil {
		return v, err
	}
	if v.session, v.sessionID, err = s.createSession(v.account); err != nil {
		return v, err
	}
	if v.key, v.keyID, err = s.createKey(v.token, scopes); err != nil {
		return v, err
	}
	if err = s.furnish(&v); err != nil {
		return v, err
	}
	listed, err := s.call(message{method: "GET", target: "/api/sessions", token: v.token}, 200)
	sessions, _ := listed["sessions"].([]any)
	for _, session := range sessions {
		if member(session, "current") == true {
			v.ownSessionID = number(session, "id")
		}
	}
	return v, err
}

// furnish creates the objects that v.aims refers to.
func (s *site) furnish(v *robbed) error {
	var errs []error
	post := func(target, token, body string, want int) map[string]any {
		made, err := s.call(message{method: "POST", target: target, token: token, body: body}, want)
		errs = append(errs, err)
		return made
	}
	publish := func(members map[string]any) map[string]string {
		maps.Copy(members, map[string]any{"title": s.name("owned"), "description": "d", "body": "b"})
		slug, _ := member(post("/api/articles", v.token, object("article", members), 201), "article", "slug").(string)
		return map[string]string{"slug": slug}
	}
	merged, renamed, series := s.name("tag"), s.name("tag"), s.name("series")
	post("/api/series", v.token, object("series", map[string]any{"slug": series, "title": "s"}), 201)
	revised := publish(map[string]any{"tagList": []string{merged, renamed, "attack"}})
	_, err := s.call(message{method: "PUT", target: "/api/articles/" + revised["slug"] + "/working-copy", token: v.token,
		body: object("article", map[string]any{"body": "better"})}, 200)
	errs = append(errs, err)
	v.aims = map[string]map[string]string{
		"SubmitArticle": publish(map[string]any{"status": "draft"}), "RestoreArticleRevision": {"slug": v.slug, "n": "1"},
		"UpdateWorkingCopy": revised, "DeleteWorkingCopy": revised, "UpdateSeries": {"slug": series}, "DeleteSeries": {"slug": series},
		"MergeTag": {"tag": merged}, "UpdateTag": {"tag": renamed},
	}
	if s.root.token != "" {
		slug, _, errA := s.write(s.rival)
		post("/api/reports", v.bystander.token, fmt.Sprintf(`{"kind":"article","id":%q,"reason":"wrong"}`, slug), 201)
		list, errB := s.call(message{method: "GET", target: "/api/moderation/reports?kind=article&limit=100", token: s.root.token}, 200)
		reports, _ := list["reports"].([]any)
		for _, report := range reports {
			if member(report, "slug") == slug {
				v.aims["DecideReport"] = map[string]string{"id": number(report, "id")}
			}
		}
		invited := post("/api/admin/invitations", s.root.token, fmt.Sprintf(`{"email":"%s@example.com","role":"reader"}`, s.name("invited")), 201)
		v.aims["DeleteInvitation"] = map[string]string{"id": number(invited, "invitation", "id")}
		errs = append(errs, errA, errB)
	}
	return errors.Join(errs...)
}

func (s *site) setRole(v robbed, role string) error {
	_, err := s.call(message{method: "PUT", target: "/api/admin/users/" + v.name + "/role", token: s.root.token,
		body: fmt.Sprintf(`{"role":%q}`, role)}, 200)
	return err
}

// createSession signs in and returns the access token and the id of the
// session.
func (s *site) createSession(a account) (token, id string, err error) {
	made, err := s.call(message{method: "POST", target: "/api/sessions", body: login(a)}, 201)
	token, _ = member(made, "tokens", "accessToken").(string)
	return token, number(made, "session", "id"), err
}

func (s *site) createKey(token string, scopes []string) (key, id string, err error) {
	made, err := s.call(message{method: "POST", target: "/api/user/keys", token: token,
		body: object("apiKey", map[string]any{"name": s.name("key"), "scopes": scopes})}, 201)
	key, _ = made["key"].(string)
	return key, number(made, "apiKey", "id"), err
}

// number returns a number in decoded JSON as text.
func number(value any, path ...string) string {
	n, _ := member(value, path...).(float64)
	return strconv.FormatInt(int64(n), 10)
}

// belongings returns what a thief must not have changed: the export of the
// account, without what recoveries change.
func (s *site) belongings(v robbed) (string, error) {
	o := s.do(message{method: "GET", target: "/api/user/export", token: v.token})
	if o.first().status != 200 {
		return "", fmt.Errorf("GET /api/user/export: status %d", o.first().status)
	}
	var all []any
	for line := range strings.Lines(string(o.first().body)) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			return "", err
		}
		prefix, _ := record["prefix"].(string)
		switch kind := record["type"]; {
		case kind == "session", kind == "end", kind == "apiKey" && strings.HasPrefix(v.key, prefix):
		case kind == "auditEntry" && member(record, "subject", "kind") == "user":
		default:
			all = append(all, without(record, "updatedAt", "usedAt", "emailVerifiedAt"))
		}
	}
	if s.root.token != "" {
		answer, err := s.call(message{method: "GET", target: "/api/admin/audit?limit=100", token: s.root.token}, 200)
		if err != nil {
			return "", err
		}
		entries, _ := answer["entries"].([]any)
		for _, entry := range entries {
			if member(entry, "actor", "username") == v.name {
				all = append(all, entry)
			}
		}
	}
	text, err := json.Marshal(all)
	return string(text), err
}

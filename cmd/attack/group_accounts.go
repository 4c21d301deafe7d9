package main

import (
	"fmt"
	"strings"
)

// secret reports whether a response of op that succeeds contains a secret.
func (op operation) secret() bool {
	for status, ref := range op.declared.Responses.Map() {
		media := ref.Value.Content["application/json"]
		if !strings.HasPrefix(status, "2") || media == nil {
			continue
		}
		for _, p := range places(media.Schema.Value) {
			if p.schema.Extensions["x-secret"] == true {
				return true
			}
		}
	}
	return false
}

// uncached calls each operation whose response contains a secret.
func uncached(s *site) (r result) {
	v, err := s.rob()
	if err != nil {
		r.complaints = []string{err.Error()}
		return r
	}
	stored := 0
	for _, op := range s.ops {
		if !op.secret() {
			continue
		}
		o := s.do(theft{op: op}.message(s, v, v.token))
		r.outcomes = append(r.outcomes, o)
		if a := o.first(); a.status/100 == 2 {
			stored++
			if control := a.header.Get("Cache-Control"); !strings.Contains(control, "no-store") {
				r.complain("%s: Cache-Control: %q", op.id, control)
			}
		}
	}
	if stored < 5 {
		r.complain("only %d responses with a secret: the run has tested too little", stored)
	}
	return r
}

// completeExport compares the export with what moderators and admins did to an
// account. Their reasons end with it.
func completeExport(s *site) (r result) {
	if s.root.token == "" {
		return r // the service was not started by this program
	}
	r.must(s.completeExport(&r))
	return r
}

func (s *site) completeExport(r *result) error {
	v, err := s.rob()
	if err != nil {
		return err
	}
	reset, err := resetPassword(s, &v) // which verifies the address
	if err != nil {
		return err
	}
	hidden, suspended := s.name("hidden because"), s.name("suspended because")
	at := "/api/admin/users/" + v.name + "/suspension"
	for _, m := range []message{
		reset,
		{method: "PUT", target: "/api/articles/" + v.slug + "/hidden", token: s.root.token, body: fmt.Sprintf(`{"reason":%q}`, hidden)},
		{method: "PUT", target: at, token: s.root.token, body: fmt.Sprintf(`{"reason":%q}`, suspended)},
		{method: "DELETE", target: at, token: s.root.token},
	} {
		if _, err := s.call(m, 200, 204); err != nil {
			return err
		}
	}
	if v.account, err = s.signIn(v.account); err != nil {
		return err
	}
	o := s.do(message{method: "GET", target: "/api/user/export", token: v.token})
	r.want(o, "the export", 200)
	text := string(o.first().body)
	for _, part := range []string{hidden, suspended, "auditEntry", "user.suspended", "article.hidden"} {
		if !strings.Contains(text, part) {
			r.complain("the export lacks %q", part)
		}
	}
	if verified := `"emailVerifiedAt"`; !strings.Contains(text, verified) || strings.Contains(strings.ReplaceAll(text, " ", ""), verified+":null") {
		r.complaints = append(r.complaints, "the export does not say when the address was verified")
	}
	if _, err := s.call(message{method: "DELETE", target: "/api/user", token: v.token, body: object("user", map[string]any{"password": v.password})}, 204); err != nil {
		return err
	}
	audit := s.do(message{method: "GET", target: "/api/admin/audit?limit=100", token: s.root.token})
	r.want(audit, "the audit log", 200)
	for _, reason := range []string{hidden, suspended} {
		if strings.Contains(string(audit.first().body), reason) {
			r.complaints = append(r.complaints, "a reason remains in the audit log after the account was deleted")
		}
	}
	return nil
}

package main

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// oldSecret is the secret of an older system whose tokens a service accepts.
const oldSecret = "secret"

// oldTokens forges tokens of an older system, and uses genuine ones after their
// end.
func oldTokens(s *site) result {
	until := time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339)
	flags := []string{"--old-tokens-secret", oldSecret, "--old-tokens-until", until, "--rate-limit", "off"}
	return s.elsewhere("that accepts tokens of an older system", flags, func(s *site) (r result) {
		v, err := s.register("imported")
		if err == nil {
			err = s.asImported(v)
		}
		if !r.must(err) {
			return r
		}
		header, genuine := claims{"alg": "HS256", "typ": "JWT"}, claims{"id": v.name, "iat": time.Now().Unix() - 60}
		get := func(token string, want expect) {
			r.expects(s, message{method: "GET", target: "/api/user", token: token}, want)
		}
		refused := also(status(401), silentOn(v.email))
		for name, token := range oldForgeries(header, genuine) {
			o := s.do(message{method: "GET", target: "/api/user", token: token})
			r.outcomes = append(r.outcomes, o)
			if complaint := refused(o); complaint != "" {
				r.complain("an old token, %s: %s", name, complaint)
			}
		}
		sign := func(c claims) string { return signed(sha256.New, header, c, oldSecret) }
		used, unused := sign(genuine), sign(with(genuine, "jti", "unused"))
		get(used, status(200))
		r.expects(s, message{method: "DELETE", target: "/api/sessions", token: used}, status(204))
		get(used, refused)
		get(unused, refused)
		get(sign(with(genuine, "iat", nil)), refused)
		signedIn, err := s.call(message{method: "POST", target: "/api/users/login", body: login(v)}, 200)
		if !r.must(err) {
			return r
		}
		token, _ := member(signedIn, "user", "token").(string)
		r.expects(s, message{method: "DELETE", target: "/api/user", token: token, body: object("user", map[string]any{"password": v.password})}, status(204))
		get(sign(with(genuine, "iat", time.Now().Unix())), refused)
		return r
	})
}

// oldForgeries returns tokens that must be refused.
func oldForgeries(header, genuine claims) map[string]string {
	sign := func(c claims) string { return signed(sha256.New, header, c, oldSecret) }
	now := time.Now().Unix()
	forged := map[string]string{
		"unsigned":       unsigned(with(header, "alg", "none"), genuine) + ".",
		"another secret": signed(sha256.New, header, genuine, "Secret"), "no secret": signed(sha256.New, header, genuine, ""),
		"HS384": signed(sha512.New384, with(header, "alg", "HS384"), genuine, oldSecret), "HS512": signed(sha512.New, with(header, "alg", "HS512"), genuine, oldSecret),
		"no algorithm": signed(sha256.New, with(header, "alg", nil), genuine, oldSecret), "critical": signed(sha256.New, with(header, "crit", []string{"x"}), genuine, oldSecret),
		"kid": signed(sha256.New, with(header, "kid", "../../dev/null"), genuine, ""), "too long": sign(with(genuine, "x", strings.Repeat("x", 5000))),
	}
	for name, change := range map[string][2]any{
		"expired": {"exp", now - 1}, "expiry zero": {"exp", 0}, "expiry text": {"exp", "never"}, "expiry array": {"exp", []int64{now + 60}}, "expiry negative": {"exp", -1e300},
		"not before": {"nbf", now + 3600}, "from the future": {"iat", now + 3600}, "issued text": {"iat", "x"},
		"id 1": {"id", 1}, "id zero": {"id", 0}, "id negative": {"id", -1}, "id fraction": {"id", 1.5}, "id huge": {"id", 1e300}, "id true": {"id", true}, "id empty": {"id", ""},
		"id null": {"id", nil}, "id array": {"id", []any{genuine["id"]}}, "id object": {"id", map[string]any{"id": genuine["id"]}}, "id of SQL": {"id", "' OR 1=1 --"},
		"id with NUL": {"id", "a\x00b"}, "id long": {"id", strings.Repeat("9", 2000)}, "id like": {"id", "%"}, "id deep": {"id", deep(200)},
		"for a new password": {"purpose", "reset-password"}, "to renew": {"type", "refresh"},
	} {
		forged[name] = sign(with(genuine, change[0].(string), change[1]))
	}
	return forged
}

// deep returns nested arrays.
func deep(levels int) any {
	var v any = "x"
	for range levels {
		v = []any{v}
	}
	return v
}

// asImported makes an account look as if an import had created it. Its key in
// the older system is the name.
func (s *site) asImported(a account) error {
	conn, err := s.connect()
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), `WITH i AS (INSERT INTO imports (name, source, has_ids) VALUES ('default', 'attack', true) RETURNING id)
		INSERT INTO imported_rows SELECT i.id, 'users', u.username, u.id, 0 FROM i, users u WHERE u.username = $1`, a.name)
	return err
}

// connect opens the database of a service that this program has started, as an
// operator does for what no operation can do.
func (s *site) connect() (*pgx.Conn, error) {
	password, errPassword := os.ReadFile(filepath.Join(s.data, "password"))
	running, errRunning := os.ReadFile(filepath.Join(s.data, "postgres", "postmaster.pid"))
	if err := errors.Join(errPassword, errRunning); err != nil {
		return nil, err
	}
	lines := strings.Split(string(running), "\n")
	if len(lines) < 4 {
		return nil, fmt.Errorf("postmaster.pid has %d lines, instead of 4 or more", len(lines))
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword("byline", strings.TrimSpace(string(password))), Host: "127.0.0.1:" + lines[3], Path: "/byline"}
	return pgx.Connect(context.Background(), u.String())
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// canary is the header field that injections try to add to a response.
const canary = "X-Attack-Injected"

// leaks are patterns of internal details. Texts of the request may be returned;
// see leaked.
var leaks = map[string]*regexp.Regexp{
	"an error of PostgreSQL": regexp.MustCompile(`SQLSTATE|syntax error at or near|violates \w+|duplicate key value|invalid byte sequence|` +
		`\b(relation|column|function|constraint) "|\bpgx|\bpq: |\bpgconn|statement timeout`),
	"the name of a constraint":      regexp.MustCompile(`\b\w+_(fkey|pkey|check|idx)\b|\b(users|articles|comments|tags|follows|favorites|sessions|api_keys)_\w+_key\b`),
	"an SQL statement":              regexp.MustCompile(`\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b[^<]{0,200}\b(FROM|VALUES|SET|WHERE|RETURNING)\b`),
	"a stack trace":                 regexp.MustCompile(`goroutine \d+|\w\.go:\d+|\bpanic:|runtime error|runtime/debug|nil pointer`),
	"a path of the machine":         regexp.MustCompile(`(^|[\s"'(=:])/(root|home|tmp|usr|var|etc|opt|proc|work|build)/\w`),
	"a text of a library":           regexp.MustCompile(`github\.com/|golang\.org/|\bjsontext\b|\bstrconv\.|\bjson: |Go struct|Go value|openapi3|code=\d+, message=|invalid character '|crypto/\w|\bjwt\b:|http: \w`),
	"an address of another service": regexp.MustCompile(`dial (tcp|unix)|connection refused|connection reset|postgres(ql)?://|\.s\.PGSQL`),
	"a secret":                      regexp.MustCompile(`\$argon2id?\$|\$2[aby]\$\d\d\$|password_?[hH]ash|BEGIN (RSA |EC )?PRIVATE KEY`),
	"a file of the machine":         regexp.MustCompile(`root:[x*]:0:0|\[boot loader\]|^module github`),
}

// judge returns what is wrong with a response, whatever the request was.
func (s *site) judge(sent []byte, a answer) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	if a.status >= 500 && !deliberate(a) && !ofNetHTTP(a) { // net/http uses 501 and 505 to refuse a framing and a version
		complain("status %d", a.status)
	}
	if a.header.Get(canary) != "" || strings.Contains(a.header.Get("Set-Cookie"), canary) {
		complain("the header %s was injected", canary)
	}
	for name, values := range a.header {
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				complain("a control character in the header %s: %q", name, v)
			}
		}
	}
	if a.header.Get("Access-Control-Allow-Credentials") == "true" {
		complain("other origins may send credentials")
	}
	for _, name := range []string{"Server", "X-Powered-By"} {
		if v := a.header.Get(name); v != "" {
			complain("%s: %s reveals software", name, v)
		}
	}
	if what, text := leaked(sent, a); what != "" {
		complain("shows %s: %q", what, text)
	}
	if a.status >= 400 && !ofNetHTTP(a) {
		if err := problemShape(a); err != nil {
			complain("the error has another form than declared: %v", err)
		}
	}
	if strings.HasPrefix(a.header.Get("Content-Type"), "application/json") && len(a.body) > 0 && !coded(a) && !json.Valid(a.body) {
		complain("the body is not JSON")
	}
	return complaints
}

// deliberate reports whether a service refuses a request temporarily: 503 with
// Retry-After.
func deliberate(a answer) bool {
	return a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != ""
}

// leaked returns the first internal detail in a response. Guides and pages are
// not searched, because they explain such words. A text that the request
// contained is not a leak.
func leaked(sent []byte, a answer) (what, text string) {
	if coded(a) {
		return "", ""
	}
	var b bytes.Buffer
	_ = a.header.WriteSubset(&b, map[string]bool{"Content-Security-Policy": true})
	if kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";"); a.status >= 400 || strings.HasSuffix(kind, "json") {
		b.Write(a.body)
	}
	for _, what := range sortedKeys(leaks) {
		for _, found := range leaks[what].FindAll(b.Bytes(), -1) {
			if !bytes.Contains(sent, found) && !strings.Contains(string(sent), strings.TrimSpace(string(found))) {
				return what, string(found)
			}
		}
	}
	return "", ""
}

func coded(a answer) bool { return a.header.Get("Content-Encoding") != "" }

// ofNetHTTP reports whether Go's HTTP server refused the request itself,
// because it was not valid HTTP. Such a response has no request id, and its
// body is the status as text.
func ofNetHTTP(a answer) bool {
	body := string(a.body)
	if a.header.Get("X-Request-Id") != "" {
		return false
	}
	switch a.status {
	case 400, 431, 505:
		return strings.HasPrefix(body, strconv.Itoa(a.status)+" ") && len(body) < 100
	case 501:
		return body == "Unsupported transfer encoding"
	case 417:
		return body == "" // an unknown expectation (RFC 9110, section 10.1.1)
	}
	return false
}

// problemShape checks an error against RFC 9457 and the additions of the
// contract.
func problemShape(a answer) error {
	if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
		return fmt.Errorf("Content-Type %q", kind)
	}
	var p struct {
		Type, Title, Detail, Code, RequestID string
		Status                               int
		Errors                               map[string][]string
	}
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&p); {
	case len(a.body) == 0 && a.header.Get("Content-Length") != "":
		return nil // a response to HEAD
	case err != nil:
		return err
	case p.Status != a.status:
		return fmt.Errorf("status %d in the body", p.Status)
	case p.Type == "" || p.Title == "" || p.Detail == "" || p.Code == "" || len(p.Errors) == 0:
		return fmt.Errorf("a member is empty")
	case p.RequestID == "" || p.RequestID != a.header.Get("X-Request-Id"):
		return fmt.Errorf("requestId %q, X-Request-Id %q", p.RequestID, a.header.Get("X-Request-Id"))
	}
	return nil
}

package contract

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/problem"
)

func TestCheckQuery(t *testing.T) {
	t.Parallel()
	d := document(t)
	const (
		malformed = problem.InvalidRequest
		invalid   = problem.ValidationFailed
	)
	for name, test := range map[string]struct {
		op, query string
		code      problem.Code
		fields    problem.Fields
	}{
		"None":            {"GetArticles", "", "", nil},
		"Fine":            {"GetArticles", "tag=a+b&author=j%C3%BCrgen&limit=100&offset=0", "", nil},
		"EscapedKey":      {"GetArticles", "li%6Dit=0", invalid, one("limit", "must be at least 1")},
		"Unknown":         {"GetArticles", "x=&y&=z&&limit=1&x=2", "", nil},
		"Zero":            {"GetArticles", "limit=0", invalid, one("limit", "must be at least 1")},
		"Negative":        {"GetArticles", "limit=-1&offset=-1", invalid, problem.Fields{"limit": {"must be at least 1"}, "offset": {"must be at least 0"}}},
		"AboveCap":        {"GetArticles", "limit=101", invalid, one("limit", "must be at most 100")},
		"OtherCap":        {"GetArticleComments", "limit=1001", invalid, one("limit", "must be at most 1000")},
		"Huge":            {"GetArticles", "limit=99999999999999999999", invalid, one("limit", "must be at most 100")},
		"HugeNegative":    {"GetArticles", "limit=-99999999999999999999", invalid, one("limit", "must be at least 1")},
		"HugeExponent":    {"GetArticles", "limit=1e400", invalid, one("limit", "must be an integer")},
		"NotANumber":      {"GetArticles", "limit=ten", invalid, one("limit", "must be an integer")},
		"Fraction":        {"GetArticles", "limit=1.5", invalid, one("limit", "must be an integer")},
		"Space":           {"GetArticles", "limit=+1", invalid, one("limit", "must be an integer")},
		"EmptyInteger":    {"GetArticles", "limit=", invalid, one("limit", problem.Blank)},
		"EmptyText":       {"GetArticles", "tag=&author", invalid, problem.Fields{"tag": {problem.Blank}, "author": {problem.Blank}}},
		"LongText":        {"GetArticles", "tag=" + strings.Repeat("%C3%A9", 65), invalid, one("tag", "is too long (maximum is 64 characters)")},
		"Repeated":        {"GetArticles", "limit=1&limit=2", invalid, one("limit", "must be given once")},
		"RepeatedThrice":  {"GetArticles", "tag=a&limit=1&tag=b&tag=c", invalid, one("tag", "must be given once")},
		"AllAtOnce":       {"GetArticles", "limit=x&tag=&offset=-1", invalid, problem.Fields{"limit": {"must be an integer"}, "tag": {problem.Blank}, "offset": {"must be at least 0"}}},
		"Enum":            {"GetArticleComments", "sort=-createdAt", "", nil},
		"EnumWrong":       {"GetArticleComments", "sort=title", invalid, one("sort", "must be one of createdAt, -createdAt")},
		"BadPercent":      {"GetArticles", "tag=%zz", malformed, one("tag", "has an invalid percent-encoding")},
		"CutPercent":      {"GetArticles", "limit=0&tag=%4", malformed, one("tag", "has an invalid percent-encoding")},
		"BadPercentKey":   {"GetArticles", "%=1", malformed, one("query", "has an invalid percent-encoding")},
		"BadPercentOther": {"GetArticles", "x=%zz", malformed, one("query", "has an invalid percent-encoding")},
		"UTF8":            {"GetArticles", "tag=%FF", malformed, one("tag", "is not valid UTF-8")},
		"UTF8Raw":         {"GetArticles", "author=\xff", malformed, one("author", "is not valid UTF-8")},
		"UTF8Key":         {"GetArticles", "%FF=1", malformed, one("query", "is not valid UTF-8")},
		"NUL":             {"GetArticles", "tag=a%00", malformed, one("tag", "must not contain NUL")},
		"NULKey":          {"GetArticles", "a%00=1", malformed, one("query", "must not contain NUL")},
		"Semicolon":       {"GetArticles", "tag=a;limit=1", malformed, one("tag", "must not contain an unescaped semicolon")},
		"Refused":         {"GetUsers", "x=&limit=1&x=2", invalid, one("x", unknownParam)},
		"RefusedNear":     {"GetUsers", "lim%69t_=1&rol=admin", invalid, problem.Fields{"limit_": {unknownParam + "; did you mean limit?"}, "rol": {unknownParam + "; did you mean role?"}}},
		"RefusedNameless": {"GetUsers", "limit=1&=2", invalid, one("query", unknownParams)},
		"EmptyPair":       {"GetUsers", "&limit=1&&", "", nil},
		"RefusedOdd":      {"GetUsers", "%0d%0aSet-Cookie:x=1", invalid, one("query", unknownParams)},
		"RefusedPercent":  {"GetUsers", "x=1&y=%zz", malformed, one("query", "has an invalid percent-encoding")},
		"NotTaken":        {"GetTags", "x=%zz", malformed, one("query", "has an invalid percent-encoding")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireProblem(t, operation(t, d, test.op).Check(request(test.query, ""), pathOf(nil), &Ignored{}), test.code, test.fields)
		})
	}
}

func TestCheckPath(t *testing.T) {
	t.Parallel()
	op := operation(t, document(t), "DeleteArticleComment")
	for name, test := range map[string]struct {
		slug, id string
		code     problem.Code
		fields   problem.Fields
	}{
		"Fine":       {"a-b", "9007199254740991", "", nil},
		"NotANumber": {"a-b", "abc", problem.ValidationFailed, one("id", "must be an integer")},
		"Zero":       {"a-b", "0", problem.ValidationFailed, one("id", "must be at least 1")},
		"Above2To53": {"a-b", "9007199254740992", problem.ValidationFailed, one("id", "must be at most 9007199254740991")},
		"AboveInt64": {"a-b", "9223372036854775808", problem.ValidationFailed, one("id", "must be at most 9007199254740991")},
		"Empty":      {"a-b", "", problem.ValidationFailed, one("id", problem.Blank)},
		"UTF8":       {"a\xff", "1", problem.InvalidRequest, one("slug", "is not valid UTF-8")},
		"NUL":        {"a\x00", "x", problem.InvalidRequest, one("slug", "must not contain NUL")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := pathOf(map[string]string{"slug": test.slug, "id": test.id})
			requireProblem(t, op.Check(request("", ""), path, &Ignored{}), test.code, test.fields)
		})
	}
}

func TestCheckHeaders(t *testing.T) {
	t.Parallel()
	d := document(t)
	const invalid = problem.ValidationFailed
	for name, test := range map[string]struct {
		op, header string
		values     []string
		code       problem.Code
		message    string
	}{
		"Key":              {"CreateArticleComment", "Idempotency-Key", []string{"8e03978e-40d5-43e8-bc93-6894a57f9324"}, "", ""},
		"KeyFull":          {"CreateArticleComment", "Idempotency-Key", []string{strings.Repeat("~", 255)}, "", ""},
		"KeyEmpty":         {"CreateArticleComment", "Idempotency-Key", []string{""}, invalid, problem.Blank},
		"KeyLong":          {"CreateArticleComment", "Idempotency-Key", []string{strings.Repeat("a", 256)}, invalid, "is too long (maximum is 255 characters)"},
		"KeyNotASCII":      {"CreateArticleComment", "Idempotency-Key", []string{"é"}, invalid, "must be printable ASCII"},
		"KeyTab":           {"CreateArticleComment", "Idempotency-Key", []string{"a\tb"}, invalid, "must be printable ASCII"},
		"KeyTwice":         {"CreateArticleComment", "Idempotency-Key", []string{"a", "a"}, invalid, "must be given once"},
		"IfMatch":          {"DeleteArticle", "If-Match", []string{`"a", W/"b", *`}, "", ""},
		"IfMatchTwice":     {"DeleteArticle", "If-Match", []string{`"a"`, `"b"`}, invalid, "must be given once"},
		"IfNoneMatchTwice": {"GetArticles", "If-None-Match", []string{`"a"`, `"b"`}, invalid, "must be given once"},
		"IfNoneMatchLong":  {"GetArticles", "If-None-Match", []string{strings.Repeat("x", 1025)}, invalid, "is too long (maximum is 1024 characters)"},
		"NotTaken":         {"GetArticles", "Idempotency-Key", []string{"", "é"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			op := operation(t, d, test.op)
			body := ""
			if op.MaxBody > 0 {
				body = `{"comment":{"body":"x"}}`
			}
			r := request("", body)
			r.Header[http.CanonicalHeaderKey(test.header)] = test.values
			requireProblem(t, op.Check(r, pathOf(nil), &Ignored{}), test.code, one(test.header, test.message))
		})
	}

	t.Run("WithTheBody", func(t *testing.T) {
		t.Parallel()
		r := request("", `{"comment":{}}`)
		r.Header["Idempotency-Key"] = []string{"a", "b"}
		err := operation(t, d, "CreateArticleComment").Check(r, pathOf(nil), &Ignored{})
		requireProblem(t, err, invalid, problem.Fields{"Idempotency-Key": {"must be given once"}, "body": {problem.Blank}})
		require.Equal(t, http.StatusUnprocessableEntity, problem.From(err).Status())
	})
}

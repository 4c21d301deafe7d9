package contract

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/problem"
)

// request builds a request; a body makes it application/json.
func request(query, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.URL.RawQuery = query
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// pathOf returns the values of path parameters. Parameters that a test does not
// name have a valid value.
func pathOf(values map[string]string) func(string) string {
	return func(name string) string {
		if value, found := values[name]; found {
			return value
		}
		return "1"
	}
}

// requireProblem checks the code and the fields of an error. If code is empty,
// there must be no error.
func requireProblem(t *testing.T, err error, code problem.Code, fields problem.Fields) {
	t.Helper()
	if code == "" {
		require.NoError(t, err)
		return
	}
	e := problem.From(err)
	require.NotNil(t, e, "want %s, got %v", code, err)
	assert.Equal(t, code, e.Code)
	assert.Equal(t, fields, e.Fields)
	assert.NotEmpty(t, e.Detail)
}

// one returns one field with one message.
func one(field, message string) problem.Fields { return problem.Fields{field: {message}} }

func TestCheckBody(t *testing.T) {
	t.Parallel()
	d := document(t)
	const (
		notJSON = "is not valid JSON"
		invalid = problem.ValidationFailed
		syntax  = problem.InvalidJSON
	)
	fields := func(message string, names ...string) problem.Fields {
		f := problem.Fields{}
		for _, name := range names {
			f.Add(name, message)
		}
		return f
	}
	user := func(name, value string) string {
		members := map[string]string{"username": `"jake"`, "email": `"jake@jake.jake"`, "password": `"jakejake"`}
		members[name] = value
		return `{"user":{"username":` + members["username"] + `,"email":` + members["email"] + `,"password":` + members["password"] + `}}`
	}
	article := func(member string) string {
		return `{"article":{"title":"T","description":"D","body":"B",` + member + `}}`
	}
	repeat := strings.Repeat
	for name, test := range map[string]struct {
		op, body string
		code     problem.Code
		fields   problem.Fields
	}{
		"Fine":              {"CreateUser", user("", ""), "", nil},
		"UnknownMembers":    {"CreateUser", `{"x":[{"y":null}],` + user("", "")[1:], "", nil},
		"Empty":             {"CreateUser", "", syntax, one("body", "is empty")},
		"WhiteSpace":        {"CreateUser", " \n", syntax, one("body", "is empty")},
		"Text":              {"CreateUser", "hello", syntax, one("body", notJSON)},
		"Truncated":         {"CreateUser", `{"user":`, syntax, one("body", notJSON)},
		"TrailingComma":     {"CreateUser", `{"user":{},}`, syntax, one("body", notJSON)},
		"MissingColon":      {"CreateUser", `{"user"{}}`, syntax, one("body", notJSON)},
		"WrongBracket":      {"CreateUser", `{"user":[}}`, syntax, one("body", notJSON)},
		"NumberAsName":      {"CreateUser", `{1:2}`, syntax, one("body", notJSON)},
		"ControlCharacter":  {"CreateUser", user("username", "\"a\x01\""), syntax, one("body", notJSON)},
		"ByteOrderMark":     {"CreateUser", "\ufeff{}", syntax, one("body", notJSON)},
		"LoneSurrogate":     {"CreateUser", user("username", `"\ud800"`), syntax, one("body", notJSON)},
		"LoneLowSurrogate":  {"CreateUser", user("username", `"\udc00x"`), syntax, one("body", notJSON)},
		"SurrogateInName":   {"CreateUser", `{"\ud800":1}`, syntax, one("body", notJSON)},
		"InvalidUTF8":       {"CreateUser", user("username", "\"\xff\""), syntax, one("body", "is not valid UTF-8")},
		"UTF16":             {"CreateUser", "{\x00\"\xd8\x00", syntax, one("body", "is not valid UTF-8")},
		"Trailing":          {"CreateUser", user("", "") + " x", syntax, one("body", "has bytes after the JSON value")},
		"TwoValues":         {"CreateUser", user("", "") + "{}", syntax, one("body", "has bytes after the JSON value")},
		"Duplicate":         {"CreateUser", `{"user":{"email":"a","email":"b"}}`, syntax, one("body", `has a duplicate member "user.email"`)},
		"DuplicateEscaped":  {"CreateUser", `{"user":{"email":"a","\u0065mail":"b"}}`, syntax, one("body", `has a duplicate member "user.email"`)},
		"DuplicateUnknown":  {"CreateUser", `{"x":[{"a":1,"a":2}]}`, syntax, one("body", `has a duplicate member "x.0.a"`)},
		"DuplicateLong":     {"CreateUser", `{"` + repeat("é", 200) + `":1,"` + repeat("é", 200) + `":1}`, syntax, one("body", `has a duplicate member "`+repeat("é", 100)+`…"`)},
		"SyntaxFirst":       {"CreateUser", `{"user":{"email":5}`, syntax, one("body", notJSON)},
		"Deep":              {"CreateUser", `{"x":` + repeat("[", 32) + repeat("]", 32) + `}`, syntax, one("body", "is nested too deeply (maximum is 32 levels)")},
		"DeepObjects":       {"CreateUser", repeat(`{"a":`, 3000), syntax, one("body", "is nested too deeply (maximum is 32 levels)")},
		"DeepEnough":        {"CreateUser", `{"x":` + repeat("[", 31) + repeat("]", 31) + "," + user("", "")[1:], "", nil},
		"BodyArray":         {"CreateUser", `[]`, invalid, one("body", "must be an object")},
		"BodyText":          {"CreateUser", `"x"`, invalid, one("body", "must be an object")},
		"BodyNull":          {"CreateUser", `null`, invalid, one("body", "must be an object")},
		"BodyNumber":        {"CreateUser", `1e400`, invalid, one("body", "must be an object")},
		"BodyTrue":          {"CreateUser", `true`, invalid, one("body", "must be an object")},
		"NoWrapper":         {"CreateUser", `{}`, invalid, one("user", problem.Blank)},
		"WrapperInCapitals": {"CreateUser", `{"USER":{}}`, invalid, one("user", problem.Blank)},
		"WrapperNull":       {"CreateUser", `{"user":null}`, invalid, one("user", problem.Blank)},
		"WrapperText":       {"CreateUser", `{"user":"x"}`, invalid, one("user", "must be an object")},
		"WrapperArray":      {"CreateUser", `{"user":[1,{"email":2}]}`, invalid, one("user", "must be an object")},
		"AllMissing":        {"CreateUser", `{"user":{}}`, invalid, fields(problem.Blank, "username", "email", "password")},
		"AllNull":           {"CreateUser", `{"user":{"username":null,"email":null,"password":null}}`, invalid, fields(problem.Blank, "username", "email", "password")},
		"AllEmpty":          {"CreateUser", `{"user":{"username":"","email":"","password":""}}`, invalid, fields(problem.Blank, "username", "email", "password")},
		"AllBlank":          {"CreateUser", `{"user":{"username":" \t","email":"\u00a0 ","password":"         "}}`, invalid, fields(problem.Blank, "username", "email", "password")},
		"UnicodeBlank":      {"CreateArticle", `{"article":{"title":"\u3000\ufeff\u2003","description":"\u2028","body":"\u00a0\n"}}`, invalid, fields(problem.Blank, "title", "description", "body")},
		"AllNumbers":        {"CreateUser", `{"user":{"username":1,"email":-0,"password":1e400}}`, invalid, fields("must be a string", "username", "email", "password")},
		"AllOtherTypes":     {"CreateUser", `{"user":{"username":[],"email":{"a":1},"password":false}}`, invalid, fields("must be a string", "username", "email", "password")},
		"ShortPassword":     {"CreateUser", user("password", `"1234567"`), invalid, one("password", "is too short (minimum is 8 characters)")},
		"CodePoints":        {"CreateUser", user("password", `"`+repeat(`\ud83d\ude00`, 8)+`"`), "", nil},
		"CodePointsShort":   {"CreateUser", user("password", `"`+repeat("😀", 7)+`"`), invalid, one("password", "is too short (minimum is 8 characters)")},
		"CodePointsLong":    {"CreateUser", user("username", `"`+repeat("😀", 64)+`"`), "", nil},
		"LongUsername":      {"CreateUser", user("username", `"`+repeat("é", 65)+`"`), invalid, one("username", "is too long (maximum is 64 characters)")},
		"Email":             {"CreateUser", user("email", `"jake"`), invalid, one("email", "is not a valid e-mail address")},
		"LongEmail":         {"CreateUser", user("email", `"a@`+repeat("b.", 200)+`c"`), invalid, one("email", "is too long (maximum is 254 characters)")},
		"ManyFields":        {"CreateUser", `{"user":{"username":null,"email":"x","password":"short"}}`, invalid, problem.Fields{"username": {problem.Blank}, "email": {"is not a valid e-mail address"}, "password": {"is too short (minimum is 8 characters)"}}},
		"NUL":               {"CreateArticle", article(`"tagList":["a\u0000b"]`), invalid, one("tagList", "must not contain NUL")},
		"NULInName":         {"CreateArticle", article(`"a\u0000":1`), invalid, one("article", "must not contain NUL")},
		"NULInUnknown":      {"CreateArticle", `{"x":{"y":"\u0000"},` + article(`"z":1`)[1:], invalid, one("body", "must not contain NUL")},
		"EscapedBackslash":  {"CreateArticle", article(`"tagList":["a\\u0000"]`), "", nil},
		"TagListNull":       {"CreateArticle", article(`"tagList":null`), invalid, one("tagList", problem.Blank)},
		"TagListEmpty":      {"CreateArticle", article(`"tagList":[]`), "", nil},
		"TagListText":       {"CreateArticle", article(`"tagList":"a,b"`), invalid, one("tagList", "must be an array")},
		"TagListItem":       {"CreateArticle", article(`"tagList":["a","b","c",5]`), invalid, one("tagList", "must be a string")},
		"TagListItemNull":   {"CreateArticle", article(`"tagList":[null,null]`), invalid, one("tagList", problem.Blank)},
		"TagListFull":       {"CreateArticle", article(`"tagList":["a"` + repeat(`,"a"`, 29) + `]`), "", nil},
		"TagListLong":       {"CreateArticle", article(`"tagList":["a"` + repeat(`,"a"`, 29) + repeat(`,7`, 100000) + `]`), invalid, one("tagList", "has too many items (maximum is 30)")},
		"SlugsEmpty":        {"BatchGetArticles", `{"slugs":[]}`, invalid, one("slugs", problem.Blank)},
		"SlugsLong":         {"BatchGetArticles", `{"slugs":["a"` + repeat(`,"a"`, 100) + `]}`, invalid, one("slugs", "has too many items (maximum is 100)")},
		"PatchNothing":      {"UpdateCurrentUser", `{"user":{}}`, "", nil},
		"PatchNullable":     {"UpdateCurrentUser", `{"user":{"bio":null,"image":""}}`, "", nil},
		"PatchNotNullable":  {"UpdateCurrentUser", `{"user":{"email":null,"username":" ","password":"short"}}`, invalid, problem.Fields{"email": {problem.Blank}, "username": {problem.Blank}, "password": {"is too short (minimum is 8 characters)"}}},
		"Comment":           {"CreateArticleComment", `{"comment":{"body":" "}}`, invalid, one("body", problem.Blank)},
		"LoginBlank":        {"Login", `{"user":{"email":"","password":""}}`, invalid, fields(problem.Blank, "email", "password")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request("", test.body)
			requireProblem(t, operation(t, d, test.op).Check(r, pathOf(nil), &Ignored{}), test.code, test.fields)
			left, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			assert.Equal(t, test.body, string(left), "the handler must be able to read the body")
			assert.EqualValues(t, len(test.body), r.ContentLength)
		})
	}
}

func TestCheckUsername(t *testing.T) {
	t.Parallel()
	op := operation(t, document(t), "CreateUser")
	const want = "must not contain slashes or control characters, nor be made of dots"
	for _, name := range []string{"a/b", "/", "\\u0007\\u0007", "a\\u007f\\u001f", "a\\n", "a\\u0007"} {
		err := op.Check(request("", `{"user":{"username":"`+name+`","email":"a@b.c","password":"jakejake"}}`), pathOf(nil), &Ignored{})
		requireProblem(t, err, problem.ValidationFailed, one("username", want))
	}
	for _, name := range []string{"jake", "Jürgen Müller", "日本", "a.b-c_d", "\u200ba"} {
		err := op.Check(request("", `{"user":{"username":"`+name+`","email":"a@b.c","password":"jakejake"}}`), pathOf(nil), &Ignored{})
		require.NoError(t, err, name)
	}
}

func TestCheckMediaType(t *testing.T) {
	t.Parallel()
	op := operation(t, document(t), "CreateArticleComment")
	const body = `{"comment":{"body":"x"}}`
	check := func(body io.Reader, header http.Header) (*http.Request, error) {
		r := httptest.NewRequest(http.MethodPost, "/", body)
		r.Header = header
		return r, op.Check(r, pathOf(nil), &Ignored{})
	}
	wrongType := one("Content-Type", "must be application/json")

	for _, value := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", " application/json ;x"} {
		r, err := check(strings.NewReader(body), http.Header{"Content-Type": {value}, "Content-Encoding": {"identity"}})
		require.NoError(t, err, value)
		base, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
		assert.Equal(t, "application/json", strings.TrimSpace(base), "Echo's binder needs this form")
	}
	for _, values := range [][]string{{""}, {"text/plain"}, {"application/jsonx"}, {"application/problem+json"}, {"text/html; application/json"}, {"application/json", "text/plain"}} {
		_, err := check(strings.NewReader(body), http.Header{"Content-Type": values})
		requireProblem(t, err, problem.UnsupportedMediaType, wrongType)
	}
	_, err := check(strings.NewReader(body), http.Header{})
	requireProblem(t, err, problem.UnsupportedMediaType, wrongType)
	_, err = check(io.MultiReader(strings.NewReader(body)), http.Header{}) // length unknown
	requireProblem(t, err, problem.UnsupportedMediaType, wrongType)
	_, err = check(http.NoBody, http.Header{})
	requireProblem(t, err, problem.InvalidJSON, one("body", "is empty"))
	_, err = check(nil, http.Header{})
	requireProblem(t, err, problem.InvalidJSON, one("body", "is empty"))
	_, err = check(strings.NewReader(body), http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}})
	requireProblem(t, err, problem.UnsupportedMediaType, one("Content-Encoding", "must be identity"))
	_, err = check(strings.NewReader("{"), http.Header{"Content-Type": {"text/plain"}})
	requireProblem(t, err, problem.UnsupportedMediaType, wrongType)
}

func TestCheckReading(t *testing.T) {
	t.Parallel()
	op := operation(t, document(t), "CreateArticleComment")

	t.Run("TooLarge", func(t *testing.T) {
		t.Parallel()
		for _, length := range []int64{1 << 20, -1} {
			r := request("", `{"comment":{"body":"`+strings.Repeat("x", 1<<20)+`"}}`)
			r.ContentLength = length
			r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, op.MaxBody)
			err := op.Check(r, pathOf(nil), &Ignored{})
			requireProblem(t, err, problem.BodyTooLarge, one("body", "is too large (maximum is 131072 bytes)"))
			assert.Equal(t, "The body is larger than 131072 bytes.", problem.From(err).Detail)
		}
	})

	t.Run("Broken", func(t *testing.T) {
		t.Parallel()
		broken := errors.New("connection reset")
		r := request("", "x")
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), iotest.ErrReader(broken)))
		err := op.Check(r, pathOf(nil), &Ignored{})
		requireProblem(t, err, problem.InvalidRequest, one("body", "could not be read to its end"))
		require.ErrorIs(t, err, broken)
	})

	t.Run("NotTaken", func(t *testing.T) {
		t.Parallel()
		r := httptest.NewRequest(http.MethodDelete, "/", bytes.NewBufferString("not JSON"))
		require.NoError(t, operation(t, document(t), "DeleteArticle").Check(r, pathOf(nil), &Ignored{}))
	})

	t.Run("NotRequired", func(t *testing.T) {
		t.Parallel()
		d, err := load(variant(t, "required: true\n", "required: false\n"))
		require.NoError(t, err)
		r := request("needed=1", "")
		r.Header.Set("X-Needed", "ab")
		require.NoError(t, operation(t, d, "PutThing").Check(r, pathOf(map[string]string{"flag": "true"}), &Ignored{}))
	})
}

// TestCheckSmall tests what the real document does not use yet.
func TestCheckSmall(t *testing.T) {
	t.Parallel()
	d, err := load([]byte(small))
	require.NoError(t, err)
	op := d.Operation(http.MethodPut, "/base/things/:flag")
	for body, fields := range map[string]problem.Fields{
		`{"count":1,"on":true,"code":"a-b","plain":"x","color":"red","pair":[1,2],"big":-9223372036854775808}`: nil,
		`{"when":"2026-01-02T03:04:05Z","id":"8e03978e-40d5-43e8-bc93-6894a57f9324","link":"https://a.b/c"}`:   nil,
		`{"count":0}`:                    one("count", "must be at least 1"),
		`{"count":-0}`:                   one("count", "must be at least 1"),
		`{"count":2147483648}`:           one("count", "must be at most 2147483647"),
		`{"count":1.0}`:                  one("count", "must be an integer"),
		`{"count":1e2}`:                  one("count", "must be an integer"),
		`{"count":1e400}`:                one("count", "must be an integer"),
		`{"count":"1"}`:                  one("count", "must be an integer"),
		`{"big":9223372036854775807}`:    nil,
		`{"big":9223372036854775808}`:    one("big", "must be at most 9223372036854775807"),
		`{"big":-99999999999999999999}`:  one("big", "must be at least -9223372036854775808"),
		`{"on":"true"}`:                  one("on", "must be a boolean"),
		`{"on":null}`:                    one("on", problem.Blank),
		`{"code":"A"}`:                   one("code", "must be small letters"),
		`{"plain":"a"}`:                  one("plain", "has an invalid format"),
		`{"color":"green"}`:              one("color", "must be one of red, blue"),
		`{"pair":[1]}`:                   one("pair", "has too few items (minimum is 2)"),
		`{"pair":[]}`:                    one("pair", problem.Blank),
		`{"pair":[1,2,3,4]}`:             one("pair", "has too many items (maximum is 3)"),
		`{"pair":[1,10]}`:                one("pair", "must be at most 9"),
		`{"when":"2026-01-02 03:04:05"}`: one("when", "is not a valid date and time (RFC 3339)"),
		`{"id":"8e03978e"}`:              one("id", "is not a valid UUID"),
		`{"link":"/a"}`:                  one("link", "is not a valid URI"),
		`{"child":{"child":{"on":1}}}`:   one("on", "must be a boolean"),
		`{"child":{"count":0},"on":1}`:   {"count": {"must be at least 1"}, "on": {"must be a boolean"}},
	} {
		r := request("needed=1", body)
		r.Header.Set("X-Needed", "ab")
		code := problem.ValidationFailed
		if fields == nil {
			code = ""
		}
		requireProblem(t, op.Check(r, pathOf(map[string]string{"flag": "true"}), &Ignored{}), code, fields)
	}
	r := request("", "{}")
	requireProblem(t, op.Check(r, pathOf(map[string]string{"flag": "yes"}), &Ignored{}), problem.ValidationFailed,
		problem.Fields{"flag": {"must be a boolean"}, "needed": {problem.Blank}, "X-Needed": {problem.Blank}})
}

// TestIgnoredMembers tests objects that the real document does not use.
func TestIgnoredMembers(t *testing.T) {
	t.Parallel()
	const on = "on: {type: boolean}"
	for name, test := range map[string]struct{ schema, body, want string }{
		"Listed":    {on, `{"x":1,"child":{"on":true,"x":1}}`, "body.x, body.child.x"},
		"AllOf":     {"on: {allOf: [{$ref: '#/components/schemas/Thing'}], description: A thing}", `{"on":{"x":1,"on":{"y":1}}}`, "body.on.x, body.on.on.y"},
		"Items":     {"on: {type: array, maxItems: 2, items: {$ref: '#/components/schemas/Thing'}}", `{"on":[{"color":"red"},{"x":1}]}`, "body.on.1.x"},
		"Open":      {"on: {type: object, additionalProperties: true}", `{"on":{"x":1,"y":{"z":1}}}`, ""},
		"OpenTyped": {"on: {type: object, additionalProperties: {$ref: '#/components/schemas/Thing'}}", `{"on":{"x":{"y":1,"color":"red"},"\r\nX":{"z":1}}}`, "body.on.x.y, body.on.*.z"},
		"OpenAllOf": {"on: {allOf: [{type: object, additionalProperties: true}], description: Any}", `{"on":{"x":1}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := load(variant(t, on, test.schema))
			require.NoError(t, err)
			r, ignored := request("needed=1", test.body), Ignored{}
			r.Header.Set("X-Needed", "ab")
			require.NoError(t, operation(t, d, "PutThing").Check(r, pathOf(map[string]string{"flag": "true"}), &ignored))
			require.Equal(t, test.want, ignored.String())
		})
	}
}

// TestCheckKeywords tests keywords that the real document does not use. Load
// accepts every keyword that kin-openapi checks, so each needs a message.
func TestCheckKeywords(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		from, to string
		body     string
		fields   problem.Fields
	}{
		"MultipleOf":       {"big: {type: integer}", "big: {type: integer, multipleOf: 5}", `{"big":7}`, one("big", "must be a multiple of 5")},
		"ExclusiveMinimum": {"big: {type: integer}", "big: {type: integer, minimum: 3, exclusiveMinimum: true}", `{"big":3}`, one("big", "must be at least 4")},
		"ExclusiveMaximum": {"big: {type: integer}", "big: {type: integer, maximum: 3, exclusiveMaximum: true}", `{"big":99999999999999999999}`, one("big", "must be at most 2")},
		"IntegerEnum":      {"big: {type: integer}", "big: {type: integer, enum: [1, 2]}", `{"big":2}`, nil},
		"IntegerEnumWrong": {"big: {type: integer}", "big: {type: integer, enum: [1, 2]}", `{"big":3}`, one("big", "must be one of 1, 2")},
		"EnumOfOtherType":  {"big: {type: integer}", "big: {type: integer, enum: [1, 2]}", `{"big":1.0,"color":5}`, problem.Fields{"big": {"must be an integer"}, "color": {"must be a string"}}},
		"EnumNull":         {"big: {type: integer}", "big: {type: integer, enum: [1, 2]}", `{"big":null,"color":null}`, problem.Fields{"big": {problem.Blank}, "color": {problem.Blank}}},
		"UniqueItems":      {"minItems: 2", "minItems: 2, uniqueItems: true", `{"pair":[1,1]}`, one("pair", "has an item twice")},
		"ClosedObject":     {"Thing:\n      type: object", "Thing:\n      additionalProperties: false\n      type: object", `{"child":{"secret":1}}`, one("child", "has an unknown member")},
		"TypedMembers":     {"big: {type: integer}", "big: {type: object, additionalProperties: {type: string}}", `{"big":{"secret":1,"\u0000":""}}`, one("big", "must not contain NUL")},
		"MinProperties":    {"big: {type: integer}", "big: {type: object, minProperties: 1}", `{"big":{}}`, one("big", "is invalid")},
		"NoType":           {"big: {type: integer}", "big: {description: Anything}", `{"big":{"a":[1.5,null]}}`, nil},
		"UndeclaredNeeded": {"Thing:\n      type: object", "Thing:\n      required: [ghost]\n      type: object", `{}`, one("ghost", problem.Blank)},
		"AllOf":            {"big: {type: integer}", "big: {allOf: [{type: object, required: [in], properties: {in: {type: integer}}}, {type: object, properties: {out: {type: string}}}]}", `{"big":{"in":null,"out":5}}`, problem.Fields{"in": {problem.Blank}, "out": {"must be a string"}}},
		"OneOf":            {"big: {type: integer}", "big: {oneOf: [{type: string}, {type: integer}]}", `{"big":true}`, one("big", "is invalid")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := load(variant(t, test.from, test.to))
			require.NoError(t, err)
			r := request("needed=1", test.body)
			r.Header.Set("X-Needed", "ab")
			code := problem.ValidationFailed
			if test.fields == nil {
				code = ""
			}
			err = d.Operation(http.MethodPut, "/base/things/:flag").Check(r, pathOf(map[string]string{"flag": "true"}), &Ignored{})
			requireProblem(t, err, code, test.fields)
		})
	}
}

func TestEmail(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("a", 63)
	for _, good := range []string{"a@b", "jake@jake.jake", "a.b+c@d-e.f", strings.Repeat("a", 64) + "@b.c", "x@" + label + ".com"} {
		assert.True(t, isEmail(good), good)
	}
	for _, bad := range []string{"", "a", "@b", "a@", "a b@c.d", "a@b..c", "a@-b.c", "a@b-.c", "a@@b.c", "ä@b.c", "a@b.c\n",
		strings.Repeat("a", 65) + "@b.c", "x@a" + label + ".com", "x@" + strings.Repeat(label+".", 4) + "com"} {
		assert.False(t, isEmail(bad), bad)
	}
}

package contract

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/openapi"
)

// bodies makes the struct that the server decodes an operation's body into.
var bodies = map[string]func() any{
	"CreateUser":           func() any { return new(openapi.CreateUserJSONRequestBody) },
	"Login":                func() any { return new(openapi.LoginJSONRequestBody) },
	"UpdateCurrentUser":    func() any { return new(openapi.UpdateCurrentUserJSONRequestBody) },
	"CreateArticle":        func() any { return new(openapi.CreateArticleJSONRequestBody) },
	"UpdateArticle":        func() any { return new(openapi.UpdateArticleJSONRequestBody) },
	"CreateArticleComment": func() any { return new(openapi.CreateArticleCommentJSONRequestBody) },
	"DeleteCurrentUser":    func() any { return new(openapi.DeleteCurrentUserJSONRequestBody) },
	"BatchGetArticles":     func() any { return new(openapi.BatchGetArticlesJSONRequestBody) },
	"BatchGetProfiles":     func() any { return new(openapi.BatchGetProfilesJSONRequestBody) },
}

// FuzzCheckBody wants no panic, only answers that a client may see, and that
// whatever passes decodes into the generated type. JSON v2 decodes, as in the
// server: v1 matches member names in any letter case, so there {"USER":5}
// would reach the decoder unchecked.
func FuzzCheckBody(f *testing.F) {
	d := document(f)
	for id := range bodies {
		for _, seed := range []string{
			`{"user":{"username":"jake","email":"jake@jake.jake","password":"jakejake","bio":null,"image":""}}`,
			`{"article":{"title":"T","description":"D","body":"\ud83d\ude00\n","tagList":["a","b"]}}`,
			`{"comment":{"body":"x"}}`, `{"slugs":["a"]}`, `{"usernames":["a"]}`,
			`{"user":{"username":"\u0000","email":1e400,"password":[[[{}]]]}}`, `{"a":1,"a":2}`, `{"x":-0} `, `null`, `"\ud800"`, ``,
		} {
			f.Add(id, seed)
		}
	}
	f.Fuzz(func(t *testing.T, id, body string) {
		newBody, found := bodies[id]
		if !found {
			return
		}
		err := operation(t, d, id).Check(request("", body), pathOf(nil))
		if err == nil {
			if err := json.Unmarshal([]byte(body), newBody()); err != nil {
				t.Fatalf("accepted, but the server cannot decode %q: %v", body, err)
			}
			return
		}
		e := problem.From(err)
		if e == nil || len(e.Fields) == 0 || e.Status() < 400 || e.Status() > 422 {
			t.Fatalf("%q: %v", body, err)
		}
		for field, messages := range e.Fields {
			if len(messages) == 0 || strings.Contains(field+strings.Join(messages, ""), "jsontext") {
				t.Fatalf("%q: %v", body, err)
			}
		}
	})
}

// FuzzCheckQuery wants no panic, and agreement with net/url on what parses.
func FuzzCheckQuery(f *testing.F) {
	d := document(f)
	for _, seed := range []string{"limit=20&offset=0", "tag=%C3%A9&tag=b", "a;b", "%", "=&&=", "limit=-99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := request(query, "")
		if operation(t, d, "GetArticles").Check(r, pathOf(nil)) != nil {
			return
		}
		values := r.URL.Query()
		for name := range values {
			if len(values[name]) > 1 && (name == "limit" || name == "tag") {
				t.Fatalf("%q: repeated %s", query, name)
			}
		}
		if strings.Count(query, "limit=") == 1 && strings.HasPrefix(query, "limit=") && !values.Has("limit") {
			t.Fatalf("%q: net/url drops limit", query)
		}
	})
}

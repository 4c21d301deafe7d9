package contract

import (
	stdjson "encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/oapi-codegen/nullable"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/openapi"
)

// bodies returns, by operation, the struct that the server decodes a body into.
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

// FuzzCheckBody checks that Check does not panic, that its errors have only
// messages that a client may see, and that an accepted body decodes into the
// generated type. It decodes with JSON v2, as the server does: v1 ignores the
// case of member names, so that it would decode {"USER":5}, which Check
// ignores.
func FuzzCheckBody(f *testing.F) {
	d := document(f)
	for id := range bodies {
		for _, seed := range []string{
			`{"user":{"username":"jake","email":"jake@jake.jake","password":"jakejake","bio":null,"image":""}}`,
			`{"article":{"title":"T","description":"D","body":"\ud83d\ude00\n","tagList":["a","b"]}}`,
			`{"comment":{"body":"x"}}`, `{"comment":{"body":"x","body":"y"}}`, `{"slugs":["a"]}`, `{"usernames":["a"]}`,
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
		err := operation(t, d, id).Check(request("", body), pathOf(nil), &Ignored{})
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

// FuzzCheckQuery checks that Check does not panic, and that net/url parses what
// it accepts.
func FuzzCheckQuery(f *testing.F) {
	d := document(f)
	for _, seed := range []string{"limit=20&offset=0", "tag=%C3%A9&tag=b", "a;b", "%", "=&&=", "limit=-99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := request(query, "")
		if operation(t, d, "GetArticles").Check(r, pathOf(nil), &Ignored{}) != nil {
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

// FuzzMergePatch compares the three states of every member of a merge patch
// with a decoder that does not use the document: an absent member is not set,
// null is null, and a value is decoded as it was sent.
func FuzzMergePatch(f *testing.F) {
	d := document(f)
	for _, seed := range []string{
		`{"user":{}}`, `{"user":{"bio":null}}`, `{"user":{"bio":"","image":null}}`, `{"user":{"bio":"\u0041","username":"a","email":"a@b.c","password":"correct horse"}}`,
		`{"user":{"BIO":"x","Bio":null}}`, `{"user":{"bio":"é\ud83d\ude00","image":" "},"x":{}}`, `{"user":{"password":null}}`, `{"user":null}`, `{}`,
		`{"article":{}}`, `{"article":{"tagList":[]}}`, `{"article":{"tagList":null}}`, `{"article":{"title":"T","description":"D","body":"B","tagList":["a","a"]}}`, `{"article":{"TagList":["a"]}}`,
	} {
		f.Add(true, seed)
		f.Add(false, seed)
	}
	f.Fuzz(func(t *testing.T, ofUser bool, body string) {
		id, wrapper := "UpdateArticle", "article"
		if ofUser {
			id, wrapper = "UpdateCurrentUser", "user"
		}
		if operation(t, d, id).Check(request("", body), pathOf(map[string]string{"slug": "a"}), &Ignored{}) != nil {
			return
		}
		decoded := bodies[id]()
		if err := json.Unmarshal([]byte(body), decoded); err != nil {
			t.Fatalf("accepted, but the server cannot decode %q: %v", body, err)
		}
		var plain map[string]any
		if err := stdjson.Unmarshal([]byte(body), &plain); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		sent, _ := plain[wrapper].(map[string]any)
		for name, got := range states(decoded) {
			want, present := sent[name]
			if got.set != present || present && !reflect.DeepEqual(got.value, want) {
				t.Fatalf("%q: %s is %#v, want %#v (present: %t)", body, name, got, want, present)
			}
		}
	})
}

// state is one member of a patch: not set, or set to a value, which may be nil.
type state struct {
	set   bool
	value any
}

func states(patch any) map[string]state {
	switch p := patch.(type) {
	case *openapi.UpdateCurrentUserJSONRequestBody:
		u := p.User
		return map[string]state{"bio": nullableState(u.Bio), "image": nullableState(u.Image), "username": pointerState(u.Username), "email": pointerState(u.Email), "password": pointerState(u.Password)}
	case *openapi.UpdateArticleJSONRequestBody:
		a := p.Article
		tags := state{set: a.TagList != nil}
		if tags.set {
			items := make([]any, len(*a.TagList))
			for i, tag := range *a.TagList {
				items[i] = tag
			}
			tags.value = items
		}
		return map[string]state{"title": pointerState(a.Title), "description": pointerState(a.Description), "body": pointerState(a.Body), "tagList": tags}
	}
	return nil
}

func nullableState(n nullable.Nullable[string]) state {
	if n.IsNull() || !n.IsSpecified() {
		return state{set: n.IsSpecified()}
	}
	return state{true, n.MustGet()}
}

func pointerState(s *string) state {
	if s == nil {
		return state{}
	}
	return state{true, *s}
}

package server_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// sharedRead makes requests to one operation that declares x-cache: shared. It
// takes the values of parameters from the document.
type sharedRead struct {
	op    *contract.Operation
	query openapi3.Parameters
	// signedIn reports that the requests have the token of a user.
	signedIn bool
}

// label names the read in messages.
func (r sharedRead) label() string {
	if r.signedIn {
		return r.op.ID + ", signed in"
	}
	return r.op.ID
}

// ask is one request of a sharedRead. auth is its Authorization header, or "".
type ask struct {
	read       sharedRead
	path, auth string
}

func (a ask) do(s *servertest.Service) (*http.Response, string) {
	if a.auth == "" {
		return s.Do(http.MethodGet, a.path, "")
	}
	return s.Do(http.MethodGet, a.path, "", "Authorization", a.auth)
}

// ask returns a random request to the operation.
func (r sharedRead) ask(t *testing.T, w *world, s *servertest.Service, rng *rand.Rand) ask {
	t.Helper()
	a := ask{read: r}
	if r.signedIn {
		a.auth = "Token " + pick(rng, w.users).Token
	}
	a.path = r.path(t, w, s, rng, a)
	return a
}

// sharedReads returns every operation whose responses are cached, which needs
// no change for a new one. Pages of articles for signed-in readers are put
// together from what is kept (package cards).
func sharedReads(t *testing.T) (reads []sharedRead) {
	t.Helper()
	doc, err := contract.Load()
	require.NoError(t, err)
	parsed, err := spec.GetSpec()
	require.NoError(t, err)
	for _, op := range doc.Operations() {
		kept := op.ID == "GetArticles" || op.ID == "GetArticlesFeed"
		if op.Cache.Scope != "shared" && !kept {
			continue
		}
		read := sharedRead{op: op}
		item := parsed.Paths.Value(op.Path)
		for _, p := range slices.Concat(item.Parameters, item.GetOperation(op.Method).Parameters) {
			if p.Value.In == openapi3.ParameterInQuery {
				read.query = append(read.query, p)
			}
		}
		if op.Cache.Scope == "shared" {
			reads = append(reads, read)
		}
		if kept {
			read.signedIn = true
			reads = append(reads, read)
		}
	}
	require.NotEmpty(t, reads)
	return reads
}

// path returns the path of a random request to the operation.
func (r sharedRead) path(t *testing.T, w *world, s *servertest.Service, rng *rand.Rand, as ask) string {
	t.Helper()
	path := r.op.Path
	for _, target := range r.op.Targets {
		var values []string
		switch target.Kind {
		case "article":
			values = w.slugs
		case "profile":
			values = w.names
		case "tag":
			values = []string{"x", "Y", "z", "none"}
		case "series":
			values = w.series
		default:
			t.Fatalf("%s: say in server/shared_reads_test.go which values a path parameter of the kind %s has", r.op.ID, target.Kind)
		}
		path = strings.Replace(path, "{"+target.Param+"}", url.PathEscape(pick(rng, values)), 1)
	}
	query := url.Values{}
	paged := false
	for _, p := range r.query {
		if p.Value.Name == "cursor" {
			paged = true
			continue
		}
		if rng.IntN(3) == 0 {
			query.Set(p.Value.Name, pick(rng, r.values(t, w, p.Value)))
		}
	}
	path += "?"
	if paged && query.Get("offset") == "" && rng.IntN(4) == 0 {
		as.path = path + query.Encode()
		_, body := as.do(s)
		var page struct {
			NextCursor *string `json:"nextCursor"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &page), body)
		if page.NextCursor != nil {
			query.Set("cursor", *page.NextCursor)
		}
	}
	return strings.TrimSuffix(path+query.Encode(), "?")
}

// values returns the values for a query parameter.
func (r sharedRead) values(t *testing.T, w *world, p *openapi3.Parameter) []string {
	t.Helper()
	schema := p.Schema.Value
	switch {
	case schema.Enum != nil:
		var values []string
		for _, v := range schema.Enum {
			values = append(values, v.(string))
		}
		return values
	case schema.Type.Is(openapi3.TypeBoolean):
		return []string{"true", "false"}
	case schema.Type.Is(openapi3.TypeInteger):
		return []string{"1", "2", "3"}
	}
	switch p.Name {
	case "tag":
		return []string{"x", "Y", "z"}
	case "prefix":
		return []string{"X", "y"}
	case "author", "favorited":
		return w.names
	}
	t.Fatalf("%s: say in server/shared_reads_test.go which values the query parameter %s has", r.op.ID, p.Name)
	return nil
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

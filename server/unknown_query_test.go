package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/gen/spec"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

// core are the operations of the RealWorld contract, whose clients may send
// parameters of their own.
var core = []string{
	"CreateUser", "Login", "GetCurrentUser", "UpdateCurrentUser", "GetProfileByUsername", "FollowUserByUsername", "UnfollowUserByUsername",
	"GetArticles", "GetArticlesFeed", "CreateArticle", "GetArticle", "UpdateArticle", "DeleteArticle", "GetArticleComments",
	"CreateArticleComment", "DeleteArticleComment", "CreateArticleFavorite", "DeleteArticleFavorite", "GetTags",
}

const (
	unknownParameter = "is not a query parameter of this operation"
	unnamedParameter = "has a parameter that this operation does not have"
)

// TestUnknownQuery sends each operation of the document, besides its valid
// request, parameters that it does not have.
func TestUnknownQuery(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load()
	require.NoError(t, err)
	var reports []string
	for _, op := range doc.Operations() {
		if op.ReportsUnknownQuery {
			reports = append(reports, op.ID)
		}
	}
	require.ElementsMatch(t, core, reports, "the operations with x-unknown-query in openapi.yaml: those of the core, "+
		"and others to whose URLs third parties add parameters; add the latter here with a reason")
	known := queryParameters(t)

	forEachCache(t, func(t *testing.T, s *servertest.Service) {
		for _, op := range doc.Operations() {
			t.Run(op.ID, func(t *testing.T) {
				t.Parallel()
				require.NotNil(t, valid[op.ID], "add a valid request of %s to server/scenarios_test.go", op.ID)
				st := newStage(s.For(t))
				if op.ReportsUnknownQuery {
					requireReported(t, st, op)
				} else {
					requireRefused(t, st, op, known[op.ID])
				}
			})
		}
	})
}

// queryParameters returns the names of the query parameters of each operation.
func queryParameters(t *testing.T) map[string][]string {
	t.Helper()
	doc, err := spec.GetSpec()
	require.NoError(t, err)
	all := map[string][]string{}
	for _, item := range doc.Paths.Map() {
		for _, o := range item.Operations() {
			for _, ref := range slices.Concat(o.Parameters, item.Parameters) {
				if ref.Value.In == openapi3.ParameterInQuery {
					all[o.OperationID] = append(all[o.OperationID], ref.Value.Name)
				}
			}
		}
	}
	return all
}

func requireReported(t *testing.T, st *stage, op *contract.Operation) {
	t.Helper()
	res, body := valid[op.ID](st).do(st.s, op.Method)
	usual := res.StatusCode
	require.Less(t, usual, 300, body)
	require.Empty(t, res.Header.Get(ignoredHeader))
	c := valid[op.ID](newStage(st.s))
	res, body = c.at(c.path+"?surprise=1").do(st.s, op.Method)
	require.Equal(t, usual, res.StatusCode, body)
	require.Equal(t, "query.surprise", res.Header.Get(ignoredHeader))
	if tag := res.Header.Get("ETag"); op.Cache.Scope != "none" {
		res, body = c.at(c.path+"?surprise=1").with("If-None-Match", tag).do(st.s, op.Method)
		if res.StatusCode != http.StatusNotModified { // something has changed meanwhile
			require.Equal(t, usual, res.StatusCode, body)
		}
		require.Equal(t, "query.surprise", res.Header.Get(ignoredHeader))
	}
}

func requireRefused(t *testing.T, st *stage, op *contract.Operation, known []string) {
	t.Helper()
	c := valid[op.ID](st)
	refuse := func(c call, query string, want client.FieldErrors) {
		t.Helper()
		res, body := c.at(c.path+"?"+query).do(st.s, op.Method)
		p := requireProblem(t, 422, "validation_failed", res, []byte(body))
		require.Equal(t, want, p.Errors, "%s?%s", op.ID, query)
		require.Empty(t, res.Header.Get(ignoredHeader))
	}
	one := func(field, message string) client.FieldErrors { return client.FieldErrors{field: {message}} }
	if op.Safe { // the response may be cached now
		res, body := c.do(st.s, op.Method)
		require.Equal(t, http.StatusOK, res.StatusCode, body)
	}
	refuse(c, "surprise=1", one("surprise", unknownParameter))
	refuse(c, "surprise", one("surprise", unknownParameter))
	refuse(c, "surprise=1&surprise=2&Other", client.FieldErrors{"surprise": {unknownParameter}, "Other": {unknownParameter}})
	for _, query := range []string{"=x", "=", "%22=1", "a.b=1", strings.Repeat("x", 25)} {
		refuse(c, query, one("query", unnamedParameter))
	}
	if op.Method == http.MethodGet {
		refuse(c.with("If-None-Match", "*"), "surprise=1", one("surprise", unknownParameter))
	}
	for _, name := range known {
		for _, misspelt := range misspellings(name) {
			refuse(c, misspelt+"=1", one(misspelt, unknownParameter+"; did you mean "+name+"?"))
		}
		for _, query := range []string{name + "=1&" + name + "=1", "surprise=1&" + name + "="} {
			res, body := c.at(c.path+"?"+query).do(st.s, op.Method)
			p := requireProblem(t, 422, "validation_failed", res, []byte(body))
			require.Contains(t, p.Errors, name)
			require.Equal(t, strings.Contains(query, "surprise"), p.Errors["surprise"] != nil)
		}
	}
	if c.token != "" { // 401 comes first
		res, body := c.as("").at(c.path+"?surprise=1").do(st.s, op.Method)
		requireProblem(t, 401, "token_missing", res, []byte(body))
		require.Empty(t, res.Header.Get(ignoredHeader))
	}
	// None of these requests did what the operation does.
	res, body := c.do(st.s, op.Method)
	require.Less(t, res.StatusCode, 300, body)
}

// misspellings returns names that are easily taken for a parameter.
func misspellings(name string) []string {
	last := len(name) - 1
	return []string{
		name[:last-1] + name[last:], name + "s", strings.ToUpper(name), name[:1] + "_" + name[1:], name[1:2] + name[:1] + name[2:],
	}
}

// TestUnknownQueryBeside covers the requests that are not an operation of the
// document by themselves.
func TestUnknownQueryBeside(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	auth := []string{"Authorization", "Token " + s.Register("anna").Token}

	t.Run("Head", func(t *testing.T) {
		res, _ := send(t, "HEAD", s.URL+"/sessions?surprise=1", "", auth...)
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode)
	})
	t.Run("Preflight", func(t *testing.T) {
		res, _ := send(t, "OPTIONS", s.URL+"/sessions?surprise=1", "", "Origin", "https://front.example", "Access-Control-Request-Method", "DELETE")
		require.Equal(t, http.StatusNoContent, res.StatusCode)
		require.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"))
	})
	t.Run("OtherMethod", func(t *testing.T) {
		res, body := send(t, "PUT", s.URL+"/sessions?surprise=1", "", auth...)
		requireProblem(t, 405, "method_not_allowed", res, body)
	})
	t.Run("Many", func(t *testing.T) {
		var query strings.Builder
		want := client.FieldErrors{"query": {unnamedParameter}}
		for i := range 2000 {
			fmt.Fprintf(&query, "&p%d=1", i)
			if i < 10 {
				want[fmt.Sprintf("p%d", i)] = []string{unknownParameter}
			}
		}
		res, body := send(t, "GET", s.URL+"/sessions?"+query.String()[1:], "", auth...)
		p := requireProblem(t, 422, "validation_failed", res, body)
		require.Equal(t, want, p.Errors)
	})
	t.Run("Malformed", func(t *testing.T) {
		res, body := send(t, "GET", s.URL+"/sessions?surprise=1&x=%zz", "", auth...)
		requireProblem(t, 400, "invalid_request", res, body)
	})
	// What a body has beside its members is still reported.
	t.Run("Member", func(t *testing.T) {
		res, body := send(t, "POST", s.URL+"/batch/profiles", `{"usernames":["anna"],"surprise":1}`)
		require.Equal(t, http.StatusOK, res.StatusCode, string(body))
		require.Equal(t, "body.surprise", res.Header.Get(ignoredHeader))
		res, body = send(t, "POST", s.URL+"/batch/profiles?limit=5", `{"usernames":["anna"],"surprise":1}`)
		p := requireProblem(t, 422, "validation_failed", res, body)
		require.Equal(t, client.FieldErrors{"limit": {unknownParameter}}, p.Errors)
		require.Equal(t, "body.surprise", res.Header.Get(ignoredHeader))
	})
	t.Run("TargetFirst", func(t *testing.T) {
		res, body := send(t, "DELETE", s.URL+"/user/keys/1?surprise=1", "", auth...)
		requireProblem(t, 404, "not_found", res, body)
	})
}

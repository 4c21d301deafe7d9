package contract

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// document returns the document that the binary serves.
func document(t testing.TB) *Document {
	t.Helper()
	d, err := Load()
	require.NoError(t, err)
	return d
}

// operation returns the operation with an id.
func operation(t testing.TB, d *Document, id string) *Operation {
	t.Helper()
	for _, op := range d.Operations() {
		if op.ID == id {
			return op
		}
	}
	t.Fatalf("no operation %s", id)
	return nil
}

func TestLoad(t *testing.T) {
	t.Parallel()
	d := document(t)

	t.Run("Order", func(t *testing.T) {
		t.Parallel()
		for range 5 {
			other := document(t).Operations()
			require.Len(t, other, len(d.Operations()))
			for i, op := range d.Operations() {
				assert.Equal(t, op.ID, other[i].ID)
			}
		}
	})

	t.Run("Declared", func(t *testing.T) {
		t.Parallel()
		op := d.Operation(http.MethodPost, "/api/articles")
		require.NotNil(t, op)
		assert.Equal(t, "CreateArticle", op.ID)
		assert.Equal(t, "articles", op.Tag)
		assert.Equal(t, "POST", op.Method)
		assert.Equal(t, "/articles", op.Path)
		assert.Equal(t, Required, op.Security)
		assert.Equal(t, "write", op.RateLimit)
		assert.Equal(t, Cache{Scope: "none"}, op.Cache)
		assert.EqualValues(t, 1<<20, op.MaxBody)
		assert.True(t, op.Idempotent)
		assert.Subset(t, op.Statuses, []int{201, 400, 401, 413, 415, 422, 429, 500, 503})
		assert.IsIncreasing(t, op.Statuses)

		assert.Equal(t, None, operation(t, d, "Login").Security)
		assert.Equal(t, Optional, operation(t, d, "GetArticles").Security)
		assert.Equal(t, "optional", Optional.String())
		assert.Zero(t, operation(t, d, "DeleteArticle").MaxBody)
		assert.Equal(t, 1024, operation(t, d, "GetArticles").MaxCondition)
		assert.Zero(t, op.MaxCondition)

		var secrets []string
		for _, op := range d.Operations() {
			if op.Secret {
				secrets = append(secrets, op.ID)
			}
		}
		assert.ElementsMatch(t, []string{
			"CreateUser", "Login", "GetCurrentUser", "UpdateCurrentUser", "CreateSession", "RefreshSession", "CreateApiKey",
			"CreatePreview",
		}, secrets)
	})

	t.Run("Routes", func(t *testing.T) {
		t.Parallel()
		for _, op := range d.Operations() {
			assert.Same(t, op, d.Operation(op.Method, op.Route))
			assert.Contains(t, d.Allow(op.Route), op.Method)
		}
		assert.Equal(t, "GetArticle", d.Operation(http.MethodGet, "/api/articles/:slug").ID)
		assert.Equal(t, "DeleteArticleComment", d.Operation(http.MethodDelete, "/api/articles/:slug/comments/:id").ID)
		assert.Equal(t, "GET, PUT, DELETE", d.Allow("/api/articles/:slug"))
		assert.Empty(t, d.Allow("/api/nothing"))
		assert.Nil(t, d.Operation(http.MethodPatch, "/api/articles/:slug"))
		assert.Nil(t, d.Operation(http.MethodGet, "/api/nothing"))
	})
}

// small is a complete document that uses what the real one does not use yet.
const small = `
openapi: 3.0.3
info: {title: Small, version: "1"}
servers: [{url: /base}]
paths:
  /things/{flag}:
    put:
      operationId: PutThing
      tags: [things]
      summary: Put
      description: Puts.
      security: []
      x-rate-limit: write
      x-cache: {scope: none}
      x-max-body: 1024
      parameters:
        - {name: flag, in: path, required: true, x-target: {kind: thing}, schema: {type: boolean}}
        - {name: needed, in: query, required: true, schema: {type: integer}}
        - {name: X-Needed, in: header, required: true, schema: {type: string, minLength: 2}}
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}
      responses: {'200': {description: Done}, '422': {description: Refused}, '404': {description: None}}
components:
  securitySchemes: {Token: {type: apiKey, in: header, name: Authorization}}
  schemas:
    Thing:
      type: object
      properties:
        count: {type: integer, format: int32, minimum: 1}
        big: {type: integer}
        on: {type: boolean}
        code: {type: string, pattern: '^[a-z\u002d]+$', x-message: must be small letters}
        plain: {type: string, pattern: '^x'}
        color: {type: string, enum: [red, blue]}
        pair: {type: array, minItems: 2, maxItems: 3, items: {type: integer, maximum: 9}}
        when: {type: string, format: date-time}
        id: {type: string, format: uuid}
        link: {type: string, format: uri}
        child: {$ref: '#/components/schemas/Thing'}
`

// variant returns the small document with one text replaced.
func variant(t testing.TB, from, to string) []byte {
	t.Helper()
	require.Equal(t, 1, strings.Count(small, from), "%q must be in the document once", from)
	return []byte(strings.Replace(small, from, to, 1))
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	_, err := load([]byte(small))
	require.NoError(t, err)

	for name, test := range map[string]struct{ from, to, want string }{
		"NotADocument":    {small, "[", "parse the document"},
		"Invalid":         {`info: {title: Small, version: "1"}`, "", "invalid document"},
		"NoServer":        {"servers: [{url: /base}]", "", "must name one server"},
		"NoOperationID":   {"operationId: PutThing", "deprecated: false", "lacks operationId"},
		"NoTag":           {"tags: [things]", "tags: []", "must have one tag, has 0"},
		"TwoTags":         {"tags: [things]", "tags: [things, others]", "must have one tag, has 2"},
		"NoSummary":       {"summary: Put", "summary: ''", "lacks summary"},
		"NoDescription":   {"description: Puts.", "description: ''", "lacks description"},
		"NoSecurity":      {"security: []", "deprecated: false", "lacks security"},
		"NoScope":         {"security: []", "security: [{Token: []}]", "both security and x-scope"},
		"NoRateLimit":     {"x-rate-limit: write", "deprecated: false", "x-rate-limit must be"},
		"OtherRateLimit":  {"x-rate-limit: write", "x-rate-limit: some", "x-rate-limit must be"},
		"NoCache":         {"x-cache: {scope: none}", "deprecated: false", "x-cache must have a scope"},
		"NoMaxAge":        {"x-cache: {scope: none}", "x-cache: {scope: shared}", "x-cache lacks maxAge"},
		"CacheOfText":     {"x-cache: {scope: none}", "x-cache: none", "x-cache: json"},
		"NoMaxBody":       {"x-max-body: 1024", "deprecated: false", "lacks x-max-body"},
		"MaxBodyOfText":   {"x-max-body: 1024", "x-max-body: 1kB", "x-max-body: json"},
		"NoKey":           {"x-max-body: 1024", "x-max-body: 1024\n      x-idempotent: true", "Idempotency-Key"},
		"UnknownQuery":    {"x-max-body: 1024", "x-max-body: 1024\n      x-unknown-query: ignore", "x-unknown-query must be report"},
		"QueryWithout422": {"'422': {description: Refused}, ", "", "must declare 422"},
		"RefusedText":     {"x-max-body: 1024", "x-max-body: 1024\n      x-refused: status", "x-refused must be a list"},
		"NoMaxLength":     {"name: X-Needed,", "name: if-none-match,", "If-None-Match lacks maxLength"},
		"OtherMediaType":  {"content: {application/json:", "content: {text/plain:", "must take application/json"},
		"DefaultResponse": {"'200':", "default:", "must be one status"},
		"CookieParameter": {"{name: needed, in: query", "{name: needed, in: cookie", "is in a cookie"},
		"ArrayParameter":  {"in: query, required: true, schema: {type: integer}", "in: query, required: true, schema: {type: array, items: {type: string}}", "must be a string, an integer or a boolean"},
		"StyledParameter": {"{name: needed, in: query", "{explode: false, name: needed, in: query", "default style"},
		"ReadOnly":        {"big: {type: integer}", "big: {type: integer, readOnly: true}", "readOnly is not checked"},
		"Number":          {"big: {type: integer}", "big: {type: number}", "type number is not checked"},
		"TextFormat":      {"format: uuid", "format: iban", "format iban is not checked"},
		"IntegerFormat":   {"format: int32", "format: int8", "format int8 is not checked"},
		"BoundOfFraction": {"maximum: 9", "maximum: 9.5", "bound 9.5"},
		"BoundTooLarge":   {"maximum: 9", "maximum: 9007199254740992", "must be a whole number"},
		"NoMaxItems":      {"maxItems: 3, ", "", "#/properties/pair: array lacks maxItems"},
		"ReturnedAs":      {"format: uuid", "x-returned-as: list, format: uuid", "x-returned-as must be object, on a member that is a string"},
		"OrNumber":        {"big: {type: integer}", "big: {type: integer, x-or-number: true}", "x-or-number must be true, on a member that is a string"},
		"UnknownKeyword":  {"big: {type: integer}", "big: {type: integer, maximun: 2}", "maximun"},
		"BadPattern":      {"pattern: '^x'", "pattern: '('", "missing closing )"},
		"ClassOfNonSpace": {"pattern: '^x'", `pattern: '[\S]'`, `\S in a class`},
		"OpenBackslash":   {"pattern: '^x'", `pattern: 'x\'`, "ends in a backslash"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(variant(t, test.from, test.to))
			require.ErrorContains(t, err, test.want)
		})
	}

	t.Run("Secrets", func(t *testing.T) {
		t.Parallel()
		refused := func(member, want string) {
			t.Helper()
			data := strings.NewReplacer(
				"x-cache: {scope: none}", "x-cache: {scope: shared, maxAge: 0}", "plain: {", "token: "+member+"\n        plain: {",
				"{description: Done}", "{description: Done, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}").Replace(small)
			_, err := load([]byte(data))
			if want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, want)
		}
		refused("{type: string}", "response member token looks like a secret")
		refused("{type: string, x-secret: true}", "its x-cache must not be shared")
		refused("{type: string, x-secret: false}", "")
	})

	t.Run("AllAtOnce", func(t *testing.T) {
		t.Parallel()
		data := strings.NewReplacer("summary: Put", "summary: ''", "x-rate-limit: write", "x-rate-limit: x").Replace(small)
		_, err := load([]byte(data))
		require.ErrorContains(t, err, "PUT /things/{flag}")
		require.ErrorContains(t, err, "lacks summary")
		require.ErrorContains(t, err, "x-rate-limit must be")
	})
}

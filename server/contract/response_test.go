package contract

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExamples checks every example of the document against its schema, and
// requires an example for every body.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, op := range document(t).Operations() {
		t.Run(op.ID, func(t *testing.T) {
			t.Parallel()
			body := ""
			if op.body != nil {
				body = example(t, op.declared.RequestBody.Value.Content["application/json"])
			}
			require.NoError(t, op.Check(request("", body), pathOf(nil), &Ignored{}))

			for _, status := range op.Statuses {
				response := op.declared.Responses.Status(status).Value
				header := http.Header{}
				if op.Secret {
					header.Set("Cache-Control", "no-store")
				}
				if len(response.Content) == 0 {
					require.NoError(t, op.CheckResponse(status, header, nil))
				}
				for name, content := range response.Content {
					header.Set("Content-Type", name)
					for name, ref := range response.Headers {
						if ref.Value.Required {
							header.Set(name, "1")
						}
					}
					require.NoError(t, op.CheckResponse(status, header, []byte(example(t, content))), "status %d", status)
				}
			}
		})
	}
}

func example(t *testing.T, content *openapi3.MediaType) string {
	t.Helper()
	require.NotNil(t, content.Example, "has no example")
	data, err := json.Marshal(content.Example)
	require.NoError(t, err)
	return string(data)
}

// TestStatuses checks that operations declare the statuses that Check and the
// middleware can return.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for _, op := range document(t).Operations() {
		want := []int{http.StatusBadRequest, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
		if op.body != nil {
			want = append(want, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
		}
		if op.Security == Required {
			want = append(want, http.StatusUnauthorized)
		}
		if len(op.query)+len(op.headers) > 0 {
			want = append(want, http.StatusUnprocessableEntity)
		}
		assert.Subset(t, op.Statuses, want, op.ID)
	}
}

func TestCheckResponse(t *testing.T) {
	t.Parallel()
	d := document(t)
	op := operation(t, d, "GetProfileByUsername")
	jsonType := http.Header{"Content-Type": {"application/json; charset=UTF-8"}}
	const good = `{"profile":{"username":"jake","bio":null,"image":null,"following":false}}`
	require.NoError(t, op.CheckResponse(200, jsonType, []byte(good)))
	require.NoError(t, operation(t, d, "DeleteArticle").CheckResponse(204, http.Header{}, nil))

	for name, test := range map[string]struct {
		status int
		header http.Header
		body   string
		want   string
	}{
		"Status":      {418, jsonType, good, "status 418 is not declared"},
		"ContentType": {200, http.Header{"Content-Type": {"text/plain"}}, good, "text/plain is not declared"},
		"NoType":      {200, http.Header{}, good, "content type"},
		"NotJSON":     {200, jsonType, "{", "body"},
		"Missing":     {200, jsonType, `{"profile":{"username":"jake","bio":null,"image":null}}`, `property "following" is missing`},
		"Null":        {200, jsonType, `{"profile":{"username":null,"bio":null,"image":null,"following":false}}`, "not nullable"},
		"Undeclared":  {200, jsonType, `{"profile":{"username":"jake","bio":null,"image":null,"following":false,"email":"x"}}`, "body.profile.email is not declared"},
		"Body":        {304, http.Header{}, "x", "none is declared"},
		"Header":      {429, http.Header{"Content-Type": {"application/problem+json"}, "Retry-After": {"soon"}}, "{}", "header Retry-After"},
		"NewHeader":   {304, http.Header{"X-Request-Id": {"1"}, "X-Cost": {"1"}}, "", "header X-Cost is not declared"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, op.CheckResponse(test.status, test.header, []byte(test.body)), test.want)
		})
	}

	t.Run("List", func(t *testing.T) {
		t.Parallel()
		article := `{"slug":"a","title":"a","description":"a","tagList":[],"createdAt":"2026-02-18T03:22:56.637Z","updatedAt":"2026-02-18T03:22:56.6Z","favorited":false,"favoritesCount":0,"author":{"username":"jake","bio":null,"image":null,"following":false},"body":"leaks"}`
		err := operation(t, d, "GetArticles").CheckResponse(200, jsonType, []byte(`{"articles":[`+article+`],"articlesCount":1,"nextCursor":null}`))
		require.ErrorContains(t, err, "updatedAt")
	})
}

package server_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/servertest"
)

func TestDeprecation(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	deprecated := &contract.Deprecation{
		At: "@1767225600", Sunset: "Wed, 01 Jul 2026 00:00:00 GMT", Link: `</docs/versioning>; rel="deprecation"`,
	}
	for _, route := range []string{"/api/articles", "/api/user"} {
		op := s.Edge.Document().Operation(http.MethodGet, route)
		require.NotNil(t, op)
		op.Deprecation = deprecated
	}
	author := s.Register("author")
	s.Publish(author, "One")
	s.Publish(author, "Two")

	requireDeprecated := func(t *testing.T, res *http.Response, links ...string) {
		t.Helper()
		require.Equal(t, []string{deprecated.At}, res.Header["Deprecation"])
		require.Equal(t, []string{deprecated.Sunset}, res.Header["Sunset"])
		got := res.Header["Link"]
		require.NotEmpty(t, got)
		require.Equal(t, deprecated.Link, got[len(got)-1])
		require.Len(t, got, 1+len(links), "%q", got)
		for i, link := range links {
			require.Contains(t, got[i], link)
		}
	}
	t.Run("MadeAndCached", func(t *testing.T) {
		for range 3 {
			res, _ := s.Do(http.MethodGet, "/articles?limit=1", "")
			require.Equal(t, http.StatusOK, res.StatusCode)
			requireDeprecated(t, res, `rel="next"`)
			res, _ = s.Do(http.MethodGet, "/articles?limit=1", "", "If-None-Match", res.Header.Get("ETag"))
			require.Equal(t, http.StatusNotModified, res.StatusCode)
			requireDeprecated(t, res, `rel="next"`)
		}
	})
	t.Run("SignedIn", func(t *testing.T) {
		res, _ := s.Do(http.MethodGet, "/user", "", "Authorization", "Token "+author.Token)
		require.Equal(t, http.StatusOK, res.StatusCode)
		requireDeprecated(t, res)
	})
	t.Run("Refused", func(t *testing.T) {
		res, _ := s.Do(http.MethodGet, "/user", "")
		require.Equal(t, http.StatusUnauthorized, res.StatusCode)
		requireDeprecated(t, res)
		res, _ = s.Do(http.MethodGet, "/articles?limit=0", "")
		require.Equal(t, http.StatusUnprocessableEntity, res.StatusCode)
		requireDeprecated(t, res)
	})
	t.Run("Others", func(t *testing.T) {
		for _, path := range []string{"/tags", "/articles/one", "/no/such/path"} {
			res, _ := s.Do(http.MethodGet, path, "")
			require.Empty(t, res.Header["Deprecation"], path)
			require.Empty(t, res.Header["Sunset"], path)
			require.Empty(t, res.Header["Link"], path)
		}
	})
}

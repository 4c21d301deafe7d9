package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

func TestCompression(t *testing.T) {
	t.Parallel()
	// With a cache, which stores compressed bodies too.
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.CacheBytes = 1 << 20 }))
	u := s.Register("anna")
	text := strings.Repeat("It was a dark and stormy night; the rain fell in torrents. ", 100)
	created, err := u.CreateArticleWithResponse(t.Context(), nil, client.CreateArticleJSONRequestBody{
		Article: client.NewArticle{Title: "Long", Description: "Words", Body: text},
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, created.StatusCode(), string(created.Body))
	long := s.URL + "/articles/" + created.JSON201.Article.Slug
	plainRes, identity := send(t, "GET", long, "")
	require.Contains(t, string(identity), text)
	require.Empty(t, plainRes.Header.Get("Content-Encoding"))

	tests := []struct{ field, coding string }{
		{"", ""},
		{"gzip", "gzip"},
		{"x-gzip", "gzip"},
		{"zstd", "zstd"},
		{"GZip", "gzip"},
		{"gzip, deflate, br", "gzip"},
		{"gzip, deflate, br, zstd", "zstd"},
		{"zstd, gzip", "zstd"},
		{"gzip;q=1.0, zstd;q=0.9", "gzip"},
		{"gzip;q=0.5, zstd;q=0.5", "zstd"},
		{"gzip ; q=0.2 ,zstd\t;\tq=0.1", "gzip"},
		{"gzip;Q=0.5", "gzip"},
		{"zstd;q=0", ""},
		{"zstd;q=0, gzip", "gzip"},
		{"zstd;q=0.000, gzip;q=0.001", "gzip"},
		{"*", "zstd"},
		{"*;q=0", ""},
		{"*;q=0, gzip;q=1", "gzip"},
		{"zstd;q=0, *", "gzip"},
		{"gzip;q=0, zstd;q=0, *", ""},
		{"identity", ""},
		{"identity;q=1, gzip;q=0.5", ""},
		{"identity;q=0.5, gzip;q=1", "gzip"},
		{"identity;q=0, gzip", "gzip"},
		{"identity;q=0", ""}, // no coding is acceptable: the response is sent as it is
		{"br", ""},
		{"gzip;q=2", ""},
		{"gzip;q=-1", ""},
		{"gzip;q=NaN", ""},
		{"gzip;q=", ""},
		{"gzip;level=9", ""},
		{",,;;q=,=", ""},
		{"\x80\xff, gzip", "gzip"},
		{strings.Repeat("br;q=0.1, ", 1000) + "gzip", "gzip"},
		{strings.Repeat("x", 10_000), ""},
	}
	for _, tt := range tests {
		name := tt.field
		if len(name) > 60 {
			name = name[:60]
		}
		t.Run(strconv.Quote(name), func(t *testing.T) {
			t.Parallel()
			header := []string{"Accept-Encoding", tt.field}
			res, body := send(t, "GET", long, "", header...)
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.Equal(t, tt.coding, res.Header.Get("Content-Encoding"))
			require.Equal(t, strconv.Itoa(len(body)), res.Header.Get("Content-Length"))
			require.Equal(t, identity, decode(t, tt.coding, body))
			require.Contains(t, list(res.Header, "Vary"), "accept-encoding")
			require.Equal(t, "application/json", res.Header.Get("Content-Type"))
			if tt.coding != "" {
				require.Less(t, len(body), len(identity)/4)
				require.NotEqual(t, plainRes.Header.Get("ETag"), res.Header.Get("ETag"), "a strong tag belongs to one sequence of bytes")
			} else {
				require.Equal(t, plainRes.Header.Get("ETag"), res.Header.Get("ETag"))
			}
			again, none := send(t, "GET", long, "", append(header, "If-None-Match", res.Header.Get("ETag"))...)
			require.Equal(t, http.StatusNotModified, again.StatusCode)
			require.Empty(t, none)
			require.Equal(t, res.Header.Get("ETag"), again.Header.Get("ETag"))
			require.Contains(t, list(again.Header, "Vary"), "accept-encoding")
			require.NotContains(t, again.Header, "Content-Encoding")
			head, none := send(t, "HEAD", long, "", header...)
			require.Empty(t, none)
			for _, name := range []string{"Content-Encoding", "Content-Length", "ETag", "Vary"} {
				require.Equal(t, res.Header.Values(name), head.Header.Values(name), name)
			}
		})
	}

	t.Run("Small", func(t *testing.T) {
		t.Parallel()
		res, body := send(t, "GET", s.URL+"/profiles/anna", "", "Accept-Encoding", "gzip, zstd")
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Empty(t, res.Header.Get("Content-Encoding"))
		require.True(t, json.Valid(body))
		require.NotContains(t, list(res.Header, "Vary"), "accept-encoding")
	})
	t.Run("Error", func(t *testing.T) {
		t.Parallel()
		res, body := send(t, "GET", s.URL+"/articles/none", "", "Accept-Encoding", "gzip, zstd")
		requireProblem(t, 404, "not_found", res, body)
		require.Empty(t, res.Header.Get("Content-Encoding"))
	})
	t.Run("SignedIn", func(t *testing.T) {
		t.Parallel()
		res, body := send(t, "GET", long, "", "Accept-Encoding", "zstd", "Authorization", "Token "+u.Token)
		require.Equal(t, "zstd", res.Header.Get("Content-Encoding"))
		require.Subset(t, list(res.Header, "Vary"), []string{"authorization", "accept-encoding"})
		require.Contains(t, string(decode(t, "zstd", body)), text)
	})
	t.Run("Write", func(t *testing.T) {
		t.Parallel()
		res, body := send(t, "DELETE", long+"/favorite", "", "Accept-Encoding", "gzip", "Authorization", "Token "+u.Token)
		require.Equal(t, "gzip", res.Header.Get("Content-Encoding"))
		require.Contains(t, string(decode(t, "gzip", body)), text)
	})
}

// decode returns a body without its content coding.
func decode(t testing.TB, coding string, body []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	switch coding {
	case "gzip":
		g, err := gzip.NewReader(r)
		require.NoError(t, err)
		r = g
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		require.NoError(t, err)
		defer z.Close()
		r = z
	}
	out, err := io.ReadAll(r)
	require.NoError(t, err)
	return out
}

package byline_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	byline "github.com/byline-api/byline/sdk/go"
)

// logged returns what a call with a retry writes to the standard error stream
// if BYLINE_LOG has the given value. Durations are replaced by N.
func logged(t *testing.T, level string) []string {
	t.Helper()
	t.Setenv("BYLINE_LOG", level)
	file, err := os.Create(t.TempDir() + "/stderr")
	noError(t, err)
	defer file.Close()
	stderr := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = stderr }()
	c, rec := fake(t, []http.HandlerFunc{responds(503, busy), responds(200, `{"tags":[]}`, "X-Request-Id", "r2")}, byline.WithToken("secret"))
	_, err = c.With(byline.WithHooks(byline.Hooks{})).Tags.List(t.Context())
	noError(t, err)
	text, err := os.ReadFile(file.Name())
	noError(t, err)
	equal(t, false, strings.Contains(string(text), "secret"))
	got := strings.ReplaceAll(string(text), "http://"+rec.requests[0].URL.Host, "")
	return strings.Split(regexp.MustCompile(`[\d.]+ (m?s)\b`).ReplaceAllString(got, "N $1"), "\n")
}

func TestLog(t *testing.T) {
	first := "byline: tags.list: GET /api/tags: 503 in N ms"
	retry := first + "; another attempt in N s"
	second := "byline: tags.list: GET /api/tags: 200 in N ms, attempt 2 (request r2)"
	equal(t, []string{""}, logged(t, ""))
	equal(t, []string{first, retry, second, ""}, logged(t, "debug"))
	equal(t, []string{retry, ""}, logged(t, "info"))
	equal(t, []string{`byline: BYLINE_LOG must be debug or info, not "all"`, ""}, logged(t, "all"))
}

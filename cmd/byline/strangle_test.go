//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/strangle"
)

// strangler is a running byline strangle between two systems that answer with
// their names.
type strangler struct {
	listen, admin string
	stop          func() error
}

func startStrangle(t *testing.T) strangler {
	t.Helper()
	backend := func(name string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }))
		t.Cleanup(s.Close)
		return s.URL
	}
	s := strangler{listen: freePort(t), admin: freePort(t)}
	ctx, cancel := context.WithCancel(t.Context())
	var out safeBuffer
	done := make(chan error, 1)
	args := []string{"strangle", "--old", backend("old"), "--new", backend("new"), "--listen", s.listen, "--admin", s.admin, "--log-format", "json"}
	go func() { done <- run(ctx, args, func(string) string { return "" }, &out, &out) }()
	s.stop = func() error {
		cancel()
		return <-done
	}
	require.Eventually(t, func() bool {
		res, err := http.Get("http://" + s.admin + "/livez")
		if err == nil {
			_ = res.Body.Close()
		}
		return err == nil
	}, hangTimeout, 10*time.Millisecond, "%s", out.tail(1000))
	return s
}

// get returns the body of a page.
func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(body)
}

// TestStrangleGuide runs the commands of docs/strangle.md with a proxy, and
// checks its files, its defaults and its list of metrics.
func TestStrangleGuide(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the guide uses curl")
	}
	doc, err := contract.Load()
	require.NoError(t, err)
	s := startStrangle(t)
	tags := "http://" + s.listen + "/api/tags"
	require.Equal(t, "old", get(t, tags))
	files, commands := 0, 0
	for _, b := range readBlocks(t, "../../docs/strangle.md") {
		switch {
		case b.language == "yaml":
			cfg, err := strangle.ParseConfig([]byte(b.code))
			require.NoError(t, err, b.where)
			want := strangle.DefaultConfig()
			want.Old, want.New = "http://127.0.0.1:3000", "http://127.0.0.1:8080"
			if files++; files == 1 {
				require.Equal(t, textOf(want), textOf(cfg), "%s: the file with the defaults", b.where)
			}
			cfg.Old, cfg.New = want.Old, want.New
			_, err = strangle.New(cfg, nil, doc, slog.New(slog.DiscardHandler))
			require.NoError(t, err, b.where)
		case strings.Contains(b.code, "curl "):
			commands++
			home := t.TempDir()
			rc := fmt.Sprintf("connect-to = \"127.0.0.1:9091:%s\"\nfail\n", s.admin)
			require.NoError(t, os.WriteFile(filepath.Join(home, ".curlrc"), []byte(rc), 0o600))
			cmd := exec.CommandContext(t.Context(), "bash", "-ec", b.code)
			cmd.Env = []string{"PATH=/usr/bin:/bin:/usr/local/bin", "HOME=" + home, "CURL_HOME=" + home}
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s: %s", b.where, out)
			if strings.Contains(b.code, "?wait=") {
				require.Contains(t, string(out), `"drained":true`)
			}
		}
	}
	require.Equal(t, 2, files)
	require.Equal(t, 4, commands)
	require.Equal(t, "new", get(t, tags), "the guide ends with the new backend")

	exported := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (strangle_\w+)`).FindAllStringSubmatch(get(t, "http://"+s.admin+"/metrics"), -1) {
		exported[m[1]] = true
	}
	require.Greater(t, len(exported), 7)
	guide := readFile(t, "../../docs/strangle.md")
	for name := range exported {
		require.Contains(t, guide, "`"+name+"`", "docs/strangle.md does not list the metric %s", name)
	}
	require.NoError(t, s.stop())
}

// textOf returns a configuration as text, which is the same for an empty list
// and none.
func textOf(cfg strangle.Config) string {
	text, err := json.Marshal(cfg)
	if err != nil {
		return err.Error()
	}
	return strings.NewReplacer(":[]", ":null", ":{}", ":null").Replace(string(text))
}

// TestStrangleUsage checks the errors that an operator makes first.
func TestStrangleUsage(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "old: http://127.0.0.1:1\nnew: http://127.0.0.1:2\nmodes: {GetTag s: new}\n")
	for args, want := range map[string]string{
		"strangle":                       "old is missing: the URL of the old system, such as http://127.0.0.1:3000",
		"strangle --old http://a":        "new is missing",
		"strangle --file /nonexistent/x": "the configuration file cannot be read",
		"strangle --file " + file:        `"GetTag s" is no operation or tag of the document`,
		"strangle --old http://a --new http://b --listen nonsense": "listen must be an address such as 127.0.0.1:8000",
	} {
		_, err := command(t, nil, strings.Fields(args)...)
		require.ErrorContains(t, err, want, args)
		require.Equal(t, exitConfiguration, codeOf(err), args)
	}
}

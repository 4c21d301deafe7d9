package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// valid has a value for each secret setting.
var valid = map[string]string{
	"DATABASE_URL":                "postgres://u:s3cret@h/d",
	"BYLINE_READ_URLS":            "postgres://u:s3cret@h1/d  postgres://u:s3cret@h2/d?sslmode=disable",
	"BYLINE_SMTP_URL":             "smtp://u:s3cret@h:587",
	"OTEL_EXPORTER_OTLP_ENDPOINT": "http://u:s3cret@h:4318",
	"BYLINE_OLD_TOKENS_SECRET":    "s3cret",
	"BYLINE_PURGE_HEADER":         "Fastly-Key: s3cret",
}

// TestSecretFiles checks that each secret can be in a file, which a variable, a
// flag or the configuration file names.
func TestSecretFiles(t *testing.T) {
	t.Parallel()
	page := readFile(t, "../../docs/configuration.md")
	secrets := 0
	for _, s := range settings {
		looksSecret := regexp.MustCompile(`DATABASE|READ_URLS|SMTP|ENDPOINT|PURGE_HEADER|SECRET|CREDENTIAL|PASSWORD$`).MatchString(s.env) && s.env != "BYLINE_REQUIRE_CURRENT_PASSWORD"
		require.Equal(t, looksSecret, s.secret, "%s: a setting that can contain a password is secret", s.env)
		if !s.secret {
			continue
		}
		secrets++
		text := valid[s.env]
		require.NotEmpty(t, text, "valid has no value for %s", s.env)
		require.Contains(t, page, "`"+s.env+"_FILE`")
		path := writeFile(t, text+"\r\n")
		loadWith := func(variable, value string, args ...string) (*config, error) {
			env := map[string]string{"BYLINE_MAIL_FROM": "a@example.com", "BYLINE_OLD_TOKENS_UNTIL": "2026-12-31",
				"BYLINE_SHARED_MAX_AGE": "1m", "BYLINE_PURGE_URLS": "http://h/purge", variable: value}
			if s.env == "BYLINE_READ_URLS" {
				env["DATABASE_URL"] = valid["DATABASE_URL"]
			}
			return load(t, env, args...)
		}
		for name, given := range map[string]func() (*config, error){
			s.env + "_FILE":           func() (*config, error) { return loadWith(s.env+"_FILE", path) },
			"--" + s.flag() + "-file": func() (*config, error) { return loadWith("", "", "--"+s.flag()+"-file="+path) },
			s.flag() + "-file in ":    func() (*config, error) { return loadWith("", "", "--config="+writeFile(t, s.flag()+"-file: "+path)) },
		} {
			c, err := given()
			require.NoError(t, err, name)
			require.Equal(t, text, c.values[s.env].text, name)
			require.Contains(t, c.nameOf(s.env), name)
			var out bytes.Buffer
			require.NoError(t, c.print(&out))
			require.NotContains(t, out.String(), "s3cret")
			require.Regexp(t, `(?m)^`+s.env+` .* (env|flag|file) `+regexp.QuoteMeta(name), out.String())
		}

		// In the same place, both are refused. A place that takes precedence
		// replaces the file.
		_, err := load(t, map[string]string{s.env: text, s.env + "_FILE": path})
		require.ErrorContains(t, err, s.env+" and "+s.env+"_FILE: must not be set together")
		_, err = loadWith("", "", "--"+s.flag()+"="+text, "--"+s.flag()+"-file="+path)
		require.ErrorContains(t, err, "--"+s.flag()+" and --"+s.flag()+"-file: must not be set together")
		_, err = loadWith(s.env+"_FILE", "/nonexistent", "--"+s.flag()+"="+text)
		require.NoError(t, err)

		for wrong, want := range map[string]string{
			"/nonexistent/file":         `_FILE="/nonexistent/file": must be a file that can be read: no such file or directory`,
			writeFile(t, "\n"):          "the file is empty",
			"s3cret":                    "(hidden: a text of 6 characters): must be a file that can be read",
			"postgres://u:s3cret@h/d":   `(hidden: a text of 23 characters that begins with "postgres://")`,
			writeFile(t, "s3cret ftp!"): s.env + "_FILE=(hidden: a text of 11 characters): must be",
		} {
			_, err := load(t, map[string]string{s.env + "_FILE": wrong})
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "s3cret")
			require.Equal(t, exitConfiguration, codeOf(err))
		}
	}
	require.Equal(t, len(valid), secrets)
	require.Empty(t, unknownSettings([]string{"BYLINE_SMTP_URL_FILE=/x", "BYLINE_CONFIG=/x"}))
	require.NotEmpty(t, unknownSettings([]string{"BYLINE_ADDR_FILE=/x"}))
}

func TestConfigFile(t *testing.T) {
	t.Parallel()

	t.Run("Precedence", func(t *testing.T) {
		t.Parallel()
		path := writeFile(t, "# production\naddr: :1\npool-max: 7\nlog-client: on\npool-acquire-timeout: 2s\nadmin-addr: \"\"\ncompat:\n"+
			"trusted-proxies: [10.0.0.0/8, \"::1\"]\ndatabase-url: postgres://u:s3cret@h/d\n")
		env := map[string]string{"BYLINE_CONFIG": path, "BYLINE_POOL_MAX": "8", "BYLINE_POOL_ACQUIRE_TIMEOUT": "1s"}
		c, err := load(t, env, "--pool-acquire-timeout=4s")
		require.NoError(t, err)
		require.Equal(t, ":1", c.Addr)
		require.Equal(t, 8, c.PoolMax)
		require.Equal(t, "4s", short(c.PoolAcquireTimeout))
		require.True(t, c.LogClient)
		require.Empty(t, c.AdminAddr)
		require.Equal(t, "strict", c.Compat, "a key without a value counts as unset")
		require.Len(t, c.TrustedProxies, 2)
		require.Equal(t, "postgres://u:s3cret@h/d", c.DatabaseURL)
		var out bytes.Buffer
		require.NoError(t, c.print(&out))
		for _, line := range []string{`BYLINE_ADDR +:1 +file`, `BYLINE_POOL_MAX +8 +env`, `BYLINE_POOL_ACQUIRE_TIMEOUT +4s +flag`, `DATABASE_URL +postgres://u:xxxxx@h/d +file`} {
			require.Regexp(t, `(?m)^`+line+`$`, out.String())
		}
		other, err := load(t, env, "--config="+writeFile(t, "addr: :2"))
		require.NoError(t, err)
		require.Equal(t, ":2", other.Addr, "the flag names another file")
		none, err := load(t, env, "--config=")
		require.NoError(t, err)
		require.Equal(t, "127.0.0.1:8080", none.Addr, "an empty flag means no file")
		for _, empty := range []string{"", "# nothing\n", "---\n"} {
			_, err := load(t, nil, "--config="+writeFile(t, empty))
			require.NoError(t, err, "%q", empty)
		}
	})

	t.Run("Guide", func(t *testing.T) {
		t.Parallel()
		example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(readFile(t, "../../docs/configuration.md"))
		require.NotNil(t, example)
		secret := writeFile(t, valid["DATABASE_URL"]+"\n")
		c, err := load(t, nil, "--config="+writeFile(t, strings.ReplaceAll(example[1], "/run/secrets/database_url", secret)))
		require.NoError(t, err)
		require.Equal(t, valid["DATABASE_URL"], c.DatabaseURL)
		require.Len(t, c.TrustedProxies, 2)
		require.True(t, c.LogClient)
	})

	t.Run("Bad", func(t *testing.T) {
		t.Parallel()
		for text, want := range map[string]string{
			"addr: x":                                `addr in PATH="x": must be host:port`,
			"adr: :1":                                "line 1: adr is not a known setting; did you mean addr?",
			"\nBYLINE_POOL_MAX: 3":                   "line 2: BYLINE_POOL_MAX is not a known setting; did you mean pool-max?",
			"addr: :1\naddr: :2":                     "line 2: addr is set twice",
			"addr: {host: h}":                        "line 1: addr must be a text, a number or a list of them",
			"addr: [[a]]":                            "must be a text, a number or a list of them",
			"postgres://u:s3cret@h/d":                "must have lines such as addr: 127.0.0.1:8080",
			"- addr":                                 "must have lines such as",
			"addr: [":                                "yaml: line 1",
			"database-url: s3cret":                   "database-url in PATH=(hidden: a text of 6 characters): must be a PostgreSQL URL",
			"smtp-url: s3cret\nx: s3cret2":           "line 2: x is not a known setting",
			"database-url: a\ndatabase-url-file: /b": "database-url in PATH and database-url-file in PATH: must not be set together",
		} {
			path := writeFile(t, text)
			_, err := load(t, map[string]string{"BYLINE_CONFIG": path})
			require.ErrorContains(t, err, strings.ReplaceAll(want, "PATH", path), text)
			require.NotContains(t, err.Error(), "cret", text)
			require.Equal(t, exitConfiguration, codeOf(err))
		}
		_, err := load(t, nil, "--config=/nonexistent/byline.yaml")
		require.ErrorContains(t, err, "the configuration file /nonexistent/byline.yaml: cannot be read: no such file or directory")
	})
}

// TestHiddenValuesHaveAShape checks that the error of a secret value tells what
// may be wrong with it.
func TestHiddenValuesHaveAShape(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"s3cret":                         `DATABASE_URL=(hidden: a text of 6 characters): must be a PostgreSQL URL`,
		"postgres://u:s3cret":            `DATABASE_URL=(hidden: a text of 19 characters that begins with "postgres://"): must`,
		`"postgres://u:s3cret@h/d"`:      `that begins with "\""`,
		"DATABASE_URL=postgres://u:é@h/": `(hidden: a text of 30 characters that begins with "DATABASE_URL=")`,
		"u:s3cret@h/d":                   `(hidden: a text of 12 characters)`,
	} {
		_, err := load(t, map[string]string{"DATABASE_URL": given})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "cret")
	}
}

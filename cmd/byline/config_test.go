package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/server/purge"
)

func load(t *testing.T, env map[string]string, args ...string) (*config, error) {
	t.Helper()
	flags := pflag.NewFlagSet("byline", pflag.ContinueOnError)
	registerFlags(flags)
	require.NoError(t, flags.Parse(args))
	return loadConfig(flags, func(name string) string { return env[name] })
}

func TestLoadConfig(t *testing.T) {
	t.Parallel()

	t.Run("Defaults", func(t *testing.T) {
		t.Parallel()
		c, err := load(t, nil)
		require.NoError(t, err)
		require.Len(t, c.values, len(settings))
		require.GreaterOrEqual(t, c.PoolMax, 4)
		c.values, c.PoolMax = nil, 0
		require.Equal(t, &config{
			Addr: "127.0.0.1:8080", AdminAddr: "127.0.0.1:9090", DataDir: "./.byline", Profile: "development", Compat: "strict", PoolMin: 2,
			PoolAcquireTimeout: 3 * time.Second, QueryTimeout: 5 * time.Second, RequestTimeout: 10 * time.Second,
			DrainTimeout: 20 * time.Second, RateLimit: "wide", CORSOrigins: []string{"*"}, PurgeFormat: "surrogate-key", CacheBytes: 8 << 20, AccountStorage: 1 << 30, MaxConnections: 10000, MaxConnectionsPerAddress: 100, TokenTTL: 60 * 24 * time.Hour, AccessTTL: 15 * time.Minute, RefreshTTL: 30 * 24 * time.Hour, SessionMaxAge: 90 * 24 * time.Hour,
			PasswordHashers: 1, Registration: "open", DefaultRole: "author", AuthorsPublish: true, Revisions: 100, Comments: "open", Passwords: "any", LogFormat: "auto", LogLevel: slog.LevelInfo,
			OldTokens: oldTokens{Claims: []auth.OldClaim{{Path: []string{"user", "id"}}, {Path: []string{"id"}}, {Path: []string{"sub"}, Number: true}, {Path: []string{"userId"}}, {Path: []string{"_id"}}}, Import: "default"},
		}, c)
		require.True(t, c.embedded())
		_, err = loadConfig(nil, func(string) string { return "" })
		require.NoError(t, err)
	})

	t.Run("Precedence", func(t *testing.T) {
		t.Parallel()
		env := map[string]string{"BYLINE_ADDR": ":1", "BYLINE_POOL_MAX": "7", "BYLINE_ADMIN_ADDR": ":3", "BYLINE_COMPAT": ""}
		c, err := load(t, env, "--addr=:2", "--admin-addr=")
		require.NoError(t, err)
		require.Equal(t, ":2", c.Addr)
		require.Empty(t, c.AdminAddr, "an empty flag counts as set")
		require.Equal(t, 7, c.PoolMax)
		require.Equal(t, "strict", c.Compat, "an empty variable counts as unset")
		require.Equal(t, map[string]source{"BYLINE_ADDR": fromFlag, "BYLINE_POOL_MAX": fromEnv, "BYLINE_COMPAT": fromDefault}, map[string]source{
			"BYLINE_ADDR": c.values["BYLINE_ADDR"].from, "BYLINE_POOL_MAX": c.values["BYLINE_POOL_MAX"].from, "BYLINE_COMPAT": c.values["BYLINE_COMPAT"].from,
		})
		require.True(t, c.isDefault("BYLINE_DATA_DIR"))
		require.False(t, c.isDefault("BYLINE_ADDR"))
	})

	t.Run("Good", func(t *testing.T) {
		t.Parallel()
		for _, g := range []struct {
			env, value string
			got        func(*config) any
			want       any
		}{
			{"BYLINE_ADDR", ":0", func(c *config) any { return c.Addr }, ":0"},
			{"BYLINE_ADDR", "[::1]:8080", func(c *config) any { return c.Addr }, "[::1]:8080"},
			{"BYLINE_ADDR", "api.internal:80", func(c *config) any { return c.Addr }, "api.internal:80"},
			{"BYLINE_ADMIN_ADDR", "off", func(c *config) any { return c.AdminAddr }, ""},
			{"BYLINE_PG_BIN", os.TempDir(), func(c *config) any { return c.PGBin }, os.TempDir()},
			{"DATABASE_URL", "postgres://u:p@h1:1,h2:2/d?sslmode=disable&pool_max_conns=3", func(c *config) any { return c.embedded() }, false},
			{"DATABASE_URL", "host=h password='a b' dbname=d", func(c *config) any { return c.DatabaseURL }, "host=h password='a b' dbname=d"},
			{"BYLINE_COMPAT", "lenient", func(c *config) any { return c.Compat }, "lenient"},
			{"BYLINE_POOL_MAX", "1", func(c *config) any { return [2]int{c.PoolMax, c.PoolMin} }, [2]int{1, 1}},
			{"BYLINE_POOL_MIN", "1", func(c *config) any { return c.PoolMin }, 1},
			{"BYLINE_QUERY_TIMEOUT", "250ms", func(c *config) any { return c.QueryTimeout }, 250 * time.Millisecond},
			{"BYLINE_DRAIN_TIMEOUT", "0s", func(c *config) any { return c.DrainTimeout }, time.Duration(0)},
			{"BYLINE_MAX_IN_FLIGHT", "64", func(c *config) any { return c.MaxInFlight }, 64},
			{"BYLINE_MAX_CONNECTIONS_PER_ADDRESS", "0", func(c *config) any { return c.MaxConnectionsPerAddress }, 0},
			{"BYLINE_ACCOUNT_STORAGE", "0", func(c *config) any { return c.AccountStorage }, 0},
			{"BYLINE_REGISTRATION", "invite", func(c *config) any { return c.Registration }, "invite"},
			{"BYLINE_DEFAULT_ROLE", "reader", func(c *config) any { return c.DefaultRole }, "reader"},
			{"BYLINE_AUTHORS_PUBLISH", "off", func(c *config) any { return c.AuthorsPublish }, false},
			{"BYLINE_COMMENTS", "approve", func(c *config) any { return c.Comments }, "approve"},
			{"BYLINE_REVISIONS", "0", func(c *config) any { return c.Revisions }, 0},
			{"BYLINE_RATE_LIMIT", "off", func(c *config) any { return c.RateLimit }, "off"},
			{"BYLINE_RATE_LIMIT", "auto", func(c *config) any { return c.RateLimit }, "wide"},
			{"BYLINE_TRUSTED_PROXIES", " 10.1.2.3/8, ::1 ,", func(c *config) any { return c.TrustedProxies },
				[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
			{"BYLINE_ADMIN_HOSTS", "byline, byline.internal", func(c *config) any { return c.AdminHosts }, []string{"byline", "byline.internal"}},
			{"BYLINE_BASE_PATH", "/cms/v2/", func(c *config) any { return c.BasePath }, "/cms/v2"},
			{"BYLINE_BASE_PATH", "/", func(c *config) any { return c.BasePath }, ""},
			{"BYLINE_CONTENT_BASE_URL", "https://example.com/articles", func(c *config) any { return c.ContentBase.String() }, "https://example.com/articles/"},
			{"BYLINE_CONTENT_BASE_URL", "http://[::1]:3000/", func(c *config) any { return c.ContentBase.String() }, "http://[::1]:3000/"},
			{"BYLINE_CORS_ORIGINS", "https://a.example,http://localhost:3000", func(c *config) any { return c.CORSOrigins },
				[]string{"https://a.example", "http://localhost:3000"}},
			{"BYLINE_CORS_ORIGINS", "off", func(c *config) any { return len(c.CORSOrigins) }, 0},
			{"BYLINE_ACCESS_TTL", "5m", func(c *config) any { return c.AccessTTL }, 5 * time.Minute},
			{"BYLINE_REFRESH_TTL", "24h", func(c *config) any { return c.RefreshTTL }, 24 * time.Hour},
			{"BYLINE_SESSION_MAX_AGE", "24h", func(c *config) any { return c.SessionMaxAge }, 24 * time.Hour},
			{"BYLINE_TOKEN_TTL", "24h", func(c *config) any { return c.TokenTTL }, 24 * time.Hour},
			{"BYLINE_PASSWORD_HASHERS", "4", func(c *config) any { return c.PasswordHashers }, 4},
			{"BYLINE_PASSWORDS", "uncommon", func(c *config) any { return c.Passwords }, "uncommon"},
			{"BYLINE_REQUIRE_CURRENT_PASSWORD", "on", func(c *config) any { return c.RequireCurrent }, true},
			{"BYLINE_MAIL_FROM", "Byline <no-reply@example.com>", func(c *config) any { return c.MailFrom }, "Byline <no-reply@example.com>"},
			{"BYLINE_RESET_URL", "https://example.com/reset?token={token}", func(c *config) any { return c.MailLinks.Reset }, "https://example.com/reset?token={token}"},
			{"BYLINE_VERIFICATION_URL", "http://localhost:3000/#/verify/{token}", func(c *config) any { return c.MailLinks.Verification }, "http://localhost:3000/#/verify/{token}"},
			{"BYLINE_INVITATION_URL", "https://example.com/register#{token}", func(c *config) any { return c.MailLinks.Invitation }, "https://example.com/register#{token}"},
			{"BYLINE_PREVIEW_URL", "https://example.com/preview#{token}", func(c *config) any { return c.PreviewLink }, "https://example.com/preview#{token}"},
			{"BYLINE_OLD_TOKENS_CLAIM", "username:user.name, id", func(c *config) any { return c.OldTokens.Claims },
				[]auth.OldClaim{{By: auth.ByUsername, Path: []string{"user", "name"}}, {Path: []string{"id"}}}},
			{"BYLINE_OLD_TOKENS_IMPORT", "blog", func(c *config) any { return c.OldTokens.Import }, "blog"},
			{"BYLINE_SHARED_MAX_AGE", "2m", func(c *config) any { return c.SharedMaxAge }, 2 * time.Minute},
			{"BYLINE_PURGE_FORMAT", "cache-tag", func(c *config) any { return c.PurgeFormat }, "cache-tag"},
			{"BYLINE_LOG_FORMAT", "json", func(c *config) any { return c.logFormat(true) }, "json"},
			{"BYLINE_LOG_FORMAT", "auto", func(c *config) any { return c.logFormat(true) + c.logFormat(false) }, "textjson"},
			{"BYLINE_LOG_LEVEL", "warn", func(c *config) any { return c.LogLevel }, slog.LevelWarn},
			{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318", func(c *config) any { return c.OTLPEndpoint }, "http://localhost:4318"},
		} {
			c, err := load(t, map[string]string{g.env: g.value})
			require.NoError(t, err)
			require.Equal(t, g.want, g.got(c), "%s=%s", g.env, g.value)
			c, err = load(t, nil, "--"+setting{env: g.env}.flag()+"="+g.value)
			require.NoError(t, err)
			require.Equal(t, g.want, g.got(c), "%s as a flag", g.env)
		}
	})

	t.Run("Bad", func(t *testing.T) {
		t.Parallel()
		for _, b := range [][3]string{
			{"BYLINE_ADDR", "8080", "must be host:port, such as"},
			{"BYLINE_ADDR", "localhost:http", "must be host:port"},
			{"BYLINE_ADDR", "127.0.0.1:70000", "must be host:port"},
			{"BYLINE_ADDR", "http://127.0.0.1:80", "must be host:port"},
			{"BYLINE_ADMIN_ADDR", "no", "or off"},
			{"BYLINE_ADMIN_ADDR", "127.0.0.1:8080", "must differ from BYLINE_ADDR"},
			{"BYLINE_DATA_DIR", " ", "must not be empty"},
			{"BYLINE_PG_BIN", "/nowhere", "must be an existing folder"},
			{"DATABASE_URL", "mysql://h/d", "must be a PostgreSQL URL"},
			{"DATABASE_URL", "postgres://h:x/d", "must be a PostgreSQL URL"},
			{"DATABASE_URL", "postgres://h/d?sslmode=never", "sslmode is invalid"},
			{"BYLINE_COMPAT", "Strict", "must be strict or lenient"},
			{"BYLINE_POOL_MAX", "-1", "must be a whole number from 0 to 1000"},
			{"BYLINE_POOL_MAX", "many", "must be a whole number"},
			{"BYLINE_POOL_MIN", "900", "must not be greater than BYLINE_POOL_MAX ("},
			{"BYLINE_POOL_ACQUIRE_TIMEOUT", "3", "must be a duration from 10ms to 1m (such as 300ms, 5s, 2m or 24h)"},
			{"BYLINE_QUERY_TIMEOUT", "0s", "from 10ms to 10m"},
			{"BYLINE_REQUEST_TIMEOUT", "1h", "from 100ms to 10m"},
			{"BYLINE_DRAIN_TIMEOUT", "-1s", "from 0s to 10m"},
			{"BYLINE_MAX_IN_FLIGHT", "1e3", "from 0 to 100000"},
			{"BYLINE_MAX_CONNECTIONS_PER_ADDRESS", "-1", "from 0 to 1000000"},
			{"BYLINE_ACCOUNT_STORAGE", "1 GB", "from 0 to 1125899906842624"},
			{"BYLINE_REGISTRATION", "off", "must be open, invite or closed"},
			{"BYLINE_DEFAULT_ROLE", "editor", "must be author or reader"},
			{"BYLINE_AUTHORS_PUBLISH", "no", "must be on or off"},
			{"BYLINE_COMMENTS", "closed", "must be open, approve or off"},
			{"BYLINE_REVISIONS", "-1", "from 0 to 1000000"},
			{"BYLINE_ADMIN_HOSTS", "byline:9090", "must be host names without ports"},
			{"BYLINE_PROFILE", "test", "must be auto, development or production"},
			{"BYLINE_BASE_PATH", "cms", "must be a path of letters"},
			{"BYLINE_BASE_PATH", "//evil.example", "must be a path of letters"},
			{"BYLINE_BASE_PATH", "/api", "must be a path of letters"},
			{"BYLINE_CONTENT_BASE_URL", "/articles/", "must be an http or https URL of a folder"},
			{"BYLINE_CONTENT_BASE_URL", "//example.com/", "must be an http or https URL"},
			{"BYLINE_CONTENT_BASE_URL", "ftp://example.com/", "must be an http or https URL"},
			{"BYLINE_CONTENT_BASE_URL", "https:/articles/", "must be an http or https URL"},
			{"BYLINE_CONTENT_BASE_URL", "https://user@example.com/", "without user, query and fragment"},
			{"BYLINE_CONTENT_BASE_URL", "https://example.com/?a", "without user, query and fragment"},
			{"BYLINE_CONTENT_BASE_URL", "https://example.com/#a", "without user, query and fragment"},
			{"BYLINE_CONTENT_BASE_URL", "https://example.com/a/../b/", "must be an http or https URL"},
			{"BYLINE_RATE_LIMIT", "wide", "must be auto, off or strict"},
			{"BYLINE_TRUSTED_PROXIES", "10.0.0.0/8,proxy", `"proxy" must be a network`},
			{"BYLINE_CORS_ORIGINS", "example.com", "must be *, off, or origins"},
			{"BYLINE_CORS_ORIGINS", "https://example.com/", "without a path"},
			{"BYLINE_CORS_ORIGINS", "http://:3000", "must be *, off, or origins"},
			{"BYLINE_CORS_ORIGINS", "*,https://example.com", "cannot be combined with other origins"},
			{"BYLINE_TOKEN_TTL", "60d", "from 1m to 87600h"},
			{"BYLINE_PASSWORD_HASHERS", "0", "from 1 to 64"},
			{"BYLINE_PASSWORDS", "good", "must be any or uncommon"},
			{"BYLINE_REQUIRE_CURRENT_PASSWORD", "yes", "must be on or off"},
			{"BYLINE_READ_URLS", "host=db", "must be PostgreSQL URLs, separated by spaces"},
			{"BYLINE_READ_URLS", "postgres://a/d http://b", "number 2 must be a PostgreSQL URL"},
			{"BYLINE_READ_URLS", "postgres://a/d", "requires DATABASE_URL"},
			{"BYLINE_READ_URLS", "postgres://a/d postgres://b,c/d", "number 2 names several servers"},
			{"BYLINE_READ_URLS", "postgres://a/d postgres://b/d postgres://a:5432/e", "numbers 1 and 3 are the same server"},
			{"BYLINE_SMTP_URL", "mail.example.com", "must be a URL such as smtp://user:password@mail.example.com:587"},
			{"BYLINE_SMTP_URL", "smtp://h:70000", "must have a port from 1 to 65535"},
			{"BYLINE_SMTP_URL", "smtp://h?tls=off", "tls must be required or optional"},
			{"BYLINE_SMTP_URL", "smtps://h", "requires BYLINE_MAIL_FROM"},
			{"BYLINE_MAIL_FROM", "Byline", "must be an address"},
			{"BYLINE_MAIL_FROM", "a@example.com\r\nBcc: b@example.com", "must be an address"},
			{"BYLINE_RESET_URL", "https://example.com/reset", "with {token} in it"},
			{"BYLINE_RESET_URL", "https://user@/reset#{token}", "must be an http or https URL with {token}"},
			{"BYLINE_VERIFICATION_URL", "https://:443/verify#{token}", "must be an http or https URL with {token}"},
			{"BYLINE_VERIFICATION_URL", "javascript:{token}", "must be an http or https URL"},
			{"BYLINE_INVITATION_URL", "https://example.com/register", "with {token} in it"},
			{"BYLINE_PREVIEW_URL", "https://example.com/preview", "with {token} in it"},
			{"BYLINE_OLD_TOKENS_SECRET", "user=x secret", "must be set together with BYLINE_OLD_TOKENS_UNTIL"},
			{"BYLINE_OLD_TOKENS_UNTIL", "31.12.2026", "must be a date, such as 2026-12-31, or a time"},
			{"BYLINE_OLD_TOKENS_UNTIL", "2026-02-30", "must be a date"},
			{"BYLINE_OLD_TOKENS_UNTIL", "2026-12-31 18:00", "must be a date"},
			{"BYLINE_OLD_TOKENS_CLAIM", "user..id", "must be one or more claims (comma-separated), such as user.id"},
			{"BYLINE_OLD_TOKENS_CLAIM", "name:name", "must be one or more claims"},
			{"BYLINE_OLD_TOKENS_IMPORT", " ", "must not be empty"},
			{"BYLINE_SHARED_MAX_AGE", "25h", "from 0s to 24h"},
			{"BYLINE_SHARED_MAX_AGE", "1500ms", "in whole seconds"},
			{"BYLINE_PURGE_URLS", "10.0.0.5/purge", "must be http or https URLs"},
			{"BYLINE_PURGE_URLS", "http://u:s3cret@h/purge", "without a password"},
			{"BYLINE_PURGE_URLS", "http://h/purge", "requires BYLINE_SHARED_MAX_AGE"},
			{"BYLINE_PURGE_FORMAT", "xkey", "must be surrogate-key or cache-tag"},
			{"BYLINE_PURGE_HEADER", "s3cret", "must be one header with a value"},
			{"BYLINE_PURGE_HEADER", "Fastly-Key:", "must be one header with a value"},
			{"BYLINE_PURGE_HEADER", "Fastly-Key: s3cret\r\nHost: h", "must be one header with a value"},
			{"BYLINE_PURGE_HEADER", "fastly key: s3cret", "must be one header with a value"},
			{"BYLINE_PURGE_HEADER", "host: s3cret", "must not be the header Host"},
			{"BYLINE_PURGE_HEADER", "Fastly-Key: s3cret", "requires BYLINE_PURGE_URLS"},
			{"BYLINE_LOG_FORMAT", "xml", "must be auto, json or text"},
			{"BYLINE_LOG_LEVEL", "INFO", "must be debug, info, warn or error"},
			{"OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", "must be an http or https URL"},
			{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://:4318", "must be an http or https URL"},
			{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://user@:4318", "must be an http or https URL"},
		} {
			_, err := load(t, map[string]string{b[0]: b[1]})
			require.ErrorContains(t, err, b[2])
			require.ErrorContains(t, err, b[0]+"=")
			require.NotContains(t, err.Error(), "s3cret")
			_, err = load(t, nil, "--"+setting{env: b[0]}.flag()+"="+b[1])
			require.ErrorContains(t, err, "--"+setting{env: b[0]}.flag()+"=")
		}
	})

	t.Run("Edge", func(t *testing.T) {
		t.Parallel()
		env := map[string]string{
			"BYLINE_SHARED_MAX_AGE": "60s", "BYLINE_PURGE_URLS": "http://10.0.0.5:6081/purge, https://api.example/purge",
			"BYLINE_PURGE_HEADER": "authorization:  Bearer s3cret",
		}
		c, err := load(t, env)
		require.NoError(t, err)
		require.Equal(t, []string{"http://10.0.0.5:6081/purge", "https://api.example/purge"}, c.PurgeURLs)
		require.Equal(t, purge.Header{Name: "Authorization", Value: "Bearer s3cret"}, c.PurgeHeader)
		var out bytes.Buffer
		require.NoError(t, c.print(&out))
		require.NotContains(t, out.String(), "s3cret")
		env["BYLINE_CACHE_BYTES"] = "0"
		_, err = load(t, env)
		require.ErrorContains(t, err, "requires BYLINE_CACHE_BYTES")
	})

	t.Run("OldTokens", func(t *testing.T) {
		t.Parallel()
		const secret = "https://is-no-url.example/password=x"
		for given, until := range map[string]time.Time{
			"2026-12-31":                  time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
			"2026-12-31T18:00:00.9+02:00": time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC),
			" 2026-12-31T18:00:00Z ":      time.Date(2026, 12, 31, 18, 0, 0, 0, time.UTC),
		} {
			c, err := load(t, map[string]string{"BYLINE_OLD_TOKENS_SECRET": secret, "BYLINE_OLD_TOKENS_UNTIL": given})
			require.NoError(t, err)
			require.True(t, until.Equal(c.OldTokens.Until), given)
			require.Equal(t, secret, c.OldTokens.Secret)
			require.Len(t, c.OldTokens.Claims, 5)
			var shown strings.Builder
			require.NoError(t, c.print(&shown))
			require.Contains(t, shown.String(), "BYLINE_OLD_TOKENS_SECRET")
			require.NotContains(t, shown.String(), "is-no-url")
		}
	})

	t.Run("AllAtOnce", func(t *testing.T) {
		t.Parallel()
		_, err := load(t, map[string]string{"BYLINE_ADDR": "x", "BYLINE_LOG_LEVEL": strings.Repeat("loud", 50)}, "--pool-max=y")
		require.EqualError(t, err, `invalid configuration:
BYLINE_ADDR="x": must be host:port, such as 127.0.0.1:8080, [::1]:8080 or :8080
--pool-max="y": must be a whole number from 0 to 1000
BYLINE_LOG_LEVEL="`+strings.Repeat("loud", 25)+`...": must be debug, info, warn or error`)
	})

	t.Run("Adaptive", func(t *testing.T) {
		t.Parallel()
		for cores, want := range map[int]int{1: 4, 2: 8, 12: 48, 13: 50, 128: 50} {
			var c config
			require.Empty(t, c.complete(cores))
			require.Equal(t, want, c.PoolMax)
			require.Equal(t, 2, c.PoolMin)
		}
		for _, r := range []struct{ addr, url, want string }{
			{"127.0.0.1:1", "", "wide"}, {"localhost:1", "", "wide"}, {"[::1]:1", "", "wide"}, {"[::ffff:127.0.0.1]:1", "", "wide"},
			{":1", "", "strict"}, {"0.0.0.0:1", "", "strict"}, {"10.0.0.1:1", "", "strict"}, {"127.0.0.1:1", "postgres://h/d", "strict"},
		} {
			c := config{Addr: r.addr, DatabaseURL: r.url, Profile: "auto", RateLimit: "auto"}
			require.Empty(t, c.complete(2))
			require.Equal(t, r.want, c.RateLimit, r)
		}
		for _, p := range []struct{ env, value, want string }{
			{"BYLINE_ADDR", "127.0.0.1:1", "development"}, {"BYLINE_ADDR", ":1", "production"}, {"DATABASE_URL", "postgres://h/d", "production"},
			{"BYLINE_TRUSTED_PROXIES", "127.0.0.1", "production"}, {"BYLINE_BASE_PATH", "/cms", "production"},
			{"BYLINE_PROFILE", "production", "production"}, {"BYLINE_PROFILE", "development", "development"},
		} {
			c, err := load(t, map[string]string{p.env: p.value})
			require.NoError(t, err)
			require.Equal(t, p.want, c.Profile, p)
			require.Equal(t, map[string]string{"development": "wide", "production": "strict"}[p.want], c.RateLimit, p)
		}
	})
}

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                                 "",
		"postgres://u@h/d":                 "postgres://u@h/d",
		"postgres://u:s3cret@h:1/d":        "postgres://u:xxxxx@h:1/d",
		"postgres://u:s3cr@et@h1:1,h2:2/d": "postgres://u:xxxxx@h1:1,h2:2/d",
		"postgres://u:s3/cr?e#t@h/d":       "postgres://u:xxxxx@h/d",
		"postgres://:s3cret@h/d":           "postgres://:xxxxx@h/d",
		"postgres://h/d?user=u&password=s3cret&sslmode=disable": "postgres://h/d?user=u&password=xxxxx&sslmode=disable",
		"postgres://h/d?sslpassword=s3cret":                     "postgres://h/d?sslpassword=xxxxx",
		"host=h password=s3cret user=u":                         "host=h password=xxxxx user=u",
		"host=h PASSWORD = s3cret user=u":                       "host=h PASSWORD = xxxxx user=u",
		`password='s3 cr\'et' user=u`:                           `password=xxxxx user=u`,
		`password=s3\ cret user=u`:                              `password=xxxxx user=u`,
		`user=u password='s3cret host=h`:                        `user=u password=xxxxx`,
		"s3cret":                                                "xxxxx",
		"u:s3cret@h/d":                                          "xxxxx",
		"https://u:s3cret@otel.example:4318":                    "https://u:xxxxx@otel.example:4318",
	} {
		require.Equal(t, want, hideSecrets(given))
	}

	// Neither the error nor the printed configuration shows the password,
	// whatever else is invalid.
	for _, url := range []string{
		"postgres://u:s3cret@h:port/d", "postgres://u:s3cret@h/d?sslmode=never", "postgres://u:s3cret%zz@h/d", "postgres://u:s3cret and more@h/d",
		"postgres://u:s3cret@[h/d", "host=h port=x password=s3cret", "password='s3cret", "host=h password=a\\ s3cret sslmode=never", "s3cret", "u:s3cret@h/d",
		"postgres://h/d?password=s3cret&pool_max_conns=x", "postgres://u:s3/cret@h/d", "postgres://u:s3cret\n@h/d", "mysql://u:s3cret@h/d",
		"postgres://u:s3#s3cret@h:1/d", "postgres://u:1?s3cret@h/d", "postgres://u/x:s3cret@h",
	} {
		c, err := load(t, map[string]string{"DATABASE_URL": url})
		if err != nil {
			require.NotContains(t, err.Error(), "cret", url)
			continue
		}
		var out bytes.Buffer
		require.NoError(t, c.print(&out))
		require.NotContains(t, out.String(), "cret", url)
	}
	_, err := load(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://u:s3cret@h"})
	require.ErrorContains(t, err, "ftp://u:xxxxx@h")
}

func TestPrint(t *testing.T) {
	t.Parallel()
	c, err := load(t, map[string]string{"DATABASE_URL": "postgres://u:s3cret@h/d", "BYLINE_POOL_MAX": "9"}, "--addr=:1")
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, c.print(&out))
	for _, line := range []string{
		`NAME +VALUE +FROM`, `BYLINE_ADDR +:1 +flag`, `DATABASE_URL +postgres://u:xxxxx@h/d +env`, `BYLINE_POOL_MAX +9 +env`,
		`BYLINE_POOL_MIN +2 \(0\) +default`, `BYLINE_RATE_LIMIT +strict \(auto\) +default`, `BYLINE_PG_BIN +"" +default`,
	} {
		require.Regexp(t, regexp.MustCompile(`(?m)^`+line+`$`), out.String())
	}
	require.Equal(t, len(settings)+1, strings.Count(out.String(), "\n"))
}

func TestUnknownSettings(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"BYLINE_ADRR is not a known setting; did you mean BYLINE_ADDR?",
		"BYLINE_DATABASE_URL is not a known setting; did you mean DATABASE_URL?",
		"BYLINE_POOLMAX is not a known setting; did you mean BYLINE_POOL_MAX?",
		"BYLINE_FROBNICATE is not a known setting",
	}, unknownSettings([]string{
		"PATH=/bin", "BYLINE_ADDR=:1", "BYLINE_ADRR=:1", "BYLINE_DATABASE_URL=s3cret", "BYLINE_POOLMAX=3", "BYLINE_FROBNICATE=", "BYLINE_TEST_DATABASE_URL=x",
	}))
}

// TestSettingsDocumented checks that the table in docs/configuration.md matches
// the settings of the program.
func TestSettingsDocumented(t *testing.T) {
	t.Parallel()
	want := settingsTable()
	page, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	blocks := strings.Split(string(page), "<!-- settings -->")
	require.Len(t, blocks, 3, "docs/configuration.md must have the table between two markers")
	if got := strings.TrimSpace(blocks[1]); got != strings.TrimSpace(want) {
		t.Fatalf("docs/configuration.md is out of date; replace its table with:\n%s", want)
	}
}

// settingsTable returns the settings as a Markdown table.
func settingsTable() string {
	var b strings.Builder
	// The variable and the flag share a column, so that a page has room for the
	// meaning.
	b.WriteString("| Variable and flag | Default | Meaning |\n|---|---|---|\n")
	for _, s := range settings {
		def := "empty"
		if s.def != "" {
			def = "`" + s.def + "`"
		}
		fmt.Fprintf(&b, "| `%s` `--%s` | %s | %s |\n", s.env, s.flag(), def, strings.ReplaceAll(s.meaning, "|", `\|`))
	}
	return b.String()
}

func TestReachable(t *testing.T) {
	t.Parallel()
	for listen, call := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", "0.0.0.0:80": "127.0.0.1:80", "[::]:80": "[::1]:80",
		"localhost:1": "localhost:1", "10.0.0.7:80": "10.0.0.7:80", "nonsense": "nonsense",
	} {
		require.Equal(t, call, reachable(listen), listen)
	}
}

package strangle_test

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/byline-api/byline/server/strangle"
)

const whole = `
old: http://127.0.0.1:3000
new: https://byline.internal
oldPrefix: ""
newPrefix: /v2/api
listen: 0.0.0.0:80
admin: 127.0.0.1:9999
trustedProxies: [10.0.0.0/8]
oldTimeout: 20s
newTimeout: 3s
oldIdle: 2s
saveChanges: true
hold: {requests: 5, time: 1m}
shadow: {workers: 2, queue: 10, bytes: 2000, body: 1000}
modes:
  default: old
  reads: 12.5%
  tags: new
  GetArticles: shadow
stickAfterWrite: 1m
writesFallBack: false
shadowWrites:
  - {operation: CreateArticleComment, idempotencyKey: true}
compare:
  ignore: [$..image]
  ignoreFor: {GetTags: ["$.tags[0]"]}
  unordered: [$..tagList]
  moving: [$..favoritesCount]
  tolerance: 2
  tokens: []
  absentIsNull: true
  reportAdded: true
  errorBodies: true
`

func TestParseConfig(t *testing.T) {
	t.Parallel()
	c, err := strangle.ParseConfig([]byte(whole))
	require.NoError(t, err)
	require.NoError(t, c.Check())
	require.Equal(t, "/v2/api", c.NewPrefix)
	require.Empty(t, c.OldPrefix)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, c.TrustedProxies)
	require.Equal(t, time.Minute, c.Hold.Time)
	require.Equal(t, strangle.Modes{"default": "old", "reads": "12.5%", "tags": "new", "GetArticles": "shadow"}, c.Modes)
	require.Equal(t, "$.tags[0]", c.Compare.IgnoreFor["GetTags"][0].String())
	require.Empty(t, c.Compare.Tokens)
	require.False(t, c.WritesFallBack)
	doc, err := document()
	require.NoError(t, err)
	_, err = strangle.New(c, nil, doc, slog.New(slog.DiscardHandler))
	require.NoError(t, err)

	c, err = strangle.ParseConfig([]byte("old: http://a\nnew: http://b\n"))
	require.NoError(t, err)
	want := strangle.DefaultConfig()
	want.Old, want.New = "http://a", "http://b"
	require.Equal(t, want, c)
	c, err = strangle.ParseConfig(nil)
	require.NoError(t, err)
	require.Equal(t, strangle.DefaultConfig(), c)
}

// TestBadConfig checks that everything wrong is named, in a file and in what
// New checks.
func TestBadConfig(t *testing.T) {
	t.Parallel()
	doc, err := document()
	require.NoError(t, err)
	for text, want := range map[string]string{
		"modus: {}":                        "field modus not found",
		"modes: [old]":                     "cannot unmarshal",
		"stickAfterWrite: soon":            "cannot unmarshal",
		"stickAfterWrite: -1s":             "stickAfterWrite must be 0s or longer",
		"modes: {default: on}":             `modes: default: "on" is no mode: it must be old, new, shadow, hold or a percentage such as 10%`,
		"modes: {reads: 101%}":             `"101%" is no mode`,
		"modes: {reads: NaN%}":             `"NaN%" is no mode`,
		"modes: {reads: 1e1%}":             `"1e1%" is no mode`,
		"modes: {reads: -1%}":              `"-1%" is no mode`,
		"modes: {reads: '%'}":              `"%" is no mode`,
		"modes: {reads: '10'}":             `"10" is no mode`,
		"modes: {GetArticle s: new}":       `"GetArticle s" is no operation or tag of the document`,
		"modes: {writes: shadow}":          "a write is shadowed only if shadowWrites has a rule for its operation",
		"modes: {CreateArticle: shadow}":   "modes: CreateArticle: a write is shadowed only if",
		"shadowWrites: [{operation: X}]":   `shadowWrites: "X" is no operation of the document`,
		"old: ftp://a":                     "old must be a URL such as http://127.0.0.1:3000",
		"old: http://user:secret@host":     "old must be a URL without user, path and query; oldPrefix is for the path",
		"new: http://b/api":                "new must be a URL without user, path and query; newPrefix is for the path",
		"new: ''":                          "new is missing: the URL of the new system",
		"oldPrefix: api":                   "oldPrefix must be empty, or a path such as /api",
		"newPrefix: /api/":                 "newPrefix must be empty, or a path such as /api",
		"listen: '8000'":                   "listen must be an address such as 127.0.0.1:8000",
		"newTimeout: 0s":                   "newTimeout must be a time such as 10s",
		"hold: {requests: 0}":              "hold.requests must be 1 or more",
		"shadow: {workers: 0}":             "shadow.workers must be from 1 to 1000",
		"shadow: {bytes: 1}":               "shadow.bytes as much as that",
		"compare: {ignore: [image]}":       `the path "image" must begin with $`,
		"compare: {ignoreFor: {Get: [$]}}": `compare: ignoreFor: "Get" is no operation of the document`,
		"modes: {default: old}\n---\na: 1": "the file must have one document",
		"shadowWrites: [{operation: GetTags, idempotencyKey: true}]":       "GetTags only reads, so that it needs no rule",
		"shadowWrites: [{operation: UpdateArticle, idempotencyKey: true}]": "must be an operation that takes one",
		"shadowWrites: [{operation: CreateArticle}]":                       "CreateArticle needs idempotencyKey: true",
	} {
		cfg, err := strangle.ParseConfig([]byte("old: http://a\nnew: http://b\n" + text))
		if strings.HasPrefix(text, "old:") || strings.HasPrefix(text, "new:") {
			cfg, err = strangle.ParseConfig([]byte(text))
		}
		if err == nil {
			_, err = strangle.New(cfg, nil, doc, slog.New(slog.DiscardHandler))
		}
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"old", "new", "shadow", "hold", "0%", "12.5%", "100%"} {
		m, err := strangle.ParseMode(text)
		require.NoError(t, err)
		require.Equal(t, text, m.String())
	}
}

// FuzzConfig checks that a file is refused or used, and never ends the proxy.
func FuzzConfig(f *testing.F) {
	doc, err := document()
	require.NoError(f, err)
	f.Add(whole)
	f.Add("modes: {default: 10%}\nold: http://a\nnew: http://b")
	f.Add("compare: {ignore: ['$..a']}")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := strangle.ParseConfig([]byte(text))
		if err != nil {
			return
		}
		cfg.Shadow.Queue = min(cfg.Shadow.Queue, 1000)
		if p, err := strangle.New(cfg, nil, doc, slog.New(slog.DiscardHandler)); err == nil {
			require.NoError(t, p.Rollback())
		}
		_, err = yaml.Marshal(cfg.Modes)
		require.NoError(t, err)
	})
}

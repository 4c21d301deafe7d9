package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/mail"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/server/purge"
)

// config holds the parsed settings. Values that depend on the machine are
// filled in.
type config struct {
	Addr, AdminAddr                      string   // an empty AdminAddr disables the admin port
	TLSCert, TLSKey                      string   // file names; empty = plain HTTP
	AdminHosts                           []string // besides IP addresses and localhost
	DataDir, PGBin                       string
	DatabaseURL                          string // empty = the embedded PostgreSQL
	ReadURLs                             []string
	Profile                              string // development, production
	Compat                               string // strict, lenient
	PoolMax, PoolMin                     int    // connections
	PoolAcquireTimeout                   time.Duration
	QueryTimeout                         time.Duration
	RequestTimeout                       time.Duration
	DrainTimeout                         time.Duration
	DrainDelay                           time.Duration
	MaxInFlight                          int    // requests; 0 = adaptive
	MaxConnections                       int    // client connections
	MaxConnectionsPerAddress             int    // 0 = no maximum
	RateLimit                            string // off, wide, strict
	BasePath                             string // empty = the root
	TrustedProxies                       []netip.Prefix
	CORSOrigins                          []string // empty = no CORS
	ContentBase                          *url.URL // nil = none
	CacheBytes                           int
	SharedMaxAge                         time.Duration // 0 = caches at the edge ask before they use a response
	PurgeURLs                            []string
	PurgeFormat                          string       // surrogate-key, cache-tag
	PurgeHeader                          purge.Header // the zero Header = none
	AccountStorage                       int          // bytes; 0 = no maximum
	TokenTTL                             time.Duration
	AccessTTL, RefreshTTL, SessionMaxAge time.Duration
	PasswordHashers                      int
	LogFormat                            string // auto, json, text
	LogLevel                             slog.Level
	LogClient                            bool   // lines of requests have the client's address and the route
	OTLPEndpoint                         string // empty = no tracing

	Registration   string // open, invite, closed
	DefaultRole    string // author, reader
	AuthorsPublish bool   // authors need no editor to publish
	Comments       string // open, approve, off
	Revisions      int    // that an article keeps; 0 = all
	Passwords      string // any, uncommon
	RequireCurrent bool   // changing the password or the address requires the current password
	SMTP           string // empty = mails are not sent
	MailFrom       string
	MailLinks      mail.Links // with {token}; empty = mails show the token
	PreviewLink    string     // with {token}; empty = links lead to the API
	OldTokens      oldTokens

	values map[string]value // by environment variable
}

// value is the unparsed value of a setting and its source.
type value struct {
	text string
	from source
	name string // by which it was given, such as --addr

	secretFile bool // name is that of a file with the value
}

// setting is one row of the settings table. The flags, the environment
// variables, the error messages and the documentation are all derived from it.
type setting struct {
	env     string
	def     string
	meaning string                           // one line of Markdown; also the help text of the flag
	parse   func(c *config, s string) error  // its error states the accepted values
	shown   func(c *config, s string) string // formats the value for display; nil = unchanged
	secret  bool                             // passwords are hidden; a file can contain the value
}

// flag returns the name of the flag: the variable without its prefix, in kebab
// case.
func (s setting) flag() string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(s.env, "BYLINE_")), "_", "-")
}

// text returns v formatted for display.
func (s setting) text(c *config, v string) string {
	switch {
	case s.shown != nil:
		return s.shown(c, v)
	case s.secret:
		return hideSecrets(v)
	}
	return v
}

var settings = []setting{
	{env: "BYLINE_ADDR", def: "127.0.0.1:8080", meaning: "Address that the API listens on; port 0 picks a free port, which the line `serving` of the log has.",
		parse: into(func(c *config) *string { return &c.Addr }, address)},
	{env: "BYLINE_ADMIN_ADDR", def: "127.0.0.1:9090", meaning: "Address of the admin port (metrics, pprof), which must not be public; port 0 picks a free port, which the line `serving` of the log has; `off` disables it.",
		parse: into(func(c *config) *string { return &c.AdminAddr }, optional(address))},
	{env: "BYLINE_ADMIN_HOSTS", def: "", meaning: "Host names (comma-separated) by which the admin port may be requested, besides IP addresses and localhost.",
		parse: into(func(c *config) *[]string { return &c.AdminHosts }, hostNames)},
	{env: "BYLINE_PROFILE", def: "auto", meaning: "`production`, or `development` for wide rate limits and mails that are shown instead of sent; `auto` = development with an embedded database and a loopback address, unless a proxy is configured.",
		parse: into(func(c *config) *string { return &c.Profile }, oneOf("auto", "development", "production")),
		shown: func(c *config, s string) string { return filled(s, "auto", c.Profile) }},
	{env: "BYLINE_TLS_CERT", def: "", meaning: "PEM file with the TLS certificate and its chain; enables TLS for the API. The file is reloaded when it changes.",
		parse: into(func(c *config) *string { return &c.TLSCert }, file)},
	{env: "BYLINE_TLS_KEY", def: "", meaning: "PEM file with the private key of the TLS certificate.",
		parse: into(func(c *config) *string { return &c.TLSKey }, file)},
	{env: "DATABASE_URL", def: "", meaning: "PostgreSQL 14 or newer, as a URL or a `key=value` list; empty = the embedded PostgreSQL.",
		parse: into(func(c *config) *string { return &c.DatabaseURL }, databaseURL), secret: true},
	{env: "BYLINE_READ_URLS", def: "", meaning: "[Read replicas](read-replicas.md): URLs of standbys of the database (separated by spaces), each of one server; needs `DATABASE_URL`.",
		parse: into(func(c *config) *[]string { return &c.ReadURLs }, databaseURLs), secret: true, shown: hideEach},
	{env: "BYLINE_DATA_DIR", def: "./.byline", meaning: "Data folder of the embedded PostgreSQL.",
		parse: into(func(c *config) *string { return &c.DataDir }, notEmpty)},
	{env: "BYLINE_PG_BIN", def: "", meaning: "Folder of the PostgreSQL programs to embed; empty = the newest installed version, or a download if there is none.",
		parse: into(func(c *config) *string { return &c.PGBin }, folder)},
	{env: "BYLINE_COMPAT", def: "strict", meaning: "`strict`, or `lenient` for the status codes, and the order of tags, that older RealWorld front ends expect.",
		parse: into(func(c *config) *string { return &c.Compat }, oneOf("strict", "lenient"))},
	{env: "BYLINE_POOL_MAX", def: "0", meaning: "Maximum number of database connections; 0 = 4 per core, from 4 to 50. More than 4 per core makes the service slower.",
		parse: into(func(c *config) *int { return &c.PoolMax }, between(0, 1000)), shown: adaptive(func(c *config) int { return c.PoolMax })},
	{env: "BYLINE_POOL_MIN", def: "0", meaning: "Minimum number of open database connections; 0 = 2, or `BYLINE_POOL_MAX` if that is less.",
		parse: into(func(c *config) *int { return &c.PoolMin }, between(0, 1000)), shown: adaptive(func(c *config) int { return c.PoolMin })},
	{env: "BYLINE_POOL_ACQUIRE_TIMEOUT", def: "3s", meaning: "How long a request waits for a database connection before the response is 503.",
		parse: into(func(c *config) *time.Duration { return &c.PoolAcquireTimeout }, duration(10*time.Millisecond, time.Minute))},
	{env: "BYLINE_QUERY_TIMEOUT", def: "5s", meaning: "Timeout of one SQL statement.",
		parse: into(func(c *config) *time.Duration { return &c.QueryTimeout }, duration(10*time.Millisecond, 10*time.Minute))},
	{env: "BYLINE_REQUEST_TIMEOUT", def: "10s", meaning: "Timeout of one request.",
		parse: into(func(c *config) *time.Duration { return &c.RequestTimeout }, duration(100*time.Millisecond, 10*time.Minute))},
	{env: "BYLINE_DRAIN_TIMEOUT", def: "20s", meaning: "How long a shutdown waits for the requests in flight; 0s = not at all.",
		parse: into(func(c *config) *time.Duration { return &c.DrainTimeout }, duration(0, 10*time.Minute))},
	{env: "BYLINE_DRAIN_DELAY", def: "auto", meaning: "How long a shutdown still accepts new requests, so that load balancers that poll `/readyz` notice; part of the drain timeout. `auto` = 0s with an embedded database or a loopback address, else 5s.",
		parse: into(func(c *config) *time.Duration { return &c.DrainDelay }, drainDelay),
		shown: func(c *config, s string) string { return filled(s, "auto", short(c.DrainDelay)) }},
	{env: "BYLINE_MAX_IN_FLIGHT", def: "0", meaning: "Maximum number of concurrent API requests; 0 = 16 per core. Four times as many wait for up to 1s, and the response to further requests is 503.",
		parse: into(func(c *config) *int { return &c.MaxInFlight }, between(0, 100_000))},
	{env: "BYLINE_MAX_CONNECTIONS", def: "10000", meaning: "Maximum number of client connections; further ones wait to be accepted.",
		parse: into(func(c *config) *int { return &c.MaxConnections }, between(1, 1_000_000))},
	{env: "BYLINE_MAX_CONNECTIONS_PER_ADDRESS", def: "100", meaning: "Maximum number of connections from one address or IPv6 /64; 0 = no maximum. Trusted proxies and loopback addresses have none.",
		parse: into(func(c *config) *int { return &c.MaxConnectionsPerAddress }, between(0, 1_000_000))},
	{env: "BYLINE_RATE_LIMIT", def: "auto", meaning: "`off`, `strict`, or `auto` = wide limits in the profile `development`, else strict.",
		parse: into(func(c *config) *string { return &c.RateLimit }, oneOf("auto", "off", "strict")),
		shown: func(c *config, s string) string { return filled(s, "auto", c.RateLimit) }},
	{env: "BYLINE_BASE_PATH", def: "", meaning: "Path below which a proxy serves the service, such as `/cms`, for links; the proxy may remove it or not.",
		parse: into(func(c *config) *string { return &c.BasePath }, basePath)},
	{env: "BYLINE_TRUSTED_PROXIES", def: "", meaning: "Networks (CIDR, comma-separated) whose headers `X-Forwarded-For` and `X-Forwarded-Prefix` are trusted; empty = none.",
		parse: into(func(c *config) *[]netip.Prefix { return &c.TrustedProxies }, networks)},
	{env: "BYLINE_CORS_ORIGINS", def: "*", meaning: "Origins (comma-separated) that may call the API from a browser; `*` = all, `off` = none.",
		parse: into(func(c *config) *[]string { return &c.CORSOrigins }, origins)},
	{env: "BYLINE_CONTENT_BASE_URL", def: "", meaning: "Folder that relative links and images in articles and comments refer to, such as `https://example.com/articles/`; empty = only their text is shown.",
		parse: into(func(c *config) **url.URL { return &c.ContentBase }, contentBase)},
	{env: "BYLINE_CACHE_BYTES", def: "8388608", meaning: "Size of the caches, in bytes: three quarters for responses to anonymous reads, the rest for parts of lists for signed-in users. 0 disables both.",
		parse: into(func(c *config) *int { return &c.CacheBytes }, between(0, 1<<40))},
	{env: "BYLINE_SHARED_MAX_AGE", def: "0s", meaning: "How long [caches at the edge](caching.md#at-the-edge) may use the response to a read without a token before they ask again, in whole seconds up to 24h; 0s = not at all.",
		parse: into(func(c *config) *time.Duration { return &c.SharedMaxAge }, sharedMaxAge)},
	{env: "BYLINE_PURGE_URLS", def: "", meaning: "URLs (comma-separated) of caches at the edge, each of which is told what has changed; requires `BYLINE_SHARED_MAX_AGE`.",
		parse: into(func(c *config) *[]string { return &c.PurgeURLs }, purgeURLs), shown: hideInList},
	{env: "BYLINE_PURGE_FORMAT", def: string(purge.SurrogateKey), meaning: "How caches at the edge are told: `surrogate-key` (Fastly, Varnish) or `cache-tag` (Cloudflare).",
		parse: into(func(c *config) *string { return &c.PurgeFormat }, oneOf(string(purge.SurrogateKey), string(purge.CacheTag)))},
	{env: "BYLINE_PURGE_HEADER", def: "", meaning: "Header of the requests to `BYLINE_PURGE_URLS`, such as `Fastly-Key: …` or `Authorization: Bearer …`; empty = none.",
		parse: into(func(c *config) *purge.Header { return &c.PurgeHeader }, purgeHeader), shown: hidden, secret: true},
	{env: "BYLINE_ACCOUNT_STORAGE", def: "1073741824", meaning: "Maximum size of the articles and comments of one account, in bytes; 0 = no maximum. Older revisions and working copies may have twice as much. Deleting articles or comments frees space.",
		parse: into(func(c *config) *int { return &c.AccountStorage }, between(0, 1<<50))},
	{env: "BYLINE_REGISTRATION", def: "open", meaning: "Who may register: `open` = everybody, `invite` = those whom an admin has invited, `closed` = nobody; admins create accounts.",
		parse: into(func(c *config) *string { return &c.Registration }, oneOf("open", "invite", "closed"))},
	{env: "BYLINE_DEFAULT_ROLE", def: "author", meaning: "Role of an account that registers without an invitation: `author`, or `reader`, who cannot write articles.",
		parse: into(func(c *config) *string { return &c.DefaultRole }, oneOf("author", "reader"))},
	{env: "BYLINE_AUTHORS_PUBLISH", def: "on", meaning: "`off` = authors write drafts and submit them, and only editors publish, schedule and change what is published.",
		parse: into(func(c *config) *bool { return &c.AuthorsPublish }, onOff)},
	{env: "BYLINE_COMMENTS", def: "open", meaning: "Who may comment: `open` = everybody with an account; `approve` = the comments of an account wait until a moderator has approved one; `off` = nobody, and existing comments stay.",
		parse: into(func(c *config) *string { return &c.Comments }, oneOf("open", "approve", "off"))},
	{env: "BYLINE_REVISIONS", def: "100", meaning: "Number of revisions that an article keeps, besides those that were public, which are always kept; 0 = all.",
		parse: into(func(c *config) *int { return &c.Revisions }, between(0, 1_000_000))},
	{env: "BYLINE_TOKEN_TTL", def: "1440h", meaning: "Lifetime of a RealWorld token; the default is 60 days because it cannot be renewed.",
		parse: into(func(c *config) *time.Duration { return &c.TokenTTL }, duration(time.Minute, 10*365*24*time.Hour))},
	{env: "BYLINE_ACCESS_TTL", def: "15m", meaning: "Lifetime of an access token of `POST /api/sessions`.",
		parse: into(func(c *config) *time.Duration { return &c.AccessTTL }, duration(time.Minute, 24*time.Hour))},
	{env: "BYLINE_REFRESH_TTL", def: "720h", meaning: "Lifetime of a refresh token, which starts again at each renewal; the default is 30 days.",
		parse: into(func(c *config) *time.Duration { return &c.RefreshTTL }, duration(time.Hour, 10*365*24*time.Hour))},
	{env: "BYLINE_SESSION_MAX_AGE", def: "2160h", meaning: "Maximum age of a session from sign-in, after which it cannot be renewed; the default is 90 days.",
		parse: into(func(c *config) *time.Duration { return &c.SessionMaxAge }, duration(time.Hour, 10*365*24*time.Hour))},
	{env: "BYLINE_PASSWORD_HASHERS", def: "1", meaning: "Number of passwords hashed concurrently (argon2id, 7 MiB each); further ones wait. Higher values slow reads.",
		parse: into(func(c *config) *int { return &c.PasswordHashers }, between(1, 64))},
	{env: "BYLINE_PASSWORDS", def: "any", meaning: "`any`, or `uncommon` to reject new passwords that are commonly used.",
		parse: into(func(c *config) *string { return &c.Passwords }, oneOf("any", "uncommon"))},
	{env: "BYLINE_REQUIRE_CURRENT_PASSWORD", def: "off", meaning: "`on` makes `PUT /api/user` require `currentPassword` with a new password or address, and `POST /api/user/keys` with a new key; RealWorld front ends do not send it.",
		parse: into(func(c *config) *bool { return &c.RequireCurrent }, onOff)},
	{env: "BYLINE_SMTP_URL", def: "", meaning: "Mail server, such as `smtp://user:password@host:587` (STARTTLS) or `smtps://host`; empty = mails are not sent: in the profile `development` they are shown at `/mails` on the admin port.",
		parse: into(func(c *config) *string { return &c.SMTP }, smtpURL), secret: true},
	{env: "BYLINE_MAIL_FROM", def: "", meaning: "Sender of mails, such as `Byline <no-reply@example.com>`; required with `BYLINE_SMTP_URL`.",
		parse: into(func(c *config) *string { return &c.MailFrom }, mailFrom)},
	{env: "BYLINE_RESET_URL", def: "", meaning: "Page for setting a new password that mails link to, such as `https://example.com/reset#{token}`; empty = mails contain the token only.",
		parse: into(func(c *config) *string { return &c.MailLinks.Reset }, tokenURL)},
	{env: "BYLINE_VERIFICATION_URL", def: "", meaning: "Page for verifying an address that mails link to, such as `https://example.com/verify#{token}`; empty = mails contain the token only.",
		parse: into(func(c *config) *string { return &c.MailLinks.Verification }, tokenURL)},
	{env: "BYLINE_INVITATION_URL", def: "", meaning: "Page for registering with an invitation that mails link to, such as `https://example.com/register#{token}`; empty = mails contain the token only.",
		parse: into(func(c *config) *string { return &c.MailLinks.Invitation }, tokenURL)},
	{env: "BYLINE_PREVIEW_URL", def: "", meaning: "Page that shows previews of articles, such as `https://example.com/preview#{token}`; empty = links lead to the API.",
		parse: into(func(c *config) *string { return &c.PreviewLink }, tokenURL)},
	{env: "BYLINE_OLD_TOKENS_SECRET", def: "", meaning: "Secret with which an older system has signed tokens (HS256); its users stay signed in until `BYLINE_OLD_TOKENS_UNTIL`. Empty = only tokens of this service are accepted.",
		parse: into(func(c *config) *string { return &c.OldTokens.Secret }, anyText), shown: hidden, secret: true},
	{env: "BYLINE_OLD_TOKENS_UNTIL", def: "", meaning: "When tokens of the older system are no longer accepted: a date, whose whole day (UTC) counts, or a time such as `2026-12-31T18:00:00Z`; required with `BYLINE_OLD_TOKENS_SECRET`.",
		parse: into(func(c *config) *time.Time { return &c.OldTokens.Until }, lastDay)},
	{env: "BYLINE_OLD_TOKENS_CLAIM", def: "user.id,id,number:sub,userId,_id", meaning: "Claims (comma-separated) of tokens of the older system; the first one that a token has is the id of the user. With `username:` or `email:` before a claim it is that of the account, and with `number:` only a number counts.",
		parse: into(func(c *config) *[]auth.OldClaim { return &c.OldTokens.Claims }, auth.ParseOldClaims)},
	{env: "BYLINE_OLD_TOKENS_IMPORT", def: "default", meaning: "Name of the import (`byline import`) of the users of the older system.",
		parse: into(func(c *config) *string { return &c.OldTokens.Import }, notEmpty)},
	{env: "BYLINE_LOG_FORMAT", def: "auto", meaning: "`json`, `text`, or `auto` = text on a terminal, else JSON.",
		parse: into(func(c *config) *string { return &c.LogFormat }, oneOf("auto", "json", "text"))},
	{env: "BYLINE_LOG_LEVEL", def: "info", meaning: "`debug`, `info`, `warn` or `error`.",
		parse: into(func(c *config) *slog.Level { return &c.LogLevel }, level)},
	{env: "BYLINE_LOG_CLIENT", def: "off", meaning: "`on` adds the client's address and the route to the log line of each request, and shows all of a path that no route has.",
		parse: into(func(c *config) *bool { return &c.LogClient }, onOff)},
	{env: "OTEL_EXPORTER_OTLP_ENDPOINT", def: "", meaning: "Endpoint that traces are sent to (OTLP over HTTP), such as `http://localhost:4318`; empty = no tracing.",
		parse: into(func(c *config) *string { return &c.OTLPEndpoint }, endpoint), secret: true},
}

// into returns the parse function of a setting: it calls parse and stores the
// result in the field.
func into[T any](field func(*config) *T, parse func(string) (T, error)) func(*config, string) error {
	return func(c *config, s string) error {
		v, err := parse(s)
		if err == nil {
			*field(c) = v
		}
		return err
	}
}

// registerFlags adds a flag for every setting, for the files of secrets, and for
// the configuration file.
func registerFlags(flags *pflag.FlagSet) {
	add := func(name, def, usage string) {
		flags.String(name, def, usage)
		flags.Lookup(name).Annotations = map[string][]string{settingFlag: {}}
	}
	add(configFlag, "", "YAML file with settings by the names of their flags ["+configEnv+"]")
	for _, s := range settings {
		// pflag uses a word in backquotes as the name of the value.
		add(s.flag(), s.def, strings.ReplaceAll(s.meaning, "`", "")+" ["+s.env+"]")
		if s.secret {
			add(s.flag()+"-file", "", "File that contains the value of --"+s.flag()+" ["+s.env+"_FILE]")
		}
	}
}

// loadConfig reads every setting. A flag takes precedence over the environment
// variable, the variable over the configuration file, and that over the default.
// An empty variable counts as unset. flags may be nil or incomplete. The error
// lists all invalid values.
func loadConfig(flags *pflag.FlagSet, getenv func(string) string) (*config, error) {
	c := &config{values: make(map[string]value, len(settings))}
	given, err := places(flags, getenv)
	if err != nil {
		return nil, invalid(err)
	}
	var wrong []error
	for _, s := range settings {
		v, err := s.find(given)
		c.values[s.env] = v
		if err != nil {
			wrong = append(wrong, err)
		} else if err := s.parse(c, v.text); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", c.given(s), err))
		}
	}
	if wrong == nil { // complete needs every field
		wrong = c.complete(runtime.GOMAXPROCS(0))
	}
	if wrong != nil {
		return nil, invalid(wrong...)
	}
	return c, nil
}

// publishing returns the rules of who may make articles public, and of what is
// kept of them.
func (c *config) publishing() publish.Rules {
	return publish.Rules{EditorsOnly: !c.AuthorsPublish, Comments: publish.Comments(c.Comments), MaxRevisions: int32(c.Revisions)}
}

func invalid(wrong ...error) error {
	return fail(exitConfiguration, fmt.Errorf("invalid configuration:\n%w", errors.Join(wrong...)))
}

// complete fills in the values that depend on the machine or on other settings,
// and checks that the settings are consistent.
func (c *config) complete(cores int) (wrong []error) {
	if c.PoolMax == 0 {
		c.PoolMax = min(max(4*cores, 4), 50)
	}
	if c.PoolMin == 0 {
		c.PoolMin = min(c.PoolMax, 2)
	}
	if c.Profile == "auto" {
		c.Profile = "production"
		if c.DatabaseURL == "" && isLoopback(c.Addr) && len(c.TrustedProxies) == 0 && c.BasePath == "" {
			c.Profile = "development"
		}
	}
	if c.RateLimit == "auto" {
		c.RateLimit = "strict"
		if c.Profile == "development" {
			c.RateLimit = "wide"
		}
	}
	if c.DrainDelay == autoDelay {
		c.DrainDelay = 5 * time.Second
		if c.DatabaseURL == "" || isLoopback(c.Addr) {
			c.DrainDelay = 0
		}
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		wrong = append(wrong, fmt.Errorf("%s and %s: must be set together", c.nameOf("BYLINE_TLS_CERT"), c.nameOf("BYLINE_TLS_KEY")))
	}
	if c.DatabaseURL == "" && len(c.ReadURLs) > 0 {
		wrong = append(wrong, fmt.Errorf("%s: requires DATABASE_URL, because the embedded PostgreSQL has no standbys", c.givenBy("BYLINE_READ_URLS")))
	}
	if c.PoolMin > c.PoolMax {
		wrong = append(wrong, fmt.Errorf("%s: must not be greater than %s (%d)", c.givenBy("BYLINE_POOL_MIN"), c.nameOf("BYLINE_POOL_MAX"), c.PoolMax))
	}
	if c.SMTP != "" && c.MailFrom == "" {
		wrong = append(wrong, fmt.Errorf("%s: requires BYLINE_MAIL_FROM", c.givenBy("BYLINE_SMTP_URL")))
	}
	if c.OldTokens.Secret != "" && c.OldTokens.Until.IsZero() {
		wrong = append(wrong, fmt.Errorf("%s: must be set together with BYLINE_OLD_TOKENS_UNTIL", c.givenBy("BYLINE_OLD_TOKENS_SECRET")))
	}
	if _, port, _ := net.SplitHostPort(c.Addr); c.AdminAddr != "" && c.AdminAddr == c.Addr && port != "0" {
		wrong = append(wrong, fmt.Errorf("%s: must differ from %s", c.givenBy("BYLINE_ADMIN_ADDR"), c.nameOf("BYLINE_ADDR")))
	}
	return append(wrong, c.completeEdge()...)
}

// completeEdge checks that the settings of caches at the edge are consistent.
func (c *config) completeEdge() (wrong []error) {
	if c.SharedMaxAge > 0 && c.CacheBytes < 4 {
		wrong = append(wrong, fmt.Errorf("%s: requires BYLINE_CACHE_BYTES, because only the cache knows what a response depends on", c.givenBy("BYLINE_SHARED_MAX_AGE")))
	}
	if c.SharedMaxAge == 0 && len(c.PurgeURLs) > 0 {
		wrong = append(wrong, fmt.Errorf("%s: requires BYLINE_SHARED_MAX_AGE, because without it there is nothing to purge", c.givenBy("BYLINE_PURGE_URLS")))
	}
	if c.PurgeHeader.Name != "" && len(c.PurgeURLs) == 0 {
		wrong = append(wrong, fmt.Errorf("%s: requires BYLINE_PURGE_URLS", c.givenBy("BYLINE_PURGE_HEADER")))
	}
	return wrong
}

// given returns the name and the value of a setting as the user gave them.
func (c *config) given(s setting) string {
	text := c.values[s.env].text
	shown := s.text(c, text)
	if s.secret && shown == mask {
		return c.nameOf(s.env) + "=" + shape(text)
	}
	if len(shown) > 100 {
		shown = shown[:100] + "..."
	}
	return fmt.Sprintf("%s=%q", c.nameOf(s.env), shown)
}

func (c *config) givenBy(env string) string {
	for _, s := range settings {
		if s.env == env {
			return c.given(s)
		}
	}
	return env
}

// nameOf returns the name by which a setting was given, else its variable.
func (c *config) nameOf(env string) string { return cmp.Or(c.values[env].name, env) }

// isDefault reports whether a variable has its default value.
func (c *config) isDefault(env string) bool { return c.values[env].from == fromDefault }

// embedded reports whether the service runs its own PostgreSQL.
func (c *config) embedded() bool { return c.DatabaseURL == "" }

// scheme returns the URL scheme of the API.
func (c *config) scheme() string {
	if c.TLSCert != "" {
		return "https"
	}
	return "http"
}

// logFormat returns json or text.
func (c *config) logFormat(terminal bool) string {
	switch {
	case c.LogFormat != "auto":
		return c.LogFormat
	case terminal:
		return "text"
	}
	return "json"
}

// isLoopback reports whether an address can be reached from this machine only.
func isLoopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/byline-api/byline/api/mail"
)

// config is what the settings say, parsed and complete: numbers that adapt to the machine are filled in.
type config struct {
	Addr, AdminAddr                      string // AdminAddr is empty when switched off
	TLSCert, TLSKey                      string // files; empty = plain HTTP
	DataDir, PGBin                       string
	DatabaseURL                          string // empty = the embedded PostgreSQL
	Compat                               string // strict, lenient
	PoolMax, PoolMin                     int    // connections
	PoolAcquireTimeout                   time.Duration
	QueryTimeout                         time.Duration
	RequestTimeout                       time.Duration
	DrainTimeout                         time.Duration
	DrainDelay                           time.Duration
	MaxInFlight                          int    // requests; 0 = adaptive
	MaxConnections                       int    // of clients
	RateLimit                            string // off, wide, strict
	TrustedProxies                       []netip.Prefix
	CORSOrigins                          []string // empty = no CORS
	CacheBytes                           int
	TokenTTL                             time.Duration
	AccessTTL, RefreshTTL, SessionMaxAge time.Duration
	PasswordHashers                      int
	LogFormat                            string // auto, json, text
	LogLevel                             slog.Level
	OTLPEndpoint                         string // empty = no tracing

	Passwords      string // any, uncommon
	RequireCurrent bool   // password, to change it or the address
	SMTP           string // empty = mails are shown, not sent
	MailFrom       string
	MailLinks      mail.Links // with {token}; empty = mails show the token

	values map[string]value // by variable
}

// value is what was given for a setting, before it was parsed.
type value struct {
	text string
	from source
}

// source says where a value came from.
type source string

const (
	fromDefault source = "default"
	fromEnv     source = "env"
	fromFlag    source = "flag"
)

// setting is a row of the one table that flags, environment, messages and documentation are made from.
type setting struct {
	env     string
	def     string
	meaning string                           // one line of Markdown, also the help of the flag
	parse   func(c *config, s string) error  // its error says what is accepted
	shown   func(c *config, s string) string // the value for people: secrets hidden, adaptive numbers filled in; nil = as given
}

// flag is the name without the prefix, in the style of flags.
func (s setting) flag() string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(s.env, "BYLINE_")), "_", "-")
}

// text is a value for people.
func (s setting) text(c *config, v string) string {
	if s.shown == nil {
		return v
	}
	return s.shown(c, v)
}

var settings = []setting{
	{"BYLINE_ADDR", "127.0.0.1:8080", "Where the API listens; port 0 takes a free one.",
		into(func(c *config) *string { return &c.Addr }, address), nil},
	{"BYLINE_ADMIN_ADDR", "127.0.0.1:9090", "Where metrics and pprof listen, which must not be public; `off` = nowhere.",
		into(func(c *config) *string { return &c.AdminAddr }, optional(address)), nil},
	{"BYLINE_TLS_CERT", "", "A PEM file with the certificate and its chain: the API is served over TLS; read again when it changes.",
		into(func(c *config) *string { return &c.TLSCert }, file), nil},
	{"BYLINE_TLS_KEY", "", "The PEM file with the key of that certificate.",
		into(func(c *config) *string { return &c.TLSKey }, file), nil},
	{"DATABASE_URL", "", "PostgreSQL 14 or newer, as URL or `key=value` list; empty = the embedded one.",
		into(func(c *config) *string { return &c.DatabaseURL }, databaseURL), hidden},
	{"BYLINE_DATA_DIR", "./.byline", "Where the embedded PostgreSQL keeps everything.",
		into(func(c *config) *string { return &c.DataDir }, notEmpty), nil},
	{"BYLINE_PG_BIN", "", "The folder of the PostgreSQL programs to embed; empty = the newest found, else a download.",
		into(func(c *config) *string { return &c.PGBin }, folder), nil},
	{"BYLINE_COMPAT", "strict", "`strict` or `lenient`: status codes as older RealWorld front ends expect them.",
		into(func(c *config) *string { return &c.Compat }, oneOf("strict", "lenient")), nil},
	{"BYLINE_POOL_MAX", "0", "Most database connections; 0 = 4 a core, from 4 to 50. More than 4 a core is slower, not faster.",
		into(func(c *config) *int { return &c.PoolMax }, between(0, 1000)), adaptive(func(c *config) int { return c.PoolMax })},
	{"BYLINE_POOL_MIN", "0", "Connections kept open when idle; 0 = 2, or the maximum if that is less.",
		into(func(c *config) *int { return &c.PoolMin }, between(0, 1000)), adaptive(func(c *config) int { return c.PoolMin })},
	{"BYLINE_POOL_ACQUIRE_TIMEOUT", "3s", "How long a request waits for a connection before it is answered 503.",
		into(func(c *config) *time.Duration { return &c.PoolAcquireTimeout }, duration(10*time.Millisecond, time.Minute)), nil},
	{"BYLINE_QUERY_TIMEOUT", "5s", "How long one statement may take.",
		into(func(c *config) *time.Duration { return &c.QueryTimeout }, duration(10*time.Millisecond, 10*time.Minute)), nil},
	{"BYLINE_REQUEST_TIMEOUT", "10s", "How long a whole request may take.",
		into(func(c *config) *time.Duration { return &c.RequestTimeout }, duration(100*time.Millisecond, 10*time.Minute)), nil},
	{"BYLINE_DRAIN_TIMEOUT", "20s", "How long requests in flight may go on after a signal to stop; 0s = none.",
		into(func(c *config) *time.Duration { return &c.DrainTimeout }, duration(0, 10*time.Minute)), nil},
	{"BYLINE_DRAIN_DELAY", "auto", "How long of that new requests are still taken, for balancers that watch `/readyz` to notice; `auto`: 0s when nothing else could take them (embedded database or loopback), else 5s.",
		into(func(c *config) *time.Duration { return &c.DrainDelay }, drainDelay), func(c *config, s string) string { return filled(s, "auto", short(c.DrainDelay)) }},
	{"BYLINE_MAX_IN_FLIGHT", "0", "Most API requests that are worked on at once; four times as many wait up to 1s, the rest is answered 503. 0 = 16 a core.",
		into(func(c *config) *int { return &c.MaxInFlight }, between(0, 100_000)), nil},
	{"BYLINE_MAX_CONNECTIONS", "10000", "Most connections of clients at once; more wait to be accepted.",
		into(func(c *config) *int { return &c.MaxConnections }, between(1, 1_000_000)), nil},
	{"BYLINE_RATE_LIMIT", "auto", "`off`, `strict`, or `auto`: wide when the database is embedded and the address is loopback, else strict.",
		into(func(c *config) *string { return &c.RateLimit }, oneOf("auto", "off", "strict")),
		func(c *config, s string) string { return filled(s, "auto", c.RateLimit) }},
	{"BYLINE_TRUSTED_PROXIES", "", "Networks (CIDR, comma-separated) whose `X-Forwarded-For` is believed; empty = none.",
		into(func(c *config) *[]netip.Prefix { return &c.TrustedProxies }, networks), nil},
	{"BYLINE_CORS_ORIGINS", "*", "Origins (comma-separated) whose pages may call the API; `*` = all, `off` = none.",
		into(func(c *config) *[]string { return &c.CORSOrigins }, origins), nil},
	{"BYLINE_CACHE_BYTES", "8388608", "Memory for answers to anonymous reads, in bytes; 0 = none are kept.",
		into(func(c *config) *int { return &c.CacheBytes }, between(0, 1<<40)), nil},
	{"BYLINE_TOKEN_TTL", "1440h", "How long the contract's token is valid: 60 days, since it cannot be renewed.",
		into(func(c *config) *time.Duration { return &c.TokenTTL }, duration(time.Minute, 10*365*24*time.Hour)), nil},
	{"BYLINE_ACCESS_TTL", "15m", "How long an access token of `POST /api/sessions` is valid.",
		into(func(c *config) *time.Duration { return &c.AccessTTL }, duration(time.Minute, 24*time.Hour)), nil},
	{"BYLINE_REFRESH_TTL", "720h", "How long its refresh token is valid: 30 days, from each renewal on.",
		into(func(c *config) *time.Duration { return &c.RefreshTTL }, duration(time.Hour, 10*365*24*time.Hour)), nil},
	{"BYLINE_SESSION_MAX_AGE", "2160h", "How long such a session can be renewed: 90 days from sign-in.",
		into(func(c *config) *time.Duration { return &c.SessionMaxAge }, duration(time.Hour, 10*365*24*time.Hour)), nil},
	{"BYLINE_PASSWORD_HASHERS", "1", "Passwords hashed at once (argon2id, 7 MiB each); the others queue. More slows reads.",
		into(func(c *config) *int { return &c.PasswordHashers }, between(1, 64)), nil},
	{"BYLINE_PASSWORDS", "any", "`any`, or `uncommon`: new passwords that many people have are refused.",
		into(func(c *config) *string { return &c.Passwords }, oneOf("any", "uncommon")), nil},
	{"BYLINE_REQUIRE_CURRENT_PASSWORD", "off", "`on`: `PUT /api/user` demands `currentPassword` with a new password or address, which RealWorld front ends do not send.",
		into(func(c *config) *bool { return &c.RequireCurrent }, onOff), nil},
	{"BYLINE_SMTP_URL", "", "The mail server, such as `smtp://user:password@host:587` (STARTTLS) or `smtps://host`; empty = mails are shown at `/mails` on the admin port.",
		into(func(c *config) *string { return &c.SMTP }, smtpURL), hidden},
	{"BYLINE_MAIL_FROM", "", "Whom mails are from, such as `Byline <no-reply@example.com>`; needed with `BYLINE_SMTP_URL`.",
		into(func(c *config) *string { return &c.MailFrom }, mailFrom), nil},
	{"BYLINE_RESET_URL", "", "The page that mails link to for a new password, such as `https://example.com/reset#{token}`; empty = they show the token.",
		into(func(c *config) *string { return &c.MailLinks.Reset }, tokenURL), nil},
	{"BYLINE_VERIFICATION_URL", "", "The page that mails link to for verifying an address, such as `https://example.com/verify#{token}`; empty = they show the token.",
		into(func(c *config) *string { return &c.MailLinks.Verification }, tokenURL), nil},
	{"BYLINE_LOG_FORMAT", "auto", "`json`, `text`, or `auto`: text on a terminal, else JSON.",
		into(func(c *config) *string { return &c.LogFormat }, oneOf("auto", "json", "text")), nil},
	{"BYLINE_LOG_LEVEL", "info", "`debug`, `info`, `warn` or `error`.",
		into(func(c *config) *slog.Level { return &c.LogLevel }, level), nil},
	{"OTEL_EXPORTER_OTLP_ENDPOINT", "", "Where traces go (OTLP over HTTP), such as `http://localhost:4318`; empty = no tracing.",
		into(func(c *config) *string { return &c.OTLPEndpoint }, endpoint), hidden},
}

// into makes the parse function of a setting from its field and the parser of the field's type.
func into[T any](field func(*config) *T, parse func(string) (T, error)) func(*config, string) error {
	return func(c *config, s string) error {
		v, err := parse(s)
		if err == nil {
			*field(c) = v
		}
		return err
	}
}

// registerFlags adds a flag for every setting.
func registerFlags(flags *pflag.FlagSet) {
	for _, s := range settings {
		// pflag would take a word in backquotes for the name of the value.
		flags.String(s.flag(), s.def, strings.ReplaceAll(s.meaning, "`", "")+" ["+s.env+"]")
	}
}

// loadConfig reads every setting: a flag wins over the environment, and that over the default. An empty variable is the
// same as none. flags may be nil or lack some. The error names all wrong values at once.
func loadConfig(flags *pflag.FlagSet, getenv func(string) string) (*config, error) {
	c := &config{values: make(map[string]value, len(settings))}
	var wrong []error
	for _, s := range settings {
		v := value{s.def, fromDefault}
		if env := getenv(s.env); env != "" {
			v = value{env, fromEnv}
		}
		if flags != nil && flags.Changed(s.flag()) {
			v = value{flags.Lookup(s.flag()).Value.String(), fromFlag}
		}
		c.values[s.env] = v
		if err := s.parse(c, v.text); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", c.given(s), err))
		}
	}
	if wrong == nil { // else the fields are not complete
		wrong = c.complete(runtime.GOMAXPROCS(0))
	}
	if wrong != nil {
		return nil, fmt.Errorf("wrong configuration:\n%w", errors.Join(wrong...))
	}
	return c, nil
}

// complete fills in what depends on the machine or on other settings, and checks what two settings must agree on.
func (c *config) complete(cores int) (wrong []error) {
	if c.PoolMax == 0 {
		c.PoolMax = min(max(4*cores, 4), 50)
	}
	if c.PoolMin == 0 {
		c.PoolMin = min(c.PoolMax, 2)
	}
	if c.RateLimit == "auto" {
		c.RateLimit = "strict"
		if c.DatabaseURL == "" && isLoopback(c.Addr) {
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
		wrong = append(wrong, fmt.Errorf("%s and %s: need each other", c.nameOf("BYLINE_TLS_CERT"), c.nameOf("BYLINE_TLS_KEY")))
	}
	if c.PoolMin > c.PoolMax {
		wrong = append(wrong, fmt.Errorf("%s: must not be above %s, which is %d", c.givenBy("BYLINE_POOL_MIN"), c.nameOf("BYLINE_POOL_MAX"), c.PoolMax))
	}
	if c.SMTP != "" && c.MailFrom == "" {
		wrong = append(wrong, fmt.Errorf("%s: needs BYLINE_MAIL_FROM", c.givenBy("BYLINE_SMTP_URL")))
	}
	if _, port, _ := net.SplitHostPort(c.Addr); c.AdminAddr != "" && c.AdminAddr == c.Addr && port != "0" {
		wrong = append(wrong, fmt.Errorf("%s: must differ from %s", c.givenBy("BYLINE_ADMIN_ADDR"), c.nameOf("BYLINE_ADDR")))
	}
	return wrong
}

// given is a value with the name under which the user gave it.
func (c *config) given(s setting) string {
	shown := s.text(c, c.values[s.env].text)
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

// nameOf is the flag if the value came from it, else the variable.
func (c *config) nameOf(env string) string {
	if c.values[env].from == fromFlag {
		return "--" + setting{env: env}.flag()
	}
	return env
}

// isDefault says whether nobody chose the value of a variable.
func (c *config) isDefault(env string) bool { return c.values[env].from == fromDefault }

// embedded says whether the service runs its own PostgreSQL.
func (c *config) embedded() bool { return c.DatabaseURL == "" }

// scheme is what the API is spoken over.
func (c *config) scheme() string {
	if c.TLSCert != "" {
		return "https"
	}
	return "http"
}

// logFormat is json or text.
func (c *config) logFormat(terminal bool) string {
	switch {
	case c.LogFormat != "auto":
		return c.LogFormat
	case terminal:
		return "text"
	}
	return "json"
}

// isLoopback says whether only this machine reaches an address.
func isLoopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

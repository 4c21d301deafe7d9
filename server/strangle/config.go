package strangle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/byline-api/byline/server/strangle/compare"
)

// Config is the configuration file. Settings can change while the proxy runs,
// and everything else needs a restart.
type Config struct {
	Old string `yaml:"old"` // the URL of the old system
	New string `yaml:"new"`
	// OldPrefix is the path of the API in the old system, which is the one that
	// clients use; NewPrefix is its path in the new one.
	OldPrefix string `yaml:"oldPrefix"`
	NewPrefix string `yaml:"newPrefix"`
	Listen    string `yaml:"listen"`
	Admin     string `yaml:"admin"`
	// AdminHosts are names by which operators reach Admin, besides IP addresses
	// and localhost.
	AdminHosts []string `yaml:"adminHosts"`
	// TrustedProxies are the networks whose X-Forwarded-* headers count.
	TrustedProxies []netip.Prefix `yaml:"trustedProxies"`
	// OldTimeout and NewTimeout bound the time until a response begins.
	OldTimeout time.Duration `yaml:"oldTimeout"`
	NewTimeout time.Duration `yaml:"newTimeout"`
	// OldIdle is how long an idle connection to the old system is kept. It must
	// be shorter than the old system keeps it: 5 seconds for Node.
	OldIdle time.Duration `yaml:"oldIdle"`
	// SaveChanges writes the modes that an operator has set into the file.
	SaveChanges bool         `yaml:"saveChanges"`
	Hold        HoldLimits   `yaml:"hold"`
	Shadow      ShadowLimits `yaml:"shadow"`
	Settings    `yaml:",inline"`
}

// HoldLimits bound the requests that wait because of the mode hold.
type HoldLimits struct {
	Requests int           `yaml:"requests"`
	Time     time.Duration `yaml:"time"`
}

// ShadowLimits bound what the mode shadow costs.
type ShadowLimits struct {
	Workers int   `yaml:"workers"` // requests to the new system at the same time
	Queue   int   `yaml:"queue"`   // requests that wait for a worker
	Bytes   int64 `yaml:"bytes"`   // memory for all bodies
	Body    int64 `yaml:"body"`    // the largest body that is compared
}

// Settings are the part of the configuration that can change while the proxy
// runs.
type Settings struct {
	Modes           Modes         `yaml:"modes"`
	StickAfterWrite time.Duration `yaml:"stickAfterWrite"`
	// WritesFallBack lets the old system carry out a write if no connection to
	// the new one can be made. After the last import it must be false.
	WritesFallBack bool          `yaml:"writesFallBack"`
	ShadowWrites   []ShadowWrite `yaml:"shadowWrites"`
	Compare        Comparison    `yaml:"compare"`
}

// ShadowWrite permits that a write is carried out by the new system too.
type ShadowWrite struct {
	Operation      string `yaml:"operation"`
	IdempotencyKey bool   `yaml:"idempotencyKey"`
}

// Comparison holds the rules of compare.Rules.
type Comparison struct {
	Ignore       []compare.Path            `yaml:"ignore"`
	IgnoreFor    map[string][]compare.Path `yaml:"ignoreFor"` // by operation
	Unordered    []compare.Path            `yaml:"unordered"`
	Moving       []compare.Path            `yaml:"moving"`
	Tolerance    float64                   `yaml:"tolerance"`
	Tokens       []compare.Path            `yaml:"tokens"`
	AbsentIsNull bool                      `yaml:"absentIsNull"`
	ReportAdded  bool                      `yaml:"reportAdded"`
	ErrorBodies  bool                      `yaml:"errorBodies"`
}

func (c Comparison) rules() *compare.Rules {
	return &compare.Rules{
		Ignore: c.Ignore, Unordered: c.Unordered, Moving: c.Moving, Tolerance: c.Tolerance, Tokens: c.Tokens,
		AbsentIsNull: c.AbsentIsNull, ReportAdded: c.ReportAdded, ErrorBodies: c.ErrorBodies,
	}
}

// clone returns settings that share no modes, which operators change.
func (s Settings) clone() Settings {
	s.Modes = maps.Clone(s.Modes)
	return s
}

// DefaultConfig returns the values of what a file does not set. All requests go
// to the old system.
func DefaultConfig() Config {
	rules := compare.DefaultRules()
	return Config{
		OldPrefix: "/api", NewPrefix: "/api", Listen: "127.0.0.1:8000", Admin: "127.0.0.1:9091",
		OldTimeout: time.Minute, NewTimeout: 10 * time.Second, OldIdle: 4 * time.Second,
		Hold:   HoldLimits{Requests: 1000, Time: 30 * time.Second},
		Shadow: ShadowLimits{Workers: 4, Queue: 1000, Bytes: 32 << 20, Body: 256 << 10},
		Settings: Settings{
			Modes:           Modes{allOthers: "old"},
			StickAfterWrite: 30 * time.Second,
			WritesFallBack:  true,
			Compare:         Comparison{Unordered: rules.Unordered, Tokens: rules.Tokens},
		},
	}
}

// ParseConfig parses a configuration file. It does not require the URLs, which
// flags can give.
func ParseConfig(text []byte) (Config, error) {
	c, err := parseConfig(text)
	if err == nil && len(c.Modes) == 0 {
		c.Modes = DefaultConfig().Modes
	}
	return c, err
}

// parseConfig is ParseConfig, but without modes if the file has none.
func parseConfig(text []byte) (Config, error) {
	c := DefaultConfig()
	c.Modes = nil // the modes of the file are not added to the default
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, err
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Config{}, errors.New("the file must have one document, without a line of --- in between")
	}
	return c, nil
}

// Check checks what a restart is needed for. New checks the settings, for which
// it needs the operations.
func (c *Config) Check() error {
	wrong := []error{checkURL("old", c.Old), checkURL("new", c.New), checkPrefix("oldPrefix", c.OldPrefix), checkPrefix("newPrefix", c.NewPrefix)}
	add := func(fails bool, message string) {
		if fails {
			wrong = append(wrong, errors.New(message))
		}
	}
	for name, addr := range map[string]string{"listen": c.Listen, "admin": c.Admin} {
		_, _, err := net.SplitHostPort(addr)
		add(err != nil, name+" must be an address such as 127.0.0.1:8000")
	}
	for name, limit := range map[string]time.Duration{"oldTimeout": c.OldTimeout, "newTimeout": c.NewTimeout, "oldIdle": c.OldIdle, "hold.time": c.Hold.Time} {
		add(limit <= 0, name+" must be a time such as 10s")
	}
	add(c.Hold.Requests < 1, "hold.requests must be 1 or more")
	add(c.Shadow.Workers < 1 || c.Shadow.Workers > 1000, "shadow.workers must be from 1 to 1000")
	add(c.Shadow.Queue < 1 || c.Shadow.Queue > 1_000_000, "shadow.queue must be from 1 to 1000000")
	add(c.Shadow.Body < 1 || c.Shadow.Bytes < c.Shadow.Body, "shadow.body must be 1 or more, and shadow.bytes as much as that")
	slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return errors.Join(wrong...)
}

func checkURL(name, text string) error {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return fmt.Errorf("%s is missing: the URL of the %s system, such as http://127.0.0.1:3000", name, name)
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("%s must be a URL such as http://127.0.0.1:3000", name)
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%s must be a URL without user, path and query; %sPrefix is for the path", name, name)
	}
	return nil
}

func checkPrefix(name, prefix string) error {
	if prefix == "" {
		return nil
	}
	u, err := url.Parse(prefix)
	if err != nil || u.Path != prefix || prefix[0] != '/' || strings.HasSuffix(prefix, "/") || strings.Contains(prefix, "//") {
		return fmt.Errorf("%s must be empty, or a path such as /api", name)
	}
	return nil
}

// sameStart reports whether two configurations differ only in what can change
// while the proxy runs.
func (c *Config) sameStart(other *Config) bool {
	a, b := *c, *other
	a.Settings, b.Settings = Settings{}, Settings{}
	first, err := yaml.Marshal(a)
	second, errToo := yaml.Marshal(b)
	return err == nil && errToo == nil && bytes.Equal(first, second)
}

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/net/http/httpguts"

	"github.com/byline-api/byline/api/mail"
	"github.com/byline-api/byline/api/markup"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/purge"
)

// The errors of these parsers state the accepted values. They must not contain
// the given value, which may be a secret: the caller adds it with secrets
// hidden.

// address accepts host:port. The host may be a name, an IP address or empty
// (all interfaces).
func address(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || strings.ContainsAny(host, " \t/@") {
		return "", errors.New("must be host:port, such as 127.0.0.1:8080, [::1]:8080 or :8080")
	}
	return s, nil
}

// optional returns a parser that also accepts the empty string and "off".
func optional(parse func(string) (string, error)) func(string) (string, error) {
	return func(s string) (string, error) {
		if s == "" || s == "off" {
			return "", nil
		}
		s, err := parse(s)
		if err != nil {
			return "", fmt.Errorf("%w, or off", err)
		}
		return s, nil
	}
}

func notEmpty(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", errors.New("must not be empty")
	}
	return s, nil
}

var (
	folder = existing(true, "must be an existing folder, such as /usr/lib/postgresql/16/bin")
	file   = existing(false, "must be an existing file, such as /etc/byline/tls.crt")
)

func existing(isFolder bool, wrong string) func(string) (string, error) {
	return func(s string) (string, error) {
		if s == "" {
			return "", nil
		}
		if info, err := os.Stat(s); err != nil || info.IsDir() != isFolder {
			return "", errors.New(wrong)
		}
		return s, nil
	}
}

func oneOf(accepted ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(accepted, s) {
			return "", choiceError(accepted)
		}
		return s, nil
	}
}

// choiceError lists the only values of a setting, also for the completion of its
// flag.
type choiceError []string

func (e choiceError) Error() string {
	last := len(e) - 1
	return "must be " + strings.Join(e[:last], ", ") + " or " + e[last]
}

func between(least, most int) func(string) (int, error) {
	return func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return 0, fmt.Errorf("must be a whole number from %d to %d", least, most)
		}
		return n, nil
	}
}

func duration(least, most time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil || d < least || d > most {
			return 0, fmt.Errorf("must be a duration from %s to %s (such as 300ms, 5s, 2m or 24h)", short(least), short(most))
		}
		return d, nil
	}
}

// autoDelay is a placeholder for a delay that depends on other settings.
const autoDelay time.Duration = -1

func drainDelay(s string) (time.Duration, error) {
	if s == "auto" {
		return autoDelay, nil
	}
	d, err := duration(0, 10*time.Minute)(s)
	if err != nil {
		return 0, fmt.Errorf("%w, or auto", err)
	}
	return d, nil
}

// short formats a duration as 10m instead of 10m0s.
func short(d time.Duration) string {
	s := strings.TrimSuffix(d.String(), "m0s")
	if s != d.String() {
		s += "m"
	}
	if h := strings.TrimSuffix(s, "h0m"); h != s {
		s = h + "h"
	}
	return s
}

func level(s string) (slog.Level, error) {
	if _, err := oneOf("debug", "info", "warn", "error")(s); err != nil {
		return 0, err
	}
	var l slog.Level
	return l, l.UnmarshalText([]byte(s))
}

// basePath accepts a path. A path that begins as one of the service's own would
// be ambiguous.
func basePath(s string) (string, error) {
	s = strings.TrimSuffix(s, "/")
	if s == "" {
		return "", nil
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(s, "/"), "/")
	if !server.ValidBasePath(s) || first == "api" || first == "docs" {
		return "", errors.New("must be a path of letters, digits and -._~, such as /cms, and not begin with /api or /docs")
	}
	return s, nil
}

// sharedMaxAge accepts whole seconds, since HTTP has no shorter unit.
func sharedMaxAge(s string) (time.Duration, error) {
	d, err := duration(0, 24*time.Hour)(s)
	if err == nil && d%time.Second != 0 {
		err = errors.New("must be a duration in whole seconds, such as 60s")
	}
	return d, err
}

// purgeURLs accepts URLs without a password: logs have their hosts.
func purgeURLs(s string) ([]string, error) {
	all := list(s)
	for _, item := range all {
		u, err := url.Parse(item)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(item, "# \t\r\n") {
			return nil, errors.New("must be http or https URLs without a password, such as http://10.0.0.5:6081/purge; BYLINE_PURGE_HEADER is for secrets")
		}
	}
	return all, nil
}

// purgeHeader accepts a field as it is written in a request.
func purgeHeader(s string) (h purge.Header, err error) {
	if s == "" {
		return h, nil
	}
	name, value, found := strings.Cut(s, ":")
	value = strings.TrimSpace(value)
	if !found || value == "" || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return h, errors.New("must be one header with a value, such as Authorization: Bearer …, without line breaks")
	}
	switch name = http.CanonicalHeaderKey(name); name {
	case "Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", purge.SurrogateKey.Field():
		return h, fmt.Errorf("must not be the header %s, which the service sets itself", name)
	}
	return purge.Header{Name: name, Value: value}, nil
}

// networks accepts CIDRs and single addresses.
func networks(s string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, item := range list(s) {
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			var ip netip.Addr
			if ip, err = netip.ParseAddr(item); err == nil {
				prefix, err = ip.WithZone("").Prefix(ip.BitLen())
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%q must be a network, such as 10.0.0.0/8 or fd00::/8", item)
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

// origins accepts values as browsers send them in the Origin header.
func origins(s string) ([]string, error) {
	if s == "off" {
		return nil, nil
	}
	out := list(s)
	for _, item := range out {
		if item == "*" {
			if len(out) > 1 {
				return nil, errors.New("* cannot be combined with other origins")
			}
			continue
		}
		u, err := url.Parse(item)
		if err != nil || u.Scheme == "" || u.Hostname() == "" || item != u.Scheme+"://"+u.Host {
			return nil, errors.New("must be *, off, or origins without a path, such as https://example.com,http://localhost:3000")
		}
	}
	return out, nil
}

func contentBase(s string) (*url.URL, error) {
	if s == "" {
		return nil, nil
	}
	return markup.ParseBase(s)
}

// list splits s at commas and drops surrounding spaces and empty items.
func list(s string) []string {
	var out []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// hostNames accepts names without ports.
func hostNames(s string) ([]string, error) {
	names := list(s)
	for _, name := range names {
		if strings.ContainsAny(name, ":/*@ ") {
			return nil, errors.New("must be host names without ports, such as byline,byline.internal")
		}
	}
	return names, nil
}

func endpoint(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", errors.New("must be an http or https URL, such as http://localhost:4318")
	}
	return s, nil
}

func onOff(s string) (bool, error) {
	_, err := oneOf("on", "off")(s)
	return s == "on", err
}

func smtpURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	if _, err := mail.NewSMTP(s, "nobody@example.com"); err != nil {
		return "", err
	}
	return s, nil
}

func mailFrom(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	_, err := mail.Domain(s)
	return s, err
}

// tokenURL accepts a URL that contains the placeholder {token}.
func tokenURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(strings.ReplaceAll(s, "{token}", "token"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !strings.Contains(s, "{token}") || strings.ContainsAny(s, " \t\r\n") {
		return "", errors.New("must be an http or https URL with {token} in it, such as https://example.com/reset#{token}")
	}
	return s, nil
}

func databaseURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	c, err := pgxpool.ParseConfig(s)
	if err != nil || !unambiguous(s, c.ConnConfig) {
		return "", fmt.Errorf("must be a PostgreSQL URL, such as postgres://user:password@host:5432/name, or a key=value list%s", urlFault(s))
	}
	return s, nil
}

// databaseURLs parses URLs that are separated by spaces. A key=value list has
// spaces itself, so that only URLs are accepted.
func databaseURLs(s string) (all []string, err error) {
	var addresses []string
	for i, one := range strings.Fields(s) {
		if !strings.Contains(one, "://") {
			return nil, fmt.Errorf("must be PostgreSQL URLs, separated by spaces, such as postgres://user:password@host:5432/name; number %d is none", i+1)
		}
		if _, err := databaseURL(one); err != nil {
			return nil, fmt.Errorf("number %d %w", i+1, err)
		}
		c, err := pgxpool.ParseConfig(one)
		if err != nil {
			return nil, fmt.Errorf("number %d is not valid", i+1) // the parser's error may quote the password
		}
		_, address := pgconn.NetworkAddress(c.ConnConfig.Host, c.ConnConfig.Port)
		for _, other := range c.ConnConfig.Fallbacks { // the same server without TLS, or another server
			if _, next := pgconn.NetworkAddress(other.Host, other.Port); next != address {
				return nil, fmt.Errorf("number %d names several servers: use one URL for each", i+1)
			}
		}
		if first := slices.Index(addresses, address); first >= 0 {
			return nil, fmt.Errorf("numbers %d and %d are the same server", first+1, i+1)
		}
		all, addresses = append(all, one), append(addresses, address)
	}
	return all, nil
}

// unambiguous reports whether only passwords are hidden when s is shown. It is
// false if a special character in the password, such as / or ?, makes a part of
// it the name of the database or a parameter, which errors show.
func unambiguous(s string, c *pgx.ConnConfig) bool {
	hidden, err := pgxpool.ParseConfig(hideSecrets(s))
	if err != nil {
		return false
	}
	shown := hidden.ConnConfig
	return shown.Host == c.Host && shown.Port == c.Port && shown.User == c.User && shown.Database == c.Database &&
		len(shown.Fallbacks) == len(c.Fallbacks) && slices.Equal(slices.Sorted(maps.Keys(shown.RuntimeParams)), slices.Sorted(maps.Keys(c.RuntimeParams)))
}

// urlFault describes the fault of a database URL. The parser's own error may
// quote the password, so urlFault parses the URL again with secrets hidden.
func urlFault(s string) string {
	const escape = ": special characters in the password must be percent-encoded, or quoted in a key=value list"
	shown := hideSecrets(s)
	if shown == mask {
		return escape
	}
	_, err := pgxpool.ParseConfig(shown)
	if err == nil {
		return escape
	}
	_, fault, _ := strings.Cut(err.Error(), "`: ") // drops the repeated URL
	return ": " + fault
}

package contract

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Deprecation is how a deprecated operation says so, as header values.
type Deprecation struct {
	At     string // of Deprecation (RFC 9745): @1735689600
	Sunset string // of Sunset (RFC 8594): an HTTP date
	Link   string // of Link: where to read what to use instead; may be ""
}

// newDeprecation takes x-deprecated-at and x-sunset, which are dates
// (2026-01-02, from its first moment in UTC) or times, and x-deprecation-link.
func newDeprecation(at, sunset, link string) (*Deprecation, error) {
	from, err := parseDate(at)
	if err != nil {
		return nil, fmt.Errorf("x-deprecated-at: %w", err)
	}
	until, err := parseDate(sunset)
	if err != nil {
		return nil, fmt.Errorf("x-sunset: %w", err)
	}
	if until.Before(from) {
		return nil, errors.New("x-sunset is before x-deprecated-at")
	}
	d := &Deprecation{At: "@" + strconv.FormatInt(from.Unix(), 10), Sunset: until.Format(http.TimeFormat)}
	if link != "" {
		u, err := url.Parse(link)
		if err != nil {
			return nil, fmt.Errorf("x-deprecation-link: %w", err)
		}
		d.Link = "<" + u.String() + `>; rel="deprecation"`
	}
	return d, nil
}

func parseDate(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, errors.New("a deprecated operation needs this date")
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date such as 2026-01-02", text)
}

package contract

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// Deprecation has the values of the headers that announce that an operation is
// deprecated.
type Deprecation struct {
	At     string // for Deprecation (RFC 9745): @1735689600
	Sunset string // for Sunset (RFC 8594): an HTTP date
	Link   string // for Link: the page that names a replacement; may be ""
}

// readDeprecation reads x-deprecated-at and x-sunset, which are dates
// (2026-01-02, from its first moment in UTC) or times, and x-deprecation-link.
func (op *Operation) readDeprecation(o *openapi3.Operation) error {
	text := func(name string) string { s, _ := o.Extensions[name].(string); return s }
	if o.Deprecated {
		var err error
		op.Deprecation, err = newDeprecation(text("x-deprecated-at"), text("x-sunset"), text("x-deprecation-link"))
		return err
	}
	for _, name := range []string{"x-deprecated-at", "x-sunset", "x-deprecation-link"} {
		if _, found := o.Extensions[name]; found {
			return fmt.Errorf("has %s but is not deprecated", name)
		}
	}
	return nil
}

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
		return time.Time{}, errors.New("a deprecated operation must have this date")
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date such as 2026-01-02", text)
}

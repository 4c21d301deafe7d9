package server

import (
	"errors"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

const withheld = "[withheld]"

// secrets are what must not be logged even when an error quotes it: tokens,
// password hashes and e-mail addresses.
var secrets = regexp.MustCompile(`eyJ[\w-]+\.[\w-]*\.?[\w-]*|\$argon2[^\s"']*|[^\s"'()<>=,;:]+@[^\s"'()<>=,;:]+\.[^\s"'()<>=,;:]+`)

// encoding is how pgx begins an error that quotes a parameter.
var encoding = regexp.MustCompile(`(unable to encode ).*( into (?:binary|text) format)`)

// causeText is an error as the log may have it. PostgreSQL and pgx quote
// values in some of theirs; Detail, Hint and Where of a PgError do so by
// design and are in none of its text.
func causeText(err error) string {
	text := err.Error()
	var pe *pgconn.PgError
	if errors.As(err, &pe) && strings.HasPrefix(pe.Code, "22") { // data_exception: its message quotes the data
		text = strings.ReplaceAll(text, pe.Message, withheld)
	}
	text = encoding.ReplaceAllString(text, "${1}"+withheld+"${2}")
	if strings.ContainsAny(text, "@$.") {
		text = secrets.ReplaceAllString(text, withheld)
	}
	return text
}

package db

import (
	"errors"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

const withheld = "[withheld]"

// secrets matches tokens, password hashes and e-mail addresses, which must not
// be logged even when an error quotes them.
var secrets = regexp.MustCompile(`eyJ[\w-]+\.[\w-]*\.?[\w-]*|\$argon2[^\s"']*|[^\s"'()<>=,;:]+@[^\s"'()<>=,;:]+\.[^\s"'()<>=,;:]+`)

// encoding matches the start of an error in which pgx quotes a parameter.
var encoding = regexp.MustCompile(`(unable to encode ).*( into (?:binary|text) format)`)

// CauseText returns the text of an error without secrets. PostgreSQL and pgx
// quote values in some errors. The Detail, Hint and Where of a PgError quote
// values by design, but are not part of its text.
func CauseText(err error) string {
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

package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/api/slug"
	"github.com/byline-api/byline/db/importer/source"
)

// The limits of openapi.yaml, in characters. A test compares them.
const (
	maxUsername    = 64
	maxEmail       = 254
	maxBio         = 10_000
	maxImage       = 2048
	maxTitle       = 256
	maxDescription = 1024
	maxBody        = 262_144
	maxComment     = 16_384
	maxURL         = 2048
	maxReason      = 500
	maxCoverAlt    = 1000
	// Those of metadata: bytes, members, and characters of a name.
	maxMetadata = 16 << 10
	maxMembers  = 50
	maxMember   = 40
	// maxSlug is that of an imported slug, in bytes. Slugs of Byline are shorter,
	// but any address that clients know must stay.
	maxSlug = 255
	// maxHash is more than any hash has that can be verified, in bytes: 1024 of
	// PBKDF2 in hexadecimal, and the salt.
	maxHash = 2304
)

// judge applies the rules to one row.
type judge struct {
	settings Settings
	now      time.Time
	started  time.Time // when the import was begun for the first time
	name     string    // of the import
	kind     source.Kind
	key      string
	cases    []Case
	skip     bool // the row is left out
}

// note records a case and returns what to do.
func (j *judge) note(code Code, field, stored, other string) Action {
	action := j.settings.action(code)
	if action == Skip && code != TagInvalid && code != MemberInvalid {
		j.skip, stored = true, ""
	}
	j.cases = append(j.cases, Case{Kind: j.kind, Key: j.key, Code: code, Field: field, Action: action, Stored: stored, Other: other})
	return action
}

// text returns a text that PostgreSQL can store, and that the API accepts.
func (j *judge) text(field, s string, limit int) string {
	if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
		j.note(TextInvalid, field, "", "")
		s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	}
	if len(s) > limit && utf8.RuneCountInString(s) > limit && j.note(TextLong, field, "", "") == Repair {
		s = cut(s, limit)
	}
	return s
}

// optional is text for a text that may be null.
func (j *judge) optional(field string, s *string, limit int) *string {
	if s == nil {
		return nil
	}
	t := j.text(field, *s, limit)
	return &t
}

// cut returns the first characters of a text.
func cut(s string, characters int) string {
	n := 0
	for i := range s {
		if n == characters {
			return s[:i]
		}
		n++
	}
	return s
}

// latestTime is the latest time that JSON can have (RFC 3339). The earliest is
// that of the year 1.
var latestTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// times returns the times of a row as they are stored. Accounts of many systems
// have none, which is no case.
func (j *judge) times(created, updated time.Time) (time.Time, time.Time) {
	created, updated = j.time("createdAt", created), j.time("updatedAt", updated)
	if created.IsZero() {
		created = updated
		if created.IsZero() {
			created = j.started.UTC().Round(time.Millisecond)
		}
		if j.kind != source.Users {
			j.note(DateMissing, "createdAt", stamp(created), "")
		}
	}
	if updated.IsZero() {
		updated = created
	}
	if updated.Before(created) {
		j.note(DateOrder, "updatedAt", stamp(created), "")
		updated = created
	}
	return created, updated
}

// time returns a time to the millisecond, and the zero time if it is missing.
func (j *judge) time(field string, t time.Time) time.Time {
	t = t.UTC().Round(time.Millisecond)
	if t.Year() < 1 || t.IsZero() {
		return time.Time{}
	}
	// A minute is for the clock of the old system.
	if t.After(j.now.Add(time.Minute)) && (j.note(DateFuture, field, stamp(j.now), "") != Keep || t.After(latestTime)) {
		return j.now
	}
	return t
}

// unlessZero returns a time, and nil for the zero time.
func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// username returns a name that the API accepts.
func (j *judge) username(name string) string {
	if isUsername(name) {
		return name
	}
	repaired := strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r == '/' || unicode.IsControl(r) || !unicode.IsPrint(r) && r != ' ' || r == utf8.RuneError {
			return ' '
		}
		return r
	}, name)), " ")
	repaired = strings.TrimSpace(cut(repaired, maxUsername-8))
	if !isUsername(repaired) {
		repaired = "user-" + plainKey(j.key)
	}
	j.note(UsernameInvalid, "username", repaired, "")
	return repaired
}

var usernamePattern = regexp.MustCompile(`^[^\x00-\x1f\x7f/]*[^\s.\x00-\x1f\x7f/][^\x00-\x1f\x7f/]*$`)

func isUsername(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxUsername && usernamePattern.MatchString(s) && names.Fold(s) != ""
}

// plainKey returns a key as a part of names and addresses.
func plainKey(key string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, strings.ToLower(key))
	return strings.Trim(cut(plain, 24), "-")
}

// emailPattern is the rule of <input type=email> in the HTML standard, as for
// requests.
var emailPattern = regexp.MustCompile(`^[a-zA-Z0-9.!#$%&'*+/=?^_` + "`" + `{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$`)

// email returns an address that the API accepts.
func (j *judge) email(address string) string {
	if trimmed := strings.TrimSpace(address); len(trimmed) <= maxEmail && emailPattern.MatchString(trimmed) {
		return trimmed
	}
	stored := placeholder(j.name, j.key)
	j.note(EmailInvalid, "email", stored, "")
	return stored
}

// placeholder returns an address that belongs to nobody (RFC 2606), and that no
// other row of any import has.
func placeholder(name, key string) string {
	local := plainKey(name) + "-" + plainKey(key)
	if plainKey(name) != name || plainKey(key) != key {
		local += fmt.Sprintf("-%08x", uint32(newDigest().text(name, key).sum()))
	}
	return local + "@imported.invalid"
}

// hash returns a password hash, or "" if no password could match it.
func (j *judge) hash(hash string) string {
	if len(hash) <= maxHash && auth.CheckStored(hash) == nil {
		return hash
	}
	j.note(PasswordUnknown, "password", "", "")
	return ""
}

func (j *judge) role(role string) string {
	switch role {
	case "":
		return "author"
	case "reader", "author", "moderator", "editor", "admin":
		return role
	}
	j.note(RoleUnknown, "role", "author", "")
	return "author"
}

// slug returns the slug of an article, which must be a segment of a path.
func (j *judge) slug(s, title string) string {
	if isSlug(s) {
		return s
	}
	base := s
	if strings.Trim(s, "./\\ ") == "" {
		base = title
	}
	stored := slug.From(base)
	if base == "" {
		stored = "article-" + plainKey(j.key)
	}
	j.note(SlugInvalid, "slug", stored, "")
	return stored
}

// isSlug reports whether a slug can stay as it is.
func isSlug(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= maxSlug && !slug.IsReserved(s) && utf8.ValidString(s) &&
		strings.IndexFunc(s, func(r rune) bool { return r == '/' || r == '\\' || !unicode.IsPrint(r) }) < 0
}

// metadata returns the front end's own members of an article, if the API accepts
// them. PostgreSQL has no NUL in JSON.
func (j *judge) metadata(object json.RawMessage) json.RawMessage {
	if len(object) == 0 || string(object) == "null" {
		return nil
	}
	var members map[string]json.RawMessage
	ok := len(object) <= maxMetadata && json.Unmarshal(object, &members) == nil && len(members) <= maxMembers && !bytes.Contains(object, []byte(`\u0000`))
	for name := range members {
		ok = ok && name != "" && utf8.RuneCountInString(name) <= maxMember
	}
	if !ok {
		j.note(MemberInvalid, "metadata", "", "")
	}
	if !ok || len(members) == 0 {
		return nil
	}
	return object
}

// url returns an address of the web, or "".
func (j *judge) url(field, s string) string {
	if s == "" || len(s) <= maxURL && urlPattern.MatchString(s) {
		return s
	}
	j.note(MemberInvalid, field, "", "")
	return ""
}

var urlPattern = regexp.MustCompile(`^[hH][tT][tT][pP][sS]?://[^/?#\\\s@:"<>\x00-\x1f\x7f][^/?#\\\s@"<>\x00-\x1f\x7f]*([/?#][^\s"<>\x00-\x1f\x7f]*)?$`)

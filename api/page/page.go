// Package page implements keyset pagination. It provides opaque cursors that
// identify a position in a list, and the link to the next page.
//
// A keyset cursor, unlike an offset, costs the same on every page. It neither
// skips nor repeats rows while other rows are inserted. A cursor is
// authenticated, but not encrypted, because it contains nothing that the list
// itself does not show.
package page

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"net/url"
	"strings"
	"time"
)

// ErrInvalid is the only error of Decode. It is the same for a malformed
// cursor, a forged cursor and a cursor of another list. The client has to start
// again at the first page in each case.
var ErrInvalid = errors.New("page: invalid cursor")

const (
	// CursorLen is the length of every cursor in characters. It is the
	// maxLength of cursors in openapi.yaml.
	CursorLen = 44

	// positionLen is the length of the kind of the key, the key and the id.
	positionLen = 1 + 8 + 8
	// tagLen is 128 bits, the minimum that RFC 2104 section 5 recommends for
	// SHA-256.
	tagLen = sha256.Size / 2
	// cursorLen is 33 bytes. They are exactly 44 characters of base64, so there
	// are no unused bits.
	cursorLen = positionLen + tagLen

	// keyInfo makes this key differ from all other keys that are derived from
	// the same secret (RFC 5869 section 3.2).
	keyInfo = "byline page cursor v1"
)

var encoding = base64.RawURLEncoding.Strict()

// Key is the value that a list is sorted by. The zero Key is for lists that are
// sorted by id only.
type Key struct {
	kind byte
	bits uint64
}

// These are the kinds of keys. The kind is the first byte of a cursor.
const (
	kindTime byte = iota + 1
	kindCount
	kindScore
)

// At returns the key of a list that is sorted by time. The key has a resolution
// of microseconds, as PostgreSQL's timestamptz. Finer fractions are cut off.
// The time must be the stored value. A time that is rounded to milliseconds, as
// in the JSON output, would skip or repeat rows.
func At(t time.Time) Key { return Key{kind: kindTime, bits: uint64(t.UnixMicro())} }

// Count returns the key of a list that is sorted by a whole number.
func Count(n int64) Key { return Key{kind: kindCount, bits: uint64(n)} }

// Score returns the key of a list that is sorted by a float8. The key contains
// the exact bits of the number.
func Score(f float64) Key { return Key{kind: kindScore, bits: math.Float64bits(f)} }

// Time returns the time that was passed to At, in UTC.
func (k Key) Time() time.Time { return time.UnixMicro(int64(k.bits)).UTC() }

// Count returns the number that was passed to the function Count.
func (k Key) Count() int64 { return int64(k.bits) }

// Score returns the number that was passed to the function Score.
func (k Key) Score() float64 { return math.Float64frombits(k.bits) }

// Position is the position of a row in a list that is sorted by (key, id), in
// either direction. A page starts after the position of the last row of the
// previous page.
type Position struct {
	Key Key
	// ID orders rows whose keys are equal.
	ID int64
}

// Newest is the position before the first row of a list that is sorted by time,
// newest first.
var Newest = Position{Key: At(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)), ID: math.MaxInt64}

// Oldest is the position before the first row of a list that is sorted by time,
// oldest first.
var Oldest = Position{Key: At(time.Time{})}

// LastID is the position before the first row of a list that is sorted by id,
// highest first.
var LastID = Position{ID: math.MaxInt64}

// Codec encodes and decodes cursors with one key. It is safe for concurrent
// use.
type Codec struct{ key []byte }

// NewCodec returns a Codec whose key is derived from secret by HKDF-SHA256 (RFC
// 5869). The secret may therefore be one that has other uses too. Instances
// with the same secret accept each other's cursors. A new secret invalidates
// all cursors. NewCodec panics if the secret is empty, because anyone could
// then forge cursors. The configuration must refuse an empty secret at start.
func NewCodec(secret []byte) *Codec {
	if len(secret) == 0 {
		panic("page: empty secret")
	}
	key, err := hkdf.Key(sha256.New, secret, nil, keyInfo, sha256.Size)
	if err != nil {
		panic("page: derive key: " + err.Error())
	}
	return &Codec{key: key}
}

// Encode returns the cursor of the position p in the list that scope
// identifies. The cursor is CursorLen characters of base64url (RFC 4648 section
// 5) without padding. The scope, such as "articles?tag=go", must contain
// everything that selects and orders the rows. It must not contain the page
// size, because a client may change that from page to page.
func (c *Codec) Encode(scope string, p Position) string {
	var raw [cursorLen]byte
	raw[0] = p.Key.kind
	binary.BigEndian.PutUint64(raw[1:], p.Key.bits)
	binary.BigEndian.PutUint64(raw[9:], uint64(p.ID))
	tag := c.tag(scope, raw[:positionLen])
	copy(raw[positionLen:], tag[:])
	return encoding.EncodeToString(raw[:])
}

// Decode returns the position that was passed to Encode. It returns ErrInvalid
// if the cursor is not exactly one that Encode returned with this key for this
// scope.
func (c *Codec) Decode(scope, cursor string) (Position, error) {
	if len(cursor) != CursorLen {
		return Position{}, ErrInvalid
	}
	var raw [cursorLen]byte
	// The decoder skips line breaks, so 44 characters may contain fewer bytes.
	if n, err := encoding.Decode(raw[:], []byte(cursor)); err != nil || n != cursorLen || raw[0] > kindScore {
		return Position{}, ErrInvalid
	}
	tag := c.tag(scope, raw[:positionLen])
	if !hmac.Equal(tag[:], raw[positionLen:]) {
		return Position{}, ErrInvalid
	}
	return Position{
		Key: Key{kind: raw[0], bits: binary.BigEndian.Uint64(raw[1:])},
		ID:  int64(binary.BigEndian.Uint64(raw[9:])),
	}, nil
}

// EncodeText is Encode for a list that is sorted by a text. The length of the
// cursor depends on that of the text.
func (c *Codec) EncodeText(scope, text string) string {
	tag := c.textTag(scope, text)
	return encoding.EncodeToString(append(tag[:], text...))
}

// DecodeText is Decode for a cursor of EncodeText.
func (c *Codec) DecodeText(scope, cursor string) (string, error) {
	raw, err := encoding.DecodeString(cursor)
	// The decoder skips line breaks.
	if err != nil || len(raw) < tagLen || len(cursor) != encoding.EncodedLen(len(raw)) {
		return "", ErrInvalid
	}
	text := string(raw[tagLen:])
	if tag := c.textTag(scope, text); !hmac.Equal(tag[:], raw[:tagLen]) {
		return "", ErrInvalid
	}
	return text, nil
}

// textTag returns the authentication tag of a text and a scope. The hash of the
// text has another length than a position.
func (c *Codec) textTag(scope, text string) [tagLen]byte {
	sum := sha256.Sum256([]byte(text))
	return c.tag("text\n"+scope, sum[:])
}

// tag returns the authentication tag of a position and a scope. The position
// has a fixed length, so no separator between the two is necessary.
func (c *Codec) tag(scope string, position []byte) (tag [tagLen]byte) {
	mac := hmac.New(sha256.New, c.key)
	mac.Write(position)
	mac.Write([]byte(scope))
	var sum [sha256.Size]byte
	copy(tag[:], mac.Sum(sum[:0]))
	return tag
}

// NextLink returns the value of a Link header (RFC 8288) with the URL of the
// page at cursor. The argument self is the URL of the request. NextLink keeps
// the other query parameters, but removes offset, which would be applied in
// addition to the cursor. It also removes parameters that url.ParseQuery cannot
// parse.
//
// The link is a path-absolute reference (RFC 3986 section 4.2) without scheme
// and host, because the service does not know its public ones behind a proxy.
func NextLink(self *url.URL, cursor string) string {
	query := self.Query()
	query.Del("offset")
	query.Set("cursor", cursor)
	// A client would read a path that starts with two slashes as another host.
	path := "/" + strings.TrimLeft(self.EscapedPath(), "/")
	return "<" + path + "?" + query.Encode() + `>; rel="next"`
}

// Package page holds what keyset pagination needs: opaque cursors that name a
// position in a list, and the link to the page that follows it.
//
// A keyset cursor, unlike an offset, costs the same on every page and neither
// skips nor repeats rows while others are inserted. It is authenticated, not
// encrypted: it holds nothing that the list itself does not show.
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

// ErrInvalid is the only error of Decode. It does not tell a malformed cursor
// from a forged one or from that of another list, since the client's remedy is
// the same: start again at the first page.
var ErrInvalid = errors.New("page: invalid cursor")

const (
	// CursorLen is the length of every cursor in characters, for the document's
	// maxLength.
	CursorLen = 44

	positionLen = 1 + 8 + 8            // kind of the key, key, id
	tagLen      = sha256.Size / 2      // 128 bits, the least that RFC 2104 section 5 advises for SHA-256
	cursorLen   = positionLen + tagLen // 33 bytes are exactly 44 characters, so base64 leaves no loose bits

	// keyInfo separates this key from every other that is derived from the
	// same secret (RFC 5869 section 3.2).
	keyInfo = "byline page cursor v1"
)

var encoding = base64.RawURLEncoding.Strict()

// Key is the value that a list is sorted by. The zero Key is for lists that
// are sorted by id alone.
type Key struct {
	kind byte
	bits uint64
}

// The kinds of keys, the first byte of a cursor.
const (
	kindTime byte = iota + 1
	kindCount
	kindScore
)

// At returns the key of a list that is sorted by time. It has the resolution
// of PostgreSQL's timestamptz, microseconds; a finer part is cut off. It must
// be the stored value: one rounded to the milliseconds of the JSON output
// would skip or repeat rows.
func At(t time.Time) Key { return Key{kind: kindTime, bits: uint64(t.UnixMicro())} }

// Count returns the key of a list that is sorted by a whole number.
func Count(n int64) Key { return Key{kind: kindCount, bits: uint64(n)} }

// Score returns the key of a list that is sorted by a float8, to the bit.
func Score(f float64) Key { return Key{kind: kindScore, bits: math.Float64bits(f)} }

// Time returns what At was given, in UTC.
func (k Key) Time() time.Time { return time.UnixMicro(int64(k.bits)).UTC() }

// Count returns what Count was given.
func (k Key) Count() int64 { return int64(k.bits) }

// Score returns what Score was given.
func (k Key) Score() float64 { return math.Float64frombits(k.bits) }

// Position is the place of a row in a list that is sorted by (key, id), in
// either direction. A page starts behind the position of the last row of the
// page before.
type Position struct {
	Key Key
	// ID breaks ties between rows of equal keys.
	ID int64
}

// Newest lies beyond every row of a list that is sorted by time, the newest
// row first.
var Newest = Position{Key: At(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)), ID: math.MaxInt64}

// Oldest lies before every row of a list that is sorted by time, the oldest
// row first.
var Oldest = Position{Key: At(time.Time{})}

// LastID lies beyond every row of a list that is sorted by id, the highest
// first.
var LastID = Position{ID: math.MaxInt64}

// Codec makes and reads cursors under one key. It is safe for concurrent use.
type Codec struct{ key []byte }

// NewCodec derives the key of its cursors from secret by HKDF-SHA256 (RFC
// 5869), so that the service may pass the secret that signs its tokens.
// Instances that share a secret read each other's cursors; a new secret
// invalidates all. It panics on an empty secret, under which anyone could forge
// cursors: configuration must refuse that at start.
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

// Encode returns the cursor of p in the list that scope names, CursorLen
// characters of base64url (RFC 4648 section 5) without padding. The scope, such
// as "articles?tag=go", must state all that selects and orders the rows, but
// not the page size, which a client may change on the way.
func (c *Codec) Encode(scope string, p Position) string {
	var raw [cursorLen]byte
	raw[0] = p.Key.kind
	binary.BigEndian.PutUint64(raw[1:], p.Key.bits)
	binary.BigEndian.PutUint64(raw[9:], uint64(p.ID))
	tag := c.tag(scope, raw[:positionLen])
	copy(raw[positionLen:], tag[:])
	return encoding.EncodeToString(raw[:])
}

// Decode returns the position that Encode was given, or ErrInvalid when cursor
// is not, character by character, one that this key made for this scope.
func (c *Codec) Decode(scope, cursor string) (Position, error) {
	if len(cursor) != CursorLen {
		return Position{}, ErrInvalid
	}
	var raw [cursorLen]byte
	// The count matters: the decoder skips line breaks, so that 44 characters
	// may hold fewer bytes.
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

// tag authenticates position and scope. The position has a fixed length, so
// that the two need no separator.
func (c *Codec) tag(scope string, position []byte) (tag [tagLen]byte) {
	mac := hmac.New(sha256.New, c.key)
	mac.Write(position)
	mac.Write([]byte(scope))
	var sum [sha256.Size]byte
	copy(tag[:], mac.Sum(sum[:0]))
	return tag
}

// NextLink returns the value of a Link header (RFC 8288) that leads from self,
// the request's URL, to the page at cursor. It keeps the other query members
// and drops offset, which would be applied on top of the cursor. The target is
// a path-absolute reference (RFC 3986 section 4.2) without scheme and host,
// because behind a proxy the service does not know its public ones. Members
// that url.ParseQuery cannot read are left out.
func NextLink(self *url.URL, cursor string) string {
	query := self.Query()
	query.Del("offset")
	query.Set("cursor", cursor)
	// A path of two leading slashes would be read as the name of another host.
	path := "/" + strings.TrimLeft(self.EscapedPath(), "/")
	return "<" + path + "?" + query.Encode() + `>; rel="next"`
}

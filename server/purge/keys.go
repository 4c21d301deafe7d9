package purge

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/byline-api/byline/db/changes"
)

// Format is how an edge names what a response depends on, and how it is told to
// drop the responses that depend on something.
type Format string

const (
	// SurrogateKey is the format of Fastly, and of Varnish with xkey.
	SurrogateKey Format = "surrogate-key"
	// CacheTag is the format of Cloudflare.
	CacheTag Format = "cache-tag"
)

// maxValue bounds the field that names what a response depends on, in bytes:
// nginx refuses responses with more than 4 KB of fields by default. The limits
// of Varnish (8 KB a field), Fastly and Cloudflare (16 KB) are higher.
const maxValue = 3000

// Field returns the name of the response field that names what a response
// depends on.
func (f Format) Field() string {
	if f == CacheTag {
		return "Cache-Tag"
	}
	return "Surrogate-Key"
}

// Value returns the value of the field for a response that depends on keys. It
// is empty if it would be too long for an edge to store the response, or if the
// response depends on something that is not purged.
func (f Format) Value(keys []changes.Key) string {
	separator := byte(' ')
	if f == CacheTag {
		separator = ','
	}
	if (keyLength+1)*(len(keys)+1) > maxValue {
		return ""
	}
	var b strings.Builder
	b.Grow((keyLength + 1) * (len(keys) + 1))
	b.WriteString(name(changes.Everything))
	for _, k := range keys {
		if slices.Contains(personal, k.Kind()) {
			return ""
		}
		b.WriteByte(separator)
		b.WriteString(name(k))
	}
	return b.String()
}

// keyLength is the length of a name of a key.
const keyLength = 11

// name returns a short name of a key. It is a hash, so that clients do not see
// ids and the text of tags where an edge does not remove the field. If two keys
// have the same name, more is purged than necessary. Cloudflare ignores case,
// which makes that only a little more likely.
func name(k changes.Key) string {
	var hash [8]byte
	binary.BigEndian.PutUint64(hash[:], k.Hash())
	return base64.RawURLEncoding.EncodeToString(hash[:])
}

// personal are the kinds of what no response to an anonymous read depends on.
// They are not purged.
var personal = []changes.Kind{
	changes.KindSession, changes.KindAPIKey, changes.KindAccount, changes.KindSigningKeys, changes.KindFavoritesOf, changes.KindFollowsOf,
}

// names returns the names of what has changed, each once.
func names(b changes.Batch) []string {
	if b.All {
		return []string{name(changes.Everything)}
	}
	seen := make(map[changes.Key]bool, len(b.Keys))
	var all []string
	for _, k := range b.Keys {
		if !seen[k] && !slices.Contains(personal, k.Kind()) {
			seen[k] = true
			all = append(all, name(k))
		}
	}
	return all
}

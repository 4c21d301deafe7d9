package compare

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
	"unicode/utf8"
)

// Shown is what may be shown of a value. Numbers, booleans, dates and null are
// shown as they are. Of texts, lists and objects, which may be personal, only
// the length is shown, and a hash that tells whether two values are the same.
type Shown struct {
	Kind   string `json:"kind"`
	Value  string `json:"value,omitempty"`
	Length int    `json:"length,omitempty"`
	Hash   string `json:"hash,omitempty"`
}

// String returns the value for people.
func (s Shown) String() string {
	switch {
	case s.Value != "":
		return s.Value
	case s.Hash == "":
		return s.Kind
	}
	return s.Kind + " of " + jsonText(s.Length) + ", #" + s.Hash
}

// shower hides values behind a hash. Its key is random and never stored, so
// that nobody can find out texts by trying.
type shower struct{ key []byte }

func newShower() shower { return shower{key: []byte(rand.Text())} }

// show returns what may be shown of a value.
func (s shower) show(v any) Shown {
	shown := Shown{Kind: kindOf(v)}
	switch v := v.(type) {
	case nil:
	case bool:
		shown.Value = jsonText(v)
	case json.Number:
		if shown.Value = string(v); len(shown.Value) > maxNumber {
			shown.Value = ""
		}
	case string:
		if _, err := time.Parse(time.RFC3339Nano, v); err == nil {
			shown.Kind, shown.Value = "date", v
			break
		}
		shown.Length, shown.Hash = utf8.RuneCountInString(v), s.hash(v)
	case []any:
		shown.Length, shown.Hash = len(v), s.hash(jsonText(v))
	case map[string]any:
		shown.Length, shown.Hash = len(v), s.hash(jsonText(v))
	}
	return shown
}

// maxNumber is how long a shown number may be.
const maxNumber = 30

// hash returns a keyed hash that is long enough to tell some values apart.
func (s shower) hash(text string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:4])
}

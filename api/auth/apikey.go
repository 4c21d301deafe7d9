package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// An API key consists of byl_ and 36 letters and digits: 26 of a random text,
// and ten of a code that only this service can compute. Scanners for leaked
// secrets recognize the prefix. Invented keys are refused without a database
// query.
const (
	apiKeyPrefix  = "byl_"
	apiKeyRandom  = 26
	apiKeyCode    = 10
	apiKeyVisible = len(apiKeyPrefix) + 6
)

// APIKeys creates and verifies API keys.
type APIKeys struct{ secret []byte }

// NewAPIKeys returns an APIKeys whose codes depend on secret.
func NewAPIKeys(secret []byte) *APIKeys { return &APIKeys{secret} }

// APIKey is a new key. Only Hash and Prefix, which may be shown, are stored.
type APIKey struct {
	Text, Prefix string
	Hash         []byte
}

// New returns a new key of 130 random bits.
func (k *APIKeys) New() APIKey {
	random := strings.ToLower(rand.Text())[:apiKeyRandom]
	text := apiKeyPrefix + random + k.code(random)
	return APIKey{Text: text, Prefix: text[:apiKeyVisible], Hash: hashAPIKey(text)}
}

// Hash returns the hash that a key is looked up by. ok is false if this service
// did not create the key.
func (k *APIKeys) Hash(text string) (hash []byte, ok bool) {
	random, found := strings.CutPrefix(text, apiKeyPrefix)
	if !found || len(random) != apiKeyRandom+apiKeyCode {
		return nil, false
	}
	random, code := random[:apiKeyRandom], random[apiKeyRandom:]
	if !hmac.Equal([]byte(code), []byte(k.code(random))) {
		return nil, false
	}
	return hashAPIKey(text), true
}

func (k *APIKeys) code(random string) string {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write([]byte("byline api key\x00" + random))
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil)))[:apiKeyCode]
}

func hashAPIKey(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// isAPIKey reports whether a credential is an API key; otherwise it is a token.
func isAPIKey(credential string) bool { return strings.HasPrefix(credential, apiKeyPrefix) }

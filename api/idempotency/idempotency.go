// Package idempotency makes it safe to repeat requests that create something
// (draft-ietf-httpapi-idempotency-key-header). The first response is stored
// together with the change, and returned again when the request is repeated.
//
// The stored data reveals nothing to a reader of the database: the response to
// a registration contains a token, and a fast hash of a body with a password
// could be used to guess the password. The client's key is therefore stored
// only as a MAC, and the body and the response are protected by secrets that
// are derived from that key.
package idempotency

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
)

// Keeper computes what is stored for a request.
type Keeper struct{ secret []byte }

// NewKeeper returns a Keeper for the secret of the service, which all replicas
// share.
func NewKeeper(secret []byte) *Keeper { return &Keeper{secret: secret} }

// Claim is one request with an idempotency key.
type Claim struct {
	// Key is what the request is stored under: a MAC of the client's key and
	// its scope, so that the keys of different clients cannot collide.
	Key []byte
	// Fingerprint distinguishes a repeated request from another request with
	// the same key.
	Fingerprint []byte
	sealer      cipher.AEAD
}

// Claim returns the claim of a request. scope identifies the caller, the
// operation and the resource; body is the request body.
func (k *Keeper) Claim(scope, key string, body any) (*Claim, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("idempotency: %w", err)
	}
	// These are three keys of 32 bytes: the stored key, the MAC key for bodies
	// and the encryption key.
	derived, err := hkdf.Key(sha256.New, k.secret, []byte(scope), "byline idempotency\x00"+key, 96)
	if err != nil {
		return nil, fmt.Errorf("idempotency: %w", err)
	}
	mac := hmac.New(sha256.New, derived[32:64])
	mac.Write(text)
	block, err := aes.NewCipher(derived[64:])
	if err != nil {
		return nil, fmt.Errorf("idempotency: %w", err)
	}
	sealer, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("idempotency: %w", err)
	}
	return &Claim{Key: derived[:32], Fingerprint: mac.Sum(nil), sealer: sealer}, nil
}

// Repeats reports whether a stored fingerprint belongs to the same request.
func (c *Claim) Repeats(fingerprint []byte) bool { return hmac.Equal(c.Fingerprint, fingerprint) }

// Seal returns the encrypted response, as it is stored.
func (c *Claim) Seal(answer any) ([]byte, error) {
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("idempotency: %w", err)
	}
	nonce := make([]byte, c.sealer.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return c.sealer.Seal(nonce, nonce, text, nil), nil
}

// Open decrypts a stored response into answer.
func (c *Claim) Open(sealed []byte, answer any) error {
	n := c.sealer.NonceSize()
	if len(sealed) < n {
		return errors.New("idempotency: the stored response is truncated")
	}
	text, err := c.sealer.Open(nil, sealed[:n], sealed[n:], nil)
	if err != nil {
		return fmt.Errorf("idempotency: %w", err)
	}
	return json.Unmarshal(text, answer)
}

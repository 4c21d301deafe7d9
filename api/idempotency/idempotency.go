// Package idempotency makes creating calls safe to repeat
// (draft-ietf-httpapi-idempotency-key-header): the first answer is kept with
// the change it belongs to, and given again to whoever repeats the call.
//
// What is kept tells a reader of the database nothing: answers to a
// registration hold a token, and a fast hash of a body with a password would
// invite guessing. The key that the client chose is stored as a MAC only, and
// body and answer under secrets that are derived from it.
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

// Keeper derives what is stored from what clients send.
type Keeper struct{ secret []byte }

// NewKeeper returns a Keeper for the service's secret, which all replicas
// share.
func NewKeeper(secret []byte) *Keeper { return &Keeper{secret: secret} }

// Claim is one call under one key.
type Claim struct {
	// Key is what the call is stored under: a MAC of the client's key and of
	// its scope, so that nobody can meet another's.
	Key []byte
	// Fingerprint tells another call under the same key from a repetition.
	Fingerprint []byte
	sealer      cipher.AEAD
}

// Claim returns the claim of a call. Scope names who calls which operation on
// what; body is what was sent.
func (k *Keeper) Claim(scope, key string, body any) (*Claim, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("idempotency: %w", err)
	}
	// 32 bytes each: the stored key, the MAC key of bodies, the sealing key.
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

// Repeats tells whether a stored fingerprint is that of the same call.
func (c *Claim) Repeats(fingerprint []byte) bool { return hmac.Equal(c.Fingerprint, fingerprint) }

// Seal returns the answer as it is stored.
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

// Open reads a stored answer into answer.
func (c *Claim) Open(sealed []byte, answer any) error {
	n := c.sealer.NonceSize()
	if len(sealed) < n {
		return errors.New("idempotency: the stored answer is cut short")
	}
	text, err := c.sealer.Open(nil, sealed[:n], sealed[n:], nil)
	if err != nil {
		return fmt.Errorf("idempotency: %w", err)
	}
	return json.Unmarshal(text, answer)
}

package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
)

// LinkToken is a token that is a part of a link. One that is sent by mail
// proves, once, that a user reads the mails to an address. Only Hash is stored.
type LinkToken struct {
	Text string
	Hash []byte
}

// NewLinkToken returns a token of 130 random bits. It cannot be guessed, so a
// fast hash protects it as well as a slow one.
func NewLinkToken() LinkToken {
	text := strings.ToLower(rand.Text())
	return LinkToken{Text: text, Hash: HashLinkToken(text)}
}

// HashLinkToken returns the hash that a token is looked up by. Users may copy a
// token with white space around it, or in upper case.
func HashLinkToken(text string) []byte {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(text))))
	return sum[:]
}

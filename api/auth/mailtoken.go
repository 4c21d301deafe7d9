package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
)

// MailToken is a token that is sent by mail. It proves, once, that a user reads
// the mails to an address. Only Hash is stored.
type MailToken struct {
	Text string
	Hash []byte
}

// NewMailToken returns a token of 130 random bits. It cannot be guessed, so a
// fast hash protects it as well as a slow one.
func NewMailToken() MailToken {
	text := strings.ToLower(rand.Text())
	return MailToken{Text: text, Hash: HashMailToken(text)}
}

// HashMailToken returns the hash that a token is looked up by. Users may copy a
// token with white space around it, or in upper case.
func HashMailToken(text string) []byte {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(text))))
	return sum[:]
}

package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
)

// MailToken is a token that goes out by mail and proves, once, that somebody
// reads what is sent to an address. Only Hash is kept.
type MailToken struct {
	Text string
	Hash []byte
}

// NewMailToken returns a token of 130 random bits. Such a token cannot be
// guessed, so that a fast hash protects it as well as a slow one.
func NewMailToken() MailToken {
	text := strings.ToLower(rand.Text())
	return MailToken{Text: text, Hash: HashMailToken(text)}
}

// HashMailToken returns what a token is looked up by. People may copy it with
// white space around it, or in capitals.
func HashMailToken(text string) []byte {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(text))))
	return sum[:]
}

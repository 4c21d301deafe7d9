package auth

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	pbkdf2Prefix = "$pbkdf2-sha512$"
	// maxIterations bounds the work of a PBKDF2 hash, which takes about a second
	// with so many iterations.
	maxIterations = 1_000_000
	// pbkdf2Block is the size of the parts that PBKDF2 computes. They do not
	// depend on each other, and the first one is enough to verify a password.
	// The others would only cost time: an attacker would not compute them.
	pbkdf2Block = sha512.Size
	minPBKDF2   = 16
	maxPBKDF2   = 1024
	maxSalt     = 128
)

// errUnreadable is the error for a hash that has the prefix of an algorithm and
// another form. It does not contain the hash, since it is logged.
var errUnreadable = errors.New("auth: stored password hash: its form is unknown")

// pbkdf2Hash is a PBKDF2-HMAC-SHA512 hash. Many Express applications store one,
// with 10000 iterations and 512 bytes.
type pbkdf2Hash struct {
	iterations int
	salt       string
	first      []byte // up to pbkdf2Block bytes
}

// FormatPBKDF2 returns the form of a hash in which the service stores it. The
// salt is the text that the older system has passed to PBKDF2, which is often
// itself in hexadecimal. The hash is in hexadecimal.
func FormatPBKDF2(iterations int, salt, hash string) string {
	return fmt.Sprintf("%si=%d,l=%d$%s$%s", pbkdf2Prefix, iterations, len(hash)/2, salt, hash)
}

func isPBKDF2(hash string) bool { return strings.HasPrefix(hash, pbkdf2Prefix) }

// parsePBKDF2 parses the form of FormatPBKDF2.
func parsePBKDF2(text string) (h pbkdf2Hash, err error) {
	parts := strings.Split(strings.TrimPrefix(text, pbkdf2Prefix), "$")
	if !isPBKDF2(text) || len(parts) != 3 {
		return h, errUnreadable
	}
	iterations, length, found := strings.Cut(strings.TrimPrefix(parts[0], "i="), ",l=")
	h.iterations, err = strconv.Atoi(iterations)
	if !found || err != nil || h.iterations < 1 || parts[0] != fmt.Sprintf("i=%d,l=%s", h.iterations, length) {
		return h, errUnreadable
	}
	h.salt = parts[1]
	hash, err := hex.DecodeString(parts[2])
	if err != nil || length != strconv.Itoa(len(hash)) || len(hash) < minPBKDF2 || len(hash) > maxPBKDF2 || h.salt == "" || len(h.salt) > maxSalt {
		return h, errUnreadable
	}
	h.first = hash[:min(len(hash), pbkdf2Block)]
	return h, nil
}

// derivePBKDF2 returns the first bytes of the hash of a password.
func derivePBKDF2(password, salt string, iterations, size int) ([]byte, error) {
	return pbkdf2.Key(sha512.New, password, []byte(salt), iterations, size)
}

// checkPBKDF2 reports whether a password matches a hash, and which work that has
// taken.
func (p *Passwords) checkPBKDF2(password, hash string) (ok bool, done LegacyWork, err error) {
	h, err := parsePBKDF2(hash)
	if err != nil {
		return false, done, err
	}
	got, err := p.work.pbkdf2(password, h.salt, h.iterations, len(h.first))
	return subtle.ConstantTimeCompare(got, h.first) == 1, LegacyWork{PBKDF2Iterations: h.iterations}, err
}

// spendPBKDF2 does the work of a number of iterations, which costs as much as
// that many of a hash.
func (p *Passwords) spendPBKDF2(password string, iterations int) error {
	if iterations <= 0 {
		return nil
	}
	_, err := p.work.pbkdf2(password, "a salt that no account has", iterations, pbkdf2Block)
	return err
}

package auth

import (
	"errors"
	"regexp"
	"strconv"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/bcrypt"
)

const (
	// The maximum work of an argon2id hash that is verified. Libraries of other
	// systems recommend up to 256 MiB; this much memory and this many passes take
	// some seconds, as bcrypt of maxBcryptCost.
	maxArgonMemory      = 256 * 1024 // KiB
	maxArgonIterations  = 16
	maxArgonParallelism = 16
	// A shorter key matches some wrong passwords too, and an empty one all.
	minArgonKey  = 16
	maxArgonKey  = 1024
	maxArgonSalt = 1024
)

// errExpensive is the error for a hash that would take too much work.
var errExpensive = errors.New("auth: stored password hash: it takes too much work")

var bcryptPattern = regexp.MustCompile(`^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$`)

// CheckStored returns an error if Verify would match no password with a hash: its
// form is unknown, or it takes too much work. The error does not contain the
// hash. An account without a password has an empty hash, which is such a one.
func CheckStored(hash string) error {
	switch {
	case isPBKDF2(hash):
		h, err := parsePBKDF2(hash)
		if err == nil && h.iterations > maxIterations {
			err = errExpensive
		}
		return err
	case isBcrypt(hash):
		return checkStoredBcrypt(hash)
	}
	return checkStoredArgon(hash)
}

func checkStoredBcrypt(hash string) error {
	parts := bcryptPattern.FindStringSubmatch(hash)
	if parts == nil {
		return errUnreadable
	}
	switch cost, _ := strconv.Atoi(parts[1]); {
	case cost < minBcryptCost || cost > bcrypt.MaxCost:
		return errUnreadable
	case cost > maxBcryptCost:
		return errExpensive
	}
	return nil
}

func checkStoredArgon(hash string) error {
	p, _, _, err := argon2id.DecodeHash(hash)
	switch {
	case err != nil, p.Iterations == 0, p.Parallelism == 0, p.KeyLength < minArgonKey, p.KeyLength > maxArgonKey, p.SaltLength > maxArgonSalt:
		return errUnreadable
	case p.Memory > maxArgonMemory, p.Iterations > maxArgonIterations, p.Parallelism > maxArgonParallelism:
		return errExpensive
	}
	return nil
}

package auth

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/semaphore"
)

// Params is the cost of a password hash: an OWASP setting for argon2id
// (Password Storage Cheat Sheet) that fits the memory target.
var Params = argon2id.Params{Memory: 7 * 1024, Iterations: 5, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// ErrBusy means that too many passwords are waiting to be hashed, or that the
// request ended while this one was.
var ErrBusy = errors.New("auth: password hashing is busy")

// maxWaiting is how many computations may wait for one slot: some 15 ms each,
// it bounds the wait to a second.
const maxWaiting = 64

// Passwords hashes and verifies passwords with argon2id. Each computation
// takes Params.Memory KiB and a whole core, so that only a few run at once;
// the others wait, or give up with their context.
type Passwords struct {
	params argon2id.Params
	slots  *semaphore.Weighted
	queue  chan struct{} // those that run or wait
	decoy  string
}

// NewPasswords returns a hasher that runs up to atOnce computations at once.
func NewPasswords(params argon2id.Params, atOnce int) (*Passwords, error) {
	if atOnce < 1 {
		return nil, fmt.Errorf("auth: %d password computations at once, want at least 1", atOnce)
	}
	decoy, err := argon2id.CreateHash("a password that no account has", &params)
	if err != nil {
		return nil, err
	}
	return &Passwords{params: params, slots: semaphore.NewWeighted(int64(atOnce)),
		queue: make(chan struct{}, atOnce*(1+maxWaiting)), decoy: decoy}, nil
}

// begin waits for a turn, or returns ErrBusy.
func (p *Passwords) begin(ctx context.Context) (done func(), err error) {
	select {
	case p.queue <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	if err := p.slots.Acquire(ctx, 1); err != nil {
		<-p.queue
		return nil, fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return func() { go p.end() }, nil
}

// end gives the turn to the next one once the memory of this one is free
// again. Left to the collector's own pace, what waits to be collected counts
// as in use when the next computation takes its share, and under many
// sign-ins memory grew to four times that of one.
func (p *Passwords) end() {
	runtime.GC()
	p.slots.Release(1)
	<-p.queue
}

// Hash returns the hash of a password as a PHC string. Every byte counts.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	done, err := p.begin(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return argon2id.CreateHash(password, &p.params)
}

// Verify tells whether password has this hash, and whether the hash should be
// renewed because it is of an older kind: other argon2id parameters, or bcrypt
// from the system that was migrated. With an empty hash (no such account) it
// does the same work and says no, so that the time of an answer does not tell
// whether an account exists.
func (p *Passwords) Verify(ctx context.Context, password, hash string) (ok, renew bool, err error) {
	done, err := p.begin(ctx)
	if err != nil {
		return false, false, err
	}
	defer done()
	if hash == "" {
		_, _, err := argon2id.CheckHash(password, p.decoy)
		return false, false, err
	}
	if isBcrypt(hash) {
		// Older systems cut at bcrypt's 72 bytes; their hashes verify the same way.
		err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)[:min(len(password), 72)])
		if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			return false, false, nil
		}
		return err == nil, err == nil, err
	}
	ok, params, err := argon2id.CheckHash(password, hash)
	if err != nil {
		return false, false, fmt.Errorf("auth: stored password hash: %w", err)
	}
	return ok, ok && *params != p.params, nil
}

func isBcrypt(hash string) bool {
	return strings.HasPrefix(hash, "$2a$") || strings.HasPrefix(hash, "$2b$") || strings.HasPrefix(hash, "$2y$")
}

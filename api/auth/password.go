package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/semaphore"
)

// Params are the parameters of password hashes: a setting that OWASP recommends
// for argon2id (Password Storage Cheat Sheet) and that fits the memory limit of
// the service.
var Params = argon2id.Params{Memory: 7 * 1024, Iterations: 5, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// ErrBusy means that too many passwords are waiting to be hashed, or that the
// request was cancelled while it waited.
var ErrBusy = errors.New("auth: password hashing is busy")

// maxWaiting is how many computations may wait for one slot. Each takes about
// 15 ms, so a request waits at most a second.
const maxWaiting = 64

// Passwords hashes and verifies passwords with argon2id. Each computation takes
// Params.Memory KiB and a whole core, so only a few run at once. The others
// wait until their context ends.
type Passwords struct {
	params argon2id.Params
	slots  *semaphore.Weighted
	queue  chan struct{} // computations that run or wait
	decoy  string
	work   work
	// Log is told of hashes that match no password because of their form. Nil
	// means nobody.
	Log *slog.Logger
}

// work has the computations of Verify. A test replaces them to count them.
type work struct {
	argon2id      func(password, hash string) (bool, *argon2id.Params, error)
	compareBcrypt func(hash, password []byte) error
	createBcrypt  func(password []byte, cost int) ([]byte, error)
	pbkdf2        func(password, salt string, iterations, size int) ([]byte, error)
}

const (
	// bcryptMost is how many bytes of a password bcrypt uses. Older systems
	// truncate passwords to that, so their hashes are verified the same way.
	bcryptMost = 72
	// maxDecoyCost bounds the bcrypt work for accounts that do not need it. A
	// computation of this cost takes about a second.
	maxDecoyCost = 14
	// maxBcryptCost is the maximum cost of a hash that is verified. A computation
	// of this cost takes several seconds, and those of higher costs take hours.
	// SignInTry has the same bounds.
	minBcryptCost, maxBcryptCost = bcrypt.MinCost, 16
)

// NewPasswords returns a Passwords that runs up to atOnce computations at once.
func NewPasswords(params argon2id.Params, atOnce int) (*Passwords, error) {
	if atOnce < 1 {
		return nil, fmt.Errorf("auth: %d concurrent password computations: must be 1 or more", atOnce)
	}
	decoy, err := argon2id.CreateHash("a password that no account has", &params)
	if err != nil {
		return nil, err
	}
	return &Passwords{params: params, slots: semaphore.NewWeighted(int64(atOnce)),
		queue: make(chan struct{}, atOnce*(1+maxWaiting)), decoy: decoy,
		work: work{argon2id.CheckHash, bcrypt.CompareHashAndPassword, bcrypt.GenerateFromPassword, derivePBKDF2}}, nil
}

// begin waits for a slot, or returns ErrBusy.
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

// collectedFrom is the memory of a computation, in KiB, from which on it is
// collected at once.
const collectedFrom = 1024

// end releases the slot after the memory of the computation has been collected.
// Without a collection at this point, that memory still counts as in use when
// the next computation allocates, and during many sign-ins memory grew to four
// times that of one computation. A little memory is not worth a collection,
// which takes longer than such a computation: tests hash with 8 KiB, and on a
// busy machine the collections made their requests wait until they timed out.
func (p *Passwords) end() {
	if p.params.Memory >= collectedFrom {
		runtime.GC()
	}
	p.slots.Release(1)
	<-p.queue
}

// Hash returns the hash of a password as a PHC string. All bytes of the
// password are used.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	done, err := p.begin(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return argon2id.CreateHash(password, &p.params)
}

// LegacyWork is the work that the most expensive hashes of older systems take. A
// failed verification spends it whichever hash the account has.
type LegacyWork struct {
	BcryptCost       int // 0 for none
	PBKDF2Iterations int
}

// Verify reports whether the password matches the hash. renew reports whether
// the hash should be replaced, because it has other argon2id parameters or is a
// bcrypt or PBKDF2 hash of a migrated system. The hash is empty if there is no
// such account.
//
// A password that does not match costs the same work for every account and for
// none, so that the response time does not reveal whether an account exists or
// which kind of hash it has: argon2id, and the work of the hashes of older
// systems that are in use. A password that matches costs only the work for its
// own hash. So the old hashes of some accounts do not slow down the sign-ins of
// the others.
//
// A hash that cannot be read or would take too much work matches no password, as
// CheckStored says. Its user is as one without a password: an error would tell
// that there is the account.
func (p *Passwords) Verify(ctx context.Context, password, hash string, legacy LegacyWork) (ok, renew bool, err error) {
	done, err := p.begin(ctx)
	if err != nil {
		return false, false, err
	}
	defer done()
	hash = p.usable(ctx, hash)
	if isBcrypt(hash) || isPBKDF2(hash) {
		ok, spent, err := p.checkLegacy(password, hash)
		if ok || err != nil {
			return ok, ok, err
		}
		_, _, err = p.work.argon2id(password, p.decoy)
		return false, false, errors.Join(err, p.spend(password, spent, legacy))
	}
	stored := hash
	if hash == "" {
		stored = p.decoy
	}
	ok, params, err := p.work.argon2id(password, stored)
	if err != nil {
		return false, false, fmt.Errorf("auth: stored password hash: %w", err)
	}
	if ok && hash != "" {
		return true, *params != p.params, nil
	}
	return false, false, p.spend(password, LegacyWork{}, legacy)
}

// checkLegacy reports whether a password matches a hash of an older system, and
// which work that has taken.
func (p *Passwords) checkLegacy(password, hash string) (ok bool, spent LegacyWork, err error) {
	if isPBKDF2(hash) {
		return p.checkPBKDF2(password, hash)
	}
	err = p.work.compareBcrypt([]byte(hash), forBcrypt(password))
	if !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return err == nil, spent, err
	}
	spent.BcryptCost, err = bcrypt.Cost([]byte(hash))
	return false, spent, err
}

// usable returns a hash, or "" if it matches no password.
func (p *Passwords) usable(ctx context.Context, hash string) string {
	if hash == "" {
		return ""
	}
	if err := CheckStored(hash); err != nil {
		if p.Log != nil {
			p.Log.WarnContext(ctx, "a stored password hash matches no password; its user has to reset the password", "reason", err)
		}
		return ""
	}
	return hash
}

// spend does the work of older systems that a failed verification has not done.
func (p *Passwords) spend(password string, done, total LegacyWork) error {
	return errors.Join(
		p.spendBcrypt(forBcrypt(password), done.BcryptCost, total.BcryptCost),
		p.spendPBKDF2(password, min(total.PBKDF2Iterations, maxIterations)-done.PBKDF2Iterations),
	)
}

// forBcrypt returns the part of a password that bcrypt uses.
func forBcrypt(password string) []byte { return []byte(password)[:min(len(password), bcryptMost)] }

// spendBcrypt does the bcrypt work that is missing if a hash of the cost done
// was computed, or none if done is 0, and a hash of the cost total is to be. A
// cost is twice the work of the one below: that of the costs from done to
// total-1, together with the work done, is that of total.
func (p *Passwords) spendBcrypt(password []byte, done, total int) error {
	total = min(total, maxDecoyCost)
	if total < bcrypt.MinCost {
		return nil
	}
	if done == 0 {
		_, err := p.work.createBcrypt(password, total)
		return err
	}
	for cost := done; cost < total; cost++ {
		if _, err := p.work.createBcrypt(password, cost); err != nil {
			return err
		}
	}
	return nil
}

func isBcrypt(hash string) bool {
	return strings.HasPrefix(hash, "$2a$") || strings.HasPrefix(hash, "$2b$") || strings.HasPrefix(hash, "$2y$")
}

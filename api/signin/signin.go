// Package signin verifies passwords, bounds how often one can be guessed, and
// holds the rules for accounts that an operator can set.
package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

var q = query.New()

// Rules are the requirements of an operator beyond the contract.
type Rules struct {
	// UncommonPasswords refuses new passwords that are commonly used.
	UncommonPasswords bool
	// CurrentPassword requires the current password in a request that changes
	// the password or the address.
	CurrentPassword bool
	SignIns         Limits
}

// CheckNewPassword returns an error if a password must not be set.
func (r Rules) CheckNewPassword(text string) error {
	if r.UncommonPasswords && auth.IsCommon(text) {
		return problem.InvalidField("password", "is too common")
	}
	return nil
}

// Limits are how many failed sign-ins there may be within Span, which begins
// with the first. All replicas share the counters.
type Limits struct {
	// AccountFromAddress limits failures for one account from one network
	// address: guessing its password.
	AccountFromAddress int32
	// Address limits failures for all accounts from one network address: trying
	// one password with many accounts.
	Address int32
	// Account limits failures for one account from all network addresses
	// together: guessing with many machines. Addresses from which the owner
	// signed in within 30 days are exempt, so that nobody can lock the owner
	// out.
	Account int32
	Span    time.Duration
}

// StrictLimits returns limits for a service on the internet. They permit about
// 100 guesses an hour of a password, from any number of clients.
func StrictLimits() Limits {
	return Limits{AccountFromAddress: 10, Address: 100, Account: 25, Span: 15 * time.Minute}
}

// WideLimits returns limits for development, which no test suite reaches.
func WideLimits() Limits {
	const wide = 1_000_000_000
	return Limits{AccountFromAddress: wide, Address: wide, Account: wide, Span: time.Minute}
}

// Guard verifies passwords and bounds how often one can be guessed.
type Guard struct {
	DB        *db.DB
	Passwords *auth.Passwords
	// Secret keeps the counters from revealing whom they are about.
	Secret []byte
	Limits Limits
}

// SignIn returns the account that an e-mail address and a password belong to.
// An unknown address costs the same work as a known one, and is counted the
// same way.
func (g Guard) SignIn(ctx context.Context, email, password string) (query.SignInTryRow, error) {
	u, ok, err := g.Verify(ctx, email, password)
	switch {
	case err != nil:
		return u, err
	case !ok:
		return u, problem.New(problem.CredentialsInvalid, "credentials", "invalid")
	case u.SuspendedAt != nil:
		return u, problem.New(problem.AccountSuspended, "account", "is suspended")
	}
	return u, nil
}

// Verify reports whether a password is that of an account. It counts the
// attempt first, so that the limits hold for simultaneous attempts too, and a
// refused attempt costs no password hash. It subtracts the attempt if the
// password is right.
func (g Guard) Verify(ctx context.Context, email, password string) (u query.SignInTryRow, ok bool, err error) {
	k := g.keys(ctx, email)
	u, err = q.SignInTry(ctx, g.DB, query.SignInTryParams{
		Email: email, Place: k.place, PairKey: k.pair, AccountKey: k.account, Span: g.Limits.Span,
		PairMost: g.Limits.AccountFromAddress, AddressMost: g.Limits.Address, AccountMost: g.Limits.Account,
	})
	if err != nil {
		return u, false, err
	}
	if u.RefusedFor > 0 {
		p := problem.New(problem.RateLimited, "credentials", "too many failed sign-ins")
		p.RetryAfter = int(math.Ceil(u.RefusedFor))
		return u, false, p
	}
	// An unknown address leaves the hash empty, which costs the same work.
	ok, renew, err := g.Passwords.Verify(ctx, password, u.PasswordHash)
	if err != nil {
		return u, false, errors.Join(err, q.SignInUndecided(context.WithoutCancel(ctx), g.DB, query.SignInUndecidedParams{
			Place: k.place, PairKey: k.pair, AccountKey: k.account, Counted: u.Counted,
		}))
	}
	if !ok {
		return u, false, nil
	}
	if err := q.SignInSucceeded(ctx, g.DB, query.SignInSucceededParams{
		UserID: u.ID, Place: k.place, PairKey: k.pair, AccountKey: k.account, Counted: u.Counted,
	}); err != nil {
		return u, false, err
	}
	if renew {
		err = g.renew(ctx, u, password)
	}
	return u, true, err
}

// renew replaces a password hash of an older algorithm or of older parameters.
func (g Guard) renew(ctx context.Context, u query.SignInTryRow, password string) error {
	hash, err := g.Passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return q.UserSetPasswordHash(ctx, g.DB, query.UserSetPasswordHashParams{ID: u.ID, OldHash: u.PasswordHash, NewHash: hash})
}

// Trust lets the owner of an account, who has proved their identity by mail,
// sign in from the current network address, however often others have failed.
func (g Guard) Trust(ctx context.Context, userID int64, email string) error {
	k := g.keys(ctx, email)
	return q.SignInForget(ctx, g.DB, query.SignInForgetParams{UserID: userID, Place: k.place, PairKey: k.pair, AccountKey: k.account})
}

// signInKeys are the keys of the counters. They are keyed hashes, because
// addresses are private, and few enough that a plain hash could be reversed.
type signInKeys struct{ pair, place, account []byte }

func (g Guard) keys(ctx context.Context, email string) signInKeys {
	email, address := strings.ToLower(email), request.From(ctx).Address
	return signInKeys{
		pair: g.hash("pair", email, address), place: g.hash("address", address), account: g.hash("account", email),
	}
}

func (g Guard) hash(parts ...string) []byte {
	mac := hmac.New(sha256.New, g.Secret)
	mac.Write([]byte("byline sign-in\x00" + strings.Join(parts, "\x00")))
	return mac.Sum(nil)
}

// Expire deletes failed sign-ins that no longer count, and the places of
// sign-ins that are more than 30 days old. It returns how many there were.
func Expire(ctx context.Context, d *db.DB) (int64, error) {
	tries, err := q.SignInTryExpire(ctx, d)
	if err != nil {
		return 0, err
	}
	places, err := q.SignInPlaceExpire(ctx, d)
	return tries + places, err
}

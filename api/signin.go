package api

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

// AccountRules are what an operator demands beyond the contract.
type AccountRules struct {
	// UncommonPasswords refuses new passwords that many people have.
	UncommonPasswords bool
	// CurrentPassword must be sent along to change the password or the address.
	CurrentPassword bool
	SignIns         SignInLimits
}

// password tells whether a new password may be set.
func (r AccountRules) password(text string) error {
	if r.UncommonPasswords && auth.IsCommon(text) {
		return problem.InvalidField("password", "is too common")
	}
	return nil
}

// SignInLimits are how many failed sign-ins there may be within Span, which
// begins with the first. All replicas share the counters.
type SignInLimits struct {
	// AccountFromAddress is for an account from one address: guessing.
	AccountFromAddress int32
	// Address is for all accounts from one address: trying one password on many.
	Address int32
	// Account is for an account from all addresses together but those that it
	// was signed in from within 30 days, so that no stranger can lock its owner
	// out: guessing with many machines.
	Account int32
	Span    time.Duration
}

// StrictSignInLimits suit a service that strangers reach: they permit some
// 100 guesses an hour at a password, whoever and however many guess.
func StrictSignInLimits() SignInLimits {
	return SignInLimits{AccountFromAddress: 10, Address: 100, Account: 25, Span: 15 * time.Minute}
}

// WideSignInLimits are for development: no test suite meets them.
func WideSignInLimits() SignInLimits {
	const wide = 1_000_000_000
	return SignInLimits{AccountFromAddress: wide, Address: wide, Account: wide, Span: time.Minute}
}

// guard verifies passwords and bounds how often one can be guessed.
type guard struct {
	db        *db.DB
	passwords *auth.Passwords
	secret    []byte
	limits    SignInLimits
}

// signIn returns the account that an e-mail address and a password belong to.
// An unknown address costs the same work as a known one, and is counted the
// same way.
func (g guard) signIn(ctx context.Context, email, password string) (query.SignInTryRow, error) {
	u, ok, err := g.verify(ctx, email, password)
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

// verify tells whether an account has a password. The try is counted before,
// so that the limits hold for simultaneous ones too and cost no password hash,
// and taken back if the password is right.
func (g guard) verify(ctx context.Context, email, password string) (u query.SignInTryRow, ok bool, err error) {
	k := g.keys(ctx, email)
	u, err = q.SignInTry(ctx, g.db, query.SignInTryParams{
		Email: email, Place: k.place, PairKey: k.pair, AccountKey: k.account, Span: g.limits.Span,
		PairMost: g.limits.AccountFromAddress, AddressMost: g.limits.Address, AccountMost: g.limits.Account,
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
	ok, renew, err := g.passwords.Verify(ctx, password, u.PasswordHash)
	if err != nil {
		return u, false, errors.Join(err, q.SignInUndecided(context.WithoutCancel(ctx), g.db, query.SignInUndecidedParams{
			Place: k.place, PairKey: k.pair, AccountKey: k.account, Counted: u.Counted,
		}))
	}
	if !ok {
		return u, false, nil
	}
	if err := q.SignInSucceeded(ctx, g.db, query.SignInSucceededParams{
		UserID: u.ID, Place: k.place, PairKey: k.pair, AccountKey: k.account, Counted: u.Counted,
	}); err != nil {
		return u, false, err
	}
	if renew {
		err = g.renew(ctx, u, password)
	}
	return u, true, err
}

// renew stores a hash of today's kind for a password that has an older one.
func (g guard) renew(ctx context.Context, u query.SignInTryRow, password string) error {
	hash, err := g.passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return q.UserSetPasswordHash(ctx, g.db, query.UserSetPasswordHashParams{ID: u.ID, OldHash: u.PasswordHash, NewHash: hash})
}

// trust lets the owner of an account, who has proved to be it by mail, sign in
// from where they are, whatever others have tried.
func (g guard) trust(ctx context.Context, userID int64, email string) error {
	k := g.keys(ctx, email)
	return q.SignInForget(ctx, g.db, query.SignInForgetParams{UserID: userID, Place: k.place, PairKey: k.pair, AccountKey: k.account})
}

// signInKeys are what tries are counted by. They are hashes, since addresses
// are nobody's business and few enough to be guessed without the secret.
type signInKeys struct{ pair, place, account []byte }

func (g guard) keys(ctx context.Context, email string) signInKeys {
	email, address := strings.ToLower(email), request.From(ctx).Address
	return signInKeys{
		pair: g.hash("pair", email, address), place: g.hash("address", address), account: g.hash("account", email),
	}
}

func (g guard) hash(parts ...string) []byte {
	mac := hmac.New(sha256.New, g.secret)
	mac.Write([]byte("byline sign-in\x00" + strings.Join(parts, "\x00")))
	return mac.Sum(nil)
}

// ExpireSignIns forgets failed sign-ins that no longer count, and from where
// nobody signs in any more.
func ExpireSignIns(ctx context.Context, d *db.DB) (int64, error) {
	tries, err := q.SignInTryExpire(ctx, d)
	if err != nil {
		return 0, err
	}
	places, err := q.SignInPlaceExpire(ctx, d)
	return tries + places, err
}

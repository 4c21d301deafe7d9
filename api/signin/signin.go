// Package signin verifies passwords and limits how often a client can guess
// one. It also defines the rules for accounts that the operator can configure.
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

// Rules are the rules that an operator can add to those of the RealWorld
// contract.
type Rules struct {
	// UncommonPasswords refuses new passwords that are common.
	UncommonPasswords bool
	// CurrentPassword requires the current password in requests that change the
	// password or the e-mail address, or create an API key.
	CurrentPassword bool
	// SignIns limits failed sign-ins.
	SignIns Limits
	// Registration decides who may register.
	Registration Registration
	// NewReaders makes new accounts readers instead of authors.
	NewReaders bool
}

// Registration says who may register. The zero value permits everybody.
type Registration string

// With InvitedRegistration, only those may register that an admin has invited.
// With ClosedRegistration, only admins create accounts.
const (
	InvitedRegistration Registration = "invite"
	ClosedRegistration  Registration = "closed"
)

// CheckRegistration returns an error if the rules refuse a registration. The
// argument invited says that it has an invitation, which is checked later. The
// error depends on nothing else, so that it reveals no account.
func (r Rules) CheckRegistration(invited bool) error {
	switch {
	case r.Registration == ClosedRegistration:
		return problem.New(problem.RegistrationClosed, "registration", "is closed")
	case r.Registration == InvitedRegistration && !invited:
		return problem.New(problem.RegistrationClosed, "invitation", "is required")
	}
	return nil
}

// NewRole returns the role of an account that registers without an invitation.
func (r Rules) NewRole() auth.Role {
	if r.NewReaders {
		return auth.Reader
	}
	return auth.Author
}

// CheckNewPassword returns an error if the rules refuse the password.
func (r Rules) CheckNewPassword(text string) error {
	if r.UncommonPasswords && auth.IsCommon(text) {
		return problem.InvalidField("password", "is too common")
	}
	return nil
}

// Limits are the maximum numbers of failed sign-ins within Span. The span
// begins with the first failed sign-in. All replicas share the counters.
type Limits struct {
	// AccountFromAddress is the maximum for one account from one address. It
	// limits how often a client can guess one password.
	AccountFromAddress int32
	// Address is the maximum for all accounts from one address. It limits how
	// often a client can try one password with many accounts.
	Address int32
	// Account is the maximum for one account from all addresses together. It
	// limits guesses from many machines. It leaves out addresses with a
	// successful sign-in to the account in the last 30 days, so that strangers
	// cannot lock the owner out.
	Account int32
	// Span is the duration after which the counters start again at zero.
	Span time.Duration
}

// StrictLimits returns limits for a public service. They allow about 100
// guesses of a password per hour, from any number of clients.
func StrictLimits() Limits {
	return Limits{AccountFromAddress: 10, Address: 100, Account: 25, Span: 15 * time.Minute}
}

// WideLimits returns limits for development. They are so high that no test
// suite reaches them.
func WideLimits() Limits {
	const unreachable = 1_000_000_000
	return Limits{AccountFromAddress: unreachable, Address: unreachable, Account: unreachable, Span: time.Minute}
}

// Passwords hashes and verifies passwords, as auth.Passwords does.
type Passwords interface {
	Hash(ctx context.Context, password string) (string, error)
	Verify(ctx context.Context, password, hash string, legacy auth.LegacyWork) (ok, renew bool, err error)
}

// Guard hashes and verifies passwords, and limits how often a client can guess
// one. Operations use passwords only through it: it counts the request against
// the quota of the class auth, and lets it wait without a place among those
// that are worked on.
type Guard struct {
	DB        *db.DB
	Passwords Passwords
	// Secret is the key of the hashes that identify the counters. Without it,
	// nobody can find out which account or address a counter belongs to.
	Secret []byte
	Limits Limits
}

// Hash returns the hash of a new password.
func (g Guard) Hash(ctx context.Context, password string) (hash string, err error) {
	if err := request.CountAuth(ctx); err != nil {
		return "", err
	}
	err = request.Outside(ctx, func() error {
		hash, err = g.Passwords.Hash(ctx, password)
		return err
	})
	return hash, err
}

// compare verifies a password as Passwords does, without a place.
func (g Guard) compare(ctx context.Context, password, hash string, u query.SignInTryRow) (ok, renew bool, err error) {
	legacy := auth.LegacyWork{BcryptCost: int(u.BcryptCost), PBKDF2Iterations: int(u.Pbkdf2Iterations)}
	err = request.Outside(ctx, func() error {
		ok, renew, err = g.Passwords.Verify(ctx, password, hash, legacy)
		return err
	})
	return ok, renew, err
}

// errOutdated is the error of CreateSession for an account that SignIn passed to
// it, and that has changed since. It means the same as credentialsInvalid.
var errOutdated = credentialsInvalid()

// SignIn calls use with the account that has the e-mail address and the
// password. An unknown e-mail address takes the same work as a known one and is
// counted the same way. If the account changes before use has created its
// session, SignIn verifies the password once more: the owner may have set the
// same password again.
func (g Guard) SignIn(ctx context.Context, email, password string, use func(query.SignInTryRow) error) error {
	err := g.signIn(ctx, email, password, use)
	if errors.Is(err, errOutdated) {
		err = g.signIn(ctx, email, password, use)
	}
	return err
}

func (g Guard) signIn(ctx context.Context, email, password string, use func(query.SignInTryRow) error) error {
	u, ok, err := g.Verify(ctx, email, password)
	switch {
	case err != nil:
		return err
	case !ok:
		return credentialsInvalid()
	case u.SuspendedAt != nil:
		return problem.New(problem.AccountSuspended, "account", "is suspended")
	}
	return use(u)
}

func credentialsInvalid() error {
	return problem.New(problem.CredentialsInvalid, "credentials", "invalid")
}

// Verify reports whether the password is that of the account. It counts the
// attempt before it verifies the password. So the limits also apply to
// concurrent attempts, and a refused attempt does not cost a password hash. If
// the password is correct, the attempt is removed from the counters.
func (g Guard) Verify(ctx context.Context, email, password string) (u query.SignInTryRow, ok bool, err error) {
	if err := request.CountAuth(ctx); err != nil {
		return u, false, err
	}
	k := g.keys(ctx, email)
	u, err = q.SignInTry(ctx, g.DB, query.SignInTryParams{
		Email: email, Place: k.place, PairKey: k.pair, AccountKey: k.account, Span: g.Limits.Span,
		PairMost: g.Limits.AccountFromAddress, AddressMost: g.Limits.Address, AccountMost: g.Limits.Account,
	})
	if err != nil {
		return u, false, err
	}
	if u.RefusedFor > 0 {
		p := problem.New(problem.RateLimited, "credentials", "too many failed sign-in attempts")
		p.RetryAfter = int(math.Ceil(u.RefusedFor))
		return u, false, p
	}
	// The hash is empty if the e-mail address is unknown. Verifying against an
	// empty hash takes the same work.
	ok, renew, err := g.compare(ctx, password, u.PasswordHash, u)
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
		u.PasswordHash, ok, err = g.renew(ctx, u, password)
		return u, ok, err
	}
	return u, true, nil
}

// renew replaces the stored hash of a password if its algorithm or parameters
// are outdated. It returns the hash that is stored now. If another request has
// replaced the hash that was verified, ok reports whether the password matches
// the new one: the other request may have renewed the hash of the same password
// or changed the password.
func (g Guard) renew(ctx context.Context, u query.SignInTryRow, password string) (stored string, ok bool, err error) {
	hash, err := g.Hash(ctx, password)
	if err != nil {
		return "", false, err
	}
	n, err := q.UserSetPasswordHash(ctx, g.DB, query.UserSetPasswordHashParams{ID: u.ID, OldHash: u.PasswordHash, NewHash: hash})
	if err != nil || n > 0 {
		return hash, true, err
	}
	stored, err = q.UserPasswordHash(ctx, g.DB, u.ID)
	if db.IsNotFound(err) {
		return "", false, nil // the account was deleted
	}
	if err != nil {
		return "", false, err
	}
	ok, _, err = g.compare(ctx, password, stored, u)
	return stored, ok, err
}

// CreateSession creates a session of an account for the caller of SignIn. The
// error is errOutdated if the password was changed or the account was suspended
// since the password was verified.
func (g Guard) CreateSession(ctx context.Context, conn query.DBTX, u query.SignInTryRow, expires time.Time) (query.SessionCreateRow, error) {
	row, err := q.SessionCreate(ctx, conn, query.SessionCreateParams{
		UserID: u.ID, PasswordHash: u.PasswordHash, UserAgent: UserAgent(ctx), ExpiresAt: expires,
	})
	if db.IsNotFound(err) {
		err = errOutdated
	}
	return row, err
}

// Place returns the keyed hash of the network address of the request.
func (g Guard) Place(ctx context.Context) []byte { return g.hash("address", request.From(ctx).Address) }

// Trust lets the owner of an account sign in from the current address in spite
// of failed sign-ins by others. The owner has proved their identity by e-mail.
func (g Guard) Trust(ctx context.Context, userID int64, email string) error {
	k := g.keys(ctx, email)
	return q.SignInForget(ctx, g.DB, query.SignInForgetParams{UserID: userID, Place: k.place, PairKey: k.pair, AccountKey: k.account})
}

// signInKeys identify the counters of sign-in attempts. They are keyed hashes,
// because the database should not reveal addresses. There are so few addresses
// that hashes without a secret could be reversed by guessing.
type signInKeys struct{ pair, place, account []byte }

// keys returns the keys of the counters for an attempt with an e-mail address.
func (g Guard) keys(ctx context.Context, email string) signInKeys {
	email = strings.ToLower(email)
	return signInKeys{
		pair: g.hash("pair", email, request.From(ctx).Address), place: g.Place(ctx), account: g.hash("account", email),
	}
}

func (g Guard) hash(parts ...string) []byte {
	mac := hmac.New(sha256.New, g.Secret)
	mac.Write([]byte("byline sign-in\x00" + strings.Join(parts, "\x00")))
	return mac.Sum(nil)
}

// Expire deletes the counters whose span is over and the addresses of
// successful sign-ins that are more than 30 days old. It returns the number of
// deleted rows.
func Expire(ctx context.Context, d *db.DB) (int64, error) {
	tries, err := q.SignInTryExpire(ctx, d)
	if err != nil {
		return 0, err
	}
	places, err := q.SignInPlaceExpire(ctx, d)
	return tries + places, err
}

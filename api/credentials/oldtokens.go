package credentials

import (
	"context"
	"errors"
	"time"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

// OldDirectory finds the accounts of tokens that an older system has signed.
type OldDirectory struct {
	DB *db.DB
	// Import is the name of the import that has stored the keys of the users.
	Import string
}

var _ auth.OldDirectory = OldDirectory{}

// oldClockSkew is the maximum difference between the clock of the older system
// and that of the database. A token that may have been issued before the owner
// signed out everywhere is refused, and one that names the account by a name
// also if it may have been issued after the last import.
const oldClockSkew = 5 * time.Second

// OldToken implements auth.OldDirectory. At its first use a token gets a session,
// with which it can be revoked like a token of this service. A token whose
// session has ended is refused from then on.
func (d OldDirectory) OldToken(ctx context.Context, t auth.OldToken) (auth.Viewer, error) {
	session, err := q.OldTokenUse(ctx, d.DB, query.OldTokenUseParams{Hash: t.Hash, ExpiresAt: t.Expires})
	if db.IsNotFound(err) {
		session, err = d.begin(ctx, t)
	}
	if err != nil {
		return auth.Viewer{}, err
	}
	v, err := Directory{d.DB}.Session(ctx, session)
	if errors.Is(err, auth.ErrTokenInvalid) {
		err = auth.ErrOldTokenRevoked
	}
	return v, err
}

// begin creates the session of a token and returns its id. Of requests that use
// a token at the same time, one creates the session: the others wait for the
// lock of the account, and then find the session.
func (d OldDirectory) begin(ctx context.Context, t auth.OldToken) (session int64, err error) {
	user, err := d.find(ctx, t)
	if err != nil {
		return 0, orOld(err, auth.ErrOldTokenUnknown)
	}
	err = d.DB.InTx(ctx, func(tx query.DBTX) error {
		_, err := q.OldTokenHold(ctx, tx, query.OldTokenHoldParams{
			UserID: user, ByName: t.By != auth.ByKey, Import: d.Import, IssuedAt: orNil(t.IssuedAt), Skew: oldClockSkew,
		})
		if err != nil {
			return orOld(err, auth.ErrOldTokenRevoked)
		}
		session, err = q.OldTokenUse(ctx, tx, query.OldTokenUseParams{Hash: t.Hash, ExpiresAt: t.Expires})
		if db.IsNotFound(err) {
			session, err = q.OldTokenCreate(ctx, tx, query.OldTokenCreateParams{
				Hash: t.Hash, UserID: user, UserAgent: signin.UserAgent(ctx), SessionExpiresAt: t.Expires,
				IssuedAt: orNil(t.IssuedAt), ExpiresAt: orNil(t.Ends),
			})
		}
		return err
	})
	return session, err
}

// find returns the id of the account that a token names.
func (d OldDirectory) find(ctx context.Context, t auth.OldToken) (int64, error) {
	switch t.By {
	case auth.ByUsername:
		return q.OldTokenFindByUsername(ctx, d.DB, query.OldTokenFindByUsernameParams{Username: t.Account, Import: d.Import})
	case auth.ByEmail:
		return q.OldTokenFindByEmail(ctx, d.DB, query.OldTokenFindByEmailParams{Email: t.Account, Import: d.Import})
	default:
		return q.OldTokenFindByKey(ctx, d.DB, query.OldTokenFindByKeyParams{Key: t.Account, Import: d.Import})
	}
}

// orOld returns refusal if err says that no row was found, and err otherwise.
func orOld(err, refusal error) error {
	if db.IsNotFound(err) {
		return refusal
	}
	return err
}

// orNil returns a time, or nil for the zero time.
func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// ExpireOldTokens deletes the rows of tokens that have expired by themselves. It
// returns the number of deleted rows.
func ExpireOldTokens(ctx context.Context, d *db.DB) (int64, error) { return q.OldTokenExpire(ctx, d) }

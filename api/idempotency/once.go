package idempotency

import (
	"cmp"
	"context"
	"errors"
	"strconv"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

var q = query.New()

// Runner runs operations that create something. It runs an operation at most
// once for each Idempotency-Key.
type Runner struct {
	DB     *db.DB
	Keeper *Keeper
}

// Call identifies a call of an operation that creates something.
type Call struct {
	// Operation is the operation's id, followed by the identifier of the
	// object that it changes, if there is one.
	Operation string
	// Key is the request's Idempotency-Key. It is nil if there is none.
	Key *string
	// Account is the account that the request has signed in to without a token,
	// or 0.
	Account int64
	// Body is the decoded request body.
	Body any
	// InTx runs the operation in a transaction also if there is no key.
	InTx bool
}

// scope returns what a key belongs to: a caller and an operation. Without an
// account the caller is the network address. A client whose address changes
// between two attempts to register is refused, because the account exists; the
// response, which has a token, goes to nobody who only knows the key.
func (c Call) scope(ctx context.Context) string {
	caller := request.Client(ctx)
	if account := cmp.Or(c.Account, request.Viewer(ctx).ID); account != 0 {
		caller = strconv.FormatInt(account, 10)
	}
	return caller + " " + c.Operation
}

// errAlreadyStored is the internal error of a transaction whose key already has
// a stored result.
var errAlreadyStored = errors.New("the key already has a stored result")

// Once runs create and returns its result. For a call with a key, create runs
// at most once in 24 hours. The result is stored in the same transaction, so
// that a crash cannot separate the two. A repeated or concurrent call returns
// the stored result, and then replayed is the value of the header
// Idempotency-Replayed. A call with the same key and a different body is
// refused.
func Once[T any](ctx context.Context, r Runner, call Call, create func(conn query.DBTX) (T, error)) (result T, replayed *string, err error) {
	switch {
	case call.Key == nil && call.InTx:
		err = r.DB.InTx(ctx, func(tx query.DBTX) (err error) {
			result, err = create(tx)
			return err
		})
		return result, nil, err
	case call.Key == nil:
		result, err = create(r.DB)
		return result, nil, err
	}
	claim, err := r.Keeper.Claim(call.scope(ctx), *call.Key, call.Body)
	if err != nil {
		return result, nil, err
	}
	if found, err := replay(ctx, r.DB, claim, &result); found || err != nil {
		return result, new("true"), err
	}
	err = r.DB.InTx(ctx, func(tx query.DBTX) error {
		n, err := q.IdempotencyClaim(ctx, tx, query.IdempotencyClaimParams{Key: claim.Key, Fingerprint: claim.Fingerprint})
		if err != nil {
			return err
		}
		if n == 0 {
			// A concurrent call has stored its result and committed.
			return errAlreadyStored
		}
		if result, err = create(tx); err != nil {
			return err
		}
		sealed, err := claim.Seal(result)
		if err != nil {
			return err
		}
		return q.IdempotencySave(ctx, tx, query.IdempotencySaveParams{Key: claim.Key, Answer: sealed})
	})
	if errors.Is(err, errAlreadyStored) {
		_, err = replay(ctx, r.DB, claim, &result)
		return result, new("true"), err
	}
	return result, nil, err
}

// replay reads the stored result of an earlier call into result. It reports
// whether there was an earlier call.
func replay[T any](ctx context.Context, conn query.DBTX, claim *Claim, result *T) (found bool, err error) {
	stored, err := q.IdempotencyGet(ctx, conn, claim.Key)
	if db.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !claim.Repeats(stored.Fingerprint) {
		return true, problem.New(problem.IdempotencyKeyReused, "Idempotency-Key", "has already been used with a different request")
	}
	return true, claim.Open(stored.Answer, result)
}

// Expire deletes stored results that are older than 24 hours and returns their
// number.
func Expire(ctx context.Context, d *db.DB) (int64, error) {
	return q.IdempotencyExpire(ctx, d)
}

package idempotency

import (
	"context"
	"errors"
	"strconv"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

var q = query.New()

// Runner runs creating operations, once for each Idempotency-Key.
type Runner struct {
	DB     *db.DB
	Keeper *Keeper
}

// Call identifies a creating call.
type Call struct {
	// Operation is the operation's id, followed by what it works on.
	Operation string
	// Key is the client's Idempotency-Key; nil without one.
	Key *string
	// Body is the decoded body.
	Body any
}

var errAnswered = errors.New("the key has a response")

// Once runs create and returns its result. With a key it runs at most once in
// 24 hours: the result is stored in the transaction that creates, so that even
// a crash cannot separate them. Repetitions, also simultaneous ones, get that
// result, and replayed is the value of the header Idempotency-Replayed. Another
// body under the same key is refused.
func Once[T any](ctx context.Context, r Runner, call Call, create func(conn query.DBTX) (T, error)) (result T, replayed *string, err error) {
	if call.Key == nil {
		result, err = create(r.DB)
		return result, nil, err
	}
	scope := strconv.FormatInt(request.Viewer(ctx).ID, 10) + " " + call.Operation
	claim, err := r.Keeper.Claim(scope, *call.Key, call.Body)
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
			return errAnswered // by a simultaneous call, which has committed by now
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
	if errors.Is(err, errAnswered) {
		_, err = replay(ctx, r.DB, claim, &result)
		return result, new("true"), err
	}
	return result, nil, err
}

// replay reads the result of an earlier call into result, if there was one.
func replay[T any](ctx context.Context, conn query.DBTX, claim *Claim, result *T) (found bool, err error) {
	stored, err := q.IdempotencyGet(ctx, conn, claim.Key)
	if db.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !claim.Repeats(stored.Fingerprint) {
		return true, problem.New(problem.IdempotencyKeyReused, "Idempotency-Key", "belongs to another request")
	}
	return true, claim.Open(stored.Answer, result)
}

// Expire deletes results that are older than 24 hours and returns how many
// there were.
func Expire(ctx context.Context, d *db.DB) (int64, error) {
	return q.IdempotencyExpire(ctx, d)
}

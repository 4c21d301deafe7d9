package api

import (
	"context"
	"errors"
	"strconv"

	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

// creator runs creating operations, once for each Idempotency-Key.
type creator struct {
	db     *db.DB
	keeper *idempotency.Keeper
}

// call identifies a creating call: the operation, with what it works on, the
// client's key, if any, and the body.
type call struct {
	operation string
	key       *string
	body      any
}

var errAnswered = errors.New("the key has an answer")

// once runs create and returns its answer. With a key it runs at most once in
// 24 hours: the answer is kept in the transaction that creates, so that even a
// crash cannot separate them; repetitions, also simultaneous ones, get that
// answer, and another body under the key is refused.
func once[T any](ctx context.Context, c creator, call call, create func(conn query.DBTX) (T, error)) (answer T, replayed *string, err error) {
	if call.key == nil {
		answer, err = create(c.db)
		return answer, nil, err
	}
	scope := strconv.FormatInt(request.Viewer(ctx).ID, 10) + " " + call.operation
	claim, err := c.keeper.Claim(scope, *call.key, call.body)
	if err != nil {
		return answer, nil, err
	}
	if found, err := replay(ctx, c.db, claim, &answer); found || err != nil {
		return answer, ptr("true"), err
	}
	err = c.db.InTx(ctx, func(tx query.DBTX) error {
		n, err := q.IdempotencyClaim(ctx, tx, query.IdempotencyClaimParams{Key: claim.Key, Fingerprint: claim.Fingerprint})
		if err != nil {
			return err
		}
		if n == 0 {
			return errAnswered // by a simultaneous call, which has committed by now
		}
		if answer, err = create(tx); err != nil {
			return err
		}
		sealed, err := claim.Seal(answer)
		if err != nil {
			return err
		}
		return q.IdempotencySave(ctx, tx, query.IdempotencySaveParams{Key: claim.Key, Answer: sealed})
	})
	if errors.Is(err, errAnswered) {
		_, err = replay(ctx, c.db, claim, &answer)
		return answer, ptr("true"), err
	}
	return answer, nil, err
}

// replay reads the answer of an earlier call into answer, if there was one.
func replay[T any](ctx context.Context, conn query.DBTX, claim *idempotency.Claim, answer *T) (found bool, err error) {
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
	return true, claim.Open(stored.Answer, answer)
}

func ptr[T any](v T) *T { return &v }

// ExpireIdempotencyKeys forgets answers that are older than 24 hours.
func ExpireIdempotencyKeys(ctx context.Context, d *db.DB) (int64, error) {
	return q.IdempotencyExpire(ctx, d)
}

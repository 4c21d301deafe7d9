package importer

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// sumOfHash returns the checksum of a password hash of the old system, or nil if
// there is none.
func sumOfHash(hash string) *int64 {
	if hash == "" {
		return nil
	}
	sum := newDigest().text(hash).sum()
	return &sum
}

// renewedPasswords returns the keys of the accounts whose password hash in the
// old system is another one than at the last run, and remembers the new ones. The
// hash here tells nothing, because the first sign-in here replaces it.
func (w *writing) renewedPasswords(ctx context.Context, accounts []account) (map[string]bool, error) {
	var keys []string
	var sums []int64
	for _, a := range accounts {
		if a.password != nil {
			keys, sums = append(keys, a.key), append(sums, *a.password)
		}
	}
	renewed := map[string]bool{}
	if len(keys) == 0 {
		return renewed, nil
	}
	rows, err := w.tx.Query(ctx, `UPDATE imported_rows r SET password = c.sum FROM unnest($3::text[], $4::bigint[]) AS c (key, sum)
		WHERE r.import_id = $1 AND r.kind = $2 AND r.key = c.key AND r.password IS DISTINCT FROM c.sum RETURNING r.key`, w.importID, string(w.kind), keys, sums)
	if err != nil {
		return nil, err
	}
	var key string
	_, err = pgx.ForEachRow(rows, []any{&key}, func() error {
		renewed[key] = true
		return nil
	})
	return renewed, err
}

// tokenMargin is how long before the change of an account the old system may
// have issued the token that it returns with the change: times in tokens have
// whole seconds, and its database has a clock of its own.
const tokenMargin = 10 * time.Second

// endSessions ends what began before the password of an account was changed in
// the old system: sessions, and tokens of the old system that were not used
// here. It does so in statements of its own, which see the sessions that others
// have created before the account was locked.
func (w *writing) endSessions(ctx context.Context, accounts []account, renewed map[string]bool) error {
	if w.DryRun || len(renewed) == 0 {
		return nil
	}
	var ids []int64
	var since []time.Time
	for _, a := range accounts {
		if !renewed[a.key] {
			continue
		}
		// The old system need not note the time of the change. It was not before
		// the last run, which has read the hash before.
		at := a.updated
		if at.Before(w.run.state.Since) {
			at = w.run.state.Since
		}
		ids, since = append(ids, a.id), append(since, at.Add(-tokenMargin))
	}
	for _, statement := range []string{
		`UPDATE users u SET old_tokens_after = GREATEST(u.old_tokens_after, c.since) FROM unnest($1::bigint[], $2::timestamptz[]) AS c (id, since)
			WHERE u.id = c.id AND u.old_tokens_after IS DISTINCT FROM 'infinity'`,
		// A password that was set here is not affected.
		`DELETE FROM sessions s USING unnest($1::bigint[], $2::timestamptz[]) AS c (id, since), users u
			WHERE s.user_id = c.id AND u.id = c.id AND u.old_tokens_after <> 'infinity' AND (s.created_at < c.since OR EXISTS (
				SELECT FROM old_tokens o WHERE o.user_id = c.id AND o.session_id = s.id AND (o.issued_at < c.since) IS NOT FALSE))`,
	} {
		if _, err := w.tx.Exec(ctx, statement, ids, since); err != nil {
			return err
		}
	}
	return nil
}

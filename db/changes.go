package db

import (
	"context"
	"strings"

	"github.com/byline-api/byline/gen/query"
)

// Changes reads what transactions have changed since a position, for caches.
// It returns the position to go on from: everything that had committed before
// the call began is behind it. all says that the caller has to assume that
// everything changed: at first (since is ""), and when PostgreSQL was started
// anew in the meantime, since changes are not kept over a crash.
func (d *DB) Changes(ctx context.Context, since string) (keys []string, now string, all bool, err error) {
	q := query.New()
	started, snapshot, found := strings.Cut(since, "|")
	if !found {
		row, err := q.ChangeSnapshot(ctx, d)
		return nil, row.ServerStarted + "|" + row.Snapshot, true, err
	}
	row, err := q.ChangeList(ctx, d, snapshot)
	if err != nil {
		return nil, "", true, err
	}
	return row.Keys, row.ServerStarted + "|" + row.Snapshot, row.ServerStarted != started, nil
}

// ForgetChanges deletes the changes that were committed before a position.
func (d *DB) ForgetChanges(ctx context.Context, before string) error {
	if _, snapshot, found := strings.Cut(before, "|"); found {
		_, err := query.New().ChangeExpire(ctx, d, snapshot)
		return err
	}
	return nil
}

package api

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

// SigningKeys returns the keys that tokens are signed with, the current one
// first. The first start makes one: there is no default secret to forget. It
// lives in the database, so that all replicas share it and a restart keeps
// tokens valid.
func SigningKeys(ctx context.Context, d *db.DB) ([]auth.Key, error) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	var rows []query.SigningKeyListRow
	err := d.InTx(ctx, func(tx query.DBTX) (err error) {
		// Replicas that start at once queue here and agree on one key.
		if err := q.SigningKeyLock(ctx, tx); err != nil {
			return err
		}
		arg := query.SigningKeyCreateFirstParams{ID: rand.Text()[:12], Secret: secret}
		if err := q.SigningKeyCreateFirst(ctx, tx, arg); err != nil {
			return err
		}
		rows, err = q.SigningKeyList(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("the table signing_keys is empty")
	}
	keys := make([]auth.Key, len(rows))
	for i, r := range rows {
		keys[i] = auth.Key{ID: r.ID, Secret: r.Secret}
	}
	return keys, nil
}

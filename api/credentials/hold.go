package credentials

import (
	"context"

	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

// Hold locks the viewer's account and the session of the request until the
// transaction ends, and returns the hash of the password. Operations that change
// an account or its credentials write in such a transaction. The session was
// valid when the request began, but the request may have waited since, and
// another replica may have revoked the session. Then the error is a 401.
func Hold(ctx context.Context, tx query.DBTX) (passwordHash string, err error) {
	viewer := request.Viewer(ctx)
	passwordHash, err = q.SessionHold(ctx, tx, query.SessionHoldParams{UserID: viewer.ID, ID: viewer.Session})
	return passwordHash, translate.UnknownViewer(err)
}

// InTx runs fn in a transaction that holds the viewer's account and session.
func InTx(ctx context.Context, d *db.DB, fn func(tx query.DBTX) error) error {
	return d.InTx(ctx, func(tx query.DBTX) error {
		if _, err := Hold(ctx, tx); err != nil {
			return err
		}
		return fn(tx)
	})
}

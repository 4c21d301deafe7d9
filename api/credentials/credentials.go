// Package credentials looks up credentials in the database. These are sessions,
// API keys, and the keys and secrets of the service.
package credentials

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/query"
)

var q = query.New()

// Directory looks up credentials in the database.
type Directory struct{ DB *db.DB }

var _ auth.Directory = Directory{}

// Session implements auth.Directory.
func (d Directory) Session(ctx context.Context, id int64) (auth.Viewer, error) {
	row, err := q.SessionUse(ctx, d.DB, id)
	if err != nil {
		return auth.Viewer{}, orInvalidToken(err)
	}
	role, err := auth.ParseRole(row.Role)
	return auth.Viewer{ID: row.UserID, Session: id, Role: role, Scope: auth.ScopeAccount}, err
}

// APIKey implements auth.Directory.
func (d Directory) APIKey(ctx context.Context, hash []byte) (auth.Viewer, time.Time, error) {
	row, err := q.ApiKeyUse(ctx, d.DB, hash)
	if err != nil {
		return auth.Viewer{}, time.Time{}, orInvalidToken(err)
	}
	role, err := auth.ParseRole(row.Role)
	if err != nil {
		return auth.Viewer{}, time.Time{}, err
	}
	scope, err := auth.ParseScope(row.Scope)
	return auth.Viewer{ID: row.UserID, Key: row.ID, Role: role, Scope: scope}, optional.Or(row.ExpiresAt, time.Time{}), err
}

// SigningKeys implements auth.Directory.
func (d Directory) SigningKeys(ctx context.Context) ([]auth.Key, error) { return listKeys(ctx, d.DB) }

// orInvalidToken returns auth.ErrTokenInvalid if err says that no row was
// found, and err otherwise.
func orInvalidToken(err error) error {
	if db.IsNotFound(err) {
		return auth.ErrTokenInvalid
	}
	return err
}

// SigningKeys returns the keys that sign tokens, with the current key first. It
// creates the first key when the service starts for the first time. So there is
// no default secret that an operator could forget to change. The keys are
// stored in the database, so all replicas share them and tokens stay valid
// after a restart.
func SigningKeys(ctx context.Context, d *db.DB) (keys []auth.Key, err error) {
	err = d.InTx(ctx, func(tx query.DBTX) error {
		// Replicas that start at the same time wait here, so that only the
		// first one creates a key.
		if err := q.SigningKeyLock(ctx, tx); err != nil {
			return err
		}
		if err := q.SigningKeyCreateFirst(ctx, tx, query.SigningKeyCreateFirstParams{ID: newKeyID(), Secret: newSecret()}); err != nil {
			return err
		}
		keys, err = listKeys(ctx, tx)
		return err
	})
	return keys, err
}

func listKeys(ctx context.Context, conn query.DBTX) ([]auth.Key, error) {
	rows, err := q.SigningKeyList(ctx, conn)
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

// RotateSigningKey creates a key that signs all new tokens and returns its id.
// Tokens of older keys remain valid until they expire or until RevokeSigningKey
// revokes their key.
func RotateSigningKey(ctx context.Context, d *db.DB) (id string, err error) {
	id = newKeyID()
	return id, q.SigningKeyCreate(ctx, d, query.SigningKeyCreateParams{ID: id, Secret: newSecret()})
}

// Reasons for which a key cannot be revoked.
var (
	ErrNoKey     = errors.New("there is no key of this id")
	ErrActiveKey = errors.New("it is the active key, which signs new tokens; run byline keys rotate first")
)

// RevokeSigningKey deletes a key and so invalidates all tokens that it has
// signed, on all replicas within a second. The active key cannot be revoked: the
// next older key, which may have leaked, would sign new tokens again.
func RevokeSigningKey(ctx context.Context, d *db.DB, id string) error {
	n, err := q.SigningKeyDelete(ctx, d, id)
	if err != nil || n > 0 {
		return err
	}
	keys, err := ListSigningKeys(ctx, d)
	if err == nil && slices.ContainsFunc(keys, func(k SigningKey) bool { return k.ID == id }) {
		return ErrActiveKey
	}
	return cmp.Or(err, ErrNoKey)
}

// SigningKey is the public part of a signing key, which an operator may see.
type SigningKey struct {
	ID        string
	CreatedAt time.Time
}

// ListSigningKeys returns the signing keys, the current one first.
func ListSigningKeys(ctx context.Context, d *db.DB) ([]SigningKey, error) {
	rows, err := q.SigningKeyList(ctx, d)
	keys := make([]SigningKey, len(rows))
	for i, r := range rows {
		keys[i] = SigningKey{ID: r.ID, CreatedAt: r.CreatedAt}
	}
	return keys, err
}

// ServiceSecret returns the secret that protects cursors, stored responses and
// API keys. It creates the secret when the service starts for the first time.
func ServiceSecret(ctx context.Context, d *db.DB) ([]byte, error) {
	const name = "main"
	if err := q.ServiceSecretCreate(ctx, d, query.ServiceSecretCreateParams{Name: name, Secret: newSecret()}); err != nil {
		return nil, err
	}
	return q.ServiceSecretGet(ctx, d, name)
}

func newKeyID() string { return rand.Text()[:12] }

func newSecret() []byte {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	return secret
}

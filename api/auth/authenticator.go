package auth

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/byline-api/byline/db/changes"
)

// Directory is where credentials are looked up. Its errors are ErrTokenInvalid
// for what is not there, or no longer, and those of the database.
type Directory interface {
	// Session returns who a session belongs to.
	Session(ctx context.Context, id int64) (Viewer, error)
	// APIKey returns who a key belongs to, and when it ends; never if zero.
	APIKey(ctx context.Context, hash []byte) (Viewer, time.Time, error)
	// SigningKeys returns the keys as NewTokens takes them.
	SigningKeys(ctx context.Context) ([]Key, error)
}

const (
	// maxKnown bounds the memory for known credentials: about 500 bytes each.
	maxKnown = 4096
	// recheck is how long what is known stands at most, so that the last use
	// of a session is known to the minute.
	recheck = time.Minute
)

// Authenticator finds out who asks. It remembers whom a credential belongs
// to, since who signs in once calls many times, until Learn hears that
// something about it has changed.
type Authenticator struct {
	tokens    *Tokens
	keys      *APIKeys
	directory Directory
	trust     time.Duration
	now       func() time.Time

	mu    sync.RWMutex
	known map[string]known
	// generation counts what was forgotten: an answer of the directory that is
	// older must not be remembered.
	generation uint64
	// informed is when the batch that Learn was given last began.
	informed atomic.Int64 // Unix time in nanoseconds
}

// known is what a credential was found to be.
type known struct {
	viewer  Viewer
	expires time.Time // zero for never
	checked time.Time
}

// Trust is how long what is known stands without news from the database:
// after it, every replica refuses what was revoked.
const Trust = time.Second

// NewAuthenticator returns an Authenticator that asks directory for what it
// does not know, and for all when Learn was not called for the time of trust.
func NewAuthenticator(tokens *Tokens, keys *APIKeys, directory Directory, trust time.Duration, now func() time.Time) *Authenticator {
	a := &Authenticator{tokens: tokens, keys: keys, directory: directory, trust: trust, now: now, known: map[string]known{}}
	a.informed.Store(now().UnixNano()) // nothing is known that could be out of date
	return a
}

// Recall returns who a credential belongs to if that can be told without
// asking the directory.
func (a *Authenticator) Recall(credential string) (v Viewer, ok bool, err error) {
	now := a.now()
	a.mu.RLock()
	k, found := a.known[credential]
	a.mu.RUnlock()
	if !found || now.Sub(k.checked) >= recheck || now.UnixNano()-a.informed.Load() >= int64(a.trust) {
		return Viewer{}, false, nil
	}
	v, err = k.at(now, credential)
	return v, true, err
}

// Authenticate returns who a credential belongs to, or ErrTokenInvalid,
// ErrTokenExpired, or an error of the database.
func (a *Authenticator) Authenticate(ctx context.Context, credential string) (Viewer, error) {
	if v, ok, err := a.Recall(credential); ok {
		return v, err
	}
	now := a.now()
	a.mu.RLock()
	generation := a.generation
	a.mu.RUnlock()
	k, err := a.lookUp(ctx, credential)
	if err != nil {
		return Viewer{}, err
	}
	k.checked = now
	a.remember(credential, k, generation)
	return k.at(now, credential)
}

// at is what a credential is good for at a time.
func (k known) at(now time.Time, credential string) (Viewer, error) {
	if !k.expires.IsZero() && !now.Before(k.expires) {
		return Viewer{}, ErrTokenExpired
	}
	k.viewer.Token = credential
	return k.viewer, nil
}

func (a *Authenticator) lookUp(ctx context.Context, credential string) (k known, err error) {
	if isAPIKey(credential) {
		hash, ok := a.keys.Hash(credential)
		if !ok {
			return k, ErrTokenInvalid
		}
		k.viewer, k.expires, err = a.directory.APIKey(ctx, hash)
		return k, err
	}
	claims, err := a.tokens.Verify(credential)
	if err != nil {
		return k, err
	}
	k.expires = claims.Expires
	k.viewer, err = a.directory.Session(ctx, claims.Session)
	if err == nil && k.viewer.ID != claims.UserID {
		err = ErrTokenInvalid
	}
	return k, err
}

func (a *Authenticator) remember(credential string, k known, generation uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if generation != a.generation {
		return // something was revoked while the directory was asked
	}
	if len(a.known) >= maxKnown {
		clear(a.known) // seldom, and each credential costs one look-up more
	}
	a.known[strings.Clone(credential)] = k
}

// Learn implements changes.Subscriber: it forgets the credentials that a batch
// concerns, and reads the signing keys anew if they may have changed.
func (a *Authenticator) Learn(ctx context.Context, b changes.Batch) error {
	var sessions, keys, users map[int64]bool
	note := func(set *map[int64]bool, id int64) {
		if *set == nil {
			*set = map[int64]bool{}
		}
		(*set)[id] = true
	}
	reload := b.All
	for _, k := range b.Keys {
		switch k.Kind() {
		case changes.KindSigningKeys:
			reload = true
		case changes.KindSession:
			note(&sessions, k.ID())
		case changes.KindAPIKey:
			note(&keys, k.ID())
		case changes.KindAccount:
			note(&users, k.ID())
		}
	}
	if reload {
		if err := a.reloadKeys(ctx); err != nil {
			return fmt.Errorf("auth: reading the signing keys: %w", err)
		}
	}
	if reload || sessions != nil || keys != nil || users != nil {
		a.forget(func(k known) bool {
			return reload || sessions[k.viewer.Session] || keys[k.viewer.Key] || users[k.viewer.ID]
		})
	}
	a.informed.Store(b.Began.UnixNano())
	return nil
}

func (a *Authenticator) reloadKeys(ctx context.Context) error {
	keys, err := a.directory.SigningKeys(ctx)
	if err != nil {
		return err
	}
	return a.tokens.SetKeys(keys)
}

// Forget has this replica ask again, at once, whom the credentials of some
// viewers belong to. Others hear of what has changed from the database.
func (a *Authenticator) Forget(which func(v Viewer) bool) {
	a.forget(func(k known) bool { return which(k.viewer) })
}

func (a *Authenticator) forget(which func(known) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.generation++
	for credential, k := range a.known {
		if which(k) {
			delete(a.known, credential)
		}
	}
}

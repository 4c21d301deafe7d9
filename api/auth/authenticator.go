package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/byline-api/byline/db/changes"
)

// Directory looks up credentials. Its methods return ErrTokenInvalid if a
// session or key does not exist or was revoked, and otherwise the errors of the
// database.
type Directory interface {
	// Session returns the viewer that a session belongs to.
	Session(ctx context.Context, id int64) (Viewer, error)
	// APIKey returns the viewer that a key belongs to, and when the key
	// expires. A zero time means never.
	APIKey(ctx context.Context, hash []byte) (Viewer, time.Time, error)
	// SigningKeys returns the keys in the order that NewTokens expects.
	SigningKeys(ctx context.Context) ([]Key, error)
}

const (
	// maxKnown limits the number of cached credentials, which take about 500
	// bytes each.
	maxKnown = 4096
	// maxRefused limits the number of cached refusals. They have a cache of
	// their own, so that they do not displace valid credentials.
	maxRefused = 512
	// recheck is the maximum age of a cached credential, so that the last use
	// of a session is recorded to the minute.
	recheck = time.Minute
)

// Authenticator finds the viewer of a credential. It caches the result, because
// a client that has signed in sends many requests. Learn removes credentials
// from the cache when something about them has changed.
type Authenticator struct {
	tokens    *Tokens
	keys      *APIKeys
	directory Directory
	trust     time.Duration
	now       func() time.Time
	// old is nil unless the tokens of an older system are accepted.
	old          *OldTokens
	oldDirectory OldDirectory

	mu      sync.RWMutex
	known   map[string]known
	refused map[string]known
	// generation counts the removals from the cache. A result that was looked
	// up before a removal must not be cached after it.
	generation uint64
	// informed is the time when the last batch that Learn received began.
	informed atomic.Int64 // Unix time in nanoseconds
}

// known is the cached result for a credential.
type known struct {
	viewer  Viewer
	expires time.Time // zero for never
	checked time.Time
	// err is an ErrTokenRevoked if the directory has refused the credential.
	err error
}

// Trust is how long cached credentials are used without news from the database.
// After this time every replica refuses a revoked credential.
const Trust = time.Second

// NewAuthenticator returns an Authenticator that asks directory for credentials
// that are not cached. It does not use the cache if Learn was not called for
// the time trust.
func NewAuthenticator(tokens *Tokens, keys *APIKeys, directory Directory, trust time.Duration, now func() time.Time) *Authenticator {
	a := &Authenticator{tokens: tokens, keys: keys, directory: directory, trust: trust, now: now,
		known: map[string]known{}, refused: map[string]known{}}
	a.informed.Store(now().UnixNano()) // nothing is cached yet, so nothing can be out of date
	return a
}

// AcceptOld makes the Authenticator accept the tokens of an older system too. It
// must be called before the first request.
func (a *Authenticator) AcceptOld(tokens *OldTokens, directory OldDirectory) {
	a.old, a.oldDirectory = tokens, directory
}

// OldTokens returns what verifies the tokens of an older system, or nil, as for
// a nil Authenticator: a server of which only the metrics are read has none.
func (a *Authenticator) OldTokens() *OldTokens {
	if a == nil {
		return nil
	}
	return a.old
}

// Recall returns the viewer of a credential if it is cached. ok is false if the
// directory has to be asked.
func (a *Authenticator) Recall(credential string) (v Viewer, ok bool, err error) {
	now := a.now()
	a.mu.RLock()
	k, found := a.known[credential]
	if !found {
		k, found = a.refused[credential]
	}
	a.mu.RUnlock()
	if !found || now.Sub(k.checked) >= recheck || now.UnixNano()-a.informed.Load() >= int64(a.trust) {
		return Viewer{}, false, nil
	}
	v, err = k.at(now, credential)
	return v, true, err
}

// Accepted reports whether a credential was valid when it was last looked up,
// however long ago that was.
func (a *Authenticator) Accepted(credential string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, found := a.known[credential]
	return found
}

// Authenticate returns the viewer of a credential. The error is
// ErrTokenInvalid, ErrTokenExpired or an error of the database.
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

// at returns the viewer for a time, or the reason why there is none.
func (k known) at(now time.Time, credential string) (Viewer, error) {
	if k.err != nil {
		return Viewer{}, k.err
	}
	if !k.expires.IsZero() && !now.Before(k.expires) {
		if k.viewer.Old {
			return Viewer{}, ErrOldTokenExpired
		}
		return Viewer{}, ErrTokenExpired
	}
	k.viewer.Token = credential
	return k.viewer, nil
}

// lookUp asks the directory for a credential, unless it is not genuine. The
// refusal of the directory is part of the result.
func (a *Authenticator) lookUp(ctx context.Context, credential string) (k known, err error) {
	if isAPIKey(credential) {
		hash, ok := a.keys.Hash(credential)
		if !ok {
			return k, ErrTokenInvalid
		}
		k.viewer, k.expires, err = a.directory.APIKey(ctx, hash)
		return k.refusedBy(err)
	}
	claims, err := a.tokens.Verify(credential)
	if a.old != nil && errors.Is(err, errNotOurs) {
		return a.lookUpOld(ctx, credential)
	}
	if err != nil {
		return k, err
	}
	k.expires = claims.Expires
	k.viewer, err = a.directory.Session(ctx, claims.Session)
	if err == nil && k.viewer.ID != claims.UserID {
		err = ErrTokenInvalid
	}
	return k.refusedBy(err)
}

// lookUpOld does the same for a token that this service has not issued.
func (a *Authenticator) lookUpOld(ctx context.Context, credential string) (k known, err error) {
	t, err := a.old.Verify(credential)
	if err != nil {
		return k, err
	}
	k.expires = t.Expires
	k.viewer, err = a.oldDirectory.OldToken(ctx, t)
	if errors.Is(err, ErrOldTokenRevoked) {
		return known{err: err}, nil
	}
	k.viewer.Old = true
	return k, err
}

// refusedBy makes the refusal of the directory a part of the result. Other
// errors are returned unchanged.
func (k known) refusedBy(err error) (known, error) {
	if errors.Is(err, ErrTokenInvalid) {
		return known{err: ErrTokenRevoked}, nil
	}
	return k, err
}

func (a *Authenticator) remember(credential string, k known, generation uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if generation != a.generation {
		return // something was revoked during the look-up
	}
	if k.err != nil {
		delete(a.known, credential)
		keep(a.refused, maxRefused, credential, k)
		return
	}
	keep(a.known, maxKnown, credential, k)
}

// keep adds a result to a cache.
func keep(cache map[string]known, most int, credential string, k known) {
	if len(cache) >= most {
		clear(cache) // this is rare, and costs one look-up for each credential
	}
	cache[strings.Clone(credential)] = k
}

// Learn implements changes.Subscriber: it removes the credentials that a
// batch concerns from the cache, and reloads the signing keys if they may have
// changed.
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

// Forget removes the credentials of some viewers from the cache of this replica
// at once. Other replicas learn of the change from the database.
func (a *Authenticator) Forget(which func(v Viewer) bool) {
	a.forget(func(k known) bool { return which(k.viewer) })
}

func (a *Authenticator) forget(which func(known) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.generation++
	clear(a.refused) // an account that was suspended may be reinstated
	for credential, k := range a.known {
		if which(k) {
			delete(a.known, credential)
		}
	}
}

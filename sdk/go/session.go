package byline

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// ErrSessionEnded is returned if the session of the client has ended, for
// example because it was not used for a month. The user has to sign in again.
var ErrSessionEnded = errors.New("the session has ended; sign in again")

// StoredSession is the session of a user as a [SessionStore] keeps it.
type StoredSession struct {
	// ID is the id of the session, which [SessionsService.List] returns too.
	ID int64 `json:"id"`
	// Tokens are the tokens of the session.
	Tokens Tokens `json:"tokens"`
}

// String implements [fmt.Stringer]. It hides the tokens.
func (s StoredSession) String() string {
	type plain StoredSession
	return fmt.Sprintf("%+v", plain(s))
}

// LogValue implements [slog.LogValuer] like String.
func (s StoredSession) LogValue() slog.Value { return slog.StringValue(s.String()) }

// SessionStore keeps a session outside of the program, for example in a file or
// a keychain. Each renewal saves new tokens, because a refresh token can be used
// once.
type SessionStore interface {
	// Load returns the session, or nil if there is none.
	Load(ctx context.Context) (*StoredSession, error)
	// Save stores the session. It deletes the session if s is nil, which means
	// that it has ended.
	Save(ctx context.Context, s *StoredSession) error
}

const (
	// early is how long before its end an access token is renewed.
	early = 30 * time.Second
	// pause is the shortest time between two renewals that no response has asked
	// for, so that a wrong clock or a service that is down causes few requests.
	pause = 10 * time.Second
	// window is the time in which the service accepts a refresh token again,
	// because the response may have been lost. It is a second shorter here.
	window = 9 * time.Second
)

// session is the session of one user, which several clients can share.
type session struct {
	identity string // of the user, for the cache
	id       int64
	store    SessionStore

	// saving orders changes, each with its writing to the store.
	saving sync.Mutex
	// mu protects the fields below.
	mu      sync.Mutex
	tokens  *Tokens   // nil if the session has ended
	tried   time.Time // of the last renewal
	renewal *renewal  // in progress
	// wrongClock means that the tokens had ended, by the clock of the client,
	// when the service sent them. They are renewed when the service rejects them.
	wrongClock bool
}

// renewal is the renewal that all callers wait for.
type renewal struct {
	done  chan struct{}
	token string
	err   error
}

func newSession(store SessionStore, stored StoredSession) *session {
	return &session{identity: rand.Text(), id: stored.ID, store: store, tokens: &stored.Tokens}
}

// current is the session that the calls of a client use.
type current struct {
	// store is nil if the client was returned by SignIn. Otherwise the session is
	// the stored one, until it ends or another user signs in.
	store SessionStore

	mu      sync.Mutex
	loaded  bool
	session *session
}

// get returns the session, or nil if the client is anonymous.
func (c *current) get(ctx context.Context) (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loaded {
		stored, err := load(ctx, c.store)
		if err != nil {
			return nil, err
		}
		if c.loaded = true; stored != nil {
			c.session = newSession(c.store, *stored)
		}
	}
	if c.store != nil && c.session != nil && c.session.held() == nil {
		return nil, nil
	}
	return c.session, nil
}

func (c *current) set(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.loaded = s, true
}

// SignIn signs a user in and returns a client of this user. The client renews
// its session when the access token ends. If c has a [SessionStore], c is then
// signed in too.
func (c *Client) SignIn(ctx context.Context, email, password string, options ...CallOption) (*Client, error) {
	created, err := c.Sessions.Create(ctx, LoginUser{Email: email, Password: password}, options...)
	if err != nil {
		return nil, err
	}
	s := newSession(c.core.store, StoredSession{ID: created.Session.ID, Tokens: created.Tokens})
	s.wrongClock = hasEnded(s.tokens)
	if err := s.save(ctx); err != nil {
		return nil, err
	}
	if own := c.core.session; own != nil && own.store != nil {
		own.set(s)
	}
	next := c.core.with(nil)
	next.session, next.token = &current{session: s, loaded: true}, nil
	return newClient(next), nil
}

// SignOut ends the session of the client. Further calls fail with
// [ErrSessionEnded], or are anonymous if the client was created with a
// [SessionStore].
func (c *Client) SignOut(ctx context.Context, options ...CallOption) error {
	var s *session
	if c.core.session != nil {
		var err error
		if s, err = c.core.session.get(ctx); err != nil {
			return err
		}
	}
	err := c.Sessions.DeleteCurrent(ctx, options...)
	var refused *Error
	switch {
	case errors.Is(err, ErrSessionEnded):
		return nil
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized: // it has ended already
	case err != nil:
		return err
	}
	if s == nil {
		return nil
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	return s.change(ctx, nil)
}

// held returns the tokens, or nil if the session has ended.
func (s *session) held() *Tokens {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

// hasEnded reports whether the access token has ended by the clock of the
// client.
func hasEnded(tokens *Tokens) bool { return time.Until(tokens.AccessTokenExpiresAt) <= 0 }

// change replaces the tokens by those that the service has sent, for a caller
// that holds the lock saving. Without tokens the session has ended. It leaves
// the store alone if the session there is another one, because somebody else has
// signed in.
func (s *session) change(ctx context.Context, tokens *Tokens) error {
	s.mu.Lock()
	s.tokens, s.wrongClock = tokens, tokens != nil && hasEnded(tokens)
	s.mu.Unlock()
	stored, err := load(ctx, s.store)
	if err != nil || stored != nil && stored.ID != s.id {
		return err
	}
	return s.save(ctx)
}

// save writes the session to the store.
func (s *session) save(ctx context.Context) error {
	if s.store == nil {
		return nil
	}
	var stored *StoredSession
	if tokens := s.held(); tokens != nil {
		stored = &StoredSession{ID: s.id, Tokens: *tokens}
	}
	if err := s.store.Save(ctx, stored); err != nil {
		return fmt.Errorf("byline: save the session: %w", err)
	}
	return nil
}

// load returns the session in the store, or nil if there is none.
func load(ctx context.Context, store SessionStore) (*StoredSession, error) {
	if store == nil {
		return nil, nil
	}
	stored, err := store.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("byline: load the session: %w", err)
	}
	return stored, nil
}

// renewedElsewhere returns the tokens in the store if another process has
// renewed this session. Older tokens are there if the last ones could not be
// saved.
func (s *session) renewedElsewhere(ctx context.Context, old *Tokens) (*Tokens, error) {
	stored, err := load(ctx, s.store)
	if stored == nil || stored.ID != s.id || stored.Tokens.RefreshToken == old.RefreshToken ||
		stored.Tokens.AccessTokenExpiresAt.Before(old.AccessTokenExpiresAt) {
		return nil, err
	}
	return &stored.Tokens, nil
}

// token returns the access token, which it renews if it is about to end.
func (s *session) token(ctx context.Context, c *core) (string, error) {
	s.mu.Lock()
	tokens, tried, wrongClock := s.tokens, s.tried, s.wrongClock
	s.mu.Unlock()
	switch {
	case tokens == nil:
		return "", ErrSessionEnded
	case wrongClock, time.Until(tokens.AccessTokenExpiresAt) > early, time.Since(tried) < pause:
		return tokens.AccessToken, nil
	}
	token, err := s.renew(ctx, c, tokens.AccessToken)
	if err != nil && s.held() == tokens && !hasEnded(tokens) {
		return tokens.AccessToken, nil // it is still valid
	}
	return token, err
}

// renew replaces the access token used. Concurrent callers share one renewal,
// which goes on if the context of one of them ends.
func (s *session) renew(ctx context.Context, c *core, used string) (string, error) {
	s.mu.Lock()
	if s.tokens == nil {
		s.mu.Unlock()
		return "", ErrSessionEnded
	}
	if s.tokens.AccessToken != used {
		token := s.tokens.AccessToken
		s.mu.Unlock()
		return token, nil
	}
	r := s.renewal
	if r == nil {
		r = &renewal{done: make(chan struct{})}
		s.renewal = r
		go s.run(context.WithoutCancel(ctx), c, r, s.tokens)
	}
	s.mu.Unlock()
	select {
	case <-r.done:
		return r.token, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// run renews the session for all who wait for r.
func (s *session) run(ctx context.Context, c *core, r *renewal, old *Tokens) {
	limited, cancel := context.WithTimeout(ctx, window)
	tokens, stored, err := s.exchange(limited, c, old)
	cancel()
	if err == nil || errors.Is(err, ErrSessionEnded) {
		err = errors.Join(err, s.replace(ctx, old, tokens, stored))
	}
	if r.err = err; err == nil {
		r.token = tokens.AccessToken
	}
	s.mu.Lock()
	s.tried, s.renewal = time.Now(), nil
	s.mu.Unlock()
	close(r.done)
}

// replace replaces the tokens old, unless the user has signed out in the
// meantime. Tokens that the store has already are not saved again, because
// another process may have saved newer ones.
func (s *session) replace(ctx context.Context, old, tokens *Tokens, stored bool) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	signedOut := s.tokens != old
	if !signedOut && stored {
		s.tokens, s.wrongClock = tokens, false
	}
	s.mu.Unlock()
	switch {
	case signedOut:
		return ErrSessionEnded
	case stored:
		return nil
	}
	return s.change(ctx, tokens)
}

// exchange exchanges the refresh token for new tokens. If another process has
// renewed the session, the store has the tokens already.
func (s *session) exchange(ctx context.Context, c *core, old *Tokens) (tokens *Tokens, stored bool, err error) {
	elsewhere, err := s.renewedElsewhere(ctx, old)
	switch {
	case err != nil:
		return nil, false, err
	case elsewhere != nil && time.Until(elsewhere.AccessTokenExpiresAt) > early:
		return elsewhere, true, nil
	}
	last := cmp.Or(elsewhere, old)
	anonymous := *c
	anonymous.session, anonymous.token = nil, nil
	// A third of the window for each attempt leaves time for others.
	tokens, err = newClient(&anonymous).Sessions.Refresh(ctx, RefreshSessionRequest{RefreshToken: last.RefreshToken},
		Timeout(window/3), repeatable)
	if !endsSession(err) {
		return tokens, false, err
	}
	elsewhere, loading := s.renewedElsewhere(ctx, last)
	switch {
	case loading != nil:
		return nil, false, errors.Join(err, loading)
	case elsewhere != nil:
		return elsewhere, true, nil
	}
	return nil, false, fmt.Errorf("%w: %w", ErrSessionEnded, err)
}

// endsSession reports whether the service has decided not to renew a session.
func endsSession(err error) bool {
	var refused *Error
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// repeatable lets a renewal be repeated, which is not by itself safe to repeat,
// even if the client retries nothing: a lost response would end the session.
func repeatable(c *call) {
	c.repeatable = true
	c.retry.Attempts = max(c.retry.Attempts, 3)
}

package byline

import (
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
var ErrSessionEnded = errors.New("byline: the session has ended; sign in again")

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
	store    SessionStore

	// saving orders changes, each with its writing to the store.
	saving sync.Mutex
	// mu protects the fields below.
	mu      sync.Mutex
	loaded  bool
	id      int64
	tokens  *Tokens
	ended   bool
	tried   time.Time // of the last renewal
	renewal *renewal  // in progress
}

// renewal is the renewal that all callers wait for.
type renewal struct {
	done  chan struct{}
	token string
	err   error
}

func newSession(store SessionStore) *session { return &session{identity: rand.Text(), store: store} }

// SignIn signs a user in and returns a client with the session of the user. The
// client renews the session when its access token ends.
func (c *Client) SignIn(ctx context.Context, email, password string, options ...CallOption) (*Client, error) {
	created, err := c.Sessions.Create(ctx, LoginUser{Email: email, Password: password}, options...)
	if err != nil {
		return nil, err
	}
	s := newSession(c.core.store)
	s.id, s.tokens, s.loaded = created.Session.ID, &created.Tokens, true
	if err := s.save(ctx); err != nil {
		return nil, err
	}
	next := c.core.with(nil)
	next.session, next.token = s, nil
	return newClient(next), nil
}

// SignOut ends the session of the client. Further calls fail with
// [ErrSessionEnded].
func (c *Client) SignOut(ctx context.Context, options ...CallOption) error {
	err := c.Sessions.DeleteCurrent(ctx, options...)
	if errors.Is(err, ErrSessionEnded) {
		return nil
	}
	if s := c.core.session; s != nil {
		s.saving.Lock()
		defer s.saving.Unlock()
		err = errors.Join(err, s.change(ctx, nil))
	}
	return err
}

// change replaces the tokens for a caller that holds the lock saving. Without
// tokens the session has ended. It leaves the store alone if the session there
// is another one, because somebody else has signed in.
func (s *session) change(ctx context.Context, tokens *Tokens) error {
	s.mu.Lock()
	s.tokens, s.loaded, s.ended = tokens, true, tokens == nil
	id := s.id
	s.mu.Unlock()
	if stored, err := s.load(ctx); err == nil && stored != nil && stored.ID != id {
		return nil
	}
	return s.save(ctx)
}

// save writes the session to the store.
func (s *session) save(ctx context.Context) error {
	if s.store == nil {
		return nil
	}
	var stored *StoredSession
	s.mu.Lock()
	if s.tokens != nil {
		stored = &StoredSession{ID: s.id, Tokens: *s.tokens}
	}
	s.mu.Unlock()
	if err := s.store.Save(ctx, stored); err != nil {
		return fmt.Errorf("byline: save the session: %w", err)
	}
	return nil
}

// load returns the session in the store, or nil if there is none.
func (s *session) load(ctx context.Context) (*StoredSession, error) {
	if s.store == nil {
		return nil, nil
	}
	stored, err := s.store.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("byline: load the session: %w", err)
	}
	return stored, nil
}

// renewedElsewhere returns the tokens in the store if another process has
// renewed this session.
func (s *session) renewedElsewhere(ctx context.Context, old *Tokens) (*Tokens, error) {
	stored, err := s.load(ctx)
	s.mu.Lock()
	id := s.id
	s.mu.Unlock()
	if stored == nil || stored.ID != id || stored.Tokens.RefreshToken == old.RefreshToken {
		return nil, err
	}
	return &stored.Tokens, nil
}

// token returns the access token. It is empty if the store has no session.
func (s *session) token(ctx context.Context, c *core) (string, error) {
	s.mu.Lock()
	loaded := s.loaded
	s.mu.Unlock()
	if !loaded {
		stored, err := s.load(ctx)
		if err != nil {
			return "", err
		}
		s.mu.Lock()
		if s.loaded = true; s.tokens == nil && !s.ended && stored != nil {
			s.id, s.tokens = stored.ID, &stored.Tokens
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	tokens, ended, tried := s.tokens, s.ended, s.tried
	s.mu.Unlock()
	switch {
	case ended:
		return "", ErrSessionEnded
	case tokens == nil:
		return "", nil
	case time.Until(tokens.AccessTokenExpiresAt) > early || time.Since(tried) < pause:
		return tokens.AccessToken, nil
	}
	token, err := s.renew(ctx, c, tokens.AccessToken)
	if err != nil && !errors.Is(err, ErrSessionEnded) && time.Until(tokens.AccessTokenExpiresAt) > 0 {
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
	tokens, err := s.exchange(limited, c, old)
	cancel()
	if err == nil || errors.Is(err, ErrSessionEnded) {
		err = errors.Join(err, s.replace(ctx, old, tokens))
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
// meantime.
func (s *session) replace(ctx context.Context, old, tokens *Tokens) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	signedOut := s.tokens != old
	s.mu.Unlock()
	if signedOut {
		return ErrSessionEnded
	}
	return s.change(ctx, tokens)
}

// exchange exchanges the refresh token for new tokens. If another process has
// renewed the session, the store has the tokens already.
func (s *session) exchange(ctx context.Context, c *core, old *Tokens) (*Tokens, error) {
	if stored, err := s.renewedElsewhere(ctx, old); err != nil {
		return nil, err
	} else if stored != nil {
		if time.Until(stored.AccessTokenExpiresAt) > early {
			return stored, nil
		}
		old = stored
	}
	anonymous := *c
	anonymous.session, anonymous.token = nil, nil
	// A third of the window for each attempt leaves time for others.
	tokens, err := newClient(&anonymous).Sessions.Refresh(ctx, RefreshSessionRequest{RefreshToken: old.RefreshToken},
		Timeout(window/3), repeatable)
	var refused *Error
	if !errors.As(err, &refused) || refused.Status/100 != 4 || refused.Status == http.StatusTooManyRequests {
		return tokens, err
	}
	if stored, _ := s.renewedElsewhere(ctx, old); stored != nil {
		return stored, nil
	}
	return nil, fmt.Errorf("%w: %w", ErrSessionEnded, err)
}

// repeatable lets a call be repeated that is not by itself safe to repeat.
func repeatable(c *call) { c.repeatable = true }

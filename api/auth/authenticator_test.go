package auth

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/changes"
)

// register is an in-memory Directory that counts its calls.
type register struct {
	mu       sync.Mutex
	sessions map[int64]Viewer
	keys     map[string]Viewer
	ends     time.Time
	signing  []Key
	err      error
	asked    int
	// during runs while a session is being looked up.
	during func()
}

func (r *register) Session(_ context.Context, id int64) (Viewer, error) {
	r.mu.Lock()
	r.asked++
	v, ok := r.sessions[id]
	err, during := r.err, r.during
	r.mu.Unlock()
	if during != nil {
		during()
	}
	if err == nil && !ok {
		err = ErrTokenInvalid
	}
	return v, err
}

func (r *register) APIKey(_ context.Context, hash []byte) (Viewer, time.Time, error) {
	r.asked++
	v, ok := r.keys[string(hash)]
	if !ok {
		return v, time.Time{}, ErrTokenInvalid
	}
	return v, r.ends, nil
}

func (r *register) SigningKeys(context.Context) ([]Key, error) { return r.signing, r.err }

// gate is an Authenticator with a clock that a test moves.
type gate struct {
	*Authenticator
	*register
	keys *APIKeys
	now  time.Time
}

func newGate(t *testing.T) *gate {
	g := &gate{now: instant, keys: NewAPIKeys([]byte("secret")), register: &register{
		sessions: map[int64]Viewer{7: {ID: 42, Session: 7, Role: Author, Scope: ScopeAccount}},
		keys:     map[string]Viewer{}, signing: []Key{current},
	}}
	clock := func() time.Time { return g.now }
	tokens, err := NewTokens([]Key{current}, lifetimes, clock)
	require.NoError(t, err)
	g.Authenticator = NewAuthenticator(tokens, g.keys, g.register, Trust, clock)
	return g
}

func (g *gate) news(t *testing.T, keys ...changes.Key) {
	t.Helper()
	require.NoError(t, g.Learn(t.Context(), changes.Batch{Keys: keys, Began: g.now}))
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	t.Run("RemembersRefusals", func(t *testing.T) {
		t.Parallel()
		g := newGate(t)
		token, key := issue(t, g.tokens, 42), g.keys.New()
		session := g.sessions[7]
		delete(g.sessions, 7)
		refused := func(credential string) {
			t.Helper()
			_, err := g.Authenticate(t.Context(), credential)
			require.ErrorIs(t, err, ErrTokenInvalid)
			require.Equal(t, credential != "nonsense", errors.Is(err, ErrTokenRevoked))
			require.False(t, g.Accepted(credential))
		}
		for range 3 {
			refused(token)
			refused(key.Text)
		}
		require.Equal(t, 2, g.asked, "each is looked up once")
		refused("nonsense")
		require.Equal(t, 2, g.asked)

		g.now = g.now.Add(Trust)
		refused(token)
		require.Equal(t, 3, g.asked, "without news, the cache is not used")
		g.sessions[7] = session
		g.news(t)
		refused(token)
		g.news(t, changes.Account(42))
		_, err := g.Authenticate(t.Context(), token)
		require.NoError(t, err, "the account was reinstated")
		require.True(t, g.Accepted(token))

		g.sessions[7] = Viewer{ID: 43}
		g.news(t, changes.Session(7))
		refused(token)
		asked := g.asked
		for range 2 * maxRefused {
			refused(g.keys.New().Text)
		}
		require.LessOrEqual(t, len(g.refused), maxRefused)
		require.Equal(t, asked+2*maxRefused, g.asked)
	})

	t.Run("RemembersUntilToldOtherwise", func(t *testing.T) {
		t.Parallel()
		g := newGate(t)
		token := issue(t, g.tokens, 42)
		for range 3 {
			v, err := g.Authenticate(t.Context(), token)
			require.NoError(t, err)
			require.Equal(t, Viewer{ID: 42, Session: 7, Role: Author, Scope: ScopeAccount, Token: token}, v)
		}
		require.Equal(t, 1, g.asked)
		for _, unrelated := range []changes.Key{
			changes.Session(8), changes.Account(43), changes.APIKey(7), changes.Article(7), changes.Profile(42), changes.ArticlesBy(42),
			changes.Articles, changes.ArticlesTagged("v42"), {},
		} {
			g.news(t, unrelated)
		}
		_, err := g.Authenticate(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, 1, g.asked)
		for i, news := range []changes.Key{changes.Session(7), changes.Account(42), changes.SigningKeys} {
			g.news(t, changes.Article(1), news)
			_, err := g.Authenticate(t.Context(), token)
			require.NoError(t, err)
			require.Equal(t, 2+i, g.asked, news)
		}
		delete(g.sessions, 7)
		g.news(t, changes.Session(7))
		_, err = g.Authenticate(t.Context(), token)
		require.ErrorIs(t, err, ErrTokenInvalid)
	})
	t.Run("WithoutNewsItAsks", func(t *testing.T) {
		t.Parallel()
		g := newGate(t)
		token := issue(t, g.tokens, 42)
		for i := range 3 {
			_, err := g.Authenticate(t.Context(), token)
			require.NoError(t, err)
			require.Equal(t, i+1, g.asked)
			g.now = g.now.Add(Trust)
		}
		g.news(t)
		_, _ = g.Authenticate(t.Context(), token)
		require.Equal(t, 3, g.asked, "the cached result is used again after Learn was called")
		g.now = g.now.Add(recheck)
		g.news(t)
		_, _ = g.Authenticate(t.Context(), token)
		require.Equal(t, 4, g.asked, "the last use is recorded to the minute")
	})
	t.Run("RevokedWhileItAsks", func(t *testing.T) {
		t.Parallel()
		g := newGate(t)
		token := issue(t, g.tokens, 42)
		g.during = func() { g.news(t, changes.Session(7)) }
		_, err := g.Authenticate(t.Context(), token)
		require.NoError(t, err, "the session was valid when the look-up began")
		g.during = nil
		delete(g.sessions, 7)
		_, err = g.Authenticate(t.Context(), token)
		require.ErrorIs(t, err, ErrTokenInvalid, "a revoked session must not be cached")
	})
	t.Run("Ends", func(t *testing.T) {
		t.Parallel()
		g := newGate(t)
		token := issue(t, g.tokens, 42)
		_, err := g.Authenticate(t.Context(), token)
		require.NoError(t, err)
		g.now = instant.Add(lifetimes.Token)
		g.news(t)
		_, err = g.Authenticate(t.Context(), token)
		require.ErrorIs(t, err, ErrTokenExpired)
	})
	t.Run("SomebodyElsesSession", func(t *testing.T) {
		t.Parallel()
		g := newGate(t)
		_, err := g.Authenticate(t.Context(), issue(t, g.tokens, 43))
		require.ErrorIs(t, err, ErrTokenInvalid)
	})
	t.Run("Fault", func(t *testing.T) {
		t.Parallel()
		g := newGate(t)
		token := issue(t, g.tokens, 42)
		g.err = errors.New("no database")
		_, err := g.Authenticate(t.Context(), token)
		require.ErrorIs(t, err, g.err, "an unreachable database signs nobody out")
		require.ErrorIs(t, g.Learn(t.Context(), changes.Batch{All: true, Began: g.now}), g.err)
	})
	t.Run("AnythingMayHaveChanged", func(t *testing.T) {
		t.Parallel()
		g := newGate(t)
		token := issue(t, g.tokens, 42)
		ask := func(asked int, why string) {
			t.Helper()
			_, err := g.Authenticate(t.Context(), token)
			require.NoError(t, err)
			require.Equal(t, asked, g.asked, why)
		}
		ask(1, "")
		require.NoError(t, g.Learn(t.Context(), changes.Batch{All: true, Began: g.now}))
		ask(2, "it was forgotten")
		boom := errors.New("no database")
		g.now, g.err = g.now.Add(Trust), boom
		require.ErrorIs(t, g.Learn(t.Context(), changes.Batch{All: true, Began: g.now}), boom)
		g.err = nil
		ask(3, "what it did not hear is no news")
		ask(4, "nor does what it has found out since stand")
		g.signing = []Key{older, current}
		require.NoError(t, g.Learn(t.Context(), changes.Batch{All: true, Began: g.now}))
		ask(5, "it was forgotten")
		ask(5, "and is good again")
		token = issue(t, g.tokens, 42)
		g.signing = []Key{older}
		g.news(t, changes.SigningKeys)
		ask(6, "the newest key signs since it was told")
	})
	t.Run("Keys", func(t *testing.T) {
		t.Parallel()
		g := newGate(t)
		key := g.keys.New()
		g.register.keys[string(key.Hash)] = Viewer{ID: 42, Key: 3, Scope: ScopeRead}
		g.ends = instant.Add(time.Minute)
		for range 2 {
			v, err := g.Authenticate(t.Context(), key.Text)
			require.NoError(t, err)
			require.Equal(t, ScopeRead, v.Scope)
		}
		require.Equal(t, 1, g.asked)
		_, err := g.Authenticate(t.Context(), "byl_"+key.Text[5:]+"a")
		require.ErrorIs(t, err, ErrTokenInvalid)
		require.Equal(t, 1, g.asked, "an invented key costs no look-up")
		delete(g.register.keys, string(key.Hash))
		g.news(t, changes.APIKey(3))
		_, err = g.Authenticate(t.Context(), key.Text)
		require.ErrorIs(t, err, ErrTokenInvalid)
	})
	t.Run("KeyRotation", func(t *testing.T) {
		t.Parallel()
		g := newGate(t)
		old := issue(t, g.tokens, 42)
		g.signing = []Key{older, current}
		g.news(t, changes.SigningKeys)
		fresh := issue(t, g.tokens, 42)
		for _, token := range []string{old, fresh} {
			_, err := g.Authenticate(t.Context(), token)
			require.NoError(t, err, "both signing keys are valid")
		}
		g.signing = []Key{older}
		g.news(t, changes.SigningKeys)
		_, err := g.Authenticate(t.Context(), old)
		require.ErrorIs(t, err, ErrTokenInvalid, "the signing key of the token was revoked")
		_, err = g.Authenticate(t.Context(), fresh)
		require.NoError(t, err)
	})
	t.Run("ManyTokens", func(t *testing.T) {
		t.Parallel()
		g := newGate(t)
		for range maxKnown + 1 {
			g.remember(string(g.keys.New().Hash), known{}, 0)
		}
		require.LessOrEqual(t, len(g.known), maxKnown)
	})
}

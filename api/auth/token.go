package auth

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Tokens are JWTs (RFC 7519) signed with HMAC-SHA256. The audience tells
// tokens for calls from those that only renew.
const (
	issuer          = "byline"
	audience        = "byline-api"
	refreshAudience = "byline-refresh"
	// maxTokenBytes refuses oversized tokens before any work is done on them.
	maxTokenBytes = 4096
	// clockSkew is how far the clocks of two replicas may be apart: a token
	// must not be from the future for the one that is behind.
	clockSkew = 5 * time.Second
)

// Why a credential is refused.
var (
	ErrTokenInvalid = errors.New("auth: the token is invalid")
	ErrTokenExpired = errors.New("auth: the token has expired")
)

// Key is a signing key; ID is the token's kid.
type Key struct {
	ID     string
	Secret []byte
}

// Lifetimes are how long tokens are good for.
type Lifetimes struct {
	// Token is for the contract's token, which cannot be renewed.
	Token time.Duration
	// Access and Refresh are for pairs; each renewal begins both anew.
	Access, Refresh time.Duration
	// Session is how long a session can be renewed, from sign-in on (ASVS
	// 5.0, 7.3.2).
	Session time.Duration
}

// Tokens issues and verifies tokens. What they say is true when they were
// signed; whether their session is still there is for the Authenticator.
type Tokens struct {
	Lifetimes
	keys            atomic.Pointer[keyring]
	access, refresh *jwt.Parser
	now             func() time.Time
}

type keyring struct {
	signing Key
	all     map[string][]byte
}

// Claims is what a token says.
type Claims struct {
	UserID, Session int64
	// Generation counts the renewals of a session; only in refresh tokens.
	Generation int32
	Expires    time.Time
}

type claims struct {
	jwt.RegisteredClaims
	Session    int64 `json:"sid"`
	Generation int32 `json:"gen,omitempty"`
}

// NewTokens signs with the first key and verifies with all of them, so that
// keys can be rotated while tokens of the older one are in use.
func NewTokens(keys []Key, lifetimes Lifetimes, now func() time.Time) (*Tokens, error) {
	parser := func(audience string) *jwt.Parser {
		return jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
			jwt.WithIssuer(issuer), jwt.WithAudience(audience),
			jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(),
			jwt.WithTimeFunc(now), jwt.WithLeeway(clockSkew),
		)
	}
	t := &Tokens{Lifetimes: lifetimes, access: parser(audience), refresh: parser(refreshAudience), now: now}
	return t, t.SetKeys(keys)
}

// SetKeys replaces the signing keys, as NewTokens takes them.
func (t *Tokens) SetKeys(keys []Key) error {
	if len(keys) == 0 {
		return errors.New("auth: no signing key")
	}
	ring := &keyring{signing: keys[0], all: map[string][]byte{}}
	for _, k := range keys {
		if len(k.Secret) < 32 {
			return fmt.Errorf("auth: signing key %q is shorter than 32 bytes (RFC 7518, section 3.2)", k.ID)
		}
		ring.all[k.ID] = k.Secret
	}
	t.keys.Store(ring)
	return nil
}

// Issue returns the contract's token for a session.
func (t *Tokens) Issue(userID, session int64) (token string, expires time.Time, err error) {
	return t.sign(audience, claims{Session: session}, userID, t.Token)
}

// Pair is an access token with the refresh token that gets the next pair.
type Pair struct {
	Access, Refresh               string
	AccessExpires, RefreshExpires time.Time
}

// IssuePair returns the tokens of a session's generation; neither outlives the
// session, which ends at.
func (t *Tokens) IssuePair(userID, session int64, generation int32, at time.Time) (p Pair, err error) {
	left := at.Sub(t.now())
	if p.Access, p.AccessExpires, err = t.sign(audience, claims{Session: session}, userID, min(t.Access, left)); err != nil {
		return p, err
	}
	p.Refresh, p.RefreshExpires, err = t.sign(refreshAudience, claims{Session: session, Generation: generation}, userID, min(t.Refresh, left))
	return p, err
}

func (t *Tokens) sign(audience string, c claims, userID int64, ttl time.Duration) (string, time.Time, error) {
	now, ring := t.now(), t.keys.Load()
	expires := now.Add(ttl).Truncate(time.Second) // as the claim has it
	c.RegisteredClaims = jwt.RegisteredClaims{
		Issuer:    issuer,
		Subject:   strconv.FormatInt(userID, 10),
		Audience:  jwt.ClaimStrings{audience},
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(expires),
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	token.Header["kid"] = ring.signing.ID
	signed, err := token.SignedString(ring.signing.Secret)
	return signed, expires, err
}

// Verify returns what a token for calls says, or ErrTokenInvalid or
// ErrTokenExpired.
func (t *Tokens) Verify(token string) (Claims, error) { return t.verify(t.access, token) }

// VerifyRefresh does the same for a refresh token.
func (t *Tokens) VerifyRefresh(token string) (Claims, error) { return t.verify(t.refresh, token) }

func (t *Tokens) verify(parser *jwt.Parser, token string) (Claims, error) {
	if len(token) > maxTokenBytes {
		return Claims{}, ErrTokenInvalid
	}
	var c claims
	_, err := parser.ParseWithClaims(token, &c, func(tok *jwt.Token) (any, error) {
		kid, _ := tok.Header["kid"].(string)
		secret, ok := t.keys.Load().all[kid]
		if !ok {
			return nil, fmt.Errorf("unknown kid %q", kid)
		}
		return secret, nil
	})
	// The leeway is for clocks that differ, not to make tokens last longer.
	switch {
	case errors.Is(err, jwt.ErrTokenExpired), err == nil && !t.now().Before(c.ExpiresAt.Time):
		return Claims{}, ErrTokenExpired
	case err != nil:
		return Claims{}, ErrTokenInvalid
	}
	userID, err := strconv.ParseInt(c.Subject, 10, 64)
	if err != nil || userID < 1 || c.Session < 1 {
		return Claims{}, ErrTokenInvalid
	}
	return Claims{UserID: userID, Session: c.Session, Generation: c.Generation, Expires: c.ExpiresAt.Time}, nil
}

package auth

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Tokens are JWTs (RFC 7519) signed with HMAC-SHA256. The audience
// distinguishes tokens for requests from tokens that can only be used to renew.
const (
	issuer          = "byline"
	audience        = "byline-api"
	refreshAudience = "byline-refresh"
	// maxTokenBytes limits the size of a token before it is parsed.
	maxTokenBytes = 4096
	// clockSkew is the maximum difference between the clocks of two replicas.
	// Without it, a token would be from the future for a replica whose clock is
	// behind.
	clockSkew = 5 * time.Second
)

// These errors say why a credential is refused.
var (
	ErrTokenInvalid = errors.New("auth: the token is invalid")
	ErrTokenExpired = errors.New("auth: the token has expired")
	// ErrTokenRevoked is the ErrTokenInvalid of a credential that this service
	// has issued, and that the directory does not know any more.
	ErrTokenRevoked = fmt.Errorf("%w: it was revoked", ErrTokenInvalid)
	// errNotOurs is the ErrTokenInvalid of a token that names none of the signing
	// keys. Another system may have issued it.
	errNotOurs = fmt.Errorf("%w: no signing key of this service", ErrTokenInvalid)
	// ErrSchemeMissing is the ErrTokenInvalid of a header that is not the scheme
	// Token or Bearer and one token.
	ErrSchemeMissing = fmt.Errorf("%w: the header is not a scheme and a token", ErrTokenInvalid)
)

// Key is a signing key; ID is the token's kid.
type Key struct {
	ID     string
	Secret []byte
}

// Lifetimes are the lifetimes of tokens and sessions.
type Lifetimes struct {
	// Token is the lifetime of the token of the RealWorld contract, which
	// cannot be renewed.
	Token time.Duration
	// Access and Refresh are the lifetimes of the tokens of a pair. Both start
	// again at each renewal.
	Access, Refresh time.Duration
	// Session is how long a session can be renewed, counted from the sign-in
	// (ASVS 5.0, 7.3.2).
	Session time.Duration
}

// Tokens issues and verifies tokens. A token contains what was true when it was
// signed. The Authenticator checks whether its session still exists.
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

// Claims are the contents of a token.
type Claims struct {
	UserID, Session int64
	// Generation counts the renewals of a session. Only refresh tokens have it.
	Generation int32
	Expires    time.Time
}

type claims struct {
	jwt.RegisteredClaims
	Session    int64 `json:"sid"`
	Generation int32 `json:"gen,omitempty"`
}

// NewTokens returns Tokens that signs with the first key and verifies with all
// of them, so that keys can be rotated while tokens of older keys are in use.
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

// SetKeys replaces the signing keys. It expects them in the same order as
// NewTokens.
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

// Issue returns the token of the RealWorld contract for a session.
func (t *Tokens) Issue(userID, session int64) (token string, expires time.Time, err error) {
	return t.sign(audience, claims{Session: session}, userID, t.Token)
}

// Pair is an access token and the refresh token that renews it.
type Pair struct {
	Access, Refresh               string
	AccessExpires, RefreshExpires time.Time
}

// IssuePair returns the tokens for a generation of a session. Neither lives
// longer than the session, which ends at the time at.
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
	expires := now.Add(ttl).Truncate(time.Second) // claims have whole seconds
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

// Verify returns the claims of a token for requests, or ErrTokenInvalid or
// ErrTokenExpired.
func (t *Tokens) Verify(token string) (Claims, error) { return t.verify(t.access, token) }

// VerifyRefresh does the same for a refresh token.
func (t *Tokens) VerifyRefresh(token string) (Claims, error) { return t.verify(t.refresh, token) }

func (t *Tokens) verify(parser *jwt.Parser, token string) (Claims, error) {
	if len(token) > maxTokenBytes {
		return Claims{}, ErrTokenInvalid
	}
	var c claims
	parsed, err := parser.ParseWithClaims(token, &c, func(tok *jwt.Token) (any, error) {
		kid, _ := tok.Header["kid"].(string)
		secret, ok := t.keys.Load().all[kid]
		if !ok {
			return nil, fmt.Errorf("unknown kid %q", kid)
		}
		return secret, nil
	})
	// The leeway is for clocks that differ. It must not extend the lifetime of
	// tokens.
	switch {
	case errors.Is(err, jwt.ErrTokenExpired), err == nil && !t.now().Before(c.ExpiresAt.Time):
		return Claims{}, ErrTokenExpired
	case err != nil && !t.signed(parsed):
		return Claims{}, errNotOurs
	case err != nil:
		return Claims{}, ErrTokenInvalid
	}
	userID, err := strconv.ParseInt(c.Subject, 10, 64)
	if err != nil || userID < 1 || c.Session < 1 {
		return Claims{}, ErrTokenInvalid
	}
	return Claims{UserID: userID, Session: c.Session, Generation: c.Generation, Expires: c.ExpiresAt.Time}, nil
}

// signed reports whether a token names one of the signing keys.
func (t *Tokens) signed(token *jwt.Token) bool {
	if token == nil {
		return false
	}
	kid, _ := token.Header["kid"].(string)
	_, ok := t.keys.Load().all[kid]
	return ok
}

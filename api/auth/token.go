package auth

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Tokens are JWTs (RFC 7519) signed with HMAC-SHA256.
const (
	issuer   = "byline"
	audience = "byline-api"
	// maxTokenBytes refuses oversized tokens before any work is done on them.
	maxTokenBytes = 4096
	// clockSkew is how far the clocks of two replicas may be apart: a token
	// must not be from the future for the one that is behind.
	clockSkew = 5 * time.Second
)

// Why a token is refused.
var (
	ErrTokenInvalid = errors.New("auth: the token is invalid")
	ErrTokenExpired = errors.New("auth: the token has expired")
)

// Key is a signing key; ID is the token's kid.
type Key struct {
	ID     string
	Secret []byte
}

// Tokens issues and verifies the contract's tokens.
type Tokens struct {
	signing Key
	keys    map[string][]byte
	ttl     time.Duration
	parser  *jwt.Parser
	now     func() time.Time

	mu       sync.RWMutex
	verified map[string]verified
}

// verified is what a token that was verified once says. Verifying costs a
// tenth of a signed-in read; who signs in once reads many times.
type verified struct {
	userID  int64
	expires time.Time
}

// maxVerified bounds the memory for verified tokens: about 400 bytes each.
const maxVerified = 4096

// NewTokens signs with the first key and verifies with all of them, so that
// keys can be rotated while tokens of the older one are in use. Tokens are
// valid for ttl.
func NewTokens(keys []Key, ttl time.Duration, now func() time.Time) (*Tokens, error) {
	if len(keys) == 0 {
		return nil, errors.New("auth: no signing key")
	}
	t := &Tokens{signing: keys[0], keys: map[string][]byte{}, ttl: ttl, now: now, verified: map[string]verified{}}
	for _, k := range keys {
		if len(k.Secret) < 32 {
			return nil, fmt.Errorf("auth: signing key %q is shorter than 32 bytes (RFC 7518, section 3.2)", k.ID)
		}
		t.keys[k.ID] = k.Secret
	}
	t.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(now), jwt.WithLeeway(clockSkew),
	)
	return t, nil
}

// Issue returns a new token of a user.
func (t *Tokens) Issue(userID int64) (string, error) {
	now := t.now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer:    issuer,
		Subject:   strconv.FormatInt(userID, 10),
		Audience:  jwt.ClaimStrings{audience},
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(t.ttl)),
	})
	token.Header["kid"] = t.signing.ID
	return token.SignedString(t.signing.Secret)
}

// Verify returns the user of a token, or ErrTokenInvalid or ErrTokenExpired.
func (t *Tokens) Verify(token string) (userID int64, err error) {
	if len(token) > maxTokenBytes {
		return 0, ErrTokenInvalid
	}
	t.mu.RLock()
	v, known := t.verified[token]
	t.mu.RUnlock()
	if !known {
		if v, err = t.verify(token); err != nil {
			return 0, err
		}
		t.mu.Lock()
		if len(t.verified) >= maxVerified {
			clear(t.verified) // seldom, and each token costs one verification more
		}
		t.verified[strings.Clone(token)] = v
		t.mu.Unlock()
	}
	if !t.now().Before(v.expires) {
		return 0, ErrTokenExpired
	}
	return v.userID, nil
}

func (t *Tokens) verify(token string) (verified, error) {
	var claims jwt.RegisteredClaims
	_, err := t.parser.ParseWithClaims(token, &claims, func(tok *jwt.Token) (any, error) {
		kid, _ := tok.Header["kid"].(string)
		secret, ok := t.keys[kid]
		if !ok {
			return nil, fmt.Errorf("unknown kid %q", kid)
		}
		return secret, nil
	})
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return verified{}, ErrTokenExpired
	case err != nil:
		return verified{}, ErrTokenInvalid
	}
	userID, err := strconv.ParseInt(claims.Subject, 10, 64)
	if err != nil || userID < 1 {
		return verified{}, ErrTokenInvalid
	}
	return verified{userID, claims.ExpiresAt.Time}, nil
}

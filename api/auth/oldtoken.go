package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// These errors say why a token that the older system has signed is refused. To
// the client they are the same as the errors of tokens of this service.
var (
	ErrOldTokenExpired = fmt.Errorf("%w: the older system has signed it", ErrTokenExpired)
	// ErrOldTokenMalformed means that the claims of the token cannot be used.
	ErrOldTokenMalformed = fmt.Errorf("%w: its claims cannot be used", ErrTokenInvalid)
	// ErrOldTokenUnknown means that the token names no account. That is not
	// remembered, because the account may be imported later.
	ErrOldTokenUnknown = fmt.Errorf("%w: no account of the older system", ErrTokenRevoked)
	ErrOldTokenRevoked = fmt.Errorf("%w: the older system has signed it", ErrTokenRevoked)
)

// OldToken is a token of the older system whose signature is right.
type OldToken struct {
	// Hash is the SHA-256 of the token.
	Hash []byte
	// By says what Account is.
	By      Identifier
	Account string
	// IssuedAt and Ends are claims of the token. They are zero if it has none.
	IssuedAt, Ends time.Time
	// Expires is when the service stops to accept the token.
	Expires time.Time
}

// OldDirectory finds the accounts of tokens that the older system has signed. It
// returns ErrOldTokenUnknown, ErrOldTokenRevoked or an error of the database.
type OldDirectory interface {
	OldToken(ctx context.Context, t OldToken) (Viewer, error)
}

// OldTokens verifies tokens that an older system has signed with HMAC-SHA256,
// until a time. It also counts the requests that have such tokens, so that the
// operator sees when clients no longer use them.
type OldTokens struct {
	secret []byte
	until  time.Time
	claims []OldClaim
	parser *jwt.Parser
	now    func() time.Time
	counts [len(oldOutcomes)]atomic.Int64
}

// NewOldTokens returns OldTokens for the secret of the older system. The secret
// may be short, because the older system chose it. The account is in the first
// of the claims that a token has.
func NewOldTokens(secret []byte, until time.Time, claims []OldClaim, now func() time.Time) (*OldTokens, error) {
	if len(secret) == 0 {
		return nil, errors.New("auth: the secret of the older system is empty")
	}
	if len(claims) == 0 {
		return nil, errors.New("auth: no claim names the account of an old token")
	}
	return &OldTokens{secret: secret, until: until, claims: claims, now: now, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(),
		// The validation of the package takes the time 0 for none.
		jwt.WithJSONNumber(), jwt.WithoutClaimsValidation(),
	)}, nil
}

// Verify returns what a token says if the older system has signed it. The error
// is ErrTokenInvalid if it has not, or one of those of old tokens.
func (o *OldTokens) Verify(token string) (t OldToken, err error) {
	if len(token) > maxTokenBytes {
		return t, ErrTokenInvalid
	}
	claims := jwt.MapClaims{}
	_, err = o.parser.ParseWithClaims(token, claims, func(parsed *jwt.Token) (any, error) {
		if _, critical := parsed.Header["crit"]; critical {
			return nil, errors.New("the token has extensions that must be understood")
		}
		return o.secret, nil
	})
	if err != nil {
		return t, ErrTokenInvalid
	}
	if t, err = o.read(claims); err != nil {
		return t, err
	}
	hash := sha256.Sum256([]byte(token))
	t.Hash = hash[:]
	return t, nil
}

// purposeClaims say what a token is for. Backends use one secret for tokens of
// requests and for those in links, such as that for a new password.
var purposeClaims = []string{"purpose", "type", "typ", "token_type", "tokenType", "token_use", "tokenUse", "action"}

// purposes are the values of purposeClaims that tokens of requests have.
var purposes = map[string]bool{"access": true, "access_token": true, "auth": true, "authentication": true, "bearer": true, "jwt": true,
	"login": true, "session": true, "signin": true, "user": true}

// hasOtherPurpose reports whether a token says that it is not for requests.
func hasOtherPurpose(claims map[string]any) bool {
	for _, name := range purposeClaims {
		if v := claims[name]; v != nil {
			if text, ok := v.(string); !ok || !purposes[strings.ToLower(text)] {
				return true
			}
		}
	}
	return false
}

// read returns what the claims of a token say.
func (o *OldTokens) read(claims map[string]any) (t OldToken, err error) {
	if hasOtherPurpose(claims) {
		return t, ErrOldTokenMalformed
	}
	begins, err := timeClaim(claims, "nbf")
	if err != nil {
		return t, err
	}
	if t.IssuedAt, err = timeClaim(claims, "iat"); err != nil {
		return t, err
	}
	if t.Ends, err = timeClaim(claims, "exp"); err != nil {
		return t, err
	}
	now := o.now()
	t.Expires = o.until
	if !t.Ends.IsZero() && t.Ends.Before(o.until) {
		t.Expires = t.Ends
	}
	latest := now.Add(clockSkew)
	switch {
	case !now.Before(t.Expires):
		return t, ErrOldTokenExpired
	case begins.After(latest), t.IssuedAt.After(latest):
		return t, ErrOldTokenMalformed
	}
	for _, c := range o.claims {
		if v, found := c.find(claims); found {
			account, ok := accountOf(v)
			if !ok {
				return t, ErrOldTokenMalformed
			}
			t.By, t.Account = c.By, account
			return t, nil
		}
	}
	return t, ErrOldTokenMalformed
}

// latestTime is the last second of the year 9999. A later time means the same.
const latestTime = 253402300799

// timeClaim returns the time in a claim, or zero if there is none.
func timeClaim(claims map[string]any, name string) (time.Time, error) {
	v, found := claims[name]
	if !found {
		return time.Time{}, nil
	}
	number, ok := v.(json.Number)
	if !ok {
		return time.Time{}, ErrOldTokenMalformed
	}
	seconds, err := number.Float64()
	if err != nil {
		return time.Time{}, ErrOldTokenMalformed
	}
	return time.Unix(int64(math.Floor(max(0, min(seconds, latestTime)))), 0), nil
}

// maxAccount is the maximum length of what names an account, in bytes.
const maxAccount = 320

// accountOf returns the text of a claim that names an account. A number must be
// a whole one as databases give them to rows.
func accountOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, v != "" && len(v) <= maxAccount && utf8.ValidString(v) && !strings.Contains(v, "\x00")
	case json.Number:
		digits := v.String()
		return digits, len(digits) <= 19 && strings.Trim(digits, "0123456789") == ""
	}
	return "", false
}

// oldOutcomes are the outcomes of requests with old tokens, in the order of the
// constants.
var oldOutcomes = [...]string{"accepted", "exchanged", "expired", "malformed", "unknown", "revoked"}

const (
	oldAccepted = iota
	oldExchanged
	oldExpired
	oldMalformed
	oldUnknown
	oldRevoked
)

// Count counts the outcome of a request's authentication if its token is one of
// the older system. A nil OldTokens counts nothing.
func (o *OldTokens) Count(v Viewer, err error) {
	if o == nil {
		return
	}
	switch {
	case err == nil && v.Old:
		o.counts[oldAccepted].Add(1)
	case errors.Is(err, ErrOldTokenExpired):
		o.counts[oldExpired].Add(1)
	case errors.Is(err, ErrOldTokenMalformed):
		o.counts[oldMalformed].Add(1)
	case errors.Is(err, ErrOldTokenUnknown):
		o.counts[oldUnknown].Add(1)
	case errors.Is(err, ErrOldTokenRevoked):
		o.counts[oldRevoked].Add(1)
	}
}

// CountExchange counts a response with a new token for an old one.
func (o *OldTokens) CountExchange() {
	if o != nil {
		o.counts[oldExchanged].Add(1)
	}
}

// Counts calls yield with each outcome and the number of its requests. Of a nil
// OldTokens all are 0.
func (o *OldTokens) Counts(yield func(outcome string, n int64) bool) {
	for i, outcome := range oldOutcomes {
		var n int64
		if o != nil {
			n = o.counts[i].Load()
		}
		if !yield(outcome, n) {
			return
		}
	}
}

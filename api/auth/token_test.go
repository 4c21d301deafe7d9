package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	instant = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	current = Key{ID: "current", Secret: bytes.Repeat([]byte("c"), 32)}
	older   = Key{ID: "older", Secret: bytes.Repeat([]byte("o"), 32)}

	lifetimes = Lifetimes{Token: time.Hour, Access: time.Minute, Refresh: 24 * time.Hour, Session: 48 * time.Hour}
)

func clock(at time.Time) func() time.Time { return func() time.Time { return at } }

func tokensAt(t testing.TB, at time.Time, keys ...Key) *Tokens {
	t.Helper()
	tokens, err := NewTokens(keys, lifetimes, clock(at))
	require.NoError(t, err)
	return tokens
}

func issue(t testing.TB, tokens *Tokens, userID int64) string {
	t.Helper()
	token, _, err := tokens.Issue(userID, 7)
	require.NoError(t, err)
	return token
}

func TestTokens(t *testing.T) {
	t.Parallel()
	tokens := tokensAt(t, instant, current)
	for _, id := range []int64{1, 42, math.MaxInt64} {
		got, err := tokens.Verify(issue(t, tokens, id))
		require.NoError(t, err)
		require.Equal(t, Claims{UserID: id, Session: 7, Expires: instant.Truncate(time.Second).Add(time.Hour).Local()}, got)
	}
	t.Run("Expiry", func(t *testing.T) {
		t.Parallel()
		token := issue(t, tokens, 42)
		// Times in a token are whole seconds.
		expiry := instant.Truncate(time.Second).Add(time.Hour)
		for at, want := range map[time.Time]error{
			instant:                        nil,
			expiry.Add(-time.Second):       nil,
			expiry:                         ErrTokenExpired,
			expiry.Add(24 * time.Hour):     ErrTokenExpired,
			expiry.AddDate(100, 0, 0):      ErrTokenExpired,
			instant.Add(-10 * time.Minute): ErrTokenInvalid,
		} {
			_, err := tokensAt(t, at, current).Verify(token)
			require.ErrorIs(t, err, want, at)
		}
	})
	// Earlier verifications must not let a token live longer.
	t.Run("ExpiresAfterUse", func(t *testing.T) {
		t.Parallel()
		now := instant
		tokens, err := NewTokens([]Key{current}, lifetimes, func() time.Time { return now })
		require.NoError(t, err)
		token := issue(t, tokens, 42)
		expiry := instant.Truncate(time.Second).Add(time.Hour)
		for range 2 {
			for _, step := range []struct {
				at   time.Time
				want error
			}{{instant, nil}, {expiry.Add(-1), nil}, {expiry, ErrTokenExpired}, {expiry.Add(time.Hour), ErrTokenExpired}} {
				now = step.at
				got, err := tokens.Verify(token)
				require.ErrorIs(t, err, step.want, step.at)
				require.Equal(t, err == nil, got.UserID == 42)
				_, err = tokens.Verify(lastBits(token))
				require.ErrorIs(t, err, ErrTokenInvalid)
			}
		}
	})
	t.Run("ManyAtOnce", func(t *testing.T) {
		t.Parallel()
		tokens := tokensAt(t, instant, current)
		var wg sync.WaitGroup
		for worker := range int64(4) {
			wg.Go(func() {
				for id := int64(1); id <= 100; id++ {
					token, _, err := tokens.Issue(id, id)
					assert.NoError(t, err)
					got, err := tokens.Verify(token)
					assert.NoError(t, err)
					assert.Equal(t, id, got.UserID, "worker %d", worker)
				}
			})
		}
		wg.Wait()
	})
	t.Run("Rotation", func(t *testing.T) {
		t.Parallel()
		before, during, after := tokensAt(t, instant, older), tokensAt(t, instant, current, older), tokensAt(t, instant, current)
		old, fresh := issue(t, before, 7), issue(t, during, 7)
		for label, test := range map[string]struct {
			tokens *Tokens
			token  string
			want   error
		}{
			"OldDuring": {during, old, nil}, "FreshDuring": {during, fresh, nil},
			"OldAfter": {after, old, ErrTokenInvalid}, "FreshAfter": {after, fresh, nil},
			"FreshBefore": {before, fresh, ErrTokenInvalid},
		} {
			_, err := test.tokens.Verify(test.token)
			require.ErrorIs(t, err, test.want, label)
		}
	})
	t.Run("Pair", func(t *testing.T) {
		t.Parallel()
		pair, err := tokens.IssuePair(42, 7, 3, instant.Add(lifetimes.Session))
		require.NoError(t, err)
		access, err := tokens.Verify(pair.Access)
		require.NoError(t, err)
		require.Equal(t, Claims{UserID: 42, Session: 7, Expires: pair.AccessExpires.Local()}, access)
		refresh, err := tokens.VerifyRefresh(pair.Refresh)
		require.NoError(t, err)
		require.Equal(t, Claims{UserID: 42, Session: 7, Generation: 3, Expires: pair.RefreshExpires.Local()}, refresh)
		last, err := tokens.IssuePair(42, 7, 4, instant.Add(30*time.Second))
		require.NoError(t, err)
		require.False(t, last.AccessExpires.After(instant.Add(30*time.Second)), "no token outlives its session")
		require.False(t, last.RefreshExpires.After(instant.Add(30*time.Second)))
		_, err = tokens.Verify(pair.Refresh)
		require.ErrorIs(t, err, ErrTokenInvalid)
		_, err = tokens.VerifyRefresh(pair.Access)
		require.ErrorIs(t, err, ErrTokenInvalid)
	})
	t.Run("BadKeys", func(t *testing.T) {
		t.Parallel()
		_, err := NewTokens(nil, lifetimes, time.Now)
		require.Error(t, err)
		_, err = NewTokens([]Key{current, {ID: "short", Secret: make([]byte, 31)}}, lifetimes, time.Now)
		require.ErrorContains(t, err, "short")
	})
}

func TestTokensVerifyInvalid(t *testing.T) {
	t.Parallel()
	tokens := tokensAt(t, instant, current, older)
	good := func() jwt.MapClaims {
		return jwt.MapClaims{
			"iss": issuer, "aud": audience, "sub": "42", "sid": 7, "iat": instant.Unix(), "exp": instant.Add(time.Hour).Unix(),
		}
	}
	// sign creates a valid token with the changes of edit.
	sign := func(method jwt.SigningMethod, key any, edit func(header map[string]any, claims jwt.MapClaims)) string {
		t.Helper()
		claims := good()
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = current.ID
		if edit != nil {
			edit(token.Header, claims)
		}
		text, err := token.SignedString(key)
		require.NoError(t, err)
		return text
	}
	hs256 := func(edit func(header map[string]any, claims jwt.MapClaims)) string {
		return sign(jwt.SigningMethodHS256, current.Secret, edit)
	}
	claim := func(name string, value any) string {
		return hs256(func(_ map[string]any, c jwt.MapClaims) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		})
	}
	header := func(name string, value any) string {
		return hs256(func(h map[string]any, _ jwt.MapClaims) {
			if h[name] = value; value == nil {
				delete(h, name)
			}
		})
	}
	// handmade signs with HMAC, whatever the header says.
	handmade := func(header, payload string) string {
		text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
		mac := hmac.New(sha256.New, current.Secret)
		mac.Write([]byte(text))
		return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	payload := `{"iss":"byline","aud":"byline-api","sub":"42","sid":7,"exp":` + strconv.FormatInt(instant.Add(time.Hour).Unix(), 10) + `}`
	valid := hs256(nil)
	for _, token := range []string{valid, handmade(`{"alg":"HS256","kid":"current"}`, payload)} {
		got, err := tokens.Verify(token)
		require.NoError(t, err, "the tests below differ from a good token in one thing")
		require.EqualValues(t, 42, got.UserID)
		require.EqualValues(t, 7, got.Session)
	}
	parts := strings.Split(valid, ".")

	rsaKey, err := rsa.GenerateKey(rand.Reader, 1024) // weak but fast; RS256 tokens are refused anyway
	require.NoError(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)

	for label, token := range map[string]string{
		"Empty":              "",
		"Garbage":            "garbage",
		"Dots":               "..",
		"TwoParts":           parts[0] + "." + parts[1],
		"FourParts":          valid + "." + parts[2],
		"NoSignature":        parts[0] + "." + parts[1] + ".",
		"Space":              valid + " ",
		"Padding":            valid + "=",
		"OtherLastBits":      lastBits(valid),
		"AlgNone":            sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"AlgNoneSigned":      handmade(`{"alg":"none","kid":"current"}`, payload),
		"AlgNoneInOtherCase": handmade(`{"alg":"nOnE","kid":"current"}`, payload),
		"AlgMissing":         handmade(`{"kid":"current"}`, payload),
		"AlgNotText":         handmade(`{"alg":256,"kid":"current"}`, payload),
		"RS256":              sign(jwt.SigningMethodRS256, rsaKey, nil),
		"RS256SignedAsHS256": handmade(`{"alg":"RS256","kid":"current"}`, payload),
		"ES256":              sign(jwt.SigningMethodES256, ecKey, nil),
		"HS384":              sign(jwt.SigningMethodHS384, current.Secret, nil),
		"HS512":              sign(jwt.SigningMethodHS512, current.Secret, nil),
		"WrongKey":           sign(jwt.SigningMethodHS256, bytes.Repeat([]byte("x"), 32), nil),
		"KeyOfOtherID":       sign(jwt.SigningMethodHS256, older.Secret, nil),
		"EmptyKey":           sign(jwt.SigningMethodHS256, []byte{}, func(h map[string]any, _ jwt.MapClaims) { h["kid"] = "unknown" }),
		"UnknownKid":         header("kid", "unknown"),
		"MissingKid":         header("kid", nil),
		"KidNotText":         header("kid", 1),
		"OtherIssuer":        claim("iss", "somebody"),
		"MissingIssuer":      claim("iss", nil),
		"OtherAudience":      claim("aud", "another-api"),
		"MissingAudience":    claim("aud", nil),
		"AudienceNotText":    claim("aud", 1),
		"FutureIssue":        claim("iat", instant.Add(time.Hour).Unix()),
		"NotBefore":          claim("nbf", instant.Add(time.Minute).Unix()),
		"NoExpiry":           claim("exp", nil),
		"ExpiryNotNumber":    claim("exp", "tomorrow"),
		"MissingSubject":     claim("sub", nil),
		"EmptySubject":       claim("sub", ""),
		"SubjectText":        claim("sub", "anna"),
		"SubjectFraction":    claim("sub", "1.5"),
		"SubjectNegative":    claim("sub", "-42"),
		"SubjectZero":        claim("sub", "0"),
		"SubjectTooLarge":    claim("sub", "9223372036854775808"),
		"SubjectSpace":       claim("sub", " 42"),
		"SubjectHex":         claim("sub", "0x2a"),
		"SubjectNumber":      claim("sub", 42),
		"MissingSession":     claim("sid", nil),
		"SessionZero":        claim("sid", 0),
		"SessionText":        claim("sid", "7"),
		"RefreshToken":       claim("aud", refreshAudience),
		"Oversized":          claim("pad", strings.Repeat("x", maxTokenBytes)),
		"PayloadNotJSON":     handmade(`{"alg":"HS256","kid":"current"}`, "not json"),
		"PayloadArray":       handmade(`{"alg":"HS256","kid":"current"}`, `[]`),
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			got, err := tokens.Verify(token)
			require.ErrorIs(t, err, ErrTokenInvalid)
			require.Zero(t, got)
		})
	}

	// Verify must say that a token has expired only if the signature is valid.
	t.Run("ExpiredAndForged", func(t *testing.T) {
		t.Parallel()
		forged := sign(jwt.SigningMethodHS256, bytes.Repeat([]byte("x"), 32), func(_ map[string]any, c jwt.MapClaims) { c["exp"] = 1 })
		_, err := tokens.Verify(forged)
		require.ErrorIs(t, err, ErrTokenInvalid)
	})
}

// lastBits changes the unused bits of the last character. A lax decoder would
// see the same signature.
func lastBits(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(token) - 1
	return token[:last] + string(alphabet[strings.IndexByte(alphabet, token[last])^1])
}

func FuzzVerify(f *testing.F) {
	tokens := tokensAt(f, instant, current, older)
	valid := issue(f, tokens, 42)
	expired := issue(f, tokensAt(f, instant.Add(-2*time.Hour), older), 42)
	parts := strings.Split(valid, ".")
	other := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{
		"iss": issuer, "aud": audience, "sub": "42", "sid": 7, "exp": instant.Add(time.Hour).Unix(),
	})
	other.Header["kid"] = current.ID
	otherAlgorithm, err := other.SignedString(current.Secret)
	require.NoError(f, err)
	for _, seed := range []string{
		valid, expired, otherAlgorithm, "", ".", "..", "...", valid + ".", parts[0] + "..", "." + parts[1] + ".", parts[0] + "." + parts[1] + ".",
		"eyJhbGciOiJub25lIn0." + parts[1] + ".", lastBits(valid), "\xff.\xff.\xff", strings.Repeat(".", 5000), strings.ToUpper(valid),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		got, err := tokens.Verify(token)
		switch {
		case token == valid:
			if got.UserID != 42 || err != nil {
				t.Fatalf("the valid token: %+v, %v", got, err)
			}
		case token == expired:
			if got != (Claims{}) || err != ErrTokenExpired {
				t.Fatalf("the expired token: %+v, %v", got, err)
			}
		case got != (Claims{}) || !errors.Is(err, ErrTokenInvalid):
			t.Fatalf("Verify(%q) = %+v, %v", token, got, err)
		}
	})
}

package auth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/changes"
)

const oldSecret = "secret" // as short as the older system has chosen it

// oldUntil is when old tokens are no longer accepted.
var oldUntil = instant.Add(24 * time.Hour).Truncate(time.Second)

func oldTokensAt(t testing.TB, at time.Time, claims string) *OldTokens {
	t.Helper()
	parsed, err := ParseOldClaims(claims)
	require.NoError(t, err)
	o, err := NewOldTokens([]byte(oldSecret), oldUntil, parsed, clock(at))
	require.NoError(t, err)
	return o
}

// signOld signs a payload as the older system does.
func signOld(payload string) string { return signOldWith(`{"alg":"HS256","typ":"JWT"}`, payload) }

func signOldWith(header, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(header)) + "." + encode([]byte(payload))
	signature, err := jwt.SigningMethodHS256.Sign(text, []byte(oldSecret))
	if err != nil {
		panic(err)
	}
	return text + "." + encode(signature)
}

const defaultClaims = "user.id,id,number:sub,userId,_id"

func TestOldTokens(t *testing.T) {
	t.Parallel()
	o := oldTokensAt(t, instant, defaultClaims)
	now := instant.Unix()
	for payload, want := range map[string]OldToken{
		`{"user":{"id":7}}`:                {Account: "7", Expires: oldUntil},
		`{"id":"5f0c1c","username":"ann"}`: {Account: "5f0c1c", Expires: oldUntil},
		`{"sub":7}`:                        {Account: "7", Expires: oldUntil},
		`{"sub":"8","userId":7}`:           {Account: "7", Expires: oldUntil},
		`{"userId":7}`:                     {Account: "7", Expires: oldUntil},
		`{"_id":"a"}`:                      {Account: "a", Expires: oldUntil},
		`{"user":"ann","id":7}`:            {Account: "7", Expires: oldUntil},
		`{"user":{"id":null},"id":7}`:      {Account: "7", Expires: oldUntil},
		`{"id":7,"sub":"8"}`:               {Account: "7", Expires: oldUntil},
		`{"id":9223372036854775807}`:       {Account: "9223372036854775807", Expires: oldUntil},
		fmt.Sprintf(`{"id":7,"iat":%d,"nbf":%d}`, now, now):                      {Account: "7", IssuedAt: time.Unix(now, 0), Expires: oldUntil},
		fmt.Sprintf(`{"id":7,"iat":%d.9,"exp":%d.9}`, now, now+60):               {Account: "7", IssuedAt: time.Unix(now, 0), Ends: time.Unix(now+60, 0), Expires: time.Unix(now+60, 0)},
		fmt.Sprintf(`{"id":7,"exp":%d}`, oldUntil.Unix()+1):                      {Account: "7", Ends: oldUntil.Add(time.Second), Expires: oldUntil},
		`{"id":7,"exp":1e300}`:                                                   {Account: "7", Ends: time.Unix(latestTime, 0), Expires: oldUntil},
		fmt.Sprintf(`{"id":7,"iat":%d}`, now+4):                                  {Account: "7", IssuedAt: time.Unix(now+4, 0), Expires: oldUntil},
		fmt.Sprintf(`{"id":7,"aud":"x","iss":"y","jti":1,"role":"admin"%s}`, ""): {Account: "7", Expires: oldUntil},
		`{"id":"` + strings.Repeat("é", maxAccount/2) + `"}`:                     {Account: strings.Repeat("é", maxAccount/2), Expires: oldUntil},
	} {
		got, err := o.Verify(signOld(payload))
		require.NoError(t, err, payload)
		require.Len(t, got.Hash, 32)
		require.True(t, want.Ends.Equal(got.Ends) && want.Expires.Equal(got.Expires) && want.IssuedAt.Equal(got.IssuedAt), "%s: %+v", payload, got)
		require.Equal(t, want.Account, got.Account, payload)
		require.Equal(t, ByKey, got.By)
	}
	got, err := oldTokensAt(t, instant, "email:mail, username:user.name").Verify(signOld(`{"user":{"name":"Ann"}}`))
	require.NoError(t, err)
	require.Equal(t, ByUsername, got.By)
	require.Equal(t, "Ann", got.Account)
}

func TestOldTokensVerifyInvalid(t *testing.T) {
	t.Parallel()
	o, now := oldTokensAt(t, instant, defaultClaims), instant.Unix()
	claims := func(members string) string { return signOld(`{"id":7,` + members + `}`) }
	for want, tokens := range map[error]map[string]string{
		ErrOldTokenExpired: {
			"Now": claims(fmt.Sprintf(`"exp":%d`, now)), "LongAgo": claims(`"exp":1`), "Zero": claims(`"exp":0`), "Negative": claims(`"exp":-1e300`),
		},
		ErrOldTokenMalformed: {
			"ExpiryText": claims(fmt.Sprintf(`"exp":"%d"`, now+60)), "ExpiryNull": claims(`"exp":null`), "ExpiryArray": claims(`"exp":[9999999999]`),
			"ExpiryHuge": claims(`"exp":1e999`), "NotYet": claims(fmt.Sprintf(`"nbf":%d`, now+10)), "NotYetText": claims(`"nbf":"x"`),
			"Future": claims(fmt.Sprintf(`"iat":%d`, now+10)), "IssuedText": claims(`"iat":"x"`), "IssuedTrue": claims(`"iat":true`),
			"NoClaims": signOld(`{}`), "Null": signOld(`{"id":null}`), "NullPayload": signOld(`null`), "Empty": signOld(`{"id":""}`), "Bool": signOld(`{"id":true}`),
			"Array": signOld(`{"id":[7]}`), "Object": signOld(`{"id":{"id":7}}`), "UserArray": signOld(`{"user":[{"id":7}]}`),
			"DeepArray": signOld(`{"id":` + strings.Repeat("[", 500) + "7" + strings.Repeat("]", 500) + `}`),
			"Fraction":  signOld(`{"id":7.0}`), "Exponent": signOld(`{"id":7e0}`), "NegativeID": signOld(`{"id":-7}`), "Huge": signOld(`{"id":12345678901234567890}`),
			"NUL": signOld(`{"id":"a\u0000"}`), "Long": signOld(`{"id":"` + strings.Repeat("x", maxAccount+1) + `"}`),
			"FirstDecides": signOld(`{"id":{},"sub":7}`),
			"NameInSub":    signOld(`{"sub":"7"}`),
		},
		ErrTokenInvalid: {
			"None": signOldWith(`{"alg":"none"}`, `{"id":7}`), "NoAlgorithm": signOldWith(`{}`, `{"id":7}`), "NoneUnsigned": strings.TrimRight(signOldWith(`{"alg":"none"}`, `{"id":7}`), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"),
			"HS384": signOldWith(`{"alg":"HS384"}`, `{"id":7}`), "RS256": signOldWith(`{"alg":"RS256"}`, `{"id":7}`), "RealRS256": rs256(t), "RealHS512": hs512(t),
			"AlgorithmArray": signOldWith(`{"alg":["HS256"]}`, `{"id":7}`), "Critical": signOldWith(`{"alg":"HS256","crit":["exp"]}`, `{"id":7}`),
			"OtherSecret": signed(t, "Secret", `{"id":7}`), "EmptySecret": signed(t, "", `{"id":7}`),
			"Array": signOld(`[7]`), "Text": signOld(`"id"`), "NoJSON": signOld("\xff"), "Nothing": signOld(""), "LastBits": lastBits(signOld(`{"id":7}`)),
			"Padded": signOld(`{"id":7}`) + "=", "Parts": signOld(`{"id":7}`) + ".", "Garbage": "garbage", "Dots": "..", "Blank": "",
			"TooLong": signOld(`{"id":7,"x":"` + strings.Repeat("x", 4096) + `"}`),
		},
	} {
		for label, token := range tokens {
			got, err := o.Verify(token)
			require.Equal(t, want, err, "%s: %+v", label, got)
		}
	}
	for at, want := range map[time.Time]error{oldUntil.Add(-time.Second): nil, oldUntil: ErrOldTokenExpired, oldUntil.AddDate(1, 0, 0): ErrOldTokenExpired} {
		_, err := oldTokensAt(t, at, defaultClaims).Verify(signOld(`{"id":7}`))
		require.Equal(t, want, err)
	}
	_, err := NewOldTokens(nil, oldUntil, []OldClaim{{Path: []string{"id"}}}, time.Now)
	require.Error(t, err, "everybody could sign with an empty secret")
	_, err = NewOldTokens([]byte("x"), oldUntil, nil, time.Now)
	require.Error(t, err)
}

// TestOldTokensOfOtherPurposes refuses what the older system has sent in links,
// signed with the same secret.
func TestOldTokensOfOtherPurposes(t *testing.T) {
	t.Parallel()
	o := oldTokensAt(t, instant, defaultClaims)
	for member, want := range map[string]error{
		`"purpose":"reset-password"`: ErrOldTokenMalformed, `"purpose":"email_confirmation"`: ErrOldTokenMalformed, `"type":"refresh"`: ErrOldTokenMalformed,
		`"typ":"verify"`: ErrOldTokenMalformed, `"token_type":"refresh"`: ErrOldTokenMalformed, `"tokenType":"invite"`: ErrOldTokenMalformed,
		`"token_use":"id"`: ErrOldTokenMalformed, `"tokenUse":""`: ErrOldTokenMalformed, `"action":"unsubscribe"`: ErrOldTokenMalformed,
		`"type":7`: ErrOldTokenMalformed, `"type":["access"]`: ErrOldTokenMalformed, `"type":"access","purpose":"reset"`: ErrOldTokenMalformed,
		`"type":"access"`: nil, `"typ":"Bearer"`: nil, `"token_use":"access"`: nil, `"purpose":null`: nil, `"purpose":"login"`: nil, `"kind":"reset"`: nil,
	} {
		_, err := o.Verify(signOld(`{"id":7,` + member + `}`))
		require.Equal(t, want, err, member)
	}
}

// rs256 returns a token with an asymmetric signature.
func rs256(t *testing.T) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	token, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"id": 7}).SignedString(key)
	require.NoError(t, err)
	return token
}

// hs512 returns a token with the right secret and another algorithm.
func hs512(t *testing.T) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{"id": 7}).SignedString([]byte(oldSecret))
	require.NoError(t, err)
	return token
}

func signed(t *testing.T, secret, payload string) string {
	parts := strings.Split(signOld(payload), ".")
	signature, err := jwt.SigningMethodHS256.Sign(parts[0]+"."+parts[1], []byte(secret))
	require.NoError(t, err)
	return parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestParseOldClaims(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"id", "user.id", "username:username", "email:user.email", "a-b.$c_d", defaultClaims, "username:email.x,id"} {
		claims, err := ParseOldClaims(text)
		require.NoError(t, err, text)
		var written []string
		for _, c := range claims {
			written = append(written, c.String())
		}
		require.Equal(t, text, strings.Join(written, ","))
	}
	for _, text := range []string{"", ",", "id,", ".", "user.", ".id", "a b", "name:x", "username:", "email:x:y", "é", "id\x00", "username:email:x",
		strings.Repeat("a.", 8) + "a", strings.Repeat("a,", 10) + "a", strings.Repeat("a", 101)} {
		_, err := ParseOldClaims(text)
		require.Equal(t, errOldClaims, err, text)
	}
}

func FuzzParseOldClaims(f *testing.F) {
	for _, seed := range []string{defaultClaims, "username:user.name", "email:email, id", "", ".", "a,,b", "username:email:x", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		claims, err := ParseOldClaims(text)
		if err != nil {
			return
		}
		for _, c := range claims {
			again, err := ParseOldClaims(c.String())
			if err != nil || len(again) != 1 || again[0].By != c.By || !slices.Equal(again[0].Path, c.Path) {
				t.Fatalf("%q is written as %q, which is %v, %v", text, c, again, err)
			}
		}
	})
}

// FuzzOldPayload signs any payload as the older system could.
func FuzzOldPayload(f *testing.F) {
	for _, seed := range []string{`{"id":7}`, `{"user":{"id":"a"},"exp":99999999999}`, `{"id":[[[7]]]}`, `{"id":1e99}`, `{"sub":"\u0000"}`, `{"id":7,"exp":-0}`, `null`, `{"id":7}x`, "{\"id\":\"\xff\"}"} {
		f.Add(seed)
	}
	o := oldTokensAt(f, instant, defaultClaims)
	f.Fuzz(func(t *testing.T, payload string) {
		got, err := o.Verify(signOld(payload))
		if err != nil {
			if !errors.Is(err, ErrTokenInvalid) && !errors.Is(err, ErrTokenExpired) {
				t.Fatalf("%q: %v", payload, err)
			}
			return
		}
		if got.Account == "" || len(got.Account) > maxAccount || strings.ContainsRune(got.Account, 0) || len(got.Hash) != 32 ||
			!got.Expires.After(instant) || got.Expires.After(oldUntil) || got.IssuedAt.After(instant.Add(clockSkew)) {
			t.Fatalf("%q: %+v", payload, got)
		}
	})
}

// oldRegister is an OldDirectory of one account.
type oldRegister struct {
	viewer Viewer
	err    error
	asked  int
}

func (r *oldRegister) OldToken(context.Context, OldToken) (Viewer, error) {
	r.asked++
	return r.viewer, r.err
}

func TestAuthenticateOld(t *testing.T) {
	t.Parallel()
	accepting := func(t *testing.T) (*gate, *oldRegister) {
		g, r := newGate(t), &oldRegister{viewer: Viewer{ID: 42, Session: 9, Scope: ScopeAccount}}
		o := oldTokensAt(t, instant, defaultClaims)
		o.now = func() time.Time { return g.now }
		g.AcceptOld(o, r)
		return g, r
	}
	old := signOld(`{"id":7}`)
	t.Run("Cached", func(t *testing.T) {
		t.Parallel()
		g, r := accepting(t)
		for range 3 {
			v, err := g.Authenticate(t.Context(), old)
			require.NoError(t, err)
			require.Equal(t, Viewer{ID: 42, Session: 9, Old: true, Scope: ScopeAccount, Token: old}, v)
		}
		require.Equal(t, 1, r.asked)
		r.err = ErrOldTokenRevoked
		g.news(t, changes.Session(9))
		for range 3 {
			_, err := g.Authenticate(t.Context(), old)
			require.ErrorIs(t, err, ErrOldTokenRevoked)
			require.ErrorIs(t, err, ErrTokenRevoked)
		}
		require.Equal(t, 2, r.asked, "a refusal is cached")
		require.Zero(t, g.asked, "sessions of this service are none of it")
	})
	t.Run("UntilTheDate", func(t *testing.T) {
		t.Parallel()
		g, r := accepting(t)
		_, err := g.Authenticate(t.Context(), old)
		require.NoError(t, err)
		g.now = oldUntil
		g.checkedNow(old)
		g.news(t)
		_, err = g.Authenticate(t.Context(), old)
		require.ErrorIs(t, err, ErrOldTokenExpired)
		require.Equal(t, 1, r.asked)
	})
	t.Run("ImportedLater", func(t *testing.T) {
		t.Parallel()
		g, r := accepting(t)
		r.err = ErrOldTokenUnknown
		_, err := g.Authenticate(t.Context(), old)
		require.ErrorIs(t, err, ErrTokenRevoked, "it counts against the address of the client")
		r.err = nil
		_, err = g.Authenticate(t.Context(), old)
		require.NoError(t, err)
	})
	t.Run("Fault", func(t *testing.T) {
		t.Parallel()
		g, r := accepting(t)
		r.err = errors.New("no database")
		_, err := g.Authenticate(t.Context(), old)
		require.ErrorIs(t, err, r.err)
		require.NotErrorIs(t, err, ErrTokenInvalid)
	})
	t.Run("OursAreNotOld", func(t *testing.T) {
		t.Parallel()
		g, r := accepting(t)
		v, err := g.Authenticate(t.Context(), issue(t, g.tokens, 42))
		require.NoError(t, err)
		require.False(t, v.Old)
		// A token that names a key of this service is never one of the older
		// system, even if its secret is right there.
		_, err = g.Authenticate(t.Context(), signOldWith(`{"alg":"HS256","kid":"current"}`, `{"id":7}`))
		require.Equal(t, ErrTokenInvalid, err)
		require.Zero(t, r.asked)
		_, err = g.Authenticate(t.Context(), "nonsense")
		require.ErrorIs(t, err, ErrTokenInvalid)
	})
	t.Run("NotAccepted", func(t *testing.T) {
		t.Parallel()
		_, err := newGate(t).Authenticate(t.Context(), old)
		require.ErrorIs(t, err, ErrTokenInvalid)
	})
	t.Run("Counted", func(t *testing.T) {
		t.Parallel()
		g, _ := accepting(t)
		var none *OldTokens
		for _, o := range []*OldTokens{none, g.OldTokens()} {
			o.Count(Viewer{Old: true}, nil)
			o.Count(Viewer{ID: 1}, nil)
			o.CountExchange()
			for _, err := range []error{ErrOldTokenExpired, ErrOldTokenMalformed, ErrOldTokenUnknown, ErrOldTokenRevoked, ErrTokenInvalid, ErrTokenExpired, ErrTokenRevoked} {
				o.Count(Viewer{}, err)
			}
			for outcome, n := range o.Counts {
				require.Equal(t, o != nil, n == 1, outcome)
			}
		}
	})
}

// checkedNow makes the cached result of a credential a recent one.
func (g *gate) checkedNow(credential string) {
	g.Authenticator.mu.Lock()
	defer g.Authenticator.mu.Unlock()
	k := g.known[credential]
	k.checked = g.now
	g.known[credential] = k
}

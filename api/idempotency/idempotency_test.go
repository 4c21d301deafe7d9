package idempotency

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type body struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

type reply struct {
	Token string  `json:"token"`
	Bio   *string `json:"bio"`
}

var keeper = NewKeeper([]byte("a secret of the test, 32 bytes.."))

func claim(t testing.TB, k *Keeper, scope, key string, b any) *Claim {
	t.Helper()
	c, err := k.Claim(scope, key, b)
	require.NoError(t, err)
	return c
}

func TestClaim(t *testing.T) {
	t.Parallel()
	sent := body{"anna", "correct horse"}
	c := claim(t, keeper, "1 CreateUser", "key", sent)
	require.Len(t, c.Key, 32)
	require.Len(t, c.Fingerprint, 32)

	t.Run("Repeats", func(t *testing.T) {
		t.Parallel()
		again := claim(t, NewKeeper([]byte("a secret of the test, 32 bytes..")), "1 CreateUser", "key", sent)
		require.Equal(t, c.Key, again.Key, "replicas agree")
		require.True(t, again.Repeats(c.Fingerprint))
		require.False(t, again.Repeats(nil))
		require.False(t, again.Repeats(c.Fingerprint[:31]))
	})

	t.Run("OtherBody", func(t *testing.T) {
		t.Parallel()
		for _, other := range []any{body{"anna", "correct horse!"}, body{"Anna", "correct horse"}, body{}, nil} {
			again := claim(t, keeper, "1 CreateUser", "key", other)
			require.Equal(t, c.Key, again.Key)
			require.False(t, again.Repeats(c.Fingerprint))
		}
	})

	t.Run("OtherCall", func(t *testing.T) {
		t.Parallel()
		seen := map[string]string{string(c.Key): "the first"}
		for _, other := range []struct {
			label, scope, key string
			keeper            *Keeper
		}{
			{"viewer", "2 CreateUser", "key", keeper},
			{"operation", "1 CreateArticle", "key", keeper},
			{"key", "1 CreateUser", "Key", keeper},
			{"longer key", "1 CreateUser", "key ", keeper},
			{"moved border", "1 CreateUserk", "ey", keeper},
			{"secret", "1 CreateUser", "key", NewKeeper([]byte("another secret"))},
			{"long scope", "1 " + strings.Repeat("x", 200), "key", keeper},
		} {
			again := claim(t, other.keeper, other.scope, other.key, sent)
			require.Empty(t, seen[string(again.Key)], other.label)
			seen[string(again.Key)] = other.label
			require.False(t, again.Repeats(c.Fingerprint), other.label)
			sealed, err := c.Seal(reply{Token: "t"})
			require.NoError(t, err)
			require.Error(t, again.Open(sealed, &reply{}), "%s opens the response of another request", other.label)
		}
	})

	t.Run("NothingInClear", func(t *testing.T) {
		t.Parallel()
		text, err := json.Marshal(sent)
		require.NoError(t, err)
		sealed, err := c.Seal(reply{Token: "a token of the answer"})
		require.NoError(t, err)
		plain := sha256.Sum256(text)
		require.NotEqual(t, plain[:], c.Fingerprint, "a fast hash of a body invites guessing")
		for _, stored := range [][]byte{c.Key, c.Fingerprint, sealed} {
			for _, secret := range []string{"key", "anna", "correct horse", "a token", "token"} {
				require.False(t, bytes.Contains(stored, []byte(secret)), secret)
			}
		}
	})

	t.Run("NotJSON", func(t *testing.T) {
		t.Parallel()
		_, err := keeper.Claim("scope", "key", func() {})
		require.Error(t, err)
		_, err = c.Seal(func() {})
		require.Error(t, err)
	})
}

func TestSeal(t *testing.T) {
	t.Parallel()
	c := claim(t, keeper, "0 CreateUser", "key", body{"anna", "x"})
	want := reply{Token: "a token of the answer"}
	sealed, err := c.Seal(want)
	require.NoError(t, err)

	t.Run("Success", func(t *testing.T) {
		t.Parallel()
		var got reply
		require.NoError(t, claim(t, keeper, "0 CreateUser", "key", body{"anna", "x"}).Open(sealed, &got))
		require.Equal(t, want, got)
		again, err := c.Seal(want)
		require.NoError(t, err)
		require.NotEqual(t, sealed, again, "each response has its own nonce")
	})

	t.Run("Tampered", func(t *testing.T) {
		t.Parallel()
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			var got reply
			require.Error(t, c.Open(changed, &got), "byte %d", i)
			require.Zero(t, got)
		}
		for n := range len(sealed) {
			require.Error(t, c.Open(sealed[:n], &reply{}), "cut to %d bytes", n)
		}
		require.Error(t, c.Open(append(bytes.Clone(sealed), 0), &reply{}))
		require.Error(t, c.Open(nil, &reply{}))
	})
}

// FuzzClaim checks that different requests never collide: one key for each
// scope and client's key, one fingerprint for each body, and stored responses
// that only their own claim opens.
func FuzzClaim(f *testing.F) {
	f.Add("1 CreateUser", "key", `{"user":{}}`, []byte("answer"))
	f.Add("", "", "", []byte(nil))
	f.Add("1 CreateUser", "\x00", "\xff", bytes.Repeat([]byte{0}, 40))
	f.Add("1 CreateArticleComment 7", strings.Repeat("k", 255), strings.Repeat("b", 1000), bytes.Repeat([]byte{255}, 12))
	f.Fuzz(func(t *testing.T, scope, key, sent string, stored []byte) {
		c := claim(t, keeper, scope, key, sent)
		if again := claim(t, keeper, scope, key, sent); !bytes.Equal(c.Key, again.Key) || !again.Repeats(c.Fingerprint) {
			t.Fatalf("another claim of the same call: %q %q %q", scope, key, sent)
		}
		for label, other := range map[string]*Claim{
			"scope": claim(t, keeper, scope+"x", key, sent), "key": claim(t, keeper, scope, key+"x", sent),
		} {
			if bytes.Equal(c.Key, other.Key) || other.Repeats(c.Fingerprint) {
				t.Fatalf("%q %q meets the call of another %s", scope, key, label)
			}
		}
		if other := claim(t, keeper, scope, key, sent+"x"); !bytes.Equal(c.Key, other.Key) || other.Repeats(c.Fingerprint) {
			t.Fatalf("%q: another body is not noticed", sent)
		}
		var got string
		if err := c.Open(stored, &got); err == nil {
			t.Fatalf("opened %x", stored)
		}
		sealed, err := c.Seal("answer")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Open(sealed, &got); err != nil || got != "answer" {
			t.Fatalf("%q, %v", got, err)
		}
		for i, b := range stored[:min(len(stored), len(sealed))] {
			sealed[i] ^= b | 1
		}
		if err := c.Open(sealed, &got); len(stored) > 0 && err == nil {
			t.Fatal("opened what was changed")
		}
	})
}

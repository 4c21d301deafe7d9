package auth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	keys := NewAPIKeys([]byte("a secret of the service"))
	k, other := keys.New(), keys.New()
	require.Regexp(t, `^byl_[a-z2-7]{36}$`, k.Text)
	require.True(t, strings.HasPrefix(k.Text, k.Prefix))
	require.Len(t, k.Prefix, 10)
	require.NotEqual(t, k.Text, other.Text)
	hash, ok := keys.Hash(k.Text)
	require.True(t, ok)
	require.Equal(t, k.Hash, hash)
	_, ok = NewAPIKeys([]byte("another")).Hash(k.Text)
	require.False(t, ok, "only the service that created a key accepts it")
	for i := range k.Text {
		changed := []byte(k.Text)
		if changed[i]++; changed[i] == 'z'+1 {
			changed[i] = 'a'
		}
		_, ok := keys.Hash(string(changed))
		require.False(t, ok, "%s", changed)
	}
}

// TestAPIKeysAreRandom checks that each of the 26 random characters takes many
// values.
func TestAPIKeysAreRandom(t *testing.T) {
	t.Parallel()
	keys := NewAPIKeys([]byte("a secret of the service"))
	var seen [apiKeyRandom]map[byte]bool
	for range 500 {
		text := keys.New().Text[len(apiKeyPrefix):]
		for i := range seen {
			if seen[i] == nil {
				seen[i] = map[byte]bool{}
			}
			seen[i][text[i]] = true
		}
	}
	for i := range seen {
		require.Greater(t, len(seen[i]), 20, "character %d", i)
	}
}

func FuzzAPIKey(f *testing.F) {
	keys := NewAPIKeys([]byte("a secret of the service"))
	// The key is a constant because each worker of the fuzzer is a separate
	// process.
	const good = "byl_3gvq3zlgh4zy6ihymo6qhnwtcvwszhsecmig"
	for _, seed := range []string{good, "", "byl_", strings.ToUpper(good), good + "a", good[:len(good)-1], "byl_\xff", "byl_" + strings.Repeat("a", 36)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, ok := keys.Hash(text); ok != (text == good) {
			t.Fatalf("Hash(%q): %v", text, ok)
		}
	})
}

package credentials_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/credentials"
	"github.com/byline-api/byline/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// TestSecrets checks that each service makes secrets of its own at its first
// start, and keeps them.
func TestSecrets(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 2 {
		d := dbtest.Open(t)
		keys, err := credentials.SigningKeys(t.Context(), d)
		require.NoError(t, err)
		require.Len(t, keys, 1)
		secret, err := credentials.ServiceSecret(t.Context(), d)
		require.NoError(t, err)
		for _, made := range [][]byte{keys[0].Secret, secret} {
			require.Len(t, made, 32)
			require.False(t, seen[string(made)], "no two secrets are the same")
			seen[string(made)] = true
		}
		again, err := credentials.SigningKeys(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, keys, again)
		same, err := credentials.ServiceSecret(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, secret, same)
	}
}

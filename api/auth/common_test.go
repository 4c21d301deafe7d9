package auth

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIsCommon(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSuffix(commonPasswords, "\n"), "\n")
	require.Len(t, lines, 8343)
	require.True(t, slices.IsSorted(lines), "binary search needs sorted lines")
	for _, line := range lines {
		require.True(t, IsCommon(line), line)
		require.GreaterOrEqual(t, len(line), 8, line)
		require.Equal(t, strings.ToLower(line), line)
	}
	for _, password := range []string{"password", "PassWord", "12345678", "QWERTYUIOP", "iloveyou"} {
		require.True(t, IsCommon(password), password)
	}
	for _, password := range []string{"", "\n", "passwor", "password\n", "password\nx", "correct horse battery", "~~~~~~~~~~", "!", strings.Repeat("x", 256)} {
		require.False(t, IsCommon(password), "%q", password)
	}
}

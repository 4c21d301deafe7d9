package page

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTextCursor checks that a cursor of a text is valid for its list only, and
// that no other text is one.
func TestTextCursor(t *testing.T) {
	t.Parallel()
	c := NewCodec([]byte("secret"))
	for _, text := range []string{"", "go", "日本", strings.Repeat("x", 2112), "\n"} {
		cursor := c.EncodeText("tags?prefix=", text)
		got, err := c.DecodeText("tags?prefix=", cursor)
		require.NoError(t, err)
		require.Equal(t, text, got)
		for _, bad := range []string{"", cursor + "A", cursor[1:], cursor[:len(cursor)-1], cursor + "\n", "\n" + cursor, strings.ToUpper(cursor) + "=", c.Encode("tags?prefix=", Newest)} {
			_, err := c.DecodeText("tags?prefix=", bad)
			require.ErrorIs(t, err, ErrInvalid, "%q", bad)
		}
		_, err = c.DecodeText("tags?prefix=g", cursor)
		require.ErrorIs(t, err, ErrInvalid, "the cursor of another list")
		_, err = NewCodec([]byte("other")).DecodeText("tags?prefix=", cursor)
		require.ErrorIs(t, err, ErrInvalid, "a forged cursor")
		_, err = c.Decode("tags?prefix=", cursor)
		require.ErrorIs(t, err, ErrInvalid)
	}
}

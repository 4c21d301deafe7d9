package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/auth"
)

// TestAcceptOldTokens checks what the log says at the start.
func TestAcceptOldTokens(t *testing.T) {
	t.Parallel()
	long, tomorrow := strings.Repeat("s3cret", 6), time.Now().Add(24*time.Hour).Truncate(time.Second)
	claims := []auth.OldClaim{{Path: []string{"id"}}}
	for label, test := range map[string]struct {
		cfg      oldTokens
		accepted bool
		lines    []string
	}{
		"Off":   {oldTokens{Claims: claims, Import: "default"}, false, nil},
		"On":    {oldTokens{long, tomorrow, claims, "default"}, true, []string{"level=INFO msg=\"accepting tokens of an older system\" until=" + tomorrow.UTC().Format(time.RFC3339) + " import=default"}},
		"Short": {oldTokens{"s3cret", tomorrow, claims, "blog"}, true, []string{"import=blog", "level=WARN msg=\"the secret of the older system is shorter than 32 bytes"}},
		"Over":  {oldTokens{long, time.Now(), claims, "default"}, true, []string{"level=WARN msg=\"tokens of an older system are refused as expired: remove BYLINE_OLD_TOKENS_SECRET\""}},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			a := &auth.Authenticator{}
			require.NoError(t, acceptOldTokens(a, test.cfg, nil, slog.New(slog.NewTextHandler(&out, nil))))
			require.Equal(t, test.accepted, a.OldTokens() != nil)
			require.Equal(t, len(test.lines), strings.Count(out.String(), "\n"), out.String())
			for _, line := range test.lines {
				require.Contains(t, out.String(), line)
			}
			require.NotContains(t, out.String(), "s3cret")
		})
	}
}

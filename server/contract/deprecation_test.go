package contract

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDeprecation(t *testing.T) {
	t.Parallel()
	const (
		from = "x-rate-limit: write\n"
		to   = from + "      deprecated: true\n"
	)
	for name, test := range map[string]struct {
		lines string
		want  Deprecation
	}{
		"Dates": {
			"      x-deprecated-at: 2026-01-01\n      x-sunset: 2026-07-01\n",
			Deprecation{At: "@1767225600", Sunset: "Wed, 01 Jul 2026 00:00:00 GMT"},
		},
		"Times": {
			"      x-deprecated-at: '2026-01-01T01:00:00+01:00'\n      x-sunset: '2026-07-01T12:30:00Z'\n",
			Deprecation{At: "@1767225600", Sunset: "Wed, 01 Jul 2026 12:30:00 GMT"},
		},
		"Link": {
			"      x-deprecated-at: '2026-01-01'\n      x-sunset: '2026-01-01'\n      x-deprecation-link: /docs/versioning#b>c\n",
			Deprecation{At: "@1767225600", Sunset: "Thu, 01 Jan 2026 00:00:00 GMT", Link: `</docs/versioning#b%3Ec>; rel="deprecation"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := load(variant(t, from, to+test.lines))
			require.NoError(t, err)
			op := d.Operation(http.MethodPut, "/base/things/:flag")
			require.NotNil(t, op.Deprecation)
			assert.Equal(t, test.want, *op.Deprecation)
		})
	}
	t.Run("None", func(t *testing.T) {
		t.Parallel()
		d, err := load([]byte(small))
		require.NoError(t, err)
		assert.Nil(t, d.Operation(http.MethodPut, "/base/things/:flag").Deprecation)
	})
	for name, test := range map[string]struct{ lines, want string }{
		"NoDate":   {"      deprecated: true\n      x-sunset: 2026-07-01\n", "x-deprecated-at: a deprecated operation must have"},
		"NoSunset": {"      deprecated: true\n      x-deprecated-at: 2026-07-01\n", "x-sunset: a deprecated operation must have"},
		"NotADate": {"      deprecated: true\n      x-deprecated-at: soon\n      x-sunset: 2026-07-01\n", `"soon" is not a date`},
		"Backward": {"      deprecated: true\n      x-deprecated-at: 2026-07-02\n      x-sunset: 2026-07-01\n", "before x-deprecated-at"},
		"BadLink": {
			"      deprecated: true\n      x-deprecated-at: 2026-01-01\n      x-sunset: 2026-07-01\n      x-deprecation-link: '%zz'\n",
			"x-deprecation-link",
		},
		"NotDeprecated": {"      x-sunset: 2026-07-01\n", "has x-sunset but is not deprecated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(variant(t, from, from+test.lines))
			require.ErrorContains(t, err, test.want)
		})
	}
}

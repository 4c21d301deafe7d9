package compress

import (
	"strings"
	"testing"
)

// FuzzNegotiate checks that Negotiate never panics, and never returns a coding
// that the client has not named or has refused.
func FuzzNegotiate(f *testing.F) {
	for _, seed := range []string{
		"", "gzip", "zstd;q=0.5, gzip;q=1", "*;q=0", "identity;q=0,*", "gzip;q=NaN", "gzip;q=1e-400", ";;,,q=", "gzip;q=0x1p-2", "\xff;q=\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, field string) {
		got := Negotiate(field)
		lower := strings.ToLower(field)
		switch got {
		case Identity:
		case Gzip, Zstd:
			if !strings.Contains(lower, string(got)) && !strings.Contains(lower, "*") {
				t.Errorf("%q gets %s, which it does not name", field, got)
			}
			for _, only := range []string{string(got) + ";q=0", "*;q=0, " + string(got) + ";q=0"} {
				if Negotiate(only) != Identity {
					t.Errorf("%q gets a coding that it refuses", only)
				}
			}
			if again := Negotiate(field + ", br;q=1"); again != got {
				t.Errorf("a coding that the service lacks changes %q from %s to %s", field, got, again)
			}
		default:
			t.Errorf("unknown coding %q", got)
		}
	})
}

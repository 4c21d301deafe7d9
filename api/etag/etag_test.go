package etag

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// form matches a strong entity tag of RFC 9110 without characters that some
// proxies change.
var form = regexp.MustCompile(`^"([0-9a-z]+(v[0-9]+)?\.)?[A-Za-z0-9_-]{11}"$`)

func TestOf(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, version := range []string{"", "1", "12"} {
		for _, body := range []string{"", "a", "b", strings.Repeat("x", 1<<16)} {
			tag := Of(version, []byte(body))
			require.Regexp(t, form, tag)
			require.Equal(t, tag, Of(version, []byte(body)), "replicas agree")
			require.False(t, seen[tag], tag)
			seen[tag] = true
		}
	}
}

func TestEncoded(t *testing.T) {
	t.Parallel()
	require.Equal(t, `"1.abc-gzip"`, Encoded(`"1.abc"`, "gzip"))
	require.Equal(t, `"abc-zstd"`, Encoded(`"abc"`, "zstd"))
}

func TestNoneMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		field, tag string
		want       bool
	}{
		{`"a"`, `"a"`, true},
		{`"b"`, `"a"`, false},
		{`"A"`, `"a"`, false},
		{``, `"a"`, false},
		{` , ,`, `"a"`, false},
		{`*`, `"a"`, true},
		{` * `, `"a"`, true},
		{`"*"`, `"a"`, false},
		{`W/"a"`, `"a"`, true},
		{`"x", "y", "a"`, `"a"`, true},
		{`"x","y",W/"a"`, `"a"`, true},
		{"\t\"x\" ,, \"a\"\t", `"a"`, true},
		{`"x", "y"`, `"a"`, false},
		// A comma is part of a quoted tag.
		{`"x,a"`, `"a"`, false},
		{`"a,x"`, `"a"`, false},
		{`"x,y", "a"`, `"a"`, true},
		{`"a,b"`, `"a,b"`, true},
		{`"x, "a", y"`, `"x"`, false},
		// The same content with a content coding.
		{`"a-gzip"`, `"a"`, true},
		{`"a-zstd"`, `"a"`, true},
		{`W/"a-gzip"`, `"a"`, true},
		{`"a-br"`, `"a"`, false},
		{`"b-gzip"`, `"a"`, false},
		{`"x", "1.a-zstd"`, `"1.a"`, true},
		{`"2.a"`, `"1.a"`, false},
		// Malformed fields must not match.
		{`"`, `"a"`, false},
		{`W/`, `"a"`, false},
		{`"x`, `"a"`, false},
		{`"x, "a`, `"b"`, false},
	} {
		require.Equal(t, test.want, NoneMatch(test.field, test.tag), "%s against %s", test.field, test.tag)
	}
	for _, coding := range []string{"gzip", "zstd"} {
		tag := Of("3", []byte("body"))
		require.True(t, NoneMatch(Encoded(tag, coding), tag))
		require.False(t, NoneMatch(Encoded(Of("3", []byte("other")), coding), tag))
	}
}

func TestMatchesVersion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		field   string
		version string
		want    bool
	}{
		{`"1.abc"`, "1", true},
		{`"2.abc"`, "1", false},
		{`"11.abc"`, "1", false},
		{`"1.abc"`, "11", false},
		{`"01.abc"`, "1", false},
		{`"1.other"`, "1", true},
		{`*`, "7", true},
		{`"*"`, "7", false},
		{``, "1", false},
		{`W/"1.abc"`, "1", false},
		{`W/"1.abc", "1.abc"`, "1", true},
		{`"1"`, "1", false},
		{`"abc"`, "1", false},
		{`"3.x", "1.abc" , "2.y"`, "1", true},
		{`"x,1.abc"`, "1", false},
		{`"1.a,b"`, "1", true},
		{`"1.abc-gzip"`, "1", true},
		{`"1.abc-zstd"`, "1", true},
		{`"2147483647.abc"`, "2147483647", true},
		{`"-1.abc"`, "1", false},
		{`"+1.abc"`, "1", false},
		{`1.abc`, "1", false},
		{`""1.abc""`, "1", false},
		{`" 1.abc"`, "1", false},
	} {
		require.Equal(t, test.want, MatchesVersion(test.field, test.version), "%s against %s", test.field, test.version)
	}
	for _, version := range []string{Version(1, 1), Version(1, 2), Version(12, 1), Version(math.MaxInt64, math.MaxInt32)} {
		tag := Of(version, []byte("body"))
		require.True(t, MatchesVersion(tag, version))
		require.True(t, MatchesVersion(Encoded(tag, "gzip"), version))
		require.False(t, MatchesVersion(tag, Version(1, 3)))
	}
}

func FuzzMatch(f *testing.F) {
	for _, seed := range []string{
		`"a"`, `W/"a"`, `*`, `"a,b", "c"`, `,,`, `"`, `"""`, `W/W/"a"`, ` "1.a" `, `"1.a-gzip-zstd"`, "\x00", "\xff", `"a" "b"`, `1.a`,
		strings.Repeat(`"x",`, 200),
	} {
		f.Add(seed, "body", int32(1))
	}
	f.Fuzz(func(t *testing.T, field, body string, edits int32) {
		members := slices.Collect(tags(field))
		for _, m := range members {
			if m == "" || strings.Trim(m, " \t") != m || strings.HasPrefix(m, ",") {
				t.Fatalf("tags(%q) yields %q", field, m)
			}
			if !strings.Contains(field, m) {
				t.Fatalf("tags(%q) makes up %q", field, m)
			}
		}
		if again := slices.Collect(tags(strings.Join(members, ", "))); strings.Count(field, `"`)%2 == 0 && !slices.Equal(members, again) {
			t.Fatalf("tags(%q) = %q, then %q", field, members, again)
		}
		version := Version(7, max(1, edits))
		tag := Of(version, []byte(body))
		if !form.MatchString(tag) {
			t.Fatalf("Of = %q", tag)
		}
		if NoneMatch(field, tag) && !slices.Contains(members, "*") && !strings.Contains(field, strings.Trim(tag, `"`)) {
			t.Fatalf("NoneMatch(%q, %q)", field, tag)
		}
		MatchesVersion(field, version)
		// Tags that Of returns are recognized next to any other tags with
		// closed quotes.
		if strings.Count(field, `"`)%2 == 0 {
			if list := field + ", " + tag; !NoneMatch(list, tag) || !MatchesVersion(list, version) {
				t.Fatalf("%q does not match", list)
			}
		}
	})
}

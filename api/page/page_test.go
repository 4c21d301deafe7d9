package page

import (
	"encoding/base64"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const scope = "articles?tag=go"

var (
	codec  = NewCodec([]byte("a secret of the test"))
	sample = Position{Key: At(time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)), ID: 42}
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]Position{
		"Sample":      sample,
		"Zero":        {},
		"Epoch":       {Key: At(time.Unix(0, 0).UTC())},
		"BeforeEpoch": {Key: At(time.Date(1901, 2, 3, 4, 5, 6, 7000, time.UTC)), ID: -1},
		"Count":       {Key: Count(-7), ID: 3},
		"MaxCount":    {Key: Count(math.MaxInt64), ID: 3},
		"Score":       {Key: Score(0.1 + 0.2), ID: 3},
		"Infinite":    {Key: Score(math.Inf(-1)), ID: 3},
		"MaxID":       {Key: sample.Key, ID: math.MaxInt64},
		"Extremes":    {Key: At(time.UnixMicro(math.MinInt64).UTC()), ID: math.MinInt64},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cursor := codec.Encode(scope, p)
			require.Len(t, cursor, CursorLen)
			require.Equal(t, cursor, url.QueryEscape(cursor), "URL-safe")
			got, err := codec.Decode(scope, cursor)
			require.NoError(t, err)
			require.Equal(t, p, got)
		})
	}
}

func TestEncodeNormalizesTime(t *testing.T) {
	t.Parallel()
	local := Position{Key: At(sample.Key.Time().In(time.FixedZone("", 20700)).Add(999)), ID: sample.ID}
	require.Equal(t, codec.Encode(scope, sample), codec.Encode(scope, local), "the zone and nanoseconds do not count")
}

// TestKeys checks that a key gives back to the bit what it was made of, and
// that kinds differ.
func TestKeys(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(1_767_323_045_678_901).UTC()
	require.Equal(t, now, At(now).Time())
	require.EqualValues(t, -7, Count(-7).Count())
	require.Equal(t, 0.1+0.2, Score(0.1+0.2).Score())
	require.NotEqual(t, Count(0), Score(0))
	require.NotEqual(t, codec.Encode(scope, Position{Key: Count(1)}), codec.Encode(scope, Position{Key: At(time.UnixMicro(1))}))
}

// TestFormat pins the bytes: a change of format needs a new version, or cursors
// in the hands of clients break unnoticed.
func TestFormat(t *testing.T) {
	t.Parallel()
	cursor := codec.Encode(scope, sample)
	require.Equal(t, "AQAGR172V081AAAAAAAAACrjEHN_jwgLtNyHy3wCMayY", cursor)
	require.Equal(t, cursor, NewCodec([]byte("a secret of the test")).Encode(scope, sample), "instances agree")
}

func TestDecodeInvalid(t *testing.T) {
	t.Parallel()
	cursor := codec.Encode(scope, sample)
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	require.NoError(t, err)

	invalid := map[string]string{
		"Empty":            "",
		"Extended":         cursor + "A",
		"ExtendedByGroup":  cursor + "AAAA",
		"Padded":           cursor + "=",
		"PaddedInside":     cursor[:CursorLen-1] + "=",
		"Newline":          cursor + "\n",
		"NewlinesInside":   cursor[:CursorLen-4] + "\n\r\n\r",
		"Space":            " " + cursor[1:],
		"NUL":              cursor[:CursorLen-1] + "\x00",
		"NotASCII":         cursor[:CursorLen-2] + "é",
		"StandardAlphabet": strings.Repeat("+/", CursorLen/2),
		"Twice":            cursor + cursor,
		"Huge":             strings.Repeat(cursor, 10_000),
		"NoTag":            base64.RawURLEncoding.EncodeToString(raw[:positionLen]),
		"ZeroTag":          base64.RawURLEncoding.EncodeToString(append(raw[:positionLen:positionLen], make([]byte, tagLen)...)),
	}
	for n := range len(cursor) {
		invalid["Truncated"+cursor[:n]] = cursor[:n]
	}
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			forged := base64.RawURLEncoding.EncodeToString(raw)
			invalid["Tampered"+forged] = forged
			raw[i] ^= 1 << bit
		}
	}
	for name, c := range invalid {
		got, err := codec.Decode(scope, c)
		require.Equal(t, ErrInvalid, err, name)
		require.Zero(t, got, name)
	}
}

// TestDecodeUnknownKind proves that an unknown kind of key is refused as such
// and not only through its tag.
func TestDecodeUnknownKind(t *testing.T) {
	t.Parallel()
	raw, err := base64.RawURLEncoding.DecodeString(codec.Encode(scope, sample))
	require.NoError(t, err)
	raw[0] = kindScore + 1
	tag := codec.tag(scope, raw[:positionLen])
	copy(raw[positionLen:], tag[:])
	_, err = codec.Decode(scope, base64.RawURLEncoding.EncodeToString(raw))
	require.Equal(t, ErrInvalid, err)
}

func TestDecodeElsewhere(t *testing.T) {
	t.Parallel()
	cursor := codec.Encode(scope, sample)
	for _, other := range []string{"", "articles", scope + "&", scope + "\x00", strings.ToUpper(scope), "articles/feed"} {
		_, err := codec.Decode(other, cursor)
		require.Equal(t, ErrInvalid, err, "scope %q", other)
	}
	_, err := NewCodec([]byte("another secret")).Decode(scope, cursor)
	require.Equal(t, ErrInvalid, err)
}

func TestNewCodecEmptySecret(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { NewCodec(nil) })
	require.Panics(t, func() { NewCodec([]byte{}) })
}

func TestNextLink(t *testing.T) {
	t.Parallel()
	for self, want := range map[string]string{
		"/api/articles": `</api/articles?cursor=CUR>; rel="next"`,
		"/api/articles?limit=20&offset=40&cursor=x": `</api/articles?cursor=CUR&limit=20>; rel="next"`,
		"/api/articles?tag=c%2B%2B&tag=a+b":         `</api/articles?cursor=CUR&tag=c%2B%2B&tag=a+b>; rel="next"`,
		"/api/articles?tag=%3E%3B%22%0D%0A%C3%A9":   `</api/articles?cursor=CUR&tag=%3E%3B%22%0D%0A%C3%A9>; rel="next"`,
		"/api/articles?bad=%zz&limit=5":             `</api/articles?cursor=CUR&limit=5>; rel="next"`,
		"https://user@host:8/api/articles?tag=go#f": `</api/articles?cursor=CUR&tag=go>; rel="next"`,
		"/a%2Fb/%3E":        `</a%2Fb/%3E?cursor=CUR>; rel="next"`,
		"///evil.example/x": `</evil.example/x?cursor=CUR>; rel="next"`,
		"":                  `</?cursor=CUR>; rel="next"`,
	} {
		u, err := url.Parse(self)
		require.NoError(t, err)
		before := *u
		require.Equal(t, want, NextLink(u, "CUR"), self)
		require.Equal(t, before, *u, "self is not changed")
	}
	require.Equal(t, `</%3E%22%0D%0A?cursor=a%26b>; rel="next"`, NextLink(&url.URL{Path: "/>\"\r\n"}, "a&b"))
	require.Equal(t, `</%3E?cursor=c>; rel="next"`, NextLink(&url.URL{Path: "/>", RawPath: "/>"}, "c"))
	require.Equal(t, `</%5Cevil.example?cursor=c>; rel="next"`, NextLink(&url.URL{Path: `/\evil.example`}, "c"))
}

func FuzzDecode(f *testing.F) {
	cursor := codec.Encode(scope, sample)
	for _, seed := range []string{"", cursor, cursor[1:], cursor + "A", strings.Repeat("A", CursorLen), cursor[:40] + "\r\n\r\n", "====", "é"} {
		f.Add(scope, seed)
	}
	f.Fuzz(func(t *testing.T, scope, cursor string) {
		p, err := codec.Decode(scope, cursor)
		if err != nil {
			if err != ErrInvalid || p != (Position{}) {
				t.Fatalf("%v, %v", p, err)
			}
			return
		}
		if codec.Encode(scope, p) != cursor {
			t.Fatalf("%q is a second form of the cursor of %v", cursor, p)
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add(scope, sample.Key.Time().UnixMicro(), sample.ID, "articles")
	f.Add("", int64(math.MinInt64), int64(math.MaxInt64), "\x00")
	f.Fuzz(func(t *testing.T, scope string, micros, id int64, other string) {
		want := Position{Key: At(time.UnixMicro(micros).UTC()), ID: id}
		cursor := codec.Encode(scope, want)
		if got, err := codec.Decode(scope, cursor); err != nil || got != want || len(cursor) != CursorLen {
			t.Fatalf("%q: %v, %v; want %v", cursor, got, err, want)
		}
		if _, err := codec.Decode(other, cursor); (err == nil) != (other == scope) {
			t.Fatalf("scope %q, read as %q: %v", scope, other, err)
		}
	})
}

func FuzzNextLink(f *testing.F) {
	f.Add("/api/articles", "tag=go&limit=20&offset=3", "CUR")
	f.Add("//evil.example/>", "a=%00&b;c=>", ">\r\n")
	f.Fuzz(func(t *testing.T, path, rawQuery, cursor string) {
		link := NextLink(&url.URL{Path: path, RawPath: path, RawQuery: rawQuery}, cursor)
		target, ok := strings.CutSuffix(link, `>; rel="next"`)
		if !ok || target[:2] != "</" || strings.HasPrefix(target, "<//") {
			t.Fatalf("%q", link)
		}
		if strings.ContainsFunc(target[1:], func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("<>\"\\", r) }) {
			t.Fatalf("%q", link)
		}
		u, err := url.Parse(target[1:])
		if err != nil || u.Host != "" || u.Query().Get("cursor") != cursor || u.Query().Has("offset") {
			t.Fatalf("%q: %v", link, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		codec.Encode(scope, sample)
	}
}

func BenchmarkDecode(b *testing.B) {
	cursor := codec.Encode(scope, sample)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.Decode(scope, cursor); err != nil {
			b.Fatal(err)
		}
	}
}

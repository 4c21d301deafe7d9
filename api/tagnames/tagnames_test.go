package tagnames

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/byline-api/byline/db/changes"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	long, many := strings.Repeat("ü", MaxLen+1), make([]string, MaxTags+5)
	for i := range many {
		many[i] = "t" + strings.Repeat("i", i)
	}
	for label, test := range map[string]struct {
		tags, have, want []string
		err              string
	}{
		"None":              {nil, nil, []string{}, ""},
		"Spelling":          {[]string{" Go ", "e\u0301", "GO", "É"}, nil, []string{"Go", "é"}, ""},
		"Longest":           {[]string{strings.Repeat("ü", MaxLen)}, nil, []string{strings.Repeat("ü", MaxLen)}, ""},
		"TooLong":           {[]string{long}, []string{"go"}, nil, "is too long (maximum is 50 characters)"},
		"LongIsKept":        {[]string{"new", strings.ToUpper(long)}, []string{long}, []string{"new", strings.ToUpper(long)}, ""},
		"Invisible":         {[]string{"a\u200bb"}, nil, nil, "must not contain invisible or unassigned characters"},
		"InvisibleIsKept":   {[]string{"a\u200bb", "new"}, []string{"a\u200bb"}, []string{"a\u200bb", "new"}, ""},
		"TooMany":           {many, nil, nil, "has too many items (maximum is 30)"},
		"ManyAreKept":       {many, many, many, ""},
		"ManyAreFewer":      {many[1:], many, many[1:], ""},
		"ManyAreFew":        {append([]string{"new"}, many[:MaxTags-1]...), many, append([]string{"new"}, many[:MaxTags-1]...), ""},
		"ManyWithAnother":   {append([]string{"new"}, many[2:]...), many, nil, "has too many items (maximum is 30)"},
		"DuplicatesOfMany":  {append(slices.Repeat([]string{"a", "A"}, MaxTags), many[:MaxTags-1]...), nil, append([]string{"a"}, many[:MaxTags-1]...), ""},
		"ReplacedOfTooMany": {append(slices.Clone(many[:MaxTags]), "new"), many[:MaxTags], nil, "has too many items (maximum is 30)"},
	} {
		got, err := Check(test.tags, test.have)
		if test.err == "" {
			require.NoError(t, err, label)
			require.Equal(t, test.want, got, label)
			continue
		}
		require.ErrorContains(t, err, test.err, label)
		require.ErrorContains(t, err, "tagList", label)
	}
}

// FuzzCheck checks that tags are stored in one form, which checking does not
// change again, and that two tags of an article are never equal.
func FuzzCheck(f *testing.F) {
	for _, tags := range []string{"Go\ngo", " a \nA", "e\u0301\né\nÉ", "ΣΊΣΥΦΟΣ\nσίσυφος", "ﬁ\nFI", "İ\ni", "👩‍💻", "\u00a0x\u3000", "Straße\nSTRASSE", "ǅ\nǆ"} {
		f.Add(tags)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		got, err := Check(strings.Split(text, "\n"), nil)
		if err != nil {
			return
		}
		again, err := Check(got, nil)
		require.NoError(t, err)
		require.Equal(t, got, again)
		folds := map[string]bool{}
		for _, tag := range got {
			require.True(t, norm.NFC.IsNormalString(tag))
			require.Equal(t, strings.TrimSpace(tag), tag)
			require.NotEmpty(t, tag)
			require.False(t, folds[Fold(tag)], "%q is there twice", tag)
			folds[Fold(tag)] = true
			require.Equal(t, Fold(tag), Fold("  "+tag+"\u3000"), "%q", tag)
		}
	})
}

func TestShown(t *testing.T) {
	t.Parallel()
	var none *Shown
	texts := []string{"go", "Rust"}
	require.Equal(t, texts, none.Names(texts))
	require.Equal(t, changes.ArticlesTagged("Rust"), none.Articles("RUST", texts))
	require.Equal(t, changes.Tags, none.Articles("golang", texts))
	s := &Shown{"go": {key: "go", name: "Golang"}, "Rusty": {key: "Rust", name: "Rust"}}
	require.Equal(t, []string{"Golang", "Rust"}, s.Names(texts))
	require.Equal(t, []string{"Rust", "Golang"}, s.Names([]string{"Rusty", "Rust", "go"}), "each name once")
	require.Equal(t, []string{"go", "Rust"}, texts, "the argument is unchanged")
	require.Equal(t, changes.ArticlesTagged("go"), s.Articles("GOLANG", texts))
	require.Equal(t, changes.ArticlesTagged("Rust"), s.Articles("rust", []string{"Rusty"}))
	require.Equal(t, changes.Tags, s.Articles("go", texts), "an earlier name")
	other := []string{"x"}
	require.Same(t, &other[0], &s.Names(other)[0], "no allocation")
}

package names

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// same has a folded name, and other spellings of it.
var same = map[string][]string{
	"jake":       {"jake", "Jake", "JAKE", " jake", "jake ", "\u00a0jake\u3000", "ｊａｋｅ", "Ｊake", "𝐣𝐚𝐤𝐞", "ⓙake"},
	"anna maria": {"Anna Maria", "anna  maria", "anna\u2003maria", " Anna\u00a0 Maria "},
	"é":          {"é", "É", "e\u0301", "E\u0301"},
	"straße":     {"Straße", "STRAẞE"},
	"οδοσ":       {"οδος", "ΟΔΟΣ", "Οδοσ", "ΟΔΟΣ "},
	"ナ":          {"ナ", "ﾅ"},
	"한글":         {"한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"},
	"ffi":        {"ffi", "ﬃ"},
	"☃":          {"☃", "☃\ufe0f", "☃\ufe0e"},
	"👩💻":         {"👩‍💻", "👩💻"},
	"1\u20e3":    {"1\ufe0f\u20e3", "1\u20e3"},
	"k":          {"K", "\u212a"},
	"名前":         {"名前"},
	"آنا":        {"آنا"},
	"क्\u200dष":  {"क्\u200dष"}, // a joiner that the script needs
	"o'neil_1.x": {"O'Neil_1.x"},
}

func TestFold(t *testing.T) {
	t.Parallel()
	for want, names := range same {
		for _, name := range names {
			require.Equal(t, want, Fold(name), "%+q", name)
		}
	}
	for _, name := range []string{
		"", " ", "\u3000", "ja\u200bke", "jake\u200b", "ja\u00adke", "\u202ejake", "jake\u200e", "\u2067jake\u2069", "\ufeffjake", "ja\u0085ke",
		"ja\u2028ke", "ja\u0000ke", "jake\n", "ja\u200dke", "jake\ufe0f", "\u200d", "jake\u2060", "\u3164", "jake\uffa0", "jake\u2800", "\ue000",
		"\uffff", "jake\U000e0041", "jake\u180e", "jake\u034f", "\xff", "jake\U0001d173", "☃\ufe0f\u200bx", "jake\u0378",
	} {
		require.Empty(t, Fold(name), "%+q", name)
	}
}

// TestFoldCase checks that no letter is another one if only its case changes,
// nor at the end of a word.
func TestFoldCase(t *testing.T) {
	t.Parallel()
	for r := range unicode.MaxRune {
		next := unicode.SimpleFold(r)
		if !unicode.IsLetter(r) || !unicode.IsLetter(next) {
			continue // U+0345, which looks different
		}
		for _, around := range []string{"", "a"} {
			name, other := around+string(r), around+string(next)
			if want, got := Fold(name), Fold(other); want != "" && got != "" {
				require.Equal(t, want, got, "%q and %q", name, other)
			}
		}
	}
}

// TestFoldPlain checks that the short cut for plain names changes nothing.
func TestFoldPlain(t *testing.T) {
	t.Parallel()
	for c := range byte(0x80) {
		for _, name := range []string{string(c), "a" + string(c) + "B", "A " + string(c), string(c) + " b", "a" + string(c)} {
			want, err := profile.CompareKey(name)
			if err != nil {
				want = ""
			}
			require.Equal(t, want, Fold(name), "%q", name)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, names := range same {
		for _, name := range names {
			f.Add(name)
		}
	}
	f.Fuzz(func(t *testing.T, name string) {
		folded := Fold(name)
		if folded == "" {
			return
		}
		require.Equal(t, folded, Fold(folded), "folding twice changes nothing")
		require.Equal(t, folded, norm.NFC.String(folded))
		require.Equal(t, folded, strings.TrimSpace(folded))
		require.Equal(t, folded, Fold(" "+name+"  "), "space around a name makes no other name")
		require.Equal(t, folded, Fold(norm.NFD.String(name)), "normalisation makes no other name")
	})
}

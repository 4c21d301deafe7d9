package slug

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

var form = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func TestFrom(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		// Scripts.
		"How to train your dragon":          "how-to-train-your-dragon",
		"Éric à la plage: œuvre complète":   "eric-a-la-plage-oeuvre-complete",
		"Straße nach Überlingen":            "strasse-nach-uberlingen",
		"STRAẞE":                            "strasse",
		"Diyarbakır'da İlk Işık":            "diyarbakirda-ilk-isik",
		"Azərbaycan dili":                   "azerbaycan-dili",
		"Tiếng Việt không khó":              "tieng-viet-khong-kho",
		"Zażółć gęślą jaźń":                 "zazolc-gesla-jazn",
		"Большой театр":                     "bolshoi-teatr",
		"Комп’ютер і м'ята":                 "kompiuter-i-miata",
		"Қазақ тілі: әліпби":                "kazak-tili-alipbi",
		"Ελληνική γλώσσα":                   "ellenike-glossa",
		"საქართველო":                        "sakartvelo",
		"Հայերեն լեզու":                     "hayeren-lezow",
		"שלום עולם, צה״ל":                   "shlvm-vlm-tshl",
		"السلام عليكم":                      "lslm-lykm",
		"المدينة":                           "lmdyna",
		"می\u200cخواهم":                     "mykhwhm",
		"हिन्दी में लेख":                    "hindii-men-lekh",
		"বাংলা ভাষা":                        "baanlaa-bhaassaa",
		"தமிழ் மொழி":                        "tmilll-mollli",
		"น้ำ":                               "nam",
		"ភាសា\u200bខ្មែរ":                   "bhaasaa-khmaer",
		"አማርኛ":                              "amaarenyaa",
		"북한산 등산":                            "bughansan-deungsan",
		"Go语言入门":                            "go-yu-yan-ru-men",
		"東京タワー":                             "dong-jing-tawa",
		"データ構造":                             "deta-gou-zao",
		"ＦＵＬＬ　ｗｉｄｔｈ１２":                      "full-width12",
		"𝐇𝐞𝐥𝐥𝐨 𝕎𝕠𝕣𝕝𝕕":                       "hello-world",
		"٢٠٢٦ و २०२६":                       "2026-w-2026",
		"Chapter Ⅷ: 1½ cups, x² and ﬁnally": "chapter-viii-1-1-2-cups-x2-and-finally",
		// Symbols, apostrophes, controls.
		"Q&A: AT&T, me@home":                "q-a-at-t-me-home",
		"Don't, don’t, rock ‘n’ roll":       "dont-dont-rock-n-roll",
		"Hawaiʻi":                           "hawaii",
		"snake_case--and — dashes…":         "snake-case-and-dashes",
		"Go 1.26 is 50% faster!":            "go-1-26-is-50-faster",
		"🚀 Launch 👩‍💻 day 🇩🇪 1️⃣":           "launch-day-1",
		"a\x00b\tc\nd\x7fe":                 "a-b-c-d-e",
		"bad\xffutf8":                       "bad-utf8",
		"soft\u00adhyphen \u202eoverride":   "softhyphen-override",
		"Z\u0351\u0334\u0343algo\u034f":     "zalgo",
		"../../etc/passwd?x=<script>":       "etc-passwd-x-script",
		"2048":                              "2048",
		"ⴰⵣⵓⵍ, Go":                          "go",
		"Feed":                              "feed-article",
		"¡batch!":                           "batch-article",
		"feeds":                             "feeds",
		"feed me":                           "feed-me",
		"f\u00ad\u200deed":                  "feed-article",
		strings.Repeat("x", 300):            strings.Repeat("x", maxBase),
		strings.Repeat("ten-chars ", 30):    strings.Repeat("ten-chars-", 9)[:89],
		strings.Repeat("y", maxBase) + " z": strings.Repeat("y", maxBase),
	} {
		got := From(title)
		assert.Equal(t, want, got, "%q", title)
		require.True(t, Valid(got))
		require.Equal(t, got, From(norm.NFD.String(title)), "%q decomposed", title)
	}
}

func TestFromGenerated(t *testing.T) {
	t.Parallel()
	for _, title := range []string{"", "   ", "🎉🎉🎉", "❤️", "&", "?!…", "\x00", "\xff\xfe", "ⴰⵣⵓⵍ", "\u0301", "'", strings.Repeat("👾", 1<<18)} {
		got := From(title)
		require.Regexp(t, `^article-[a-z2-7]{12}$`, got, "%q", title)
		require.NotEqual(t, got, From(title))
	}
}

func TestFromCutsInput(t *testing.T) {
	t.Parallel()
	// A character of three bytes crosses the limit: it must be removed as a
	// whole.
	title := strings.Repeat("!", maxInput-4) + " a" + "語" + strings.Repeat("z", 1<<20)
	require.Equal(t, "a", From(title))
	require.Len(t, cut(strings.Repeat("\x80", 2*maxInput), maxInput), maxInput)
}

func TestIsReserved(t *testing.T) {
	t.Parallel()
	require.True(t, slices.IsSorted(reserved), "binary search needs the order")
	for _, word := range reserved {
		require.True(t, IsReserved(word))
		require.True(t, Valid(word))
		require.False(t, IsReserved(From(word)))
		require.False(t, IsReserved(Candidate(word, 0)))
	}
	require.False(t, IsReserved(""))
	require.False(t, IsReserved("feeds"))
}

func TestValid(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"a", "0", "a-b", "a1-2b", strings.Repeat("a", MaxLen)} {
		require.True(t, Valid(s), s)
	}
	for _, s := range []string{"", "-", "-a", "a-", "a--b", "A", "a_b", "a b", "é", "a\n", "a\x00", strings.Repeat("a", MaxLen+1)} {
		require.False(t, Valid(s), "%q", s)
	}
}

func TestCandidate(t *testing.T) {
	t.Parallel()
	words := From(strings.Repeat("word ", 100))
	require.Equal(t, words, Candidate(words, 0))
	require.Equal(t, words, Candidate(words, -1))
	require.Regexp(t, "^"+words+"-[a-z2-7]{8}$", Candidate(words, 1), "a slug of From leaves room")

	longest := strings.Repeat("a", MaxLen)
	require.Equal(t, longest, Candidate(longest, 0))
	require.Regexp(t, `^a{91}-[a-z2-7]{8}$`, Candidate(longest, 1))
	require.Regexp(t, `^b{50}-[a-z2-7]{8}$`, Candidate(strings.Repeat("b", 50)+"-"+strings.Repeat("c", 49), 2))
	require.NotEqual(t, Candidate("a", 1), Candidate("a", 1))
	require.Equal(t, "not-a-slug", Candidate("Not a slug!", 0))
}

func FuzzFrom(f *testing.F) {
	for _, seed := range []string{
		"", "Hello, world", "feed", "Ärger & Öl", "e\u0301", "Большой", "北京 Go", "𝐇½", "\xff", "👩‍💻", "İıẞ", "น้ำ", "한국어",
		"ﷺ", "x--y", strings.Repeat("long word ", 40), strings.Repeat("語", 2000), "\u200b\u00ad", "㈠々", "\u1161\u1176",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, title string) {
		s := From(title)
		if !form.MatchString(s) || !Valid(s) || len(s) > maxBase || IsReserved(s) {
			t.Fatalf("From(%q) = %q", title, s)
		}
		if again := From(s); again != s {
			t.Fatalf("From is not idempotent: %q, then %q", s, again)
		}
		if fold(title) != "" && From(title) != s {
			t.Fatalf("From(%q) is not deterministic", title)
		}
		// Long titles are cut before they are normalized, so the two forms may
		// end at different letters.
		if nfd := norm.NFD.String(title); len(nfd) <= maxInput && fold(nfd) != fold(title) {
			t.Fatalf("%q: %q, decomposed %q", title, fold(title), fold(nfd))
		}
		for attempt := range 2 {
			if c := Candidate(title, attempt); !form.MatchString(c) || len(c) > MaxLen || IsReserved(c) {
				t.Fatalf("Candidate(%q, %d) = %q", title, attempt, c)
			}
		}
	})
}

func BenchmarkFrom(b *testing.B) {
	for name, title := range map[string]string{
		"ascii":     "How to build webapps that scale, in 12 simple steps",
		"cyrillic":  "Как построить веб-приложение за двенадцать шагов",
		"han":       "如何用十二个简单的步骤构建可扩展的网络应用",
		"megabyte":  strings.Repeat("Ünïcödé ", 1<<17),
		"emoji 1MB": strings.Repeat("👾", 1<<18),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				From(title)
			}
		})
	}
}

package words_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api/words"
)

func TestCount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int32{
		"": 0, "!!! — * …": 0, "one": 1, "It *works*.": 2, "Don't stop, it’s well-known.": 4, "3.14 and 1,000": 3,
		"# A title\n\n- an item\n- [the docs](https://example.com/a/b-c?d=e)": 6, "before—after": 2, "2010–2020": 2,
		"Die größte Überraschung": 3, "Мама мыла раму": 3, "한국어는 띄어 씁니다": 3, "हिन्दी में लिखा है।": 4, "e\u0301te\u0301 co\u00adop": 2,
		"مرحبا بالعالم، أهلا": 3, "good😀day": 2,
		"我喜欢读书。":       5,
		"使用Go语言":       5,
		"Go、Rust":      2,
		"サーバーを作る":      7,
		"東京タワーは高い。":    8,
		"ภาษาไทย":      2, // 7 letters; dictionaries find 2 words
		"ສະບາຍດີ ໂລກ":  3, // 9 letters, 2 words: an estimate
		"a\u200bb":     2,
		"word\tword\n": 2,
		"\x80\xff":     0,
	} {
		require.Equal(t, want, words.Count(text).Words, text)
	}
	for _, test := range []struct {
		text string
		n    int
		want int32
	}{
		{"", 0, 1}, {"word ", 1, 1}, {"word ", 344, 1}, {"word ", 345, 2}, {"word ", 2300, 10},
		{"字", 500, 1}, {"字", 750, 2}, {"字", 5000, 10}, {"ก", 9200, 10},
	} {
		require.Equal(t, test.want, words.Count(strings.Repeat(test.text, test.n)).Minutes, "%d times %s", test.n, test.text)
	}
}

func BenchmarkCount(b *testing.B) {
	for name, text := range map[string]string{"English": "It works, as they say. ", "Chinese": "我喜欢读书。", "Thai": "ภาษาไทย", "Russian": "Мама мыла раму. "} {
		text = strings.Repeat(text, 1<<20/len(text))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				words.Count(text)
			}
		})
	}
}

package changes

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// texts has a key of each kind, by its text in the database.
var texts = map[string]Key{
	"a1": Article(1), "u2": Profile(2), "c3": Comments(3), "b4": ArticlesBy(4), "s5": Session(5), "k6": APIKey(6), "v7": Account(7),
	"e8": Series(8), "r9": Translations(9), "f10": FavoritesOf(10), "o11": FollowsOf(11), "tgo": ArticlesTagged("go"), "l": Articles, "g": Tags, "E": AllSeries, "K": SigningKeys, "*": Everything,
}

func TestParse(t *testing.T) {
	t.Parallel()
	kinds := map[Kind]bool{}
	for text, want := range texts {
		k, err := Parse(text)
		require.NoError(t, err)
		require.Equal(t, want, k)
		require.Equal(t, text, k.String())
		require.Equal(t, Kind(text[0]), k.Kind())
		kinds[k.Kind()] = true
	}
	require.Len(t, kinds, len(constants(t)), "add a key of each kind to texts in db/changes/key_test.go")
	require.EqualValues(t, 5, Session(5).ID())
	require.Zero(t, ArticlesTagged("7").ID())

	for text, want := range map[string]Key{
		"a9223372036854775807": Article(math.MaxInt64), "t": ArticlesTagged(""), "tt": ArticlesTagged("t"),
		"t1": ArticlesTagged("1"), "t*": ArticlesTagged("*"), "tü,{}\"": ArticlesTagged(`ü,{}"`),
	} {
		k, err := Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, k)
		require.Equal(t, text, k.String())
	}
	for _, text := range []string{"", "a", "ax", "s", "sx", "a1x", "a 1", "a9223372036854775808", "l1", "K2", "*a", "z", "z1", "A1", "ü"} {
		k, err := Parse(text)
		require.Error(t, err, text)
		require.Zero(t, k)
	}
	require.Empty(t, Key{}.String())
}

// FuzzParse checks that a parsed key has a text that parses to the same key.
func FuzzParse(f *testing.F) {
	for text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(k.String())
		require.NoError(t, err)
		require.Equal(t, k, again)
		require.Equal(t, k.Hash(), again.Hash())
	})
}

// TestHash checks that keys with consecutive ids rarely collide, in the low and
// in the high bits of the hash.
func TestHash(t *testing.T) { // not parallel, since it counts allocations
	const bits = 14
	low, high, n := map[uint64]bool{}, map[uint64]bool{}, 0
	for id := int64(1); id <= 800; id++ {
		for _, k := range []Key{Article(id), Profile(id), Comments(id), ArticlesBy(id), ArticlesTagged(Article(id).String())} {
			low[k.Hash()%(1<<bits)] = true
			high[k.Hash()>>(64-bits)] = true
			n++
		}
	}
	// 4,000 random numbers would occupy 3,550 ± 25 of the 16,384 places.
	require.Equal(t, 4000, n)
	require.Greater(t, len(low), 3500)
	require.Greater(t, len(high), 3500)
	require.NotEqual(t, Articles.Hash(), Tags.Hash())
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = ArticlesTagged("go").Hash() + Article(1).Hash() }))
}

package seed

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	require.NoError(t, small().Validate())
	big := Bench.Times(100)
	big.PasswordHash = "hash"
	require.NoError(t, big.Validate())

	for want, change := range map[string]func(*Config){
		"--users is -1: must not be negative":                                        func(c *Config) { c.Users = -1 },
		"--articles is 3000000000: at most 2147483647":                               func(c *Config) { c.Articles = 3_000_000_000 },
		"--articles is 200: needs at least one of --users":                           func(c *Config) { c.Users, c.Favorites, c.Follows = 0, 0, 0 },
		"--comments is 800: needs at least one of --articles":                        func(c *Config) { c.Articles, c.Favorites = 0, 0 },
		"--favorites is 10001: at most 10000, that is --users times --articles":      func(c *Config) { c.Favorites = 10_001 },
		"--follows is 2451: at most 2450, that is --users times (--users - 1)":       func(c *Config) { c.Follows = 2_451 },
		"--tags-per-article is 30: at most --tags, which is 29":                      func(c *Config) { c.Tags, c.TagsPerArticle = 29, 30 },
		"--tags-per-article is 31: at most 30":                                       func(c *Config) { c.Tags, c.TagsPerArticle = 60, 31 },
		"--body-bytes is 99: 0 (varied) or 100 to 256000":                            func(c *Config) { c.BodyBytes = 99 },
		"--body-bytes is 256001: 0 (varied) or 100 to 256000":                        func(c *Config) { c.BodyBytes = 256_001 },
		"--comments is -2: must not be negative\n--tags is -1: must not be negative": func(c *Config) { c.Comments, c.Tags = -2, -1 },
		"no password hash for the accounts":                                          func(c *Config) { c.PasswordHash = "" },
		"no time for the newest article":                                             func(c *Config) { c.Until = time.Time{} },
		"no way to schedule articles":                                                func(c *Config) { c.Schedule = nil },
	} {
		cfg := small()
		change(&cfg)
		require.EqualError(t, cfg.Validate(), want)
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	for _, total := range []int{0, 1, 7, 500, 4_949, 4_950} {
		limit := func(i int) int { return i } // sum 4,950
		out := shares(total, 100, func(i int) int { return 1 << 20 / (i + 1) }, limit)
		sum := 0
		for i, n := range out {
			require.LessOrEqual(t, int(n), limit(i))
			sum += int(n)
		}
		require.Equal(t, total, sum)
	}
	require.Empty(t, shares(0, 0, nil, nil))
}

func TestPermutation(t *testing.T) {
	t.Parallel()
	for n := 1; n < 200; n++ {
		r := at(1, streamNames, n)
		p := newPermutation(&r, n)
		seen := make(map[int]bool)
		for i := range n {
			k := p.at(i)
			require.True(t, k >= 0 && k < n && !seen[k])
			seen[k] = true
		}
	}
}

func TestSkewed(t *testing.T) {
	t.Parallel()
	var r random
	counts := make([]int, 1_000)
	for range 100_000 {
		counts[r.skewed(1_000, 3)]++
	}
	require.InDelta(t, 10_000, counts[0], 500)
	require.NotZero(t, counts[999]+counts[998]+counts[997])
}

func TestText(t *testing.T) {
	t.Parallel()
	p := newPlan(small())
	t.Run("TitlesGiveDistinctSlugs", func(t *testing.T) {
		t.Parallel()
		var w writer
		seen := make(map[string]bool)
		for i := range p.titles.n {
			title := w.title(p, i)
			s := slug(title, "")
			require.False(t, seen[s], s)
			seen[s] = true
			require.LessOrEqual(t, len(s), 100-len("-2147483647"))
			require.NotContains(t, title, "{")
			require.NotContains(t, "0123456789-", s[len(s)-1:])
		}
	})
	t.Run("NamesAreDistinct", func(t *testing.T) {
		t.Parallel()
		seen := make(map[string]bool)
		for i := range 3 * p.names.n {
			name := p.username(i, 0)
			require.False(t, seen[name], name)
			require.Regexp(t, `^[a-z]+[._-][a-z]+[0-9]*$`, name)
			seen[name] = true
		}
		for i := range 1_000 {
			require.False(t, seen[p.username(i, 1_000_000+i)])
		}
	})
	t.Run("ListsHaveNoRepeats", func(t *testing.T) {
		t.Parallel()
		for _, list := range [][]string{firstNames, lastNames, tagNames, topics, people, titles, sentences, remarks, headings} {
			seen := make(map[string]bool)
			for _, s := range list {
				require.False(t, seen[s], s)
				seen[s] = true
			}
		}
	})
	t.Run("BodySize", func(t *testing.T) {
		t.Parallel()
		var w writer
		for i := range 500 {
			w.title(p, i)
			require.InDelta(t, 2_000, len(w.body(2_000)), 150)
			require.InDelta(t, 20_000, len(w.body(20_000)), 150)
			varied := w.body(0)
			require.True(t, len(varied) > 350 && len(varied) < 3_150)
			require.NotRegexp(t, `\{[a-z]\}|\b[Aa] [aeiou]`, varied)
		}
	})
}

// TestRowsArePinned checks that the rows of a seed are the same on every
// machine and in every version, so that benchmarks can be compared. A change of
// the lists or of the arithmetic changes this digest. That is allowed, but
// later benchmarks can no longer be compared with older ones.
func TestRowsArePinned(t *testing.T) {
	t.Parallel()
	p := newPlan(small())
	l := &loader{plan: p, demo: true}
	h := sha256.New()
	for i := range p.cfg.Users {
		_, _ = fmt.Fprintln(h, l.name(i), p.userTime(i), p.articlesOf[i], p.favoritesOf[i], p.followersOf(i))
	}
	var w writer
	for i := range p.cfg.Articles {
		updated, version := p.edited(i)
		_, _ = fmt.Fprintln(h, w.title(p, i), w.description(), w.body(0), p.author(i), p.articleTime(i), updated, version, p.tags(nil, i), p.fans(i))
	}
	for i := range p.cfg.Comments {
		article, author, created := p.comment(i)
		_, _ = fmt.Fprintln(h, article, author, created, w.remark(p, i, article))
	}
	require.Equal(t, "1e112c6d788fc011", hex.EncodeToString(h.Sum(nil)[:8]))
}

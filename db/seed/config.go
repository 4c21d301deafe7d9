package seed

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Config says how much to write. The numbers are totals of what is added.
type Config struct {
	Users, Articles, Comments, Favorites, Follows, Tags int

	// TagsPerArticle is exact; the contract allows 50.
	TagsPerArticle int

	// BodyBytes is the approximate size of an article's Markdown body; 0 = varied, 500 to 3,000.
	BodyBytes int

	// Seed makes the rows: the same seed and sizes give the same rows in an empty database, byte for byte.
	Seed uint64

	// PasswordHash is what every account gets, so that the cost of hashing is paid once, by the caller.
	PasswordHash string

	// Until is the created_at of the newest article; nothing is later. Times go back over two years from here, those of
	// accounts half a year further.
	Until time.Time

	// Progress gets a line when a table is done, and every five seconds before. Nil = silent.
	Progress io.Writer
}

// Until is fixed in both sets, for reproducible rows; a caller who wants recent ones sets the present time.
var (
	// Small is what a newcomer wants to see: a second's work.
	Small = Config{
		Users: 50, Articles: 200, Comments: 800, Favorites: 2_000, Follows: 400, Tags: 30, TagsPerArticle: 3,
		Seed: 1, Until: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}

	// Bench is the data set of the benchmarks.
	Bench = Config{
		Users: 1_000, Articles: 10_000, Comments: 50_000, Favorites: 100_000, Follows: 20_000, Tags: 200, TagsPerArticle: 3,
		BodyBytes: 2_000, Seed: 1, Until: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
)

// Times returns cfg with its totals multiplied by n; tags stay, since they grow least in life.
func (cfg Config) Times(n int) Config {
	cfg.Users *= n
	cfg.Articles *= n
	cfg.Comments *= n
	cfg.Favorites *= n
	cfg.Follows *= n
	return cfg
}

const (
	maxTagsPerArticle = 50      // the contract's maxItems of tagList
	maxBodyBytes      = 256_000 // the contract's maxLength is 262,144 characters, and sizes are approximate
	minBodyBytes      = 100
)

// Validate names each wrong number by its flag.
func (cfg Config) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	sizes := []struct {
		flag string
		n    int
	}{
		{"--users", cfg.Users}, {"--articles", cfg.Articles}, {"--comments", cfg.Comments}, {"--favorites", cfg.Favorites},
		{"--follows", cfg.Follows}, {"--tags", cfg.Tags}, {"--tags-per-article", cfg.TagsPerArticle}, {"--body-bytes", cfg.BodyBytes},
	}
	for _, s := range sizes {
		switch {
		case s.n < 0:
			fail("%s is %d: must not be negative", s.flag, s.n)
		case s.n > math.MaxInt32:
			fail("%s is %d: at most %d", s.flag, s.n, math.MaxInt32)
		}
	}
	if errs != nil {
		return errors.Join(errs...) // the products below could overflow
	}

	users, articles := int64(cfg.Users), int64(cfg.Articles)
	if articles > 0 && users == 0 {
		fail("--articles is %d: needs at least one of --users", articles)
	}
	if cfg.Comments > 0 && articles == 0 {
		fail("--comments is %d: needs at least one of --articles", cfg.Comments)
	}
	if pairs := users * articles; int64(cfg.Favorites) > pairs {
		fail("--favorites is %d: at most %d, that is --users times --articles", cfg.Favorites, pairs)
	}
	if pairs := users * max(users-1, 0); int64(cfg.Follows) > pairs {
		fail("--follows is %d: at most %d, that is --users times (--users - 1)", cfg.Follows, pairs)
	}
	if cfg.TagsPerArticle > cfg.Tags {
		fail("--tags-per-article is %d: at most --tags, which is %d", cfg.TagsPerArticle, cfg.Tags)
	}
	if cfg.TagsPerArticle > maxTagsPerArticle {
		fail("--tags-per-article is %d: at most %d", cfg.TagsPerArticle, maxTagsPerArticle)
	}
	if cfg.BodyBytes != 0 && (cfg.BodyBytes < minBodyBytes || cfg.BodyBytes > maxBodyBytes) {
		fail("--body-bytes is %d: 0 (varied) or %d to %d", cfg.BodyBytes, minBodyBytes, maxBodyBytes)
	}
	if cfg.Users > 0 && cfg.PasswordHash == "" {
		fail("no password hash for the accounts")
	}
	if cfg.Until.IsZero() {
		fail("no time for the newest article")
	}
	return errors.Join(errs...)
}

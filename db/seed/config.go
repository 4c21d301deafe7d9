package seed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
)

// Config configures a data set. The numbers are totals of the rows to add.
type Config struct {
	Users, Articles, Comments, Favorites, Follows, Tags int

	// Drafts and Replies are in addition to Articles and Comments: drafts of the
	// authors who wrote last, one in 25 with older revisions, and threads of 25
	// comments below the newest articles.
	Drafts, Replies int

	// TagsPerArticle is the exact number of tags of each article, at most 30.
	TagsPerArticle int

	// BodyBytes is the approximate size of an article's Markdown body. 0 means
	// sizes that vary from 500 to 3,000.
	BodyBytes int

	// Seed initializes the random numbers. In an empty database, the same seed
	// and sizes give exactly the same rows.
	Seed uint64

	// PasswordHash is the password hash of every account. The caller computes
	// it once, because hashing is expensive.
	PasswordHash string

	// Until is the created_at of the newest article; no timestamp is later.
	// Articles are spread over the two years before it, accounts over half a
	// year more.
	Until time.Time

	// Newsroom adds what a team works with: editors and a moderator among the
	// users; drafts, scheduled articles, revisions, series and translations;
	// threads of comments and reports. Its size does not depend on the other
	// numbers. A data set of fewer than 20 users or 50 articles has none.
	Newsroom bool

	// Schedule inserts the job that publishes an article at its time. It is
	// needed for a newsroom.
	Schedule func(ctx context.Context, tx pgx.Tx, articleID int64, at time.Time) error

	// Progress receives a line when a table is complete, and every five seconds
	// until then. If it is nil, nothing is written.
	Progress io.Writer
}

// Until is fixed in both data sets so that the rows are reproducible. A caller
// that wants recent rows sets it to the present time.
var (
	// Small is a data set for newcomers, which takes about a second to load.
	Small = Config{
		Users: 50, Articles: 200, Comments: 800, Favorites: 2_000, Follows: 400, Tags: 30, TagsPerArticle: 3,
		Seed: 1, Newsroom: true, Until: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}

	// Bench is the data set of the benchmarks.
	Bench = Config{
		Users: 1_000, Articles: 10_000, Comments: 50_000, Drafts: 500, Replies: 500, Favorites: 100_000, Follows: 20_000, Tags: 200, TagsPerArticle: 3,
		BodyBytes: 2_000, Seed: 1, Until: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
)

// Times returns cfg with its totals multiplied by n. The number of tags stays
// the same, because it grows slowest in practice.
func (cfg Config) Times(n int) Config {
	cfg.Users *= n
	cfg.Articles *= n
	cfg.Comments *= n
	cfg.Favorites *= n
	cfg.Follows *= n
	cfg.Drafts *= n
	cfg.Replies *= n
	return cfg
}

const (
	maxTagsPerArticle = 30      // maxItems of tagList in openapi.yaml
	maxBodyBytes      = 256_000 // maxLength is 262,144 characters, and sizes are approximate
	minBodyBytes      = 100
)

// Validate returns an error that names each wrong number by its flag.
func (cfg Config) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	sizes := []struct {
		flag string
		n    int
	}{
		{"--users", cfg.Users}, {"--articles", cfg.Articles}, {"--comments", cfg.Comments}, {"--favorites", cfg.Favorites},
		{"--follows", cfg.Follows}, {"--tags", cfg.Tags}, {"--drafts", cfg.Drafts}, {"--replies", cfg.Replies}, {"--tags-per-article", cfg.TagsPerArticle}, {"--body-bytes", cfg.BodyBytes},
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
	if cfg.Drafts > 0 && articles == 0 {
		fail("--drafts is %d: needs at least one of --articles", cfg.Drafts)
	}
	if cfg.Replies > 0 && articles == 0 {
		fail("--replies is %d: needs at least one of --articles", cfg.Replies)
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
	if cfg.Newsroom && cfg.Schedule == nil {
		fail("no way to schedule articles")
	}
	if cfg.Until.IsZero() {
		fail("no time for the newest article")
	}
	return errors.Join(errs...)
}

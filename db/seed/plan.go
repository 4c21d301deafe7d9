package seed

import (
	"math/bits"
	"slices"
	"time"
)

const (
	day = 24 * 60 * 60 * 1000 // milliseconds, the resolution of timestamptz(3)

	articleSpan = 730 * day // the time over which articles are spread
	userSpan    = articleSpan + 180*day

	demoFollows   = 12 // enough authors for a feed of several pages
	demoFavorites = 25 // more than one page of 20
	demoArticles  = 3
)

// plan computes the authors, times and numbers of all rows. Each row is
// identified by its index, which starts at 0 and follows the order of time. A
// plan stores a few bytes for each user and article (some MB for a million) and
// nothing for the other rows.
type plan struct {
	cfg   Config
	until int64 // Unix milliseconds

	names, titles permutation

	articlesOf  []int32 // by user
	lastArticle []int32 // by user; meaningless for users without articles
	favoritesOf []int32 // by user
	likes       []int32 // by article: favorites by others than user 0
	followers   []int32 // by user: followers other than user 0
	uses        []int   // by tag

	drafters []int // the authors of drafts

	demoFollows, demoFavorites int
}

// newPlan returns the plan of a configuration, which must be valid.
func newPlan(cfg Config) *plan {
	p := &plan{cfg: cfg, until: cfg.Until.UnixMilli()}
	users, articles := cfg.Users, cfg.Articles
	r := at(cfg.Seed, streamNames, 0)
	p.names = newPermutation(&r, len(firstNames)*len(lastNames))
	r = at(cfg.Seed, streamTitles, 0)
	p.titles = newPermutation(&r, len(titles)*len(topics)*len(people))

	p.articlesOf, p.lastArticle = make([]int32, users), make([]int32, users)
	p.uses = make([]int, cfg.Tags)
	tags := make([]int, 0, cfg.TagsPerArticle)
	for i := range articles {
		author := p.author(i)
		p.articlesOf[author]++
		p.lastArticle[author] = int32(i)
		for _, tag := range p.tags(tags, i) {
			p.uses[tag]++
		}
	}

	p.drafters = p.latestAuthors((cfg.Drafts + draftsEach - 1) / draftsEach)

	// The favorites and follows of the first user are planned separately, so
	// that its feed is full. Near the maximum, the other users cannot have all
	// of the remaining ones, so the first user gets more.
	others := max(users-1, 0)
	p.demoFavorites = max(min(demoFavorites, articles, cfg.Favorites), cfg.Favorites-articles*others)
	p.likes = shares(cfg.Favorites-p.demoFavorites, articles, p.popularity, func(int) int { return others })
	p.demoFollows = max(min(demoFollows, others, cfg.Follows), cfg.Follows-others*others)
	p.followers = shares(cfg.Follows-p.demoFollows, users, p.fame, p.maxFollowers)

	p.favoritesOf = make([]int32, users)
	for i := range articles {
		fans := p.fans(i)
		for j := range fans.n {
			p.favoritesOf[fans.at(j)]++
		}
	}
	return p
}

// slot returns the time, in milliseconds, of the i-th of n events that are
// spread evenly over (from, to]. Times never decrease from one event to the
// next, and the last one is exactly to.
func (p *plan) slot(s stream, i, n int, from, to int64) int64 {
	lo, hi := from+scale(to-from, i, n), from+scale(to-from, i+1, n)
	if i == n-1 || hi == lo {
		return hi
	}
	r := at(p.cfg.Seed, s, i)
	return hi - int64(r.below(int(hi-lo)))
}

// passed returns how many of n events of slot have certainly happened by t.
func passed(t int64, n int, from, to int64) int {
	if t <= from {
		return 0
	}
	return int(min(scale(t-from, n, int(to-from)), int64(n)))
}

// scale returns v * num / den without overflow. All must be 0 or more, and num
// / den must not be much greater than 1.
func scale(v int64, num, den int) int64 {
	hi, lo := bits.Mul64(uint64(v), uint64(num))
	q, _ := bits.Div64(hi, lo, uint64(den))
	return int64(q)
}

// userTime returns the time when a user signed up. The first two users exist
// from the beginning, so that the first article has an author and a reader.
func (p *plan) userTime(i int) int64 {
	from := p.until - userSpan
	switch i {
	case 0:
		return from
	case 1:
		return from + min(day, scale(userSpan, 1, p.cfg.Users))
	}
	return p.slot(streamUserTime, i, p.cfg.Users, from, p.until)
}

// usersAt returns how many users certainly exist at a time.
func (p *plan) usersAt(t int64) int {
	return max(passed(t, p.cfg.Users, p.until-userSpan, p.until), min(2, p.cfg.Users))
}

func (p *plan) articleTime(i int) int64 {
	return p.slot(streamArticleTime, i, p.cfg.Articles, p.until-articleSpan, p.until)
}

// author returns the author of an article. Older accounts write more. The first
// user writes only a few articles, which a newcomer can edit and delete.
func (p *plan) author(i int) int {
	users := p.usersAt(p.articleTime(i))
	if users < 2 || scale(demoArticles, i+1, p.cfg.Articles+1) > scale(demoArticles, i, p.cfg.Articles+1) {
		return 0
	}
	r := at(p.cfg.Seed, streamArticle, i)
	return 1 + r.skewed(users-1, 2)
}

// edited returns the time of the last change of an article, and its version.
// One article in eight was edited once, within 30 days.
func (p *plan) edited(i int) (updated int64, version int) {
	created := p.articleTime(i)
	r := at(p.cfg.Seed, streamEdit, i)
	if !r.oneIn(8) {
		return created, 1
	}
	return min(created+int64(r.below(30*day)), p.until), 2
}

// tags appends the indexes of an article's tags, all different, in the author's
// order. The oldest articles use the tags in turn, so that every tag is used;
// later articles prefer the first tags.
func (p *plan) tags(to []int, i int) []int {
	n := p.cfg.Tags
	r := at(p.cfg.Seed, streamArticleTags, i)
	first := len(to)
	for j := range p.cfg.TagsPerArticle {
		tag := i*p.cfg.TagsPerArticle + j
		if tag >= n {
			tag = r.skewed(n, 3)
		}
		for slices.Contains(to[first:], tag) {
			tag = (tag + 1) % n
		}
		to = append(to, tag)
	}
	return to
}

// popularity returns the weight of an article's favorites. It follows Zipf's
// law over a random rank from 1 to 128, which does not depend on age. The top 1
// % get 24 times the average, the median a third of it.
func (p *plan) popularity(i int) int {
	r := at(p.cfg.Seed, streamPopularity, i)
	return 1 << 20 / (1 + r.below(128))
}

// fame returns the weight of a user's followers. Older accounts write most (see
// author) and are followed most. The offset prevents the first users from being
// followed by half of all users.
func (p *plan) fame(i int) int {
	if i == 0 {
		i = p.cfg.Users / 2 // the demo account has an average number of followers
	}
	return 1 << 20 / (i + 16)
}

// maxFollowers excludes the user itself and user 0, whose follows are planned
// separately.
func (p *plan) maxFollowers(i int) int {
	if i == 0 {
		return p.cfg.Users - 1
	}
	return max(p.cfg.Users-2, 0)
}

// demoLikes reports whether the first user has an article as favorite. These
// favorites are spread evenly over the articles.
func (p *plan) demoLikes(i int) bool {
	n := p.cfg.Articles
	return scale(int64(p.demoFavorites), i+1, n) > scale(int64(p.demoFavorites), i, n)
}

// pairing lists the n different users who have an article as favorite, or who
// follow a user.
type pairing struct {
	n     int
	demo  bool        // the first one is user 0
	order permutation // of the others; number 0 is user 1
	skip  int         // a user to leave out, if above 0
}

// at returns the j-th user.
func (p pairing) at(j int) int {
	if p.demo {
		if j == 0 {
			return 0
		}
		j--
	}
	user := 1 + p.order.at(j)
	if p.skip > 0 && user >= p.skip {
		user++
	}
	return user
}

// fans returns the users who have an article as favorite.
func (p *plan) fans(article int) pairing {
	r := at(p.cfg.Seed, streamFavorite, article)
	return p.pairing(&r, int(p.likes[article]), p.demoLikes(article), 0)
}

// followersOf returns the users who follow a user. The first user follows the
// first authors, because they write most.
func (p *plan) followersOf(user int) pairing {
	r := at(p.cfg.Seed, streamFollow, user)
	return p.pairing(&r, int(p.followers[user]), user >= 1 && user <= p.demoFollows, user)
}

func (p *plan) pairing(r *random, others int, demo bool, skip int) pairing {
	q := pairing{n: others, demo: demo, skip: skip}
	if others > 0 {
		users := p.cfg.Users - 1
		if skip > 0 {
			users--
		}
		// Half of the draws are from all users, a quarter from the first
		// quarter of them, an eighth from the first sixteenth and so on. The
		// most active users thus have about 30 times the favorites and follows
		// of the least active.
		active := users >> (2 * min(bits.TrailingZeros64(r.next()), 4))
		q.order = newPermutation(r, max(active, others))
	}
	if demo {
		q.n++
	}
	return q
}

// later returns a time between t and the end, usually soon after t: half of the
// times are within an eighth of the remaining time.
func (p *plan) later(r *random, t int64) int64 {
	return min(t+1+int64(r.skewed(int(p.until-t)+1, 3)), p.until)
}

// favoriteTime returns a time after the article was written and the user signed
// up.
func (p *plan) favoriteTime(article, user int) int64 {
	r := at(p.cfg.Seed, streamFavoriteTime, article)
	r.state += uint64(user) * golden
	return p.later(&r, max(p.articleTime(article), p.userTime(user)))
}

func (p *plan) followTime(followee, follower int) int64 {
	r := at(p.cfg.Seed, streamFollowTime, followee)
	r.state += uint64(follower) * golden
	return p.later(&r, max(p.userTime(followee), p.userTime(follower)))
}

// comment returns the article, author and time of a comment. Comments are in
// order of time, as in a real database: the comments of one article are
// scattered among all others, which affects a benchmark of reads. Most are on
// recent articles. An article whose index is divisible by a high power of 4
// also gets the comments of its neighbours, so that the top 0.1 % get about 30
// times the average.
func (p *plan) comment(i int) (article, author int, created int64) {
	n := p.cfg.Articles
	begin := p.until - articleSpan
	created = p.slot(streamCommentTime, i, p.cfg.Comments, begin+scale(articleSpan, 1, n), p.until)
	there := max(passed(created-1, n, begin, p.until), 1)
	r := at(p.cfg.Seed, streamComment, i)
	article = there - 1 - r.skewed(there, 3)
	article &^= 1<<(2*min(bits.TrailingZeros64(r.next()), 5)) - 1
	author = r.below(p.usersAt(created))
	return article, author, max(created, p.articleTime(article))
}

// stamp converts milliseconds to a time for pgx.
func stamp(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

package conduit

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync/atomic"
)

const (
	pageSize = 20
	// draws is the length of the sequence of popular articles. All connections
	// use this sequence, each from another position, so that drawing costs
	// nothing during the measurement.
	draws = 1 << 17
)

// World is shared by all connections of a run. It does not change during a
// measurement.
type World struct {
	Site  Site
	Users []User // signed in; the last one is for the auditor

	readers []*User // users whose feed has a full page

	// SignedIn is the share of the mix's anonymous reads that have a token.
	SignedIn float64

	slugs    []string
	paths    []string // of articles, escaped, in the order of slugs
	tags     []string
	tagTexts []string // JSON strings, in the order of tags
	tagPaths []string
	authors  []string
	profiles []string // paths, in the order of authors
	popular  []int32  // indexes of articles, Zipf-distributed
	cursor   string   // of the last page, or "" if the server has no cursors
	offset   int      // of the deep page
	mark     string   // makes titles unique

	team     Team
	explored bool
	found    findings // see explore

	pageCounts bool            // see Catalogue
	tolerated  map[string]bool // errors of checks that are not counted; see Compare

	cycle   atomic.Uint64 // the next article of the uncached scenario
	created atomic.Uint64 // number of written articles and comments

	reads, signedReads atomic.Uint64 // all requests that read, and those with a token
}

// NewWorld prepares the requests. It needs at least one user more than there
// will be connections, because no one else may undo what a connection writes
// with its user.
func NewWorld(site Site, c *Catalogue, users []User, team Team, signedIn float64, mark string) (*World, error) {
	w, err := newWorld(site, c, users, signedIn, mark)
	if err != nil {
		return nil, err
	}
	w.team = team
	w.cursor, err = lastCursor(site, len(c.Slugs))
	return w, err
}

// newWorld is NewWorld without a team, and without a cursor, which takes a
// request.
func newWorld(site Site, c *Catalogue, users []User, signedIn float64, mark string) (*World, error) {
	if len(users) < 2 {
		return nil, fmt.Errorf("%d users are too few", len(users))
	}
	w := &World{Site: site, Users: users, SignedIn: signedIn, mark: mark, slugs: c.Slugs, tags: c.Tags, authors: c.Authors, pageCounts: c.PageCounts,
		offset: min(DeepOffset, len(c.Slugs)-pageSize)}
	for _, s := range c.Slugs {
		w.paths = append(w.paths, "/articles/"+url.PathEscape(s))
	}
	for _, t := range c.Tags {
		text, err := json.Marshal(t)
		if err != nil {
			return nil, err
		}
		w.tagTexts = append(w.tagTexts, string(text))
		w.tagPaths = append(w.tagPaths, fmt.Sprintf("/articles?tag=%s&limit=%d", url.QueryEscape(t), pageSize))
	}
	for _, a := range c.Authors {
		w.profiles = append(w.profiles, "/profiles/"+url.PathEscape(a))
	}
	w.popular = zipf(len(c.Slugs), draws)
	// The auditor is excluded because its follows change.
	for i := range users[:len(users)-1] {
		if users[i].FeedCount >= pageSize {
			w.readers = append(w.readers, &users[i])
		}
	}
	return w, nil
}

// DeepOffset is the offset of the deep page. On small servers the last page is
// read instead.
const DeepOffset = 5000

// zipf draws k of n elements. The r-th most popular element has a weight of 1/r
// (Zipf's law), and the rank of an element does not depend on its position.
func zipf(n, k int) []int32 {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	rank := r.Perm(n)
	sums := make([]float64, n)
	total := 0.0
	for i := range sums {
		total += 1 / float64(i+1)
		sums[i] = total
	}
	out := make([]int32, k)
	for i := range out {
		at, _ := slices.BinarySearch(sums, math.Nextafter(r.Float64()*total, total))
		out[i] = int32(rank[min(at, n-1)])
	}
	return out
}

// SampleSlugs returns n slugs spread over all articles.
func (w *World) SampleSlugs(n int) []string {
	n = min(n, len(w.slugs))
	out := make([]string, n)
	for i := range out {
		out[i] = w.slugs[i*len(w.slugs)/n]
	}
	return out
}

// ArticleSize returns the length in bytes of the response for an article. The
// constant server sends a response of this length.
func (w *World) ArticleSize() (int, error) {
	c := newClient(w.Site)
	defer c.close()
	c.buf = request(c.buf[:0], &w.Site, "GET", w.paths[0], "", "")
	res, err := c.conn.Do(c.buf)
	return len(res.Body), err
}

// Reads returns how many requests have read so far, and how many of them had a
// token.
func (w *World) Reads() (all, signedIn uint64) { return w.reads.Load(), w.signedReads.Load() }

// DeepOffset returns the offset of the deep page.
func (w *World) DeepOffset() int { return w.offset }

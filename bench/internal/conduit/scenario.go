package conduit

import (
	"context"
	"fmt"
	"slices"

	"github.com/byline-api/byline/bench/internal/load"
)

// Scenario is a kind of traffic.
type Scenario struct {
	Name string
	// Query is the statement that pgbench runs for comparison, or "".
	Query string
	// Growth means that the latency must not depend on the size of the data
	// set.
	Growth bool
	// Audited scenarios write anyway, so that the writes of the auditor do not
	// invalidate caches that they rely on.
	Audited bool
	// Connections overrides the number of connections, unless it is 0.
	Connections int
	// SignedIn overrides the share of the mix's reads that have a token, unless
	// it is 0.
	SignedIn float64

	team bool // it reads what explore finds
	next func(*visitor, []byte) []byte
}

// Names of scenarios that other code refers to.
const (
	Article    = "article by slug"
	Uncached   = "article, uncached"
	List       = "list, first page"
	ListDeep   = "list, offset 5000"
	ListLast   = "list, last cursor"
	ListTag    = "list by tag"
	Profile    = "profile"
	ListSigned = "list, signed in"
	Feed       = "feed, signed in"
	Tags       = "tags"
	Drafts     = "drafts, signed in"
	Revisions  = "revisions"
	Diff       = "diff of revisions"
	Replies    = "replies"
	TagSearch  = "tags by prefix"
	Editors    = "editors' drafts"
	Comments   = "comments"
	Create     = "create article"
	AddComment = "create comment"
	Login      = "login"
	Mix        = "mix"
	MixSigned  = "mix, half signed in"
)

// Statements that pgbench runs for comparison.
const (
	QueryArticle = "ArticleGetBySlug"
	QueryList    = "ArticleList"
	QueryFeed    = "ArticleListFeed"
	QueryComment = "CommentCreate"
)

// Scenarios are all scenarios. Reads come before writes, so that they run on the
// unchanged data set.
var Scenarios = []Scenario{
	{Name: Article, Query: QueryArticle, Growth: true, next: getArticle},
	{Name: Uncached, Query: QueryArticle, Growth: true, next: getUncached},
	{Name: List, Query: QueryList, Growth: true, next: getList},
	{Name: ListDeep, Query: QueryList, Growth: true, next: getDeep},
	{Name: ListLast, Query: QueryList, Growth: true, next: getLast},
	{Name: ListTag, Growth: true, next: getByTag},
	{Name: ListSigned, Query: QueryList, Growth: true, next: getSignedIn},
	{Name: Feed, Query: QueryFeed, Growth: true, next: getFeed},
	{Name: Tags, Growth: true, next: getTags},
	{Name: Comments, Growth: true, next: getComments},
	{Name: Profile, Growth: true, next: getProfile},
	// Few sign-ins run at once: with one hash at a time the others would only
	// wait.
	{Name: Login, Connections: 4, next: login},
	{Name: Mix, Audited: true, next: mix},
	{Name: MixSigned, Audited: true, SignedIn: .5, next: mix},
	{Name: AddComment, Query: QueryComment, Audited: true, next: createComment},
	{Name: Create, Growth: true, Audited: true, next: createArticle},
	// These read what no scenario writes. They come last, so that what they
	// need is not in the memory of the server while the others are measured.
	{Name: Drafts, Growth: true, team: true, next: getDrafts},
	{Name: Revisions, Growth: true, team: true, next: getRevisions},
	{Name: Diff, Growth: true, team: true, next: getDiff},
	{Name: Replies, Growth: true, team: true, next: getReplies},
	{Name: TagSearch, Growth: true, team: true, next: searchTags},
	{Name: Editors, Growth: true, team: true, next: getEditors},
}

// mix is the typical traffic of readers of a publication.
func mix(v *visitor, to []byte) []byte {
	switch n := v.r.IntN(100); {
	case n < 45:
		return getArticle(v, to)
	case n < 70:
		return getFirstPages(v, to)
	case n < 80:
		return getByTag(v, to)
	case n < 90:
		return getFeed(v, to)
	case n < 95:
		return getComments(v, to)
	case n < 98:
		return toggleLike(v, to)
	default:
		return createComment(v, to)
	}
}

// Missing returns why a scenario cannot run, or "". It signs a team in when the
// first scenario needs it.
func (w *World) Missing(ctx context.Context, s Scenario) (string, error) {
	if s.team && !w.explored {
		if err := w.explore(ctx); err != nil {
			return "", err
		}
		w.explored = true
	}
	for _, need := range []struct {
		has    bool
		reason string
		names  []string
	}{
		{w.cursor != "", "the server has no cursors", []string{ListLast}},
		{len(w.found.writers) > 0, "no account has a page of drafts", []string{Drafts}},
		{len(w.found.revised) > 0, "no draft has a page of revisions", []string{Revisions, Diff}},
		{len(w.found.threads) > 0, "no comment has a page of replies", []string{Replies}},
		{len(w.found.searches) > 0, "the server does not search tags", []string{TagSearch}},
		{w.found.editor != nil, "no editor has a page of drafts", []string{Editors}},
	} {
		if !need.has && slices.Contains(need.names, s.Name) {
			return need.reason, nil
		}
	}
	return "", nil
}

// Driver returns a function that creates the driver of connection i.
func (w *World) Driver(s Scenario) func(i int) load.Driver {
	return func(i int) load.Driver {
		v := w.visitor(i, s.next)
		if s.SignedIn > 0 {
			v.signedIn = s.SignedIn
		}
		return v
	}
}

// constant sends the same request each time.
type constant struct{ request []byte }

func (c constant) Next(to []byte) []byte { return append(to, c.request...) }

func (c constant) Check(res load.Response, _ bool) error {
	if res.Status != 200 {
		return fmt.Errorf("status %d", res.Status)
	}
	return nil
}

// Constant returns drivers for a server whose response is always the same.
// Their requests are as long as those for an article.
func (w *World) Constant(addr string) func(i int) load.Driver {
	site := Site{Addr: addr, Host: addr, Base: w.Site.Base}
	return func(i int) load.Driver {
		return constant{request(nil, &site, "GET", w.paths[i%len(w.paths)], "", "")}
	}
}

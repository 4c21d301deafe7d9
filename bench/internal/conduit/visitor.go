package conduit

import (
	"math/rand/v2"
	"strconv"

	"github.com/byline-api/byline/bench/internal/load"
)

// visitor creates the requests of one connection and checks the responses. It
// has its own user, and no one else changes the favorites of that user.
type visitor struct {
	w    *World
	next func(*visitor, []byte) []byte
	r    *rand.Rand
	user *User
	at   int // index in World.popular

	signedIn float64 // the share of the mix's reads that have a token

	own    []string // slugs of articles that only this visitor changes; see Writes
	likes  [ownLikes]like
	liking map[int32]*like // by article

	strict bool // nothing is tolerated; see World

	path, body []byte // scratch
	want       expectation
}

// like is an article that the visitor adds to and removes from its favorites,
// with its expected state.
type like struct {
	article int32
	known   bool // the visitor has changed it at least once
	marked  bool
}

const ownLikes = 64

// expectation is what the response to the last request must contain.
type expectation struct {
	check   func(v *visitor, body []byte) error // checks the body
	article int32
	tag     int
	found   int    // index in one of the findings
	name    string // name of a user
	user    *User  // the reader; nil means anonymous
	like    *like
	change  *change
	text    []byte // text of the request, which the response must contain
	status  int    // 0 means any 2xx
}

func (w *World) visitor(i int, next func(*visitor, []byte) []byte) *visitor {
	v := &visitor{
		w: w, next: next, r: rand.New(rand.NewPCG(uint64(i), 7)), user: &w.Users[i%len(w.Users)],
		at: i * draws / 61 % draws, signedIn: w.SignedIn, liking: map[int32]*like{},
	}
	for j := range v.likes {
		l := &v.likes[j]
		l.article = w.popular[v.r.IntN(draws)]
		if v.liking[l.article] == nil {
			v.liking[l.article] = l
		}
	}
	return v
}

// Next appends the scenario's next request.
func (v *visitor) Next(to []byte) []byte { return v.next(v, to) }

// Check checks the status of every response, and the body if deep is true.
func (v *visitor) Check(res load.Response, deep bool) error {
	if res.Status != v.want.status && (v.want.status != 0 || res.Status < 200 || res.Status > 299) {
		return statusError{res.Status, excerpt(res.Body)}
	}
	var err error
	if deep && v.want.check != nil {
		if err = v.want.check(v, res.Body); err != nil && !v.strict && v.w.tolerated[err.Error()] {
			err = nil
		}
	}
	if l := v.want.like; l != nil { // after the check, which needs the previous state
		l.known, l.marked = true, !l.marked
	}
	if c := v.want.change; c != nil {
		c.make(v)
	}
	return err
}

// get appends a request whose response must have the status 200. user is nil
// for an anonymous reader.
func get[P text](v *visitor, to []byte, path P, user *User, want expectation) []byte {
	want.user, want.status = user, 200
	v.want = want
	token := ""
	v.w.reads.Add(1)
	if user != nil {
		token = user.Token
		v.w.signedReads.Add(1)
	}
	return request(to, &v.w.Site, "GET", path, token, "")
}

func (v *visitor) popular() int32 {
	v.at = (v.at + 1) % draws
	return v.w.popular[v.at]
}

// maybe returns the visitor's user for the share of reads that are signed in,
// otherwise nil.
func (v *visitor) maybe() *User {
	if v.signedIn > 0 && v.r.Float64() < v.signedIn {
		return v.user
	}
	return nil
}

// anyone returns a random signed-in user. It never returns the auditor, whose
// follows change.
func (v *visitor) anyone() *User { return &v.w.Users[v.r.IntN(len(v.w.Users)-1)] }

func getArticle(v *visitor, to []byte) []byte {
	i := v.popular()
	return get(v, to, v.w.paths[i], v.maybe(), expectation{check: checkArticle, article: i})
}

func getUncached(v *visitor, to []byte) []byte {
	i := int32((v.w.cycle.Add(1) - 1) % uint64(len(v.w.paths)))
	return get(v, to, v.w.paths[i], nil, expectation{check: checkArticle, article: i})
}

func (v *visitor) list(to []byte, offset int, user *User) []byte {
	v.path = append(v.path[:0], "/articles?limit=20"...)
	if offset > 0 {
		v.path = append(v.path, "&offset="...)
		v.path = strconv.AppendInt(v.path, int64(offset), 10)
	}
	return get(v, to, v.path, user, expectation{check: checkList})
}

func getList(v *visitor, to []byte) []byte     { return v.list(to, 0, nil) }
func getDeep(v *visitor, to []byte) []byte     { return v.list(to, v.w.offset, nil) }
func getSignedIn(v *visitor, to []byte) []byte { return v.list(to, 0, v.anyone()) }

// getFirstPages follows typical readers, most of whom stop at the first page.
func getFirstPages(v *visitor, to []byte) []byte {
	page := [...]int{0, 0, 0, 0, 0, 0, 0, 1, 1, 2}[v.r.IntN(10)]
	if (page+1)*pageSize > len(v.w.slugs) {
		page = 0
	}
	return v.list(to, page*pageSize, v.maybe())
}

func getLast(v *visitor, to []byte) []byte {
	v.path = append(append(v.path[:0], "/articles?limit=20&cursor="...), v.w.cursor...)
	return get(v, to, v.path, nil, expectation{check: checkLast})
}

func getByTag(v *visitor, to []byte) []byte {
	i := v.r.IntN(len(v.w.tagPaths))
	return get(v, to, v.w.tagPaths[i], v.maybe(), expectation{check: checkTagged, tag: i})
}

func getFeed(v *visitor, to []byte) []byte {
	reader := v.anyone()
	if n := len(v.w.readers); n > 0 {
		reader = v.w.readers[v.r.IntN(n)]
	}
	return get(v, to, "/articles/feed?limit=20", reader, expectation{check: checkFeed})
}

func getTags(v *visitor, to []byte) []byte {
	return get(v, to, "/tags", nil, expectation{check: checkTags})
}

func getComments(v *visitor, to []byte) []byte {
	v.path = append(append(v.path[:0], v.w.paths[v.popular()]...), "/comments"...)
	return get(v, to, v.path, v.maybe(), expectation{check: checkComments})
}

func getProfile(v *visitor, to []byte) []byte {
	i := v.r.IntN(len(v.w.authors))
	return get(v, to, v.w.profiles[i], nil, expectation{check: checkProfile, name: v.w.authors[i]})
}

// toggleLike adds an article to the visitor's favorites or removes it.
func toggleLike(v *visitor, to []byte) []byte {
	l := &v.likes[v.r.IntN(ownLikes)]
	l = v.liking[l.article]
	method := "POST"
	if l.marked {
		method = "DELETE"
	}
	v.path = append(append(v.path[:0], v.w.paths[l.article]...), "/favorite"...)
	v.want = expectation{check: checkLike, user: v.user, article: l.article, like: l}
	return request(to, &v.w.Site, method, v.path, v.user.Token, "")
}

func createComment(v *visitor, to []byte) []byte {
	v.body = append(v.body[:0], `{"comment":{"body":"`...)
	from := len(v.body)
	v.body = v.number(append(append(v.body, "Well said, "...), v.w.mark...))
	end := len(v.body)
	v.body = append(v.body, `"}}`...)
	v.path = append(append(v.path[:0], v.w.paths[v.popular()]...), "/comments"...)
	v.want = expectation{check: checkComment, user: v.user, text: v.body[from:end]}
	return request(to, &v.w.Site, "POST", v.path, v.user.Token, v.body)
}

var articleEnd = `","description":"Written by the benchmark","body":"` + prose(0) + `","tagList":[`

func createArticle(v *visitor, to []byte) []byte {
	v.body = append(v.body[:0], `{"article":{"title":"`...)
	from := len(v.body)
	v.body = v.number(append(append(v.body, "Benchmark "...), v.w.mark...))
	end := len(v.body)
	v.body = append(v.body, articleEnd...)
	for i := range 3 {
		if i > 0 {
			v.body = append(v.body, ',')
		}
		v.body = append(v.body, v.w.tagTexts[(v.at+i)%len(v.w.tags)]...)
	}
	v.at = (v.at + 1) % draws
	v.body = append(v.body, `]}}`...)
	v.want = expectation{check: checkCreated, user: v.user, text: v.body[from:end]}
	return request(to, &v.w.Site, "POST", "/articles", v.user.Token, v.body)
}

// number appends a space and a number that no other request has.
func (v *visitor) number(to []byte) []byte {
	return strconv.AppendUint(append(to, ' '), v.w.created.Add(1), 10)
}

func login(v *visitor, to []byte) []byte {
	u := v.anyone()
	v.want = expectation{check: checkLogin, name: u.Name}
	return request(to, &v.w.Site, "POST", "/users/login", "", loginBody(*u))
}

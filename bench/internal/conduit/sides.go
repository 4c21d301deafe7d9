package conduit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"reflect"
	"time"
)

// ReadMix is the mix without what writes or needs an account.
const ReadMix = "mix of reads"

// SideBySide returns the scenarios for two servers with the same articles:
// reads, those that need an account, and those that write.
func SideBySide() (reads, signedIn, writes []Scenario) {
	byName := map[string]Scenario{}
	for _, s := range Scenarios {
		byName[s.Name] = s
	}
	pick := func(names ...string) (out []Scenario) {
		for _, name := range names {
			s := byName[name]
			// The auditor would write to the backend with the only account.
			s.Audited = false
			out = append(out, s)
		}
		return out
	}
	reads = append(pick(Article, Uncached, List, ListTag, Comments, Profile, Tags), Scenario{Name: ReadMix, next: mixReads})
	return reads, pick(ListSigned, Feed), pick(AddComment, Create)
}

func mixReads(v *visitor, to []byte) []byte {
	switch n := v.r.IntN(100); {
	case n < 50:
		return getArticle(v, to)
	case n < 78:
		return getFirstPages(v, to)
	case n < 90 && len(v.w.tags) > 0:
		return getByTag(v, to)
	case n < 95:
		return getProfile(v, to)
	default:
		return getComments(v, to)
	}
}

// NewWorldOf prepares the requests of one account, or of none if its token is
// empty. Scenarios that favor articles cannot be run with it, because all
// connections have the same account.
func NewWorldOf(site Site, c *Catalogue, reader User, mark string) (*World, error) {
	if len(c.Slugs) == 0 {
		return nil, errors.New("there are no articles")
	}
	return newWorld(site, c, []User{reader, reader}, 0, mark)
}

// Lacks returns why a scenario cannot be run side by side, or "".
func (w *World) Lacks(s Scenario) string {
	switch s.Name {
	case ListTag:
		if len(w.tags) == 0 {
			return "the articles have no tags"
		}
	case Create:
		if len(w.tags) < leastTags {
			return fmt.Sprintf("the articles have fewer than %d tags", leastTags)
		}
	}
	return ""
}

// Contents is how the answers of two servers to the same requests compare.
type Contents struct {
	Requests int `json:"requests"`
	// Same is the number of requests to which both gave the same status, and
	// the same articles, comments, tags or profile.
	Same  int              `json:"same"`
	Sides [2]ContentsOfOne `json:"sides"`
	// Differences are texts, each with the number of requests.
	Differences map[string]int `json:"differences,omitempty"`
}

// ContentsOfOne is what one server answered.
type ContentsOfOne struct {
	Statuses map[int]int `json:"statuses"` // 0 is a connection that failed
	Items    int         `json:"items"`
	Bytes    int         `json:"bytes"` // of all bodies
	// Contract is how the answers differ from the contract.
	Contract map[string]int `json:"contract,omitempty"`
}

// Compare sends n requests of a scenario to two servers, and compares the
// answers. What it finds of the contract that a server does not keep is not
// counted as an error later, so that a measurement only counts what is new.
func Compare(ctx context.Context, worlds [2]*World, s Scenario, n int) (Contents, error) {
	out := Contents{Differences: map[string]int{}}
	var visitors [2]*visitor
	var clients [2]*client
	for i, w := range worlds {
		visitors[i], clients[i] = w.visitor(0, s.next), newClient(w.Site)
		visitors[i].strict = true
		defer clients[i].close()
		out.Sides[i] = ContentsOfOne{Statuses: map[int]int{}, Contract: map[string]int{}}
	}
	for range n {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		var got [2]shown
		for i := range worlds {
			got[i] = visitors[i].show(clients[i], &out.Sides[i])
		}
		out.Requests++
		if difference := got[0].differs(got[1]); difference == "" {
			out.Same++
		} else {
			out.Differences[difference]++
		}
	}
	for i, w := range worlds {
		if w.tolerated == nil {
			w.tolerated = map[string]bool{}
		}
		for text := range out.Sides[i].Contract {
			w.tolerated[text] = true
		}
	}
	return out, nil
}

// Fails reports whether a server answered no request with success.
func (c ContentsOfOne) Fails() bool {
	for status := range c.Statuses {
		if status >= 200 && status < 300 {
			return false
		}
	}
	return true
}

// shown is the part of an answer that two servers can have in common.
type shown struct {
	status int
	list   bool
	items  []string
}

func (v *visitor) show(c *client, to *ContentsOfOne) shown {
	if c.conn.SetDeadline(time.Now().Add(callTimeout)) != nil {
		return shown{}
	}
	c.buf = v.Next(c.buf[:0])
	res, err := c.conn.Do(c.buf)
	if err != nil {
		to.Statuses[0]++
		return shown{}
	}
	to.Statuses[res.Status]++
	to.Bytes += len(res.Body)
	out := shown{status: res.Status}
	if err := v.Check(res, true); err != nil {
		var refused statusError
		if !errors.As(err, &refused) {
			to.Contract[err.Error()]++
		}
	}
	if res.Status >= 200 && res.Status < 300 {
		out.list, out.items = itemsOf(res.Body)
	}
	to.Items += len(out.items)
	return out
}

// itemsOf returns what identifies the items of an answer.
func itemsOf(body []byte) (list bool, items []string) {
	var a struct {
		Articles, Comments []struct{ Slug, Body string }
		Tags               []string
		Article            struct{ Slug, Title, Body string }
		Profile            struct{ Username string }
	}
	if json.Unmarshal(body, &a) != nil {
		return false, nil
	}
	switch {
	case a.Articles != nil:
		for _, one := range a.Articles {
			items = append(items, one.Slug)
		}
	case a.Comments != nil:
		for _, one := range a.Comments {
			items = append(items, one.Body)
		}
	case a.Tags != nil:
		items = a.Tags
	case a.Article.Slug != "":
		return false, []string{a.Article.Slug + "\n" + a.Article.Title + "\n" + a.Article.Body}
	case a.Profile.Username != "":
		return false, []string{a.Profile.Username}
	}
	return true, items
}

// differs returns how two answers differ, or "". The text has nothing that the
// servers sent.
func (a shown) differs(b shown) string {
	switch {
	case a.status != b.status:
		return fmt.Sprintf("%s from your backend, %s from Byline", statusText(a.status), statusText(b.status))
	case len(a.items) != len(b.items):
		return fmt.Sprintf("%s from your backend, %d from Byline", count(len(a.items), "item"), len(b.items))
	case reflect.DeepEqual(a.items, b.items):
		return ""
	case !a.list:
		return "another text"
	case reflect.DeepEqual(counted(a.items), counted(b.items)):
		return "the same items in another order"
	}
	return "as many items, but others"
}

func statusText(status int) string {
	if status == 0 {
		return "no answer"
	}
	return fmt.Sprintf("status %d", status)
}

func counted(items []string) map[string]int {
	out := map[string]int{}
	for _, one := range items {
		out[one]++
	}
	return out
}

// Reach decides which addresses may be measured.
type Reach struct {
	Private bool   // also those of private networks
	Host    string // also all of this host
}

func (r Reach) permits(host string, ip net.IP) error {
	switch {
	case ip.IsLoopback(), r.Private && ip.IsPrivate(), r.Host != "" && r.Host == host:
		return nil
	case r.Private:
		return fmt.Errorf("%s is neither this machine nor in a private network: a load test of a machine that is not yours is an attack; if it is yours, add --allow-host %[1]s", host)
	}
	return fmt.Errorf("%s is not this machine: only loopback addresses can be measured, because a load test of another machine is an attack", host)
}

// Local reports whether the server is at a loopback address.
func (s Site) Local() bool {
	host, _, err := net.SplitHostPort(s.Addr)
	return err == nil && net.ParseIP(host).IsLoopback()
}

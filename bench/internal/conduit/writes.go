package conduit

import (
	"errors"
	"slices"
	"strings"
)

// Writes is the mix with more writes than reads, of all kinds that change what
// triggers derive: articles appear, get other tags and disappear. It is not
// among Scenarios, because it needs a server that makes slugs as Byline does.
var Writes = Scenario{Name: "mix with writes", Audited: true, next: mixWithWrites}

// Favorite adds favorites and takes them back. It is not among Scenarios, because
// the mix has it.
var Favorite = Scenario{Name: "favorite", Audited: true, next: toggleLike}

// change is an article of the visitor that a request creates or deletes.
type change struct {
	slug    string
	deletes bool
}

// make applies a change that the server has made.
func (c change) make(v *visitor) {
	if c.deletes {
		v.own = slices.DeleteFunc(v.own, func(slug string) bool { return slug == c.slug })
	} else {
		v.own = append(v.own, c.slug)
	}
}

func mixWithWrites(v *visitor, to []byte) []byte {
	switch n := v.r.IntN(100); {
	case n < 45:
		return mix(v, to)
	case n < 60:
		return toggleLike(v, to)
	case n < 72:
		return createComment(v, to)
	case n < 86 || len(v.own) == 0:
		to = createArticle(v, to)
		v.want.change = &change{slug: strings.ToLower(strings.ReplaceAll(string(v.want.text), " ", "-"))}
		return to
	case n < 95:
		return tagArticle(v, to)
	default:
		return deleteArticle(v, to)
	}
}

// ownArticle picks one of the visitor's articles, and writes its path to
// v.path.
func (v *visitor) ownArticle() (slug string) {
	slug = v.own[v.r.IntN(len(v.own))]
	v.path = append(append(v.path[:0], "/articles/"...), slug...)
	return slug
}

func tagArticle(v *visitor, to []byte) []byte {
	v.ownArticle()
	i := v.r.IntN(len(v.w.tags))
	v.body = append(append(v.body[:0], `{"article":{"tagList":[`...), v.w.tagTexts[i]...)
	v.body = append(v.body, `]}}`...)
	v.want = expectation{check: checkRetagged, user: v.user, tag: i, status: 200}
	return request(to, &v.w.Site, "PUT", v.path, v.user.Token, v.body)
}

func checkRetagged(v *visitor, body []byte) error {
	got, err := decode[articleAnswer](body)
	if err == nil && !slices.Equal(got.Article.TagList, []string{v.w.tags[v.want.tag]}) {
		err = errors.New("an article with other tags than sent")
	}
	return err
}

func deleteArticle(v *visitor, to []byte) []byte {
	slug := v.ownArticle()
	v.want = expectation{user: v.user, change: &change{slug, true}}
	return request(to, &v.w.Site, "DELETE", v.path, v.user.Token, "")
}

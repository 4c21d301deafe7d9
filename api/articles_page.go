package api

import (
	"net/http"
	"strconv"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/cards"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
)

// articlePage is a page of any list of articles, which it puts together from
// cards.
type articlePage struct {
	keys       []changes.Key // of the list, as in cards.Page
	cards      []*cards.Card
	marks      *cards.Marks
	total      int64
	next, link *string
	viewer     auth.Viewer
}

var (
	_ openapi.GetArticlesResponseObject     = articlePage{}
	_ openapi.GetArticlesFeedResponseObject = articlePage{}
	_ response.Describer                    = articlePage{}
)

// Version implements response.Describer: a list has no version.
func (p articlePage) Version() string { return "" }

// Decided implements response.Describer.
func (p articlePage) Decided() bool { return true }

// Keys implements response.Describer. A page depends on its list, and on each
// article with its author. An empty page of an author or a tag has no row that
// identifies the list, and is not cached. Pages for signed-in viewers are not
// cached either, so that their keys are never made.
func (p articlePage) Keys() []changes.Key {
	if p.keys == nil {
		return nil
	}
	keys := make([]changes.Key, 0, len(p.keys)+2*len(p.cards))
	keys = append(keys, p.keys...)
	for _, c := range p.cards {
		keys = append(keys, changes.Article(c.ID), changes.Profile(c.AuthorID))
	}
	return keys
}

// VisitGetArticlesResponse implements openapi.GetArticlesResponseObject.
func (p articlePage) VisitGetArticlesResponse(w http.ResponseWriter) error { return p.write(w) }

// VisitGetArticlesFeedResponse implements
// openapi.GetArticlesFeedResponseObject.
func (p articlePage) VisitGetArticlesFeedResponse(w http.ResponseWriter) error { return p.write(w) }

func (p articlePage) write(w http.ResponseWriter) error {
	view.SetHeader(w, "Link", p.link)
	return view.WriteJSON(w, http.StatusOK, p.append)
}

// append encodes openapi.ArticlesResponse.
func (p articlePage) append(b []byte) []byte {
	b = append(b, `{"articles":[`...)
	for i, c := range p.cards {
		if i > 0 {
			b = append(b, ',')
		}
		b = c.Append(b, p.marks, p.viewer.MayEdit(c.AuthorID))
	}
	b = strconv.AppendInt(append(b, `],"articlesCount":`...), p.total, 10)
	b = view.AppendNullable(append(b, `,"nextCursor":`...), p.next)
	return append(b, "}\n"...)
}

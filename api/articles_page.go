package api

import (
	"net/http"
	"strconv"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// articlePage is a page of any list of articles, which it encodes from the rows
// in one pass. With the generated types and encoding/json, a signed-in page of
// 20 took 1.23 times the processor time of the service and reached 0.77 times
// the throughput (docs/performance.md): they leave another 20 KB to the garbage
// collector. TestArticlePage compares the two encodings.
//
// Of all other responses only commentPage is encoded by hand.
type articlePage struct {
	list       articleList
	filters    articleFilters
	rows       []query.ArticleItem
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
	if p.list.key == nil || len(p.rows) == 0 {
		return nil
	}
	keys := make([]changes.Key, 0, 1+2*len(p.rows))
	keys = append(keys, p.list.key(p.filters, p.rows[0]))
	for _, r := range p.rows {
		keys = append(keys, changes.Article(r.ID), changes.Profile(r.AuthorID))
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
	for i, a := range p.rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCard(b, a, p.viewer.MayEdit(a.AuthorID))
	}
	b = strconv.AppendInt(append(b, `],"articlesCount":`...), p.total, 10)
	b = view.AppendNullable(append(b, `,"nextCursor":`...), p.next)
	return append(b, "}\n"...)
}

// appendCard encodes openapi.ArticleSummary. Those who may change an article
// see its status.
func appendCard(b []byte, a query.ArticleItem, mayEdit bool) []byte {
	b = view.AppendText(append(b, `{"slug":`...), a.Slug)
	b = view.AppendText(append(b, `,"title":`...), a.Title)
	b = view.AppendText(append(b, `,"description":`...), a.Description)
	b = view.AppendTexts(append(b, `,"tagList":`...), a.Tags)
	b = view.AppendTime(append(b, `,"createdAt":`...), a.CreatedAt)
	b = view.AppendTime(append(b, `,"updatedAt":`...), a.UpdatedAt)
	if mayEdit {
		b = view.AppendTime(append(b, `,"status":"published","publishedAt":`...), a.PublishedAt)
	}
	b = strconv.AppendBool(append(b, `,"favorited":`...), a.Favorited)
	b = strconv.AppendInt(append(b, `,"favoritesCount":`...), a.FavoritesCount, 10)
	b = view.AppendText(append(b, `,"author":{"username":`...), a.Username)
	b = view.AppendNullable(append(b, `,"bio":`...), a.Bio)
	b = view.AppendNullable(append(b, `,"image":`...), a.Image)
	b = strconv.AppendBool(append(b, `,"following":`...), a.Following)
	return append(b, "}}"...)
}

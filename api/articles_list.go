package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// defaultLimit is the length of a page whose request names none.
const defaultLimit = 20

// maxSharedOffset is how many rows a list may skip to be read together with
// what other requests read: more would keep those waiting.
const maxSharedOffset = 1000

// listRow is the row that all queries for lists of articles give.
type listRow = query.ArticleListRow

// lister is one list of articles: its rows after a position, and the number
// of its articles for a page that turned out to be empty.
type lister struct {
	scope string
	// key is the list's, given one of its rows; nil when an answer must not be
	// kept.
	key   func(listRow) changes.Key
	rows  func(conn query.DBTX, w window) (listRows, error)
	count func() (int64, error)
	// long says that what it reads is not bounded by the length of its page.
	long bool
}

// window is the part of a list that a request asks for. Limit is one more
// than the page, to tell whether there is another one.
type window struct {
	after  page.Position
	offset int32
	limit  int32
}

// GetArticlesFeed lists articles by the authors that the viewer follows.
func (s articles) GetArticlesFeed(ctx context.Context, req openapi.GetArticlesFeedRequestObject) (openapi.GetArticlesFeedResponseObject, error) {
	viewer := request.Viewer(ctx).ID
	feed := lister{
		scope: "feed/" + strconv.FormatInt(viewer, 10),
		rows: func(conn query.DBTX, w window) (listRows, error) {
			reach := int64(w.limit) + int64(w.offset)
			authors := reach
			if w.after != firstPage {
				authors = math.MaxInt64
			}
			rows, err := q.ArticleListFeed(ctx, conn, query.ArticleListFeedParams{
				ViewerID: viewer, BeforeCreatedAt: w.after.CreatedAt, BeforeID: w.after.ID,
				PageLimit: w.limit, PageOffset: w.offset, Reach: reach, Authors: authors,
			})
			return rowsOf[query.ArticleListFeedRow](rows), err
		},
		count: func() (int64, error) { return q.ArticleCountFeed(ctx, s.db, viewer) },
	}
	return s.list(ctx, feed, req.Params.Limit, req.Params.Offset, req.Params.Cursor)
}

// GetArticles lists articles.
func (s articles) GetArticles(ctx context.Context, req openapi.GetArticlesRequestObject) (openapi.GetArticlesResponseObject, error) {
	return s.list(ctx, s.filtered(ctx, req.Params), req.Params.Limit, req.Params.Offset, req.Params.Cursor)
}

// filtered picks the query for a combination of filters. Each has one of its
// own: a query with optional filters gets a plan that suits none of them.
func (s articles) filtered(ctx context.Context, p openapi.GetArticlesParams) lister {
	viewer := request.Viewer(ctx).ID
	tag, author, favorited := valueOr(p.Tag, ""), valueOr(p.Author, ""), valueOr(p.Favorited, "")
	l := lister{scope: "articles?" + url.Values{"tag": {tag}, "author": {author}, "favorited": {favorited}}.Encode()}
	switch {
	case author != "" && (tag != "" || favorited != ""):
		l.long = true
		l.rows = func(conn query.DBTX, w window) (listRows, error) {
			rows, err := q.ArticleListByAuthorFiltered(ctx, conn, query.ArticleListByAuthorFilteredParams{
				ViewerID: viewer, Author: author, Tag: tag, Favorited: favorited,
				BeforeCreatedAt: w.after.CreatedAt, BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
			return rowsOf[query.ArticleListByAuthorFilteredRow](rows), err
		}
		l.count = func() (int64, error) {
			return q.ArticleCountByAuthorFiltered(ctx, s.db, query.ArticleCountByAuthorFilteredParams{Author: author, Tag: tag, Favorited: favorited})
		}
	case favorited != "" && tag != "":
		l.long = true
		l.rows = func(conn query.DBTX, w window) (listRows, error) {
			rows, err := q.ArticleListByFavoriteTagged(ctx, conn, query.ArticleListByFavoriteTaggedParams{
				ViewerID: viewer, Favorited: favorited, Tag: tag,
				BeforeCreatedAt: w.after.CreatedAt, BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
			return rowsOf[query.ArticleListByFavoriteTaggedRow](rows), err
		}
		l.count = func() (int64, error) {
			return q.ArticleCountByFavoriteTagged(ctx, s.db, query.ArticleCountByFavoriteTaggedParams{Favorited: favorited, Tag: tag})
		}
	case author != "":
		l.rows = func(conn query.DBTX, w window) (listRows, error) {
			rows, err := q.ArticleListByAuthor(ctx, conn, query.ArticleListByAuthorParams{
				ViewerID: viewer, Author: author,
				BeforeCreatedAt: w.after.CreatedAt, BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
			return rowsOf[query.ArticleListByAuthorRow](rows), err
		}
		l.count = func() (int64, error) { return q.ArticleCountByAuthor(ctx, s.db, author) }
		l.key = func(r listRow) changes.Key { return changes.ArticlesBy(r.ArticleCard.AuthorID) }
	case favorited != "":
		l.rows = func(conn query.DBTX, w window) (listRows, error) {
			rows, err := q.ArticleListByFavorite(ctx, conn, query.ArticleListByFavoriteParams{
				ViewerID: viewer, Favorited: favorited,
				BeforeCreatedAt: w.after.CreatedAt, BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
			return rowsOf[query.ArticleListByFavoriteRow](rows), err
		}
		l.count = func() (int64, error) { return q.ArticleCountByFavorite(ctx, s.db, favorited) }
	case tag != "":
		l.rows = func(conn query.DBTX, w window) (listRows, error) {
			rows, err := q.ArticleListByTag(ctx, conn, query.ArticleListByTagParams{
				ViewerID: viewer, Tag: tag,
				BeforeCreatedAt: w.after.CreatedAt, BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
			return rowsOf[query.ArticleListByTagRow](rows), err
		}
		l.count = func() (int64, error) { return q.ArticleCountByTag(ctx, s.db, tag) }
		l.key = func(listRow) changes.Key { return changes.ArticlesTagged(tag) }
	default:
		l.rows = func(conn query.DBTX, w window) (listRows, error) {
			rows, err := q.ArticleList(ctx, conn, query.ArticleListParams{
				ViewerID:        viewer,
				BeforeCreatedAt: w.after.CreatedAt, BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
			return rowsOf[listRow](rows), err
		}
		l.count = func() (int64, error) { return q.ArticleCount(ctx, s.db) }
		l.key = func(listRow) changes.Key { return changes.Articles }
	}
	return l
}

// list answers one page.
func (s articles) list(ctx context.Context, l lister, limit *openapi.Limit, offset *openapi.Offset, cursor *openapi.Cursor) (out ready, err error) {
	n := valueOr(limit, defaultLimit)
	w := window{offset: valueOr(offset, 0), limit: n + 1}
	if w.after, err = decodeCursor(s.cursors, l.scope, cursor, firstPage); err != nil {
		return out, err
	}
	if cursor != nil {
		w.offset = 0
	}
	conn := query.DBTX(s.db.Reads())
	if l.long || w.offset > maxSharedOffset {
		conn = s.db
	}
	rows, err := l.rows(conn, w)
	if err != nil {
		return out, err
	}
	length, next := rows.len(), ""
	if length > int(n) {
		length = int(n)
		last := rows.at(length - 1).ArticleCard
		next, out.link = nextPage(ctx, s.cursors, l.scope, page.Position{CreatedAt: last.CreatedAt, ID: last.ID})
	}
	total := int64(0)
	if length > 0 {
		total = rows.at(0).Total
	} else if total, err = l.count(); err != nil {
		// An empty page has no row to carry the total.
		return out, fmt.Errorf("counting %s: %w", l.scope, err)
	}
	info := request.From(ctx)
	b := append(newBody(128+length*cardSize), `{"articles":[`...)
	for i := range length {
		r := rows.at(i)
		b = appendArticle(appendComma(b, i), r.ArticleCard, nil, nil, r.Favorited, r.Following, nil)
		if info.Collects && l.key != nil {
			info.DependsOn(l.key(r), changes.Article(r.ArticleCard.ID), changes.Profile(r.ArticleCard.AuthorID))
		}
	}
	b = strconv.AppendInt(append(b, `],"articlesCount":`...), total, 10)
	out.status, out.body = http.StatusOK, appendNext(b, next)
	return out, nil
}

// listRows are the rows of any list query, which are the same but for the name
// of their type.
type listRows interface {
	len() int
	at(i int) listRow
}

type rowsOf[R listRow | query.ArticleListByAuthorRow | query.ArticleListByAuthorFilteredRow | query.ArticleListByFavoriteRow |
	query.ArticleListByFavoriteTaggedRow | query.ArticleListByTagRow | query.ArticleListFeedRow] []R

func (r rowsOf[R]) len() int         { return len(r) }
func (r rowsOf[R]) at(i int) listRow { return listRow(r[i]) }

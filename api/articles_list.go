package api

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"strconv"

	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// articleList is one list of articles. To add one, write its query in
// db/queries/articles.sql and its entry here or in articleLists.
type articleList struct {
	// matches reports whether the list serves the given filters. It is nil
	// for a list that one operation uses directly.
	matches func(articleFilters) bool
	// rows returns the articles in a window of the list.
	rows func(context.Context, query.DBTX, articleFilters, window) ([]query.ListedArticle, error)
	// key returns the key of the list in the feed of changes, given one of its
	// rows. It is nil for a list that has no key. The responses of such a list
	// are not cached.
	key func(articleFilters, query.ListedArticle) changes.Key
}

// articleFilters are the filters of a list. An empty string is a filter that
// is not set.
type articleFilters struct {
	Viewer                 int64
	Tag, Author, Favorited string
}

// window is the part of a list that a request selects. Its limit is one more
// than the length of the page. The additional row shows that there is another
// page.
type window struct {
	after         page.Position
	offset, limit int32
}

// articleLists are the lists of GetArticles. A request uses the first list that
// matches its filters. Each list has its own query, because PostgreSQL would
// plan one query with optional filters well for none of them.
var articleLists = []articleList{
	{
		matches: func(f articleFilters) bool { return f.Author != "" && (f.Tag != "" || f.Favorited != "") },
		rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ListedArticle, error) {
			return q.ArticleListByAuthorFiltered(ctx, conn, query.ArticleListByAuthorFilteredParams{
				ViewerID: f.Viewer, Author: f.Author, Tag: f.Tag, Favorited: f.Favorited,
				BeforeCreatedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
		},
	},
	{
		matches: func(f articleFilters) bool { return f.Favorited != "" && f.Tag != "" },
		rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ListedArticle, error) {
			return q.ArticleListByFavoriteTagged(ctx, conn, query.ArticleListByFavoriteTaggedParams{
				ViewerID: f.Viewer, Favorited: f.Favorited, Tag: f.Tag,
				BeforeCreatedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
		},
	},
	{
		matches: func(f articleFilters) bool { return f.Author != "" },
		rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ListedArticle, error) {
			return q.ArticleListByAuthor(ctx, conn, query.ArticleListByAuthorParams{
				ViewerID: f.Viewer, Author: f.Author,
				BeforeCreatedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
		},
		key: func(_ articleFilters, row query.ListedArticle) changes.Key { return changes.ArticlesBy(row.AuthorID) },
	},
	{
		matches: func(f articleFilters) bool { return f.Favorited != "" },
		rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ListedArticle, error) {
			return q.ArticleListByFavorite(ctx, conn, query.ArticleListByFavoriteParams{
				ViewerID: f.Viewer, Favorited: f.Favorited,
				BeforeCreatedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
		},
	},
	{
		matches: func(f articleFilters) bool { return f.Tag != "" },
		rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ListedArticle, error) {
			return q.ArticleListByTag(ctx, conn, query.ArticleListByTagParams{
				ViewerID: f.Viewer, Tag: f.Tag,
				BeforeCreatedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
		},
		key: func(f articleFilters, _ query.ListedArticle) changes.Key { return changes.ArticlesTagged(f.Tag) },
	},
	{
		matches: func(articleFilters) bool { return true },
		rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ListedArticle, error) {
			return q.ArticleList(ctx, conn, query.ArticleListParams{
				ViewerID:        f.Viewer,
				BeforeCreatedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
		},
		key: func(articleFilters, query.ListedArticle) changes.Key { return changes.Articles },
	},
}

// feedList is the list of articles by the authors that the viewer follows.
var feedList = articleList{
	rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ListedArticle, error) {
		reach := int64(w.limit) + int64(w.offset)
		authors := reach
		if w.after != page.Newest {
			authors = math.MaxInt64
		}
		return q.ArticleListFeed(ctx, conn, query.ArticleListFeedParams{
			ViewerID: f.Viewer, BeforeCreatedAt: w.after.Key.Time(), BeforeID: w.after.ID,
			PageLimit: w.limit, PageOffset: w.offset, Reach: reach, Authors: authors,
		})
	},
}

// GetArticlesFeed lists articles by the authors that the viewer follows.
func (s articles) GetArticlesFeed(ctx context.Context, req openapi.GetArticlesFeedRequestObject) (openapi.GetArticlesFeedResponseObject, error) {
	f := articleFilters{Viewer: request.Viewer(ctx).ID}
	p, _, err := s.list(ctx, feedList, f, "feed/"+strconv.FormatInt(f.Viewer, 10), req.Params.Limit, req.Params.Offset, req.Params.Cursor)
	if err != nil {
		return nil, err
	}
	return openapi.GetArticlesFeed200JSONResponse{ArticlesJSONResponse: p}, nil
}

// articlesListed is the response of GetArticles.
type articlesListed struct {
	openapi.GetArticles200JSONResponse
	response.Facts
}

// GetArticles lists articles.
func (s articles) GetArticles(ctx context.Context, req openapi.GetArticlesRequestObject) (openapi.GetArticlesResponseObject, error) {
	p := req.Params
	f := articleFilters{
		Viewer: request.Viewer(ctx).ID,
		Tag:    optional.Or(p.Tag, ""), Author: optional.Or(p.Author, ""), Favorited: optional.Or(p.Favorited, ""),
	}
	scope := "articles?" + url.Values{"tag": {f.Tag}, "author": {f.Author}, "favorited": {f.Favorited}}.Encode()
	for _, l := range articleLists {
		if !l.matches(f) {
			continue
		}
		body, facts, err := s.list(ctx, l, f, scope, p.Limit, p.Offset, p.Cursor)
		if err != nil {
			return nil, err
		}
		return articlesListed{openapi.GetArticles200JSONResponse{ArticlesJSONResponse: body}, facts}, nil
	}
	return nil, fmt.Errorf("no list matches the filters of %s", scope)
}

// list returns one page of a list. The scope identifies the list in cursors.
func (s articles) list(
	ctx context.Context, l articleList, f articleFilters, scope string, limit *openapi.Limit, offset *openapi.Offset, cursor *openapi.Cursor,
) (out openapi.ArticlesJSONResponse, facts response.Facts, err error) {
	n := optional.Or(limit, page.DefaultLimit)
	w := window{offset: optional.Or(offset, 0), limit: n + 1}
	if w.after, err = s.cursors.Start(scope, cursor, page.Newest); err != nil {
		return out, facts, err
	}
	if cursor != nil {
		w.offset = 0
	}
	rows, err := l.rows(ctx, s.conn(w), f, w)
	if err != nil {
		return out, facts, fmt.Errorf("listing %s: %w", scope, err)
	}
	total, err := s.total(ctx, l, f, w, rows)
	if err != nil {
		return out, facts, fmt.Errorf("counting %s: %w", scope, err)
	}
	if len(rows) > int(n) {
		rows = rows[:n]
		last := rows[n-1]
		out.Body.NextCursor, out.Headers.Link = s.cursors.Next(ctx, scope, page.Position{Key: page.At(last.CreatedAt), ID: last.ID})
	}
	out.Body.ArticlesCount = total
	out.Body.Articles = make([]openapi.ArticleSummary, len(rows))
	for i, r := range rows {
		out.Body.Articles[i] = view.Summary(r)
	}
	return out, l.dependencies(f, rows), nil
}

// maxSharedOffset is the largest offset of a query that shares a round trip
// with queries of other requests. The others wait for it, so a query that
// skips more rows runs alone.
const maxSharedOffset = 1000

// conn returns the connection that reads a page of a list.
func (s articles) conn(w window) query.DBTX {
	if w.offset > maxSharedOffset {
		return s.db.Alone()
	}
	return s.db
}

// total returns the number of articles in a list. Each row contains that
// number. If the page is empty, total reads the first row of the list. If
// there is no first row either, the list is empty.
func (s articles) total(ctx context.Context, l articleList, f articleFilters, w window, rows []query.ListedArticle) (int64, error) {
	if len(rows) == 0 && (w.after != page.Newest || w.offset > 0) {
		var err error
		first := window{after: page.Newest, limit: 1}
		if rows, err = l.rows(ctx, s.db, f, first); err != nil {
			return 0, err
		}
	}
	if len(rows) == 0 {
		return 0, nil
	}
	return rows[0].Total, nil
}

// dependencies returns the keys that a page of the list depends on: the key of
// the list, and those of each article and its author. An empty page is not
// cached, because the key of a list by author is made from a row.
func (l articleList) dependencies(f articleFilters, rows []query.ListedArticle) response.Facts {
	if l.key == nil || len(rows) == 0 {
		return response.Uncacheable()
	}
	keys := make([]changes.Key, 0, 1+2*len(rows))
	keys = append(keys, l.key(f, rows[0]))
	for _, r := range rows {
		keys = append(keys, changes.Article(r.ID), changes.Profile(r.AuthorID))
	}
	return response.DependsOn(keys...)
}

package api

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"strconv"

	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/tagnames"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

// articleList is one list of articles. To add one, write its query in
// db/queries/articles.sql and its entry here or in articleLists.
type articleList struct {
	// takes reports whether the list serves some filters. It is nil for a list
	// that an operation uses directly.
	takes func(articleFilters) bool
	// rows returns the articles of a window.
	rows func(context.Context, query.DBTX, articleFilters, window) ([]query.ArticleItem, error)
	// key returns the key of the list in the feed of changes, given a row of
	// the list. It is nil if no key names the list: then its pages are not
	// cached.
	key func(articleFilters, query.ArticleItem) changes.Key
}

// articleFilters select the articles of a list. An empty text means no filter.
type articleFilters struct {
	Viewer                 int64
	Tag, Author, Favorited string
	// names and listed are the names of tags, and the tags of the first article
	// of the page as they are stored: these lead to the key of the list.
	names  *tagnames.Shown
	listed []string
}

// window is the part of a list that a request asks for. limit is one more than
// the length of the page: the additional row shows that there is another page.
type window struct {
	after         page.Position
	offset, limit int32
}

// articleLists are the lists of GetArticles. The first one that takes the
// filters of a request serves it. Each list has a query of its own, because a
// single query with optional filters would have one plan for all of them.
var articleLists = []articleList{
	{
		takes: func(f articleFilters) bool { return f.Author != "" && (f.Tag != "" || f.Favorited != "") },
		rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ArticleItem, error) {
			return q.ArticleListByAuthorFiltered(ctx, conn, query.ArticleListByAuthorFilteredParams{
				ViewerID: f.Viewer, Author: f.Author, FoldedAuthor: names.Fold(f.Author), Tag: f.Tag,
				Favorited: f.Favorited, FoldedFavorited: names.Fold(f.Favorited),
				BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
		},
	},
	{
		takes: func(f articleFilters) bool { return f.Favorited != "" && f.Tag != "" },
		rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ArticleItem, error) {
			return q.ArticleListByFavoriteTagged(ctx, conn, query.ArticleListByFavoriteTaggedParams{
				ViewerID: f.Viewer, Favorited: f.Favorited, FoldedFavorited: names.Fold(f.Favorited), Tag: f.Tag,
				BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
		},
	},
	{
		takes: func(f articleFilters) bool { return f.Author != "" },
		rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ArticleItem, error) {
			return q.ArticleListByAuthor(ctx, conn, query.ArticleListByAuthorParams{
				ViewerID: f.Viewer, Author: f.Author, FoldedAuthor: names.Fold(f.Author),
				BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
		},
		key: func(_ articleFilters, row query.ArticleItem) changes.Key { return changes.ArticlesBy(row.AuthorID) },
	},
	{
		takes: func(f articleFilters) bool { return f.Favorited != "" },
		rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ArticleItem, error) {
			return q.ArticleListByFavorite(ctx, conn, query.ArticleListByFavoriteParams{
				ViewerID: f.Viewer, Favorited: f.Favorited, FoldedFavorited: names.Fold(f.Favorited),
				BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
		},
	},
	{
		takes: func(f articleFilters) bool { return f.Tag != "" },
		rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ArticleItem, error) {
			return q.ArticleListByTag(ctx, conn, query.ArticleListByTagParams{
				ViewerID: f.Viewer, Tag: f.Tag,
				BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
		},
		key: func(f articleFilters, _ query.ArticleItem) changes.Key { return f.names.Articles(f.Tag, f.listed) },
	},
	{
		takes: func(articleFilters) bool { return true },
		rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ArticleItem, error) {
			return q.ArticleList(ctx, conn, query.ArticleListParams{
				ViewerID:          f.Viewer,
				BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
		},
		key: func(articleFilters, query.ArticleItem) changes.Key { return changes.Articles },
	},
}

// feedList is the list of the articles by the authors that the viewer follows.
var feedList = articleList{
	rows: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) ([]query.ArticleItem, error) {
		reach := int64(w.limit) + int64(w.offset)
		authors := reach
		if w.after != page.Newest {
			authors = math.MaxInt64
		}
		return q.ArticleListFeed(ctx, conn, query.ArticleListFeedParams{
			ViewerID: f.Viewer, BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID,
			PageLimit: w.limit, PageOffset: w.offset, Reach: reach, Authors: authors,
		})
	},
}

// GetArticlesFeed lists articles by the authors that the viewer follows.
func (s articles) GetArticlesFeed(ctx context.Context, req openapi.GetArticlesFeedRequestObject) (openapi.GetArticlesFeedResponseObject, error) {
	f := articleFilters{Viewer: request.Viewer(ctx).ID}
	p, err := s.list(ctx, feedList, f, "feed/"+strconv.FormatInt(f.Viewer, 10), req.Params.Limit, req.Params.Offset, req.Params.Cursor)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// GetArticles lists articles.
func (s articles) GetArticles(ctx context.Context, req openapi.GetArticlesRequestObject) (openapi.GetArticlesResponseObject, error) {
	p := req.Params
	f := articleFilters{
		Viewer: request.Viewer(ctx).ID,
		Tag:    optional.Or(p.Tag, ""), Author: optional.Or(p.Author, ""), Favorited: optional.Or(p.Favorited, ""),
	}
	scope := "articles?" + url.Values{"tag": {tagnames.Fold(f.Tag)}, "author": {f.Author}, "favorited": {f.Favorited}}.Encode()
	for _, l := range articleLists {
		if !l.takes(f) {
			continue
		}
		listed, err := s.list(ctx, l, f, scope, p.Limit, p.Offset, p.Cursor)
		if err != nil {
			return nil, err
		}
		return listed, nil
	}
	return nil, fmt.Errorf("no list takes the filters of %s", scope)
}

// list returns one page of a list, which ends early if its texts are long. The
// scope names the list in its cursors.
func (s articles) list(
	ctx context.Context, l articleList, f articleFilters, scope string, limit *openapi.Limit, offset *openapi.Offset, cursor *openapi.Cursor,
) (out articlePage, err error) {
	out.list, out.filters, out.viewer = l, f, request.Viewer(ctx)
	n := optional.Or(limit, page.DefaultLimit)
	w := window{offset: optional.Or(offset, 0), limit: n + 1}
	if w.after, err = s.cursors.Start(scope, cursor, page.Newest); err != nil {
		return out, err
	}
	if cursor != nil {
		w.offset = 0
	}
	if out.rows, err = l.rows(ctx, s.conn(w), f, w); err != nil {
		return out, fmt.Errorf("listing %s: %w", scope, err)
	}
	if len(out.rows) > 0 {
		out.filters.names, out.filters.listed = s.names.Current(), out.rows[0].Tags
	}
	for i := range out.rows {
		out.rows[i].Tags = view.Tags(ctx, out.rows[i].Tags)
	}
	if out.total, err = s.total(ctx, l, f, w, out.rows); err != nil {
		return out, fmt.Errorf("counting %s: %w", scope, err)
	}
	kept, err := view.Fit(ctx, out.rows[:min(len(out.rows), int(n))], view.SummaryTexts)
	if err != nil {
		return out, err
	}
	if len(out.rows) > kept {
		out.rows = out.rows[:kept]
		last := out.rows[kept-1]
		out.next, out.link = s.cursors.Next(ctx, scope, page.Position{Key: page.At(last.PublishedAt), ID: last.ID})
	}
	return out, nil
}

// maxSharedOffset is the maximum number of rows that a list may skip and still
// share a round trip with other requests, which wait for it.
const maxSharedOffset = 1000

// conn returns the connection that a page of a list is read through.
func (s articles) conn(w window) query.DBTX {
	if w.offset > maxSharedOffset {
		return s.db.Alone()
	}
	return s.db
}

// total returns how many articles a list has. Each row contains the number. If
// the page is empty, total reads the first row of the list. If there is none,
// the list is empty.
func (s articles) total(ctx context.Context, l articleList, f articleFilters, w window, rows []query.ArticleItem) (int64, error) {
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

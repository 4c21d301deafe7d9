package api

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"strconv"

	"github.com/byline-api/byline/api/cards"
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
	// find returns the articles of a window.
	find func(context.Context, query.DBTX, articleFilters, window) (found, error)
	// keys returns the keys of the list in the feed of changes, given the first
	// article of a page. It is nil if no key names the list.
	keys func(articleFilters, *tagnames.Shown, *cards.Card) []changes.Key
}

// articleFilters select the articles of a list. An empty text means no filter.
type articleFilters struct {
	Viewer                 int64
	Tag, Author, Favorited string
}

// window is the part of a list that a request asks for. limit is one more than
// the length of the page: the additional article shows that there is another
// page.
type window struct {
	after         page.Position
	offset, limit int32
}

// found is what the query of a list returns. keys are what the page depends on
// in the feed of changes, besides the keys of the list.
type found struct {
	query.ArticleListRow
	keys []changes.Key
}

// articleLists are the lists of GetArticles. The first one that takes the
// filters of a request serves it. Each list has a query of its own, because a
// single query with optional filters would have one plan for all of them.
var articleLists = []articleList{
	{
		takes: func(f articleFilters) bool { return f.Author != "" && (f.Tag != "" || f.Favorited != "") },
		find: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) (found, error) {
			r, err := q.ArticleListByAuthorFiltered(ctx, conn, query.ArticleListByAuthorFilteredParams{
				Author: f.Author, FoldedAuthor: names.Fold(f.Author), Tag: f.Tag,
				Favorited: f.Favorited, FoldedFavorited: names.Fold(f.Favorited),
				BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
			return found{ArticleListRow: query.ArticleListRow(r)}, err
		},
	},
	{
		takes: func(f articleFilters) bool { return f.Favorited != "" && f.Tag != "" },
		find: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) (found, error) {
			r, err := q.ArticleListByFavoriteTagged(ctx, conn, query.ArticleListByFavoriteTaggedParams{
				Favorited: f.Favorited, FoldedFavorited: names.Fold(f.Favorited), Tag: f.Tag,
				BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
			return found{ArticleListRow: query.ArticleListRow(r)}, err
		},
	},
	{
		takes: func(f articleFilters) bool { return f.Author != "" },
		find: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) (found, error) {
			r, err := q.ArticleListByAuthor(ctx, conn, query.ArticleListByAuthorParams{
				Author: f.Author, FoldedAuthor: names.Fold(f.Author),
				BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
			return found{ArticleListRow: query.ArticleListRow(r)}, err
		},
		keys: func(_ articleFilters, _ *tagnames.Shown, first *cards.Card) []changes.Key {
			return []changes.Key{changes.ArticlesBy(first.AuthorID), changes.Profile(first.AuthorID)} // another user may get the name
		},
	},
	{
		takes: func(f articleFilters) bool { return f.Favorited != "" },
		find: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) (found, error) {
			r, err := q.ArticleListByFavorite(ctx, conn, query.ArticleListByFavoriteParams{
				Favorited: f.Favorited, FoldedFavorited: names.Fold(f.Favorited),
				BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
			return found{ArticleListRow: query.ArticleListRow(r)}, err
		},
	},
	{
		takes: func(f articleFilters) bool { return f.Tag != "" },
		find: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) (found, error) {
			r, err := q.ArticleListByTag(ctx, conn, query.ArticleListByTagParams{
				Tag:               f.Tag,
				BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
			return found{ArticleListRow: query.ArticleListRow(r)}, err
		},
		keys: func(f articleFilters, names *tagnames.Shown, first *cards.Card) []changes.Key {
			return []changes.Key{names.Articles(f.Tag, first.Tags)}
		},
	},
	{
		takes: func(articleFilters) bool { return true },
		find: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) (found, error) {
			r, err := q.ArticleList(ctx, conn, query.ArticleListParams{
				BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID, PageLimit: w.limit, PageOffset: w.offset,
			})
			return found{ArticleListRow: r}, err
		},
		keys: func(articleFilters, *tagnames.Shown, *cards.Card) []changes.Key {
			return []changes.Key{changes.Articles}
		},
	},
}

// maxFollowees is how many authors a reader may follow whose feed is kept: a
// kept page has a key for each.
const maxFollowees = 300

// feedList is the list of the articles by the authors that the viewer follows.
var feedList = articleList{
	find: func(ctx context.Context, conn query.DBTX, f articleFilters, w window) (found, error) {
		reach := int64(w.limit) + int64(w.offset)
		authors := reach
		if w.after != page.Newest {
			authors = math.MaxInt64
		}
		r, err := q.ArticleListFeed(ctx, conn, query.ArticleListFeedParams{
			ViewerID: f.Viewer, BeforePublishedAt: w.after.Key.Time(), BeforeID: w.after.ID,
			PageLimit: w.limit, PageOffset: w.offset, Reach: reach, Authors: authors, MaxFollowees: maxFollowees,
		})
		out := found{ArticleListRow: query.ArticleListRow{Ids: r.Ids, Total: r.Total}}
		if r.Followees != nil {
			out.keys = append(make([]changes.Key, 0, 1+len(r.Followees)), changes.FollowsOf(f.Viewer))
			for _, id := range r.Followees {
				out.keys = append(out.keys, changes.ArticlesBy(id))
			}
		}
		return out, err
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
	out.viewer = request.Viewer(ctx)
	n := optional.Or(limit, page.DefaultLimit)
	w := window{offset: optional.Or(offset, 0), limit: n + 1}
	if w.after, err = s.cursors.Start(scope, cursor, page.Newest); err != nil {
		return out, err
	}
	if cursor != nil {
		w.offset = 0
	}
	p, all, err := s.page(ctx, l, f, scope, w)
	if err != nil {
		return out, fmt.Errorf("listing %s: %w", scope, err)
	}
	kept, err := view.FitMeasured(ctx, all[:min(len(all), int(n))], cards.Length, cards.Size)
	if err != nil {
		return out, err
	}
	out.total, out.keys, out.cards = p.Total, p.Keys, all[:kept]
	if out.marks, err = s.cards.Marks(ctx, out.viewer.ID, out.cards); err != nil {
		return out, fmt.Errorf("reading the marks of %s: %w", scope, err)
	}
	if kept > 0 && kept < len(p.IDs) {
		last := out.cards[kept-1]
		out.next, out.link = s.cursors.Next(ctx, scope, page.Position{Key: page.At(last.PublishedAt), ID: last.ID})
	}
	return out, nil
}

// page returns the articles of a window with their cards, and keeps the page.
func (s articles) page(ctx context.Context, l articleList, f articleFilters, scope string, w window) (*cards.Page, []*cards.Card, error) {
	if err := s.cards.Sync(ctx); err != nil {
		return nil, nil, err
	}
	key := cards.PageKey{Scope: scope, After: w.after, Offset: w.offset, Limit: w.limit}
	if p := s.cards.Page(key); p != nil {
		all, err := s.cards.Cards(ctx, p.IDs)
		return p, all, err
	}
	since := s.cards.Now()
	r, err := l.find(ctx, s.conn(w), f, w)
	if err != nil {
		return nil, nil, err
	}
	all, err := s.cards.Cards(ctx, r.Ids)
	if err != nil {
		return nil, nil, err
	}
	p := &cards.Page{IDs: r.Ids, Total: r.Total}
	if l.keys != nil && len(all) > 0 {
		p.Keys = l.keys(f, s.names.Current(), all[0])
	}
	if depends := append(r.keys, p.Keys...); len(depends) > 0 {
		s.cards.KeepPage(key, p, since, depends)
	}
	return p, all, nil
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

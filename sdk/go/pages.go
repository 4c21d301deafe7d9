package byline

import (
	"context"
	"iter"
)

// Articles iterates over the articles that match params, newest first. It
// requests pages of params.Limit articles as needed. The iteration ends after
// an error.
func (c *Client) Articles(ctx context.Context, params *ArticlesParams) iter.Seq2[ArticleSummary, error] {
	p := valueOf(params)
	return pages(p.Cursor, func(cursor *string) ([]ArticleSummary, Nullable[string], error) {
		page := p
		page.Cursor = cursor
		res, err := c.GetArticlesWithResponse(ctx, &page)
		if err != nil {
			return nil, nil, err
		}
		return res.JSON200.Articles, res.JSON200.NextCursor, nil
	})
}

// Feed iterates over the articles of the users that the signed-in user follows,
// newest first.
func (c *Client) Feed(ctx context.Context, params *FeedParams) iter.Seq2[ArticleSummary, error] {
	p := valueOf(params)
	return pages(p.Cursor, func(cursor *string) ([]ArticleSummary, Nullable[string], error) {
		page := p
		page.Cursor = cursor
		res, err := c.GetArticlesFeedWithResponse(ctx, &page)
		if err != nil {
			return nil, nil, err
		}
		return res.JSON200.Articles, res.JSON200.NextCursor, nil
	})
}

// Comments iterates over the comments of an article in the order of
// params.Sort.
func (c *Client) Comments(ctx context.Context, slug string, params *CommentsParams) iter.Seq2[Comment, error] {
	p := valueOf(params)
	return pages(p.Cursor, func(cursor *string) ([]Comment, Nullable[string], error) {
		page := p
		page.Cursor = cursor
		res, err := c.GetArticleCommentsWithResponse(ctx, slug, &page)
		if err != nil {
			return nil, nil, err
		}
		return res.JSON200.Comments, res.JSON200.NextCursor, nil
	})
}

// pages iterates over the items of all pages, starting at cursor.
func pages[T any](cursor *string, fetch func(cursor *string) ([]T, Nullable[string], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := cursor; ; {
			items, next, err := fetch(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			after, err := next.Get()
			if err != nil {
				return // null: this was the last page
			}
			cursor = &after
		}
	}
}

func valueOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

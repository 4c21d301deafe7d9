package byline

import (
	"context"
	"iter"
)

// Articles yields the articles that match params, newest first, fetching
// pages of params.Limit as they are needed. An error ends it.
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

// Feed yields the articles of the users that the reader follows, newest first.
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

// Comments yields the comments of an article in the order of params.Sort.
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

// pages yields the items of page after page, from cursor on.
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

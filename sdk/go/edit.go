package byline

import (
	"context"
	"errors"
	"net/http"
)

// IfMatch makes a change depend on what was read: when somebody else has
// edited the article since, UpdateArticle fails with status 412.
//
//	read, err := c.GetArticleWithResponse(ctx, slug, nil)
//	…
//	_, err = c.UpdateArticleWithResponse(ctx, slug, byline.IfMatch(read.HTTPResponse), change)
func IfMatch(read *http.Response) *UpdateArticleParams {
	return &UpdateArticleParams{IfMatch: new(read.Header.Get("ETag"))}
}

// EditArticle reads an article and changes it as edit says, without
// overwriting what others do at the same time: if somebody was faster, it
// reads and calls edit again.
func (c *Client) EditArticle(ctx context.Context, slug string, edit func(Article) UpdateArticle) (*Article, error) {
	for attempt := 1; ; attempt++ {
		read, err := c.GetArticleWithResponse(ctx, slug, nil)
		if err != nil {
			return nil, err
		}
		change := UpdateArticleRequest{Article: edit(read.JSON200.Article)}
		written, err := c.UpdateArticleWithResponse(ctx, slug, IfMatch(read.HTTPResponse), change)
		if err == nil {
			return &written.JSON200.Article, nil
		}
		// Five defeats in a row are no coincidence but a bug in somebody's loop.
		var e *Error
		if !errors.As(err, &e) || e.Status != http.StatusPreconditionFailed || attempt == 5 {
			return nil, err
		}
	}
}

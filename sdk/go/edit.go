package byline

import (
	"context"
	"errors"
	"net/http"
)

// IfMatch makes an update conditional on the version of the article in the
// response read. If somebody else has edited the article since, the update
// fails with status 412.
//
//	read, err := c.GetArticleWithResponse(ctx, slug, nil)
//	…
//	params := byline.IfMatch(read.HTTPResponse)
//	_, err = c.UpdateArticleWithResponse(ctx, slug, params, change)
func IfMatch(read *http.Response) *UpdateArticleParams {
	return &UpdateArticleParams{IfMatch: new(read.Header.Get("ETag"))}
}

// EditArticle reads an article, calls edit and writes the returned change. It
// does not overwrite concurrent edits: if somebody else has edited the article
// in the meantime, it reads the article and calls edit again.
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
		// Five conflicts in a row are not a coincidence but a bug in a client.
		var e *Error
		if !errors.As(err, &e) || e.Status != http.StatusPreconditionFailed || attempt == 5 {
			return nil, err
		}
	}
}

package byline

import (
	"context"
	"errors"
)

// Edit reads an article, calls edit and writes the returned change. It does not
// overwrite concurrent edits: if somebody else has edited the article in the
// meantime, it reads the article and calls edit again.
func (s *ArticlesService) Edit(ctx context.Context, slug string, edit func(*Article) UpdateArticle, options ...CallOption) (*Article, error) {
	for attempt := 1; ; attempt++ {
		var read Response
		article, err := s.Get(ctx, slug, nil, append(options[:len(options):len(options)], Into(&read))...)
		if err != nil {
			return nil, err
		}
		written, err := s.Update(ctx, slug, edit(article), append(options[:len(options):len(options)], IfMatch(read.ETag))...)
		// Five conflicts in a row are not a coincidence but a bug in a client.
		if err == nil || !errors.Is(err, CodePreconditionFailed) || attempt == 5 {
			return written, err
		}
	}
}

package byline

import (
	"context"
	"errors"
)

// Edit reads an article, calls edit and writes the returned change. It does not
// overwrite concurrent edits: if somebody else has edited the article in the
// meantime, it reads the article and calls edit again.
func (s *ArticlesService) Edit(ctx context.Context, slug string, edit func(*Article) UpdateArticle, options ...CallOption) (*Article, error) {
	get := func(options ...CallOption) (*Article, error) { return s.Get(ctx, slug, nil, options...) }
	update := func(change UpdateArticle, options ...CallOption) (*Article, error) {
		return s.Update(ctx, slug, change, options...)
	}
	return editWith(get, update, edit, options)
}

// EditWorkingCopy does the same as Edit to the working copy of an article, which
// it makes if there is none. The function edit gets the article as it would be.
func (s *ArticlesService) EditWorkingCopy(ctx context.Context, slug string, edit func(*Article) UpdateArticle, options ...CallOption) (*Article, error) {
	get := func(options ...CallOption) (*Article, error) { return s.GetWorkingCopy(ctx, slug, options...) }
	update := func(change UpdateArticle, options ...CallOption) (*Article, error) {
		return s.UpdateWorkingCopy(ctx, slug, change, options...)
	}
	return editWith(get, update, edit, options)
}

// Edit does the same to a series as [ArticlesService.Edit] to an article.
func (s *SeriesService) Edit(ctx context.Context, slug string, edit func(*Series) UpdateSeries, options ...CallOption) (*Series, error) {
	get := func(options ...CallOption) (*Series, error) { return s.Get(ctx, slug, options...) }
	update := func(change UpdateSeries, options ...CallOption) (*Series, error) {
		return s.Update(ctx, slug, change, options...)
	}
	return editWith(get, update, edit, options)
}

// editWith writes the change of what it has read if that is still the same, and
// otherwise starts again.
func editWith[Value, Change any](
	get func(...CallOption) (*Value, error), update func(Change, ...CallOption) (*Value, error), edit func(*Value) Change, options []CallOption,
) (*Value, error) {
	for attempt := 1; ; attempt++ {
		var read Response
		value, err := get(append(options[:len(options):len(options)], Into(&read))...)
		if err != nil {
			return nil, err
		}
		if read.ETag == "" {
			// The update would be unconditional.
			return nil, errors.New("byline: the response has no ETag; does a proxy remove it?")
		}
		written, err := update(edit(value), append(options[:len(options):len(options)], IfMatch(read.ETag))...)
		// Five conflicts in a row are not a coincidence but a bug in a client.
		if err == nil || !errors.Is(err, CodePreconditionFailed) || attempt == 5 {
			return written, err
		}
	}
}

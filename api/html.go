package api

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/byline-api/byline/api/markup"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/openapi"
)

// What one answer may hold of texts as HTML: making them costs far more than
// reading them does.
const (
	maxHTMLComments = 100
	maxHTMLArticles = 20
)

// htmlMaker turns Markdown into HTML, on half of the cores, so that a flood of
// long texts leaves the other half to everybody else.
type htmlMaker struct{ places *semaphore.Weighted }

func newHTMLMaker() htmlMaker {
	return htmlMaker{semaphore.NewWeighted(int64(max(1, runtime.GOMAXPROCS(0)/2)))}
}

// htmlTimeout is the longest that a text waits for its turn. Most take less
// than a millisecond, so that a longer wait means overload.
const htmlTimeout = 500 * time.Millisecond

// render returns src as HTML, or nil when the request did not ask for that.
func (m htmlMaker) render(ctx context.Context, format *openapi.TextFormat, src string) (*string, error) {
	if !wantsHTML(format) {
		return nil, nil
	}
	if !m.places.TryAcquire(1) {
		wait, cancel := context.WithTimeout(ctx, htmlTimeout)
		defer cancel()
		if err := m.places.Acquire(wait, 1); err != nil {
			return nil, problem.Unavailable(problem.Overloaded, 1, err)
		}
	}
	defer m.places.Release(1)
	if err := ctx.Err(); err != nil {
		return nil, err // nobody waits for the rest of a long answer
	}
	return ptr(markup.HTML(src)), nil
}

func wantsHTML(format *openapi.TextFormat) bool {
	return valueOr(format, openapi.FormatMarkdown) == openapi.FormatHTML
}

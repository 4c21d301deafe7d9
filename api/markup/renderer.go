package markup

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/byline-api/byline/api/problem"
)

// Renderer renders Markdown on half of the cores, so that a flood of long
// texts leaves the other half to all other requests.
type Renderer struct{ places *semaphore.Weighted }

// NewRenderer returns a Renderer; all operations share one.
func NewRenderer() *Renderer {
	return &Renderer{places: semaphore.NewWeighted(int64(max(1, runtime.GOMAXPROCS(0)/2)))}
}

// renderTimeout is the maximum time that a text waits. Most texts take less
// than a millisecond, so that a longer wait means overload.
const renderTimeout = 500 * time.Millisecond

// Render returns src as HTML. The error is a 503 when too many texts wait.
func (r *Renderer) Render(ctx context.Context, src string) (string, error) {
	if !r.places.TryAcquire(1) {
		wait, cancel := context.WithTimeout(ctx, renderTimeout)
		defer cancel()
		if err := r.places.Acquire(wait, 1); err != nil {
			return "", problem.Unavailable(problem.Overloaded, 1, err)
		}
	}
	defer r.places.Release(1)
	if err := ctx.Err(); err != nil {
		return "", err // the client has disconnected
	}
	return HTML(src), nil
}

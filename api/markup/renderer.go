package markup

import (
	"context"
	"crypto/sha256"
	"net/url"
	"unsafe"

	"golang.org/x/sync/singleflight"

	"github.com/byline-api/byline/api/lru"
	"github.com/byline-api/byline/api/request"
)

const (
	// maxHTML bounds the texts that are kept, in bytes.
	maxHTML = 8 << 20
	// overhead is about how many bytes a text takes besides its HTML and its
	// contents.
	overhead = 300
)

// Renderer renders Markdown, and keeps the HTML. It finds HTML by the text that
// it was made from, so that an edit makes other HTML. A text that several
// requests ask for at the same time is rendered once.
type Renderer struct {
	converter *Converter
	queue     *queue
	kept      *lru.Cache[digest, *Text]
	flights   singleflight.Group
}

// digest identifies a text.
type digest [sha256.Size]byte

// NewRenderer returns a Renderer; all operations share one. The texts may have
// addresses relative to base (ParseBase), unless it is nil.
func NewRenderer(base *url.URL) *Renderer {
	return &Renderer{converter: NewConverter(base), queue: newQueue(), kept: lru.New[digest, *Text](maxHTML)}
}

// Render returns src as HTML. The error is a 503 when too many texts wait.
func (r *Renderer) Render(ctx context.Context, src string) (*Text, error) {
	id := digest(sha256.Sum256([]byte(src)))
	if text, found := r.kept.Get(id); found {
		return text, nil
	}
	leads := false
	text, err, _ := r.flights.Do(string(id[:]), func() (any, error) {
		leads = true
		return r.render(ctx, id, src)
	})
	if err != nil && !leads {
		// The other client has disconnected, or had no place in the queue.
		return r.render(ctx, id, src)
	}
	return text.(*Text), err
}

// render renders src when it is the client's turn.
func (r *Renderer) render(ctx context.Context, id digest, src string) (*Text, error) {
	if err := r.queue.acquire(ctx, request.Client(ctx)); err != nil {
		return nil, err
	}
	defer r.queue.release()
	if err := ctx.Err(); err != nil {
		return nil, err // the client has disconnected
	}
	if text, found := r.kept.Get(id); found {
		return text, nil
	}
	text := r.converter.Convert(src)
	r.kept.Put(id, text, text.size()+overhead)
	return text, nil
}

// size returns how many bytes of memory the HTML and the contents take.
func (t *Text) size() int {
	n := len(t.HTML) + cap(t.Contents)*int(unsafe.Sizeof(Heading{}))
	for _, h := range t.Contents {
		n += len(h.ID) + len(h.Text)
	}
	return n
}

package byline

import (
	"bytes"
	"container/list"
	"io"
	"net/http"
	"strings"
	"sync"
)

// cache keeps answers with an entity tag. An answer is never given unasked:
// the service confirms with 304 that it still holds, and is spared sending it.
type cache struct {
	limit int

	mu      sync.Mutex
	size    int
	order   *list.List // of *kept, the one used last in front
	entries map[string]*list.Element
}

type kept struct {
	key    string
	header http.Header
	body   []byte
}

func newCache(limit int) *cache {
	return &cache{limit: limit, order: list.New(), entries: map[string]*list.Element{}}
}

// keyOf tells the answers of different users apart.
func keyOf(req *http.Request) string {
	return req.URL.String() + "\n" + req.Header.Get("Authorization")
}

// condition makes the request conditional on the answer that is kept for it,
// unless the caller has set a condition.
func (c *cache) condition(req *http.Request) *kept {
	if req.Method != http.MethodGet || req.Header.Get("If-None-Match") != "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.entries[keyOf(req)]
	if element == nil {
		return nil
	}
	c.order.MoveToFront(element)
	k := element.Value.(*kept)
	req.Header.Set("If-None-Match", k.header.Get("ETag"))
	return k
}

// answer keeps an answer that can be reused, or gives the one that the
// service has confirmed, with the newer header (RFC 9111, section 4.3.4).
func (c *cache) answer(req *http.Request, res *http.Response, body []byte, k *kept) *http.Response {
	if k == nil || res.StatusCode != http.StatusNotModified {
		if req.Method == http.MethodGet && res.StatusCode == http.StatusOK {
			c.keep(&kept{keyOf(req), res.Header.Clone(), body})
		}
		return res
	}
	header := k.header.Clone()
	for name, values := range res.Header {
		if !strings.HasPrefix(name, "Content-") {
			header[name] = values
		}
	}
	confirmed := *res
	confirmed.Status, confirmed.StatusCode = "200 OK", http.StatusOK
	confirmed.Header, confirmed.ContentLength = header, int64(len(k.body))
	confirmed.Body = io.NopCloser(bytes.NewReader(k.body))
	return &confirmed
}

func (c *cache) keep(k *kept) {
	if k.header.Get("ETag") == "" || strings.Contains(k.header.Get("Cache-Control"), "no-store") || len(k.body) > c.limit {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[k.key]; old != nil {
		c.remove(old)
	}
	c.entries[k.key] = c.order.PushFront(k)
	c.size += len(k.body)
	for c.size > c.limit {
		c.remove(c.order.Back())
	}
}

func (c *cache) remove(element *list.Element) {
	k := c.order.Remove(element).(*kept)
	delete(c.entries, k.key)
	c.size -= len(k.body)
}

package byline

import (
	"container/list"
	"net/http"
	"strings"
	"sync"
)

// cache stores responses with an entity tag. It only returns a cached response
// after the service has confirmed it with 304, so that no response is stale.
type cache struct {
	limit int

	mu      sync.Mutex
	size    int
	order   *list.List // of *cachedResponse, the most recently used first
	entries map[string]*list.Element
}

type cachedResponse struct {
	key    string
	header http.Header
	body   []byte
}

func newCache(limit int) *cache {
	return &cache{limit: limit, order: list.New(), entries: map[string]*list.Element{}}
}

// keyOf returns the cache key of a request. It contains the identity of the
// caller, so that users do not get the responses of other users.
func keyOf(req *http.Request, identity string) string {
	return req.URL.String() + "\n" + identity
}

// addCondition adds the entity tag of the cached response to the request,
// unless the caller has set a condition. It returns the cached response.
func (c *cache) addCondition(req *http.Request, identity string) *cachedResponse {
	if req.Method != http.MethodGet || req.Header.Get("If-None-Match") != "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.entries[keyOf(req, identity)]
	if element == nil {
		return nil
	}
	c.order.MoveToFront(element)
	k := element.Value.(*cachedResponse)
	req.Header.Set("If-None-Match", k.header.Get("ETag"))
	return k
}

// resolve returns the response for the caller. If the service has confirmed the
// cached response k, that is the cached response with the new header fields
// (RFC 9111, section 4.3.4). Otherwise resolve stores res if it can be reused.
func (c *cache) resolve(req *http.Request, identity string, res *http.Response, body []byte, k *cachedResponse) (*http.Response, []byte) {
	if k == nil || res.StatusCode != http.StatusNotModified {
		if req.Method == http.MethodGet && res.StatusCode == http.StatusOK {
			c.store(&cachedResponse{keyOf(req, identity), res.Header.Clone(), body})
		}
		return res, body
	}
	header := k.header.Clone()
	for name, values := range res.Header {
		if !strings.HasPrefix(name, "Content-") {
			header[name] = values
		}
	}
	confirmed := *res
	confirmed.Status, confirmed.StatusCode, confirmed.Header = "200 OK", http.StatusOK, header
	return &confirmed, k.body
}

func (c *cache) store(k *cachedResponse) {
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
	k := c.order.Remove(element).(*cachedResponse)
	delete(c.entries, k.key)
	c.size -= len(k.body)
}

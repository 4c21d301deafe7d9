// Package lru stores values in bounded memory. It evicts the least recently
// used ones to make room for new ones.
package lru

import (
	"container/list"
	"sync"
)

// Cache is a map of bounded weight. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	mu      sync.Mutex
	limit   int // bytes
	bytes   int
	entries map[K]*list.Element
	order   *list.List // of *entry, the most recently used first
}

type entry[K comparable, V any] struct {
	key    K
	value  V
	weight int
}

// New returns a cache of up to limit bytes.
func New[K comparable, V any](limit int) *Cache[K, V] {
	return &Cache[K, V]{limit: limit, entries: map[K]*list.Element{}, order: list.New()}
}

// Get returns the value of a key, and whether there is one.
func (c *Cache[K, V]) Get(key K) (value V, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.entries[key]
	if element == nil {
		return value, false
	}
	c.order.MoveToFront(element)
	return element.Value.(*entry[K, V]).value, true
}

// Fits reports whether Put of a value would evict no others.
func (c *Cache[K, V]) Fits(key K, weight int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[key]; old != nil {
		weight -= old.Value.(*entry[K, V]).weight
	}
	return c.bytes+weight <= c.limit
}

// Put stores a value that takes weight bytes, and returns how many others it
// evicted. A value that is heavier than the cache is not stored.
func (c *Cache[K, V]) Put(key K, value V, weight int) (evicted int) {
	if weight > c.limit {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[key]; old != nil {
		c.remove(old)
	}
	for c.bytes+weight > c.limit {
		c.remove(c.order.Back())
		evicted++
	}
	c.entries[key] = c.order.PushFront(&entry[K, V]{key, value, weight})
	c.bytes += weight
	return evicted
}

// Grow adds by bytes to the weight of a value, if it is the one of its key, and
// returns how many others it evicted to make room.
func (c *Cache[K, V]) Grow(key K, value V, by int) (evicted int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.entries[key]
	if element == nil || any(element.Value.(*entry[K, V]).value) != any(value) {
		return 0
	}
	element.Value.(*entry[K, V]).weight += by
	c.bytes += by
	for c.bytes > c.limit {
		c.remove(c.order.Back())
		evicted++
	}
	return evicted
}

func (c *Cache[K, V]) remove(element *list.Element) {
	e := c.order.Remove(element).(*entry[K, V])
	delete(c.entries, e.key)
	c.bytes -= e.weight
}

// Size returns the number of values, and their weight.
func (c *Cache[K, V]) Size() (values, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries), c.bytes
}

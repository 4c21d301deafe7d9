package cache

import (
	"container/list"
	"sync"
)

// shard is a part of the cache with its own lock. It evicts the least recently
// used responses to make room for new ones.
type shard struct {
	mu      sync.Mutex
	limit   int // bytes
	bytes   int
	entries map[string]*list.Element
	order   *list.List // of *entry, the most recently used first
}

type entry struct {
	key      string
	response *Response
	weight   int
}

func (s *shard) init(limit int) {
	s.limit, s.entries, s.order = limit, map[string]*list.Element{}, list.New()
}

func (s *shard) get(key string) *Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	element := s.entries[key]
	if element == nil {
		return nil
	}
	s.order.MoveToFront(element)
	return element.Value.(*entry).response
}

// put caches a response, and returns how many others it evicted.
func (s *shard) put(key string, a *Response) (evicted int) {
	weight := a.weight(key)
	if weight > s.limit {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.entries[key]; old != nil {
		s.remove(old)
	}
	for s.bytes+weight > s.limit {
		s.remove(s.order.Back())
		evicted++
	}
	s.entries[key] = s.order.PushFront(&entry{key, a, weight})
	s.bytes += weight
	return evicted
}

func (s *shard) remove(element *list.Element) {
	e := s.order.Remove(element).(*entry)
	delete(s.entries, e.key)
	s.bytes -= e.weight
}

func (s *shard) size() (responses, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries), s.bytes
}

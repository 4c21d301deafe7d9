package mail

import (
	"slices"
	"sync"
)

// mostShown is how many mails are kept in memory for people to look at, some
// 500 bytes each.
const mostShown = 100

// shown keeps the last mails of a service that has no server to send them by.
type shown struct {
	mu    sync.Mutex
	mails []Message // the newest first
}

func (s *shown) add(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = slices.Insert(s.mails[:min(len(s.mails), mostShown-1)], 0, m)
}

func (s *shown) list() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

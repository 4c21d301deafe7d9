package mail

import (
	"slices"
	"sync"
)

// maxShown is how many mails are stored in memory. Each takes about 500 bytes.
const maxShown = 100

// shown stores the last mails of a service that has no mail server.
type shown struct {
	mu    sync.Mutex
	mails []Message // the newest first
}

func (s *shown) add(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = slices.Insert(s.mails[:min(len(s.mails), maxShown-1)], 0, m)
}

func (s *shown) list() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

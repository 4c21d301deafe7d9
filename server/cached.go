package server

import (
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/server/cache"
)

// maxCacheKey is the longest request target, in bytes, that an answer is kept
// under: longer ones are not what many ask for.
const maxCacheKey = 512

// cacheable tells whether the request may be answered with what anybody else
// was answered: an anonymous read of what the document calls shared.
func (s *Server) cacheable(x *exchange) bool {
	r := x.Request()
	condition := r.Header["If-None-Match"]
	return s.cfg.CacheBytes > 0 && x.op.Cache.Scope == scopeShared && x.op.Method == http.MethodGet &&
		len(r.Header[echo.HeaderAuthorization]) == 0 && r.RequestURI != "" && len(r.RequestURI) <= maxCacheKey &&
		(len(condition) == 0 || len(condition) == 1 && len(condition[0]) <= x.op.MaxCondition) // else validation refuses it
}

// fromCache answers from the cache, or makes the answer and keeps it. Requests
// for the same answer, at the same time, wait for one of them to make it.
func (s *Server) fromCache(x *exchange, next echo.HandlerFunc) error {
	ctx, key := x.Request().Context(), x.Request().RequestURI
	if s.cfg.SharedDatabase {
		// Other replicas write too: learn what they have committed by now.
		if err := s.deps.Feed.Sync(ctx); err != nil {
			return err
		}
	}
	if a := s.cache.Get(key); a != nil {
		s.sendKept(x, a)
		return nil
	}
	f, leads := s.flights.join(key)
	if leads {
		defer s.flights.leave(key, f)
	} else {
		select {
		case <-f.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		// What it was made of may be older than a write that this request has
		// to see; then it makes an answer of its own.
		if f.answer != nil && s.cache.Good(f.answer) {
			s.sendKept(x, f.answer)
			return nil
		}
	}
	epoch := s.cache.Epoch()
	b, err := s.respond(x, next)
	if err != nil {
		return err
	}
	a := newAnswer(x, b)
	if keys := x.facts.Keys(); b.status == http.StatusOK && len(keys) > 0 {
		s.cache.Put(key, a, epoch, keys)
		if leads {
			f.answer = a
		}
	}
	s.send(x, b.status, a)
	return nil
}

// jsonType is shared by all answers, which do not change it.
var jsonType = []string{"application/json"}

func (s *Server) sendKept(x *exchange, a *cache.Answer) {
	x.Response().Header()[echo.HeaderContentType] = jsonType
	s.send(x, http.StatusOK, a)
}

// flights are the answers that are being made.
type flights struct {
	mu  sync.Mutex
	all map[string]*flight
}

type flight struct {
	done   chan struct{}
	answer *cache.Answer // nil when it cannot be shared; set before done is closed
}

// join returns the flight for a key, and whether the caller has to make it.
func (f *flights) join(key string) (*flight, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if under := f.all[key]; under != nil {
		return under, false
	}
	made := &flight{done: make(chan struct{})}
	f.all[key] = made
	return made, true
}

func (f *flights) leave(key string, made *flight) {
	f.mu.Lock()
	delete(f.all, key)
	f.mu.Unlock()
	close(made.done)
}

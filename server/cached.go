package server

import (
	"net/http"

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
	leads := false
	shared, err, _ := s.flights.Do(key, func() (any, error) {
		leads = true
		return s.makeAnswer(x, key, next)
	})
	if leads {
		if err == nil {
			made := shared.(madeAnswer)
			s.send(x, made.status, made.answer)
		}
		return err
	}
	// The leader may have begun before a write that this request has to see, or
	// have failed; then this request makes a response of its own.
	if made, ok := shared.(madeAnswer); ok && err == nil && made.cached && s.cache.Good(made.answer) {
		s.sendKept(x, made.answer)
		return nil
	}
	made, err := s.makeAnswer(x, key, next)
	if err != nil {
		return err
	}
	s.send(x, made.status, made.answer)
	return nil
}

// madeAnswer is a response of the operation, and whether it is cached.
type madeAnswer struct {
	answer *cache.Answer
	status int
	cached bool
}

// makeAnswer has the operation make the response, and caches it if the
// operation has said what it depends on. It returns a panic as an error: others
// may wait for the result.
func (s *Server) makeAnswer(x *exchange, key string, next echo.HandlerFunc) (madeAnswer, error) {
	epoch := s.cache.Epoch()
	b, err := s.respond(x, func(echo.Context) error { return recovered(next, x) })
	if err != nil {
		return madeAnswer{}, err
	}
	made := madeAnswer{answer: newAnswer(x, b), status: b.status}
	if keys := x.facts.Keys(); b.status == http.StatusOK && len(keys) > 0 {
		s.cache.Put(key, made.answer, epoch, keys)
		made.cached = true
	}
	return made, nil
}

// jsonType is shared by all answers, which do not change it.
var jsonType = []string{"application/json"}

func (s *Server) sendKept(x *exchange, a *cache.Answer) {
	x.Response().Header()[echo.HeaderContentType] = jsonType
	s.send(x, http.StatusOK, a)
}

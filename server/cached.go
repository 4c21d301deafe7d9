package server

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/server/cache"
)

// maxCacheKey is the longest request target, in bytes, whose response is
// cached. Few clients share a longer one.
const maxCacheKey = 512

// setTarget stores the target of a request in the form that all requests for
// the same response have, so that a parameter that the operation does not know
// cannot make another response. The links in the response have this form too.
// It notes the parameters that the operation does not know: a request that gets
// a cached response is not validated.
func (x *exchange) setTarget() {
	r := x.Request()
	if x.op.IsCanonical(r) {
		x.target = r.RequestURI
		return
	}
	x.target = x.op.Canonical(r, x.pathParam, &x.ignored)
	x.noteIgnored()
	if u, err := url.ParseRequestURI(x.target); err == nil {
		x.info.URL = u
	}
}

// cacheable reports whether the request may get a response that was made for
// another client: it is an anonymous read with x-cache: shared.
func (s *Server) cacheable(x *exchange) bool {
	r := x.Request()
	condition := r.Header["If-None-Match"]
	return s.cfg.CacheBytes > 0 && x.op.Cache.Scope == scopeShared && x.op.Method == http.MethodGet &&
		len(r.Header[echo.HeaderAuthorization]) == 0 && x.target != "" && len(x.target) <= maxCacheKey &&
		(len(condition) == 0 || len(condition[0]) <= x.op.MaxCondition) // validation refuses all others
}

// fromCache sends the cached response, or makes the response and caches it. Of
// concurrent requests for the same response, one makes it and the others wait.
func (s *Server) fromCache(x *exchange, next echo.HandlerFunc) error {
	ctx, key := x.Request().Context(), x.target
	if s.cfg.SharedDatabase {
		// Other replicas write too: apply what they have committed by now.
		if err := s.deps.Feed.Sync(ctx); err != nil {
			return err
		}
		x.info.Synced = true
	}
	if a := s.cache.Get(key); a != nil {
		return s.sendCached(x, a)
	}
	leads := false
	shared, err, others := s.flights.Do(key, func() (any, error) {
		leads = true
		return s.makeResponse(x, key, next)
	})
	if leads {
		if err != nil {
			return err
		}
		made := shared.(result)
		err := s.send(x, made.status, made.response)
		if !others {
			made.buffer.reuse(x)
		}
		return err
	}
	// The other request may have begun before a write that this request has to
	// see, or it may have failed. Then this request makes its own response.
	if made, ok := shared.(result); ok && err == nil && made.known && s.cache.Good(made.response) {
		return s.sendCached(x, made.response)
	}
	made, err := s.makeResponse(x, key, next)
	if err != nil {
		return err
	}
	err = s.send(x, made.status, made.response)
	made.buffer.reuse(x)
	return err
}

// readReplicas lets the reads of a request come from replicas of the database,
// if the request only reads. What has committed until now must be known for
// that, because a replica must show at least as much.
func (s *Server) readReplicas(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil || x.op.Method != http.MethodGet || !s.deps.DB.HasReplicas() {
			return next(c)
		}
		r := x.Request()
		if !x.info.Synced {
			if err := s.deps.Feed.Sync(r.Context()); err != nil {
				return err
			}
			x.info.Synced = true
		}
		ctx := s.deps.DB.WithReader(r.Context())
		x.SetRequest(r.WithContext(ctx))
		err := next(c)
		if err != nil && db.IsUnavailable(err) && !x.Response().Committed && s.deps.DB.LeaveReplica(ctx) {
			// The replica was lost in the middle of its rows, or what it replays was
			// in conflict with them.
			err = next(c)
		}
		return err
	}
}

// result is a response that an operation has made.
type result struct {
	response *cache.Response
	status   int
	known    bool            // the cache knows what it depends on
	buffer   *bufferedWriter // has its body, unless that is cached
}

// makeResponse calls the operation, and caches its response if the operation
// has said what the response depends on. It returns a panic as an error,
// because other requests may wait for the result.
func (s *Server) makeResponse(x *exchange, key string, next echo.HandlerFunc) (result, error) {
	since := s.cache.Now()
	b, err := s.respond(x, func(echo.Context) error { return recovered(next, x) })
	if err != nil {
		return result{}, err
	}
	made := result{response: newResponse(x, b), status: b.status, buffer: b}
	if keys := x.facts.Keys(); b.status == http.StatusOK && len(keys) > 0 {
		made.known = true
		made.response.Edge = s.edgeKeys(keys)
		s.cache.Put(key, made.response, since, keys)
	}
	return made, nil
}

// jsonType is shared by all responses, and none changes it.
var jsonType = []string{"application/json"}

func (s *Server) sendCached(x *exchange, a *cache.Response) error {
	x.Response().Header()[echo.HeaderContentType] = jsonType
	return s.send(x, http.StatusOK, a)
}

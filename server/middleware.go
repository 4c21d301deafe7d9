package server

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/ratelimit"
)

// middlewares returns the middleware in the order in which a request passes
// them. The comment on each line gives the reason for its position.
func (s *Server) middlewares() []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{
		s.identify,       // first: the others use the exchange that it makes
		s.trace,          // around observe, which sets the span's status and logs the trace id
		s.observe,        // sees every response, also those to panics and refusals
		s.secure,         // every response has the headers, also errors
		s.refuseSpare,    // before anything reads a body
		s.cors(),         // answers preflights, which need none of the following
		s.preferConcrete, // before anything uses the operation that identify found
		s.shed,           // before anything costly: refuses at once under overload
		s.authenticate,   // before limitRate and authorize, which use the viewer
		s.limitRate,      // before authorize, so that requests with bad tokens count
		s.authorize,      // before validation: 401 comes before 422
		s.compat,         // before validation: changes what older front ends send
		s.represent,      // around validation and handler: adds tags to responses
		s.validate,       // handlers get only requests that the document allows
		s.admit,          // after validation: a client that sends slowly takes no place
		s.readReplicas,   // after admit: what it learns is to be new when the handler begins
		s.confirm,        // last: what authenticate found may have changed during the waits before
	}
}

// chain returns one middleware that calls all, and then the handler of the
// route. Echo composes the middlewares that it knows anew for each request,
// which was 12 of the 29 allocations of a cached article.
func chain(all []echo.MiddlewareFunc) echo.MiddlewareFunc {
	handle := func(c echo.Context) error { return c.Handler()(c) }
	for _, m := range slices.Backward(all) {
		handle = m(handle)
	}
	return func(echo.HandlerFunc) echo.HandlerFunc { return handle }
}

// identify makes the exchange and gives the request its id.
func (s *Server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		x := &exchange{Context: c, server: s, started: time.Now(), op: s.doc.Operation(r.Method, c.Path()), gone: r.Context().Done()}
		x.info.ID, x.info.URL, x.info.UserAgent = requestID(r), r.URL, r.UserAgent()
		x.info.BasePath, x.info.SortTags = s.basePath(r), s.cfg.Compat == Lenient
		x.info.NameTags = s.nameTags
		linkBelow(x.info.BasePath, x.Response())
		joinLists(r.Header)
		x.head = r.Context().Value(headKey{}) != nil
		if x.op != nil && (x.op.RateLimit == classAuth || x.op.Scope == auth.ScopeAccount) {
			x.info.Address = ratelimit.Address(x.RealIP())
		}
		x.info.Load = x
		x.traceID = traceID(r.Header.Get("Traceparent"))
		x.SetRequest(r.WithContext(request.With(r.Context(), &x.info)))
		x.Response().Header().Set(echo.HeaderXRequestID, x.info.ID)
		if x.op != nil {
			x.setTarget()
		}
		return next(x)
	}
}

// observe turns errors and panics into problem responses, counts the response,
// and writes its log line.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		s.metrics.inFlight.Inc()
		defer s.metrics.inFlight.Dec()
		if err := recovered(next, x); err != nil {
			s.fail(x, err)
		}
		s.metrics.observe(x)
		s.logRequest(x)
		if x.cutShort {
			panic(http.ErrAbortHandler)
		}
		return nil
	}
}

// recovered calls next and returns a panic as an error.
func recovered(next echo.HandlerFunc, x *exchange) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			err = problem.Internal(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	return next(x)
}

// securityHeaders are shared by all responses: with Set each field would cost
// one allocation per request.
var securityHeaders = http.Header{
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Referrer-Policy":              {"no-referrer"},
	"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
	"Cross-Origin-Resource-Policy": {"cross-origin"},
}

// sameOrigin is the resource policy of the service's own pages and their files.
var sameOrigin = []string{"same-origin"}

// hsts makes browsers use only TLS for two years. It leaves out subdomains,
// because other services may own them.
var hsts = []string{"max-age=63072000"}

// secure sets headers that keep browsers from guessing the type of a response
// and from framing it. The service's own pages replace the policy.
func (s *Server) secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		maps.Copy(c.Response().Header(), securityHeaders)
		if s.outsideAPI(c) && !strings.HasPrefix(c.Path(), "/openapi.") { // pages of every origin may load the document
			c.Response().Header()["Cross-Origin-Resource-Policy"] = sameOrigin
		}
		if s.cfg.Certificate != nil {
			c.Response().Header()["Strict-Transport-Security"] = hsts
		}
		return next(c)
	}
}

// cors permits pages of the configured origins to call the API, but not to read
// the service's own pages. Permitting every origin is safe: browsers send no
// token by themselves, because tokens are in a header that scripts must set and
// never in cookies.
func (s *Server) cors() echo.MiddlewareFunc {
	if len(s.cfg.CORSOrigins) == 0 {
		return func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				if c.Request().Method == http.MethodOptions {
					if allow := s.allow(of(c)); allow != "" {
						c.Response().Header().Set(echo.HeaderAllow, allow)
						return c.NoContent(http.StatusNoContent)
					}
				}
				return next(c)
			}
		}
	}
	answer := middleware.CORSWithConfig(middleware.CORSConfig{
		Skipper:      s.outsideAPI,
		AllowOrigins: s.cfg.CORSOrigins,
		AllowMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowHeaders: []string{
			"Accept", "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-Id", "Traceparent", "Tracestate",
		},
		ExposeHeaders: []string{
			"ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate", "X-Request-Id", "Idempotency-Replayed",
			"X-Byline-Ignored", "Deprecation", "Sunset",
		},
		MaxAge: 7200,
	})
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		handle := answer(next)
		return func(c echo.Context) error {
			if c.Request().Method == http.MethodOptions {
				c.Set(echo.ContextKeyHeaderAllow, s.allow(of(c))) // for the Allow field of the response
			}
			return handle(c)
		}
	}
}

// outsideAPI reports whether a request is for one of the service's own pages.
// Pages of other origins have no need to read those.
func (s *Server) outsideAPI(c echo.Context) bool {
	return !strings.HasPrefix(c.Request().URL.Path, s.doc.BasePath+"/")
}

// authenticate puts the viewer into the context. An operation that requires no
// token handles a request with a bad one as anonymous, and the response has
// WWW-Authenticate. When the database cannot be asked, the response is 503.
func (s *Server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil || x.op.Security == contract.None {
			return next(c)
		}
		token, err := tokenOf(x.Request().Header.Get(echo.HeaderAuthorization))
		if err == nil && token != "" {
			x.info.Viewer, err = s.viewer(x, token)
			s.deps.Authenticator.OldTokens().Count(x.info.Viewer, err)
		}
		if err := x.noteToken(err); err != nil {
			return err
		}
		return next(c)
	}
}

// confirm authenticates the request again. Since authenticate did, the service
// may have waited half a minute for the body, and a second for a place, while
// the owner of the account has revoked the token. Almost always the token is
// still cached, so that this costs no statement. Requests that change nothing
// and have no body are not checked again.
func (s *Server) confirm(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil || x.info.Viewer.Anonymous() || x.op.Safe && x.op.MaxBody == 0 {
			return next(c)
		}
		viewer, err := s.deps.Authenticator.Authenticate(x.Request().Context(), x.info.Viewer.Token)
		x.info.Viewer = viewer
		if err := x.noteToken(err); err != nil {
			return err
		}
		if err := x.permitted(); err != nil {
			return err
		}
		return next(c)
	}
}

// viewer returns the viewer that a token belongs to. Asking the database takes
// a place, as all work does, so that a burst of new tokens is refused at once.
func (s *Server) viewer(x *exchange, token string) (v auth.Viewer, err error) {
	if v, known, err := s.deps.Authenticator.Recall(token); known {
		return v, err
	}
	ctx, cancel := context.WithTimeout(x.Request().Context(), s.cfg.RequestTimeout)
	defer cancel()
	err = x.lookUp(token, func() error {
		return s.admission.Do(ctx, &x.place, func() error {
			v, err = s.deps.Authenticator.Authenticate(ctx, token)
			return err
		})
	})
	return v, err
}

// preferConcrete returns 405 for DELETE /sessions/refresh, which Echo routes to
// /sessions/{id}: "concrete paths are matched before their templated
// counterparts" (OpenAPI 3.0, Paths Object).
func (s *Server) preferConcrete(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if path := c.Request().URL.Path; path != c.Path() && s.doc.Allow(path) != "" {
			of(c).op = nil
			c.SetPath(path) // the Allow field lists the methods of this path
			return echo.ErrMethodNotAllowed
		}
		return next(c)
	}
}

// authorize refuses a request without a valid token when the operation requires
// one, and a request whose token or user lacks the scope or role for it.
func (s *Server) authorize(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := of(c).permitted(); err != nil {
			return err
		}
		return next(c)
	}
}

// tokenOf returns the token of an Authorization field, or "" when the field is
// empty. Schemes are compared without regard to case (RFC 9110, section 11.1).
func tokenOf(field string) (string, error) {
	if field == "" {
		return "", nil
	}
	scheme, token, _ := strings.Cut(field, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Token") && !strings.EqualFold(scheme, "Bearer") || token == "" || strings.Contains(token, " ") {
		return "", auth.ErrSchemeMissing
	}
	return token, nil
}

// validate refuses requests that the document does not allow, and makes errors
// appear in their fixed order (see inOrder).
func (s *Server) validate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil {
			return next(c)
		}
		ctx := x.Request().Context() // without the deadline that handleValid sets
		if err := s.handleValid(x, next); err != nil {
			return s.inOrder(ctx, x, err)
		}
		return nil
	}
}

// handleValid calls next if the request conforms to the document.
func (s *Server) handleValid(x *exchange, next echo.HandlerFunc) error {
	r := x.Request()
	if x.op.MaxBody > 0 {
		r.Body = http.MaxBytesReader(x.Response(), r.Body, x.op.MaxBody)
	}
	err := x.op.Check(r, x.pathParam, &x.ignored)
	x.noteIgnored()
	if err != nil {
		return err
	}
	timeout := s.cfg.RequestTimeout
	if x.op.Stream {
		timeout = streamTimeout
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	x.SetRequest(r.WithContext(ctx))
	return next(x)
}

package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/ratelimit"
)

// middlewares is the order in which a request passes the edge. Each line says
// why it stands where it does.
func (s *Server) middlewares() []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{
		s.identify,       // first: the others go by what it finds out
		s.trace,          // around observe, whose status it tells and which logs its trace
		s.observe,        // sees every answer, also of panics and refusals
		s.secure,         // every answer has the headers, also errors
		s.cors(),         // preflights cost nothing and know no operation
		s.preferConcrete, // takes back an operation that identify found too soon
		s.shed,           // before anything that costs: what has no chance of a place
		s.authenticate,   // finds out who asks
		s.limitRate,      // knows the user by now; also for tokens that are refused
		s.authorize,      // before validation: 401 comes before 422
		s.compat,         // bends what older front ends send before it is checked
		s.represent,      // around validation and handler: tags their answer
		s.validate,       // handlers get nothing that the document forbids
		s.admit,          // last: only work takes a place, not who sends slowly
	}
}

// identify makes the exchange and gives the request its id.
func (s *Server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		x := &exchange{Context: c, started: time.Now(), op: s.doc.Operation(r.Method, c.Path()), gone: r.Context().Done()}
		x.info.ID, x.info.URL, x.info.UserAgent = requestID(r), r.URL, r.UserAgent()
		x.head = r.Context().Value(headKey{}) != nil
		if x.op != nil && (x.op.RateLimit == "auth" || x.op.Scope == auth.ScopeAccount) {
			x.info.Address = ratelimit.Address(x.RealIP())
		}
		x.traceID = traceID(r.Header.Get("Traceparent"))
		x.SetRequest(r.WithContext(request.With(r.Context(), &x.info)))
		x.Response().Header().Set(echo.HeaderXRequestID, x.info.ID)
		return next(x)
	}
}

// observe turns errors and panics into problems, counts the answer, and
// writes its line in the log.
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

// recovered runs the rest of the chain and makes an error of a panic.
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

// securityHeaders are values that all answers share: with Set each would cost
// an allocation a request.
var securityHeaders = http.Header{
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Referrer-Policy":              {"no-referrer"},
	"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
	"Cross-Origin-Resource-Policy": {"cross-origin"},
}

// sameOrigin is for the service's own pages and their files.
var sameOrigin = []string{"same-origin"}

// hsts tells browsers to come back over TLS only, for two years. It leaves out
// subdomains: other services may own those.
var hsts = []string{"max-age=63072000"}

// secure sets headers that keep browsers from guessing or framing answers.
// The pages of the service set a policy of their own.
func (s *Server) secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		maps.Copy(c.Response().Header(), securityHeaders)
		if s.outsideAPI(c) && !strings.HasPrefix(c.Path(), "/openapi.") { // for whatever may call the API
			c.Response().Header()["Cross-Origin-Resource-Policy"] = sameOrigin
		}
		if s.cfg.Certificate != nil {
			c.Response().Header()["Strict-Transport-Security"] = hsts
		}
		return next(c)
	}
}

// cors lets browsers of any configured origin call the API, and nothing but the
// API. Tokens travel in a header that scripts must set, never in cookies, so
// that permitting every origin gives no site the power of a visitor.
func (s *Server) cors() echo.MiddlewareFunc {
	if len(s.cfg.CORSOrigins) == 0 {
		return func(next echo.HandlerFunc) echo.HandlerFunc { return next }
	}
	return middleware.CORSWithConfig(middleware.CORSConfig{
		Skipper:      s.outsideAPI,
		AllowOrigins: s.cfg.CORSOrigins,
		AllowMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowHeaders: []string{
			"Accept", "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-Id", "Traceparent", "Tracestate",
		},
		ExposeHeaders: []string{
			"ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate", "X-Request-Id", "Idempotency-Replayed",
			"Deprecation", "Sunset",
		},
		MaxAge: 7200,
	})
}

// outsideAPI tells whether a request is for the service's own pages, which no
// other page has to read.
func (s *Server) outsideAPI(c echo.Context) bool {
	return !strings.HasPrefix(c.Request().URL.Path, s.doc.BasePath+"/")
}

// authenticate puts the viewer into the context. A bad token is answered as
// none where none is needed, and WWW-Authenticate says so. When the database
// cannot be asked nobody knows, and 503 says so.
func (s *Server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil || x.op.Security == contract.None {
			return next(c)
		}
		token, err := tokenOf(x.Request().Header.Get(echo.HeaderAuthorization))
		if err == nil && token != "" {
			x.info.Viewer, err = s.viewer(x.Request().Context(), token)
		}
		if err != nil {
			if !errors.Is(err, auth.ErrTokenInvalid) && !errors.Is(err, auth.ErrTokenExpired) {
				return err // of the database, or no place to ask it
			}
			x.tokenErr = err
			x.Response().Header().Set(echo.HeaderWWWAuthenticate, `Token error="invalid_token"`)
		}
		return next(c)
	}
}

// viewer finds out whom a token belongs to. To ask the database takes a place,
// as all work does, so that a crowd of new tokens is refused at once, too.
func (s *Server) viewer(ctx context.Context, token string) (v auth.Viewer, err error) {
	if v, known, err := s.deps.Authenticator.Recall(token); known {
		return v, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.RequestTimeout)
	defer cancel()
	err = s.admission.Do(ctx, func() error {
		v, err = s.deps.Authenticator.Authenticate(ctx, token)
		return err
	})
	return v, err
}

// preferConcrete has DELETE /sessions/refresh answered with 405, where Echo has
// found /sessions/{id}: "concrete paths are matched before their templated
// counterparts" (OpenAPI 3.0, Paths Object).
func (s *Server) preferConcrete(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if path := c.Request().URL.Path; path != c.Path() && s.doc.Allow(path) != "" {
			of(c).op = nil
			c.SetPath(path) // whose methods Allow lists
			return echo.ErrMethodNotAllowed
		}
		return next(c)
	}
}

// authorize refuses requests without a good token where one is needed, and
// those whose token or user may not do what the operation does.
func (s *Server) authorize(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		viewer := &x.info.Viewer
		switch {
		case x.op == nil || x.op.Security == contract.None || x.op.Security == contract.Optional && viewer.Anonymous():
			return next(c)
		case viewer.Anonymous():
			return translate.RefusedToken("token", x.tokenErr)
		case viewer.Scope < x.op.Scope:
			return problem.New(problem.ScopeInsufficient, "token", "lacks the scope "+x.op.Scope.String())
		case viewer.Role < x.op.Role:
			return problem.New(problem.RoleInsufficient, "role", "must be "+x.op.Role.String()+" at least")
		}
		return next(c)
	}
}

// tokenOf returns the token of an Authorization field, "" when there is
// none. Schemes are compared without regard to case (RFC 9110, section 11.1).
func tokenOf(field string) (string, error) {
	if field == "" {
		return "", nil
	}
	scheme, token, _ := strings.Cut(field, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Token") && !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", auth.ErrTokenInvalid
	}
	return token, nil
}

// validate refuses what the document does not allow, and keeps the order of
// refusals.
func (s *Server) validate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := of(c)
		if x.op == nil {
			return next(c)
		}
		ctx := x.Request().Context() // without the deadline of the handler
		if err := s.handleValid(x, next); err != nil {
			return s.inOrder(ctx, x, err)
		}
		return nil
	}
}

// handleValid hands a request that conforms to the document to next.
func (s *Server) handleValid(x *exchange, next echo.HandlerFunc) error {
	r := x.Request()
	if x.op.MaxBody > 0 {
		r.Body = http.MaxBytesReader(x.Response(), r.Body, x.op.MaxBody)
	}
	if err := x.op.Check(r, x.pathParam); err != nil {
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

package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/gen/openapi"
)

// fail answers an error as application/problem+json (RFC 9457). The cause
// stays in x for the log.
func (s *Server) fail(x *exchange, err error) {
	p := s.problemOf(x, err)
	x.refusal = p
	if x.Response().Committed {
		return // too late: the answer had begun when the error came up
	}
	status := s.statusOf(x, p)
	h := x.Response().Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "ETag", "Last-Modified", "Location", "Link"} {
		h.Del(name) // of the answer that did not come about
	}
	h.Set(echo.HeaderContentType, "application/problem+json")
	h.Set(echo.HeaderCacheControl, "no-store")
	switch status {
	case http.StatusUnauthorized:
		challenge := "Token"
		if p.Code == problem.TokenInvalid || p.Code == problem.TokenExpired {
			challenge = `Token error="invalid_token"`
		}
		h.Set(echo.HeaderWWWAuthenticate, challenge)
	case http.StatusMethodNotAllowed:
		h.Set(echo.HeaderAllow, s.doc.Allow(x.Path()))
	}
	if p.RetryAfter > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(p.RetryAfter))
	}
	body, err := json.Marshal(openapi.Problem{
		Type:      "/docs/errors#" + string(p.Code),
		Title:     http.StatusText(status),
		Status:    int32(status),
		Detail:    p.Detail,
		Code:      openapi.ProblemCode(p.Code),
		RequestId: x.info.ID,
		Errors:    openapi.FieldErrors(p.Fields),
	})
	if err != nil {
		s.log.Error("encoding a problem", "requestId", x.info.ID, "error", err)
	}
	x.Response().WriteHeader(status)
	_, _ = x.Response().Write(append(body, '\n'))
}

// problemOf translates what Echo, the binder and the operations return.
func (s *Server) problemOf(x *exchange, err error) *problem.Error {
	var he *echo.HTTPError
	if problem.From(err) != nil || !errors.As(err, &he) {
		return api.Problem(err)
	}
	switch he.Code {
	case http.StatusNotFound:
		return problem.New(problem.RouteNotFound, "path", "not found").WithCause(err)
	case http.StatusMethodNotAllowed:
		return problem.New(problem.MethodNotAllowed, "method", "not allowed").WithCause(err)
	case http.StatusInternalServerError:
		return problem.Internal(err)
	default:
		// The generated binder found what validation had let pass.
		return problem.New(problem.InvalidRequest, "request", "is malformed").WithCause(err)
	}
}

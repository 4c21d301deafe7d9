package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/server/admission"
)

// statusClientGone is what the log and the metrics say, as nginx does, of a
// request whose client did not wait for the answer: it is no fault of ours.
const statusClientGone = 499

// fail answers an error as application/problem+json (RFC 9457). The cause
// stays in x for the log.
func (s *Server) fail(x *exchange, err error) {
	p := s.problemOf(x, err)
	x.refusal = p
	if x.Response().Committed {
		// Too late: the answer had begun when the error came up. Observe ends
		// the connection, so that nobody takes what there is for all.
		if x.clientGone() || errors.Is(err, request.ErrClientGone) {
			x.refusal, x.Response().Status = nil, statusClientGone
		}
		x.cutShort = true
		return
	}
	status := s.statusOf(x, p)
	h := x.Response().Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "ETag", "Last-Modified", "Location", "Link"} {
		h.Del(name) // of the answer that did not come about
	}
	h.Set(echo.HeaderContentType, "application/problem+json")
	h.Set(echo.HeaderCacheControl, "no-store")
	deprecate(h, x.op)
	switch status {
	case http.StatusUnauthorized:
		challenge := "Token"
		if p.Code == problem.TokenInvalid || p.Code == problem.TokenExpired {
			challenge = `Token error="invalid_token"`
		}
		h.Set(echo.HeaderWWWAuthenticate, challenge)
	case http.StatusForbidden:
		if p.Code == problem.ScopeInsufficient { // RFC 6750, section 3.1
			h.Set(echo.HeaderWWWAuthenticate, `Token error="insufficient_scope", scope="`+x.op.Scope.String()+`"`)
		}
	case http.StatusMethodNotAllowed:
		h.Set(echo.HeaderAllow, s.allow(x))
	case http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close") // or the answer would wait for the rest of the body
	}
	if p.RetryAfter > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(p.RetryAfter))
	}
	var body []byte
	if p == admission.ErrOverloaded {
		body = slices.Concat(overloadedBody[0], []byte(x.info.ID), overloadedBody[1])
	} else {
		body = problemBody(p, status, x.info.ID)
	}
	x.Response().WriteHeader(status)
	_, _ = x.Response().Write(body)
	if status >= http.StatusInternalServerError && x.clientGone() {
		x.refusal, x.Response().Status = nil, statusClientGone
	}
}

// problemBody encodes a problem for a client.
func problemBody(p *problem.Error, status int, requestID string) []byte {
	body, err := json.Marshal(openapi.Problem{
		Type:      "/docs/errors#" + string(p.Code),
		Title:     title(status),
		Status:    int32(status),
		Detail:    p.Detail,
		Code:      openapi.ProblemCode(p.Code),
		RequestId: requestID,
		Errors:    openapi.FieldErrors(p.Fields),
	})
	if err != nil {
		panic(err) // there is nothing in it that could not be encoded
	}
	return append(body, '\n')
}

// overloadedBody is what stands before and after the request's id when there
// is no time for encoding.
var overloadedBody = func() (parts [2][]byte) {
	const id = "ID"
	parts[0], parts[1], _ = bytes.Cut(problemBody(admission.ErrOverloaded, admission.ErrOverloaded.Status(), id), []byte(id))
	return parts
}()

// allow lists the methods of a path: the document's or, for the service's own
// pages, Echo's, and HEAD wherever there is GET.
func (s *Server) allow(x *exchange) string {
	allow := s.doc.Allow(x.Path())
	if allow == "" {
		allow, _ = x.Get(echo.ContextKeyHeaderAllow).(string)
	}
	return strings.Replace(allow, http.MethodGet, http.MethodGet+", "+http.MethodHead, 1)
}

// title returns the name of a status. net/http still has two of those that
// RFC 9110 changed.
func title(status int) string {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return "Content Too Large"
	case http.StatusUnprocessableEntity:
		return "Unprocessable Content"
	default:
		return http.StatusText(status)
	}
}

// problemOf translates what Echo, the binder and the operations return.
func (s *Server) problemOf(x *exchange, err error) *problem.Error {
	var he *echo.HTTPError
	if problem.From(err) != nil || !errors.As(err, &he) {
		return translate.Problem(err)
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

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

// statusClientGone is the status, in logs and metrics, of a request whose
// client disconnected before the response. nginx uses the same. It is not an
// error of the service.
const statusClientGone = 499

// fail sends an error as application/problem+json (RFC 9457). It stores the
// problem in x for the log, which shows the cause.
func (s *Server) fail(x *exchange, err error) {
	p := s.problemOf(x, err)
	x.refusal = p
	if x.Response().Committed {
		// The response had begun when the error occurred. observe closes the
		// connection, so that the client does not take it for complete.
		if x.clientGone() || errors.Is(err, request.ErrClientGone) {
			x.refusal, x.Response().Status = nil, statusClientGone
		}
		x.cutShort = true
		return
	}
	status := s.statusOf(x, p)
	h := x.Response().Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "ETag", "Last-Modified", "Location", "Link"} {
		h.Del(name) // the handler has set it for its own response
	}
	if p.Code == problem.RouteNotFound && s.outsideAPI(x) {
		h.Add(echo.HeaderVary, echo.HeaderAccept)
		if wantsPage(x.Request()) {
			s.site.ServeNotFound(x.Response(), x.Request())
			return
		}
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
	case http.StatusUnsupportedMediaType: // RFC 9110, section 15.5.16
		if p.Fields["Content-Encoding"] != nil {
			h.Set(echo.HeaderAcceptEncoding, "identity")
		} else {
			h.Set(echo.HeaderAccept, echo.MIMEApplicationJSON)
		}
	case http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close") // else net/http reads the rest of the body first
	}
	if p.RetryAfter > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(p.RetryAfter))
	}
	var body []byte
	if p == admission.ErrOverloaded && x.info.BasePath == "" {
		body = slices.Concat(overloadedBody[0], []byte(x.info.ID), overloadedBody[1])
	} else {
		body = problemBody(p, status, x.info.ID, x.info.BasePath)
	}
	x.Response().WriteHeader(status)
	_, _ = x.Response().Write(body)
	if status >= http.StatusInternalServerError && x.clientGone() {
		x.refusal, x.Response().Status = nil, statusClientGone
	}
}

// problemBody encodes a problem for a client.
func problemBody(p *problem.Error, status int, requestID, basePath string) []byte {
	body, err := json.Marshal(openapi.Problem{
		Type:      basePath + "/docs/errors#" + string(p.Code),
		Title:     title(status),
		Status:    int32(status),
		Detail:    p.Detail,
		Code:      openapi.ProblemCode(p.Code),
		RequestId: requestID,
		Errors:    openapi.FieldErrors(p.Fields),
	})
	if err != nil {
		panic(err) // it has only strings and numbers
	}
	return append(body, '\n')
}

// overloadedBody has the body of ErrOverloaded before and after the request's
// id. It is encoded once, because refusals under overload must be cheap.
var overloadedBody = func() (parts [2][]byte) {
	const id = "ID"
	parts[0], parts[1], _ = bytes.Cut(problemBody(admission.ErrOverloaded, admission.ErrOverloaded.Status(), id, ""), []byte(id))
	return parts
}()

// allow returns the methods of a path for the Allow field. They come from the
// document or, for the service's own pages, from Echo. HEAD follows GET, and
// OPTIONS is answered everywhere.
func (s *Server) allow(x *exchange) string {
	allow := s.doc.Allow(x.Request().URL.Path) // a concrete path comes before one with parameters
	if allow == "" {
		allow = s.doc.Allow(x.Path())
	}
	if allow != "" {
		allow = http.MethodOptions + ", " + allow
	} else {
		allow, _ = x.Get(echo.ContextKeyHeaderAllow).(string)
	}
	return strings.Replace(allow, http.MethodGet, http.MethodGet+", "+http.MethodHead, 1)
}

// title returns the name of a status. net/http still has the old names of two
// that RFC 9110 has renamed.
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

// problemOf translates an error of Echo, the binder or an operation.
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
		// The generated binder refused a request that validation had accepted.
		return problem.New(problem.InvalidRequest, "request", "is malformed").WithCause(err)
	}
}

package server

import (
	"errors"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/server/admission"
	"github.com/byline-api/byline/server/contract"
)

// exchange is Echo's context of one request and its response, and the state of
// that request which the middleware share.
type exchange struct {
	echo.Context
	server *Server
	info   request.Info
	op     *contract.Operation // nil outside the document
	head   bool                // the request is HEAD, and handled as GET
	// target is the canonical target of a request for an operation, or "" if its
	// query is malformed. Cached responses are found by it.
	target string
	// ignored is what the request has and the operation does not know.
	ignored contract.Ignored
	// facts are the operation's statements about its response.
	facts   response.Describer // nil if it said nothing
	started time.Time
	// tokenErr is the reason why the request's token is not valid.
	tokenErr error
	// gone is closed when the client disconnects.
	gone <-chan struct{}
	// refusal is the problem in the response, for the log.
	refusal *problem.Error
	// place is the request's place among those that are worked on.
	place admission.Place
	// countedAuth is true once the request was counted for the class auth.
	countedAuth bool
	// cutShort is true when an error occurred after the response had begun.
	cutShort bool
	// traceID is the trace that the request belongs to, or "".
	traceID string
}

// noOperation is the operation id of requests outside the document.
const noOperation = "none"

// operationID returns the id that logs and metrics use as a label. The set of
// its values is small.
func (x *exchange) operationID() string {
	if x.op != nil {
		return x.op.ID
	}
	return noOperation
}

// clientGone reports whether the client has disconnected.
func (x *exchange) clientGone() bool {
	select {
	case <-x.gone:
		return true
	default:
		return false
	}
}

// noteToken stores the reason why the request's token is not valid. It returns
// err if that is another error: of the database, or because there is no place.
func (x *exchange) noteToken(err error) error {
	if err == nil {
		return nil
	}
	if !errors.Is(err, auth.ErrTokenInvalid) && !errors.Is(err, auth.ErrTokenExpired) {
		return err
	}
	x.tokenErr = err
	x.Response().Header().Set(echo.HeaderWWWAuthenticate, `Token error="invalid_token"`)
	return nil
}

// noteIgnored sets the header that reports what the operation does not know.
func (x *exchange) noteIgnored() {
	if !x.ignored.Empty() {
		x.Response().Header().Set("X-Byline-Ignored", x.ignored.String())
	}
}

// permitted returns an error if the operation requires a token and the request
// has no valid one, or if its token or user lacks the scope or role for it.
func (x *exchange) permitted() error {
	viewer := &x.info.Viewer
	switch {
	case x.op == nil || x.op.Security == contract.None || x.op.Security == contract.Optional && viewer.Anonymous():
		return nil
	case viewer.Anonymous():
		return translate.RefusedToken("token", x.tokenErr)
	case viewer.Scope < x.op.Scope:
		return problem.New(problem.ScopeInsufficient, "token", "lacks the scope "+x.op.Scope.String())
	case viewer.Role < x.op.Role:
		return problem.New(problem.RoleInsufficient, "role", "requires the role "+x.op.Role.String()+" or higher")
	}
	return nil
}

// of returns the exchange that identify has made.
func of(c echo.Context) *exchange { return c.(*exchange) }

// pathParam returns the percent-decoded value of a path parameter.
func (x *exchange) pathParam(name string) string {
	value := x.Param(name)
	if x.Request().URL.RawPath == "" {
		return value // Echo matched the decoded path
	}
	if decoded, err := url.PathUnescape(value); err == nil {
		return decoded
	}
	return value
}

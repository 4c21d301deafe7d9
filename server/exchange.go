package server

import (
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/server/admission"
	"github.com/byline-api/byline/server/contract"
)

// exchange is Echo's context of one request and its response, and the state of
// that request which the middleware share.
type exchange struct {
	echo.Context
	server *Server
	info   request.Info
	op   *contract.Operation // nil outside the document
	head bool                // the request is HEAD, and handled as GET
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

package server

import (
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/server/contract"
)

// exchange is Echo's context of one request and its answer with what the
// middleware find out along the way. It is the one piece of state that they
// share.
type exchange struct {
	echo.Context
	info request.Info
	op   *contract.Operation // nil outside the document
	head bool                // the request is HEAD, and handled as GET
	// facts are what the operation said of its response.
	facts   response.Facts
	started time.Time
	// tokenErr says what is wrong with the request's token.
	tokenErr error
	// gone is closed when the client goes away.
	gone <-chan struct{}
	// refusal is the problem that was answered, for the log.
	refusal *problem.Error
	// cutShort says that the answer broke off after it had begun.
	cutShort bool
	// traceID is "" when the request belongs to no trace.
	traceID string
}

// noOperation stands for everything outside the document.
const noOperation = "none"

// operationID labels logs, metrics and traces; the set of its values is small.
func (x *exchange) operationID() string {
	if x.op != nil {
		return x.op.ID
	}
	return noOperation
}

// clientGone tells whether the client went away before it was answered.
func (x *exchange) clientGone() bool {
	select {
	case <-x.gone:
		return true
	default:
		return false
	}
}

// of returns the exchange that the outermost middleware has made.
func of(c echo.Context) *exchange { return c.(*exchange) }

// pathParam returns a parameter of the path, without percent-encoding.
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

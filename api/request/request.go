// Package request passes what the HTTP edge knows of a request to the handlers,
// in the context of the request.
package request

import (
	"context"
	"errors"
	"net/url"

	"github.com/byline-api/byline/api/auth"
)

// Info holds all facts of a request in a single value of the context: each
// value of a context costs an allocation, and each look-up a walk.
type Info struct {
	// ID identifies the request in the log and in error responses.
	ID string
	// Viewer is the authenticated user; the zero Viewer is anonymous.
	Viewer auth.Viewer
	// UserAgent is the header User-Agent.
	UserAgent string
	// Address is the network address of the client, for operations that take a
	// password; "" for all others.
	Address string
	// URL is the URL of the request, for links to the next page.
	URL *url.URL
}

// ErrClientGone is the error of a response that its client did not read to the
// end. It is not a failure of the service.
var ErrClientGone = errors.New("request: the client has stopped reading")

type key struct{}

// With returns a context that carries info.
func With(ctx context.Context, info *Info) context.Context {
	return context.WithValue(ctx, key{}, info)
}

// From returns the context's info; a context without one is an anonymous
// request.
func From(ctx context.Context) *Info {
	if info, ok := ctx.Value(key{}).(*Info); ok {
		return info
	}
	return &Info{URL: &url.URL{}}
}

// Viewer returns the viewer of the request.
func Viewer(ctx context.Context) auth.Viewer { return From(ctx).Viewer }

// Package request stores information about an HTTP request in its context. The
// server sets it and the operations read it.
package request

import (
	"context"
	"errors"
	"net/url"

	"github.com/byline-api/byline/api/auth"
)

// Info is the information about a request. It is a single context value,
// because each value costs an allocation and makes look-ups slower.
type Info struct {
	// ID identifies the request in the log and in error responses.
	ID string
	// Viewer is the caller. The zero Viewer is anonymous.
	Viewer auth.Viewer
	// UserAgent is the value of the header User-Agent.
	UserAgent string
	// Address is the network address of the client. It is set for operations
	// whose requests contain a password, and "" for the others.
	Address string
	// URL is the URL of the request, for links to other pages of its list.
	URL *url.URL
}

// ErrClientGone is the error of a response that the client did not read to the
// end. It is not an error of the service.
var ErrClientGone = errors.New("request: the client stopped reading the response")

type key struct{}

// With returns a context that carries info.
func With(ctx context.Context, info *Info) context.Context {
	return context.WithValue(ctx, key{}, info)
}

// From returns the Info of the context. For a context without one it returns
// the Info of an anonymous request.
func From(ctx context.Context) *Info {
	if info, ok := ctx.Value(key{}).(*Info); ok {
		return info
	}
	return &Info{URL: &url.URL{}}
}

// Viewer returns the caller of the request.
func Viewer(ctx context.Context) auth.Viewer { return From(ctx).Viewer }

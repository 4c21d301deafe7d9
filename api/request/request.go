// Package request carries what the HTTP edge knows of a request to the
// handlers, which see nothing but its context.
package request

import (
	"context"
	"errors"
	"net/url"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/db/changes"
)

// Info is one value in the context instead of one a fact: a context value
// costs an allocation each, and a look-up a walk.
type Info struct {
	// ID names the request in the log and in error bodies.
	ID string
	// Viewer is who asks; the zero Viewer is anonymous.
	Viewer auth.Viewer
	// UserAgent is what the client calls itself.
	UserAgent string
	// Address is the network address that the client is known by, for
	// operations that passwords are sent with; "" for the others.
	Address string
	// URL is the request's own, for links to other pages of it.
	URL *url.URL
	// Head says that the client wants the header fields alone. Handlers answer
	// as they answer GET, unless the body is much work.
	Head bool
	// Collects says that the edge would keep the answer if it knew what it
	// depends on, which DependsOn collects in Keys.
	Collects bool
	Keys     []changes.Key
}

// ErrClientGone is the error of an answer that its client did not read to the
// end, which is no fault of the service.
var ErrClientGone = errors.New("request: the client reads no more")

type key struct{}

// With returns a context that carries info.
func With(ctx context.Context, info *Info) context.Context {
	return context.WithValue(ctx, key{}, info)
}

// From returns the context's info; a context without one is an anonymous request.
func From(ctx context.Context) *Info {
	if info, ok := ctx.Value(key{}).(*Info); ok {
		return info
	}
	return &Info{URL: &url.URL{}}
}

// Viewer returns who asks.
func Viewer(ctx context.Context) auth.Viewer { return From(ctx).Viewer }

// DependsOn declares everything that the answer depends on, by the keys
// that the change feed has for it. An answer for which it is not called is not
// kept.
func (i *Info) DependsOn(keys ...changes.Key) {
	if i.Collects {
		i.Keys = append(i.Keys, keys...)
	}
}

// Package request stores information about an HTTP request in its context. The
// server sets it and the operations read it.
package request

import (
	"context"
	"errors"
	"net/url"

	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/budget"
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
	// URL is the URL of the request, for links to other pages of its list. It
	// is without BasePath.
	URL *url.URL
	// BasePath is the path below which the client sees the service; "" is the
	// root. The server adds it to Location and Link.
	BasePath string
	// SortTags is true for front ends that expect the tags of an article sorted.
	SortTags bool
	// NameTags returns the names that responses show for tags; nil shows them as
	// they are stored.
	NameTags func(tags []string) []string
	// Synced reports that everything that had committed before the request has
	// been delivered to those who follow the changes (changes.Feed).
	Synced bool
	// Load is nil for work that is not part of a request.
	Load Load
	// Memory is what the response has taken from the budget of long responses.
	// An operation reserves memory in it before it reads long texts. The server
	// releases it after the response has been sent.
	Memory budget.Share
}

// Load is the load that a request puts on the service, as the server sees it.
type Load interface {
	// Outside calls wait, which waits for something else than the database. The
	// request takes no place among those that are worked on until wait returns.
	Outside(ctx context.Context, wait func() error) error
	// CountAuth counts the request against the quota of the class auth, unless
	// it has been counted. It returns an error if the quota is used up.
	CountAuth() error
	// Client identifies the caller among others: the signed-in user or, without
	// one, the network address. It is what the quotas count requests for.
	Client() string
}

// Outside calls wait, as Load does.
func Outside(ctx context.Context, wait func() error) error {
	if load := From(ctx).Load; load != nil {
		return load.Outside(ctx, wait)
	}
	return wait()
}

// CountAuth counts the request against the quota of the class auth, as Load
// does.
func CountAuth(ctx context.Context) error {
	if load := From(ctx).Load; load != nil {
		return load.CountAuth()
	}
	return nil
}

// Client returns the caller of the request, as Load does.
func Client(ctx context.Context) string {
	if load := From(ctx).Load; load != nil {
		return load.Client()
	}
	return ""
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

// Package response describes responses to the HTTP edge: what a response
// depends on, its version, and whether it is a stream. The response of an
// operation is a type that embeds the generated response and one of the types
// of this package:
//
//	type articleFound struct {
//		openapi.GetArticle200JSONResponse
//		response.Facts
//	}
//
// The edge reads the description from the value that the handler returns.
package response

import (
	"github.com/byline-api/byline/api/etag"
	"github.com/byline-api/byline/db/changes"
)

// Describer describes a response for its entity tag and for the cache. A
// response implements it by embedding Facts. A response whose keys are
// expensive has methods of its own, because Keys is called only before the
// response is cached.
type Describer interface {
	// Version returns the version that the entity tag starts with, or "".
	Version() string
	// Keys returns the keys that the response depends on. It returns none if
	// the response must not be cached.
	Keys() []changes.Key
	// Decided reports whether the operation has declared the dependencies of
	// the response.
	Decided() bool
}

// Facts implement Describer.
//
// The response of an operation with x-cache: shared has to declare its
// dependencies with DependsOn or Uncacheable. The edge does not send a response
// without this declaration, because the cache would serve it when it is out of
// date.
type Facts struct {
	version string
	keys    []changes.Key
	decided bool
}

// DependsOn returns the facts of a response that is out of date as soon as one
// of the keys has changed. The keys have to cover every row in the response,
// and the list that the response is a page of.
func DependsOn(keys ...changes.Key) Facts { return Facts{keys: keys, decided: true} }

// Uncacheable returns the facts of a response that has other dependencies than
// keys can name.
func Uncacheable() Facts { return Facts{decided: true} }

// OfVersion adds the version of the resource in the response: its id, and the
// number of its edits. If-Match compares the version.
func (f Facts) OfVersion(id int64, edits int32) Facts {
	f.version = etag.Version(id, edits)
	return f
}

// OfWorkingCopy adds the version of a working copy (etag.WorkingCopyVersion).
func (f Facts) OfWorkingCopy(version string) Facts {
	f.version = version
	return f
}

// Version implements Describer.
func (f Facts) Version() string { return f.version }

// Keys implements Describer.
func (f Facts) Keys() []changes.Key { return f.keys }

// Decided implements Describer.
func (f Facts) Decided() bool { return f.decided }

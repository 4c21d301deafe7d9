// Package response holds what the edge has to know of a response beside its
// generated type. An operation that has something to say embeds the generated
// response and one of these types in a type of its own:
//
//	type articleFound struct {
//		openapi.GetArticle200JSONResponse
//		response.Facts
//	}
//
// The edge takes the facts from the value that the handler returns; nothing
// travels by header fields or contexts.
package response

import (
	"github.com/byline-api/byline/api/etag"
	"github.com/byline-api/byline/db/changes"
)

// Describer is what the edge needs of a response for its entity tag and for the
// cache. A response gets it by embedding Facts. A response whose keys cost
// something to make has methods of its own, since Keys is called only if the
// response will be cached.
type Describer interface {
	// Version returns the version that the entity tag starts with, or "".
	Version() string
	// Keys returns what the response depends on; none when it must not be
	// cached.
	Keys() []changes.Key
	// Decided reports whether the operation has said what the response depends
	// on.
	Decided() bool
}

// Facts implement Describer.
//
// The response of an operation that declares x-cache: shared has to say what
// it depends on, by DependsOn or Uncacheable: the edge refuses to send one
// that does not, since it would be served when it is out of date.
type Facts struct {
	version string
	keys    []changes.Key
	decided bool
}

// DependsOn returns the facts of a response that is out of date as soon as one
// of the keys has changed. They have to cover every row that the response was
// made of, and the list that it is a page of.
func DependsOn(keys ...changes.Key) Facts { return Facts{keys: keys, decided: true} }

// Uncacheable returns the facts of a response whose dependencies no keys name.
func Uncacheable() Facts { return Facts{decided: true} }

// OfVersion adds the version of what the response shows: the id of something
// that can be edited, and the number of its edits. If-Match compares it.
func (f Facts) OfVersion(id int64, edits int32) Facts {
	f.version = etag.Version(id, edits)
	return f
}

// Version implements Describer.
func (f Facts) Version() string { return f.version }

// Keys implements Describer.
func (f Facts) Keys() []changes.Key { return f.keys }

// Decided implements Describer.
func (f Facts) Decided() bool { return f.decided }

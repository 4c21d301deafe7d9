package server

import (
	"net/http"

	"github.com/byline-api/byline/server/contract"
)

// deprecate sets the fields that tell clients that an operation will be
// removed, and when, as the document declares it (RFC 9745, RFC 8594). It is
// called just before a response is sent. Refusals have the fields too, because
// every caller of the operation has to know.
func deprecate(h http.Header, op *contract.Operation) {
	if op == nil || op.Deprecation == nil {
		return
	}
	d := op.Deprecation
	h.Set("Deprecation", d.At)
	h.Set("Sunset", d.Sunset)
	if d.Link != "" {
		h.Add("Link", d.Link) // the link to the next page stays
	}
}

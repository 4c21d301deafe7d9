package server

import (
	"net/http"

	"github.com/byline-api/byline/server/contract"
)

// deprecate tells clients that an operation is going away and when, as the
// document says it (RFC 9745, RFC 8594). It comes last before an answer is
// sent, on refusals too: whoever still calls the operation has to learn of it.
func deprecate(h http.Header, op *contract.Operation) {
	if op == nil || op.Deprecation == nil {
		return
	}
	d := op.Deprecation
	h.Set("Deprecation", d.At)
	h.Set("Sunset", d.Sunset)
	if d.Link != "" {
		h.Add("Link", d.Link) // beside the one to the next page
	}
}

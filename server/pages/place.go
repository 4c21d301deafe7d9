package pages

import (
	"bytes"
	"net/http"
	"regexp"
	"sync/atomic"
)

// place is where the client of a request sees the service.
type place struct{ origin, base string }

// defaultOrigin is the origin in the addresses of the guides.
const defaultOrigin = "http://127.0.0.1:8080"

// plainHost matches a Host field that is safe in a command that people copy
// into a shell.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.\-:\[\]]{1,255}$`)

func (s *Site) placeOf(r *http.Request) place {
	at := place{origin: defaultOrigin, base: s.cfg.BasePathOf(r)}
	if plainHost.MatchString(r.Host) {
		at.origin = "http://" + r.Host
		if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
			at.origin = "https://" + r.Host
		}
	}
	return at
}

// apply makes links and addresses in a body those of a place. Links are the
// paths that follow one of certain texts.
func (at place) apply(body []byte, linkTexts []string) []byte {
	if at.base != "" {
		for _, text := range linkTexts {
			body = bytes.ReplaceAll(body, []byte(text+"/"), []byte(text+at.base+"/"))
		}
	}
	if at.origin+at.base != defaultOrigin {
		body = bytes.ReplaceAll(body, []byte(defaultOrigin), []byte(at.origin+at.base))
	}
	return body
}

// placed is a resource and its form for one place.
type placed struct {
	resource *resource
	last     atomic.Pointer[form]
}

type form struct {
	place    place
	resource *resource
}

func newPlaced(r *resource, at place) *placed {
	p := &placed{resource: r}
	at = r.relevant(at)
	p.last.Store(&form{at, r.at(at)})
	return p
}

// serve serves the form for a place. It keeps the last one that was asked for,
// since almost all requests come to one host, and compresses only that one:
// requests with ever new hosts should cost little.
func (p *placed) serve(w http.ResponseWriter, r *http.Request, at place, negotiate func(string) string) {
	at = p.resource.relevant(at)
	last := p.last.Load()
	if last.place != at {
		last = &form{at, p.resource.at(at)}
		p.last.Store(last)
		negotiate = func(string) string { return "" }
	}
	last.resource.serve(w, r, negotiate)
}

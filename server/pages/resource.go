package pages

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/byline-api/byline/api/etag"
)

const htmlType = "text/html; charset=utf-8"

// The values of Cache-Control. The names of assets have a hash of their
// content. Everything else is revalidated, which a 304 makes cheap, so that an
// upgrade shows at once.
const (
	revalidated = "public, no-cache"
	immutable   = "public, max-age=31536000, immutable"
)

// resource is a body that can be served in each content coding. It is encoded
// with gzip at the first request that asks for it, and the result is cached.
type resource struct {
	mediaType    string
	cacheControl string
	policy       string // Content-Security-Policy; "" leaves the edge's own
	anyOrigin    bool   // scripts of every origin may read it
	status       int
	tag          string
	links        []string // texts in the body before the path of a link
	addresses    bool     // the body has addresses that begin with defaultOrigin

	plain, gzip, zstd func() []byte
}

// htmlLinks are the texts before the links of a page.
var htmlLinks = []string{`href="`, `src="`}

// newPage returns a page for a browser.
func newPage(body []byte, cacheControl, policy string) *resource {
	r := newResource(htmlType, body, cacheControl, policy)
	r.links, r.addresses = htmlLinks, true
	return r
}

// newResource returns a resource that holds its body in zstd: the plain bodies of
// all pages together would take 3 MB.
func newResource(mediaType string, body []byte, cacheControl, policy string) *resource {
	r := newPacked(mediaType, toZstd(body), cacheControl)
	r.policy, r.tag = policy, etag.Of("", body)
	return r
}

// newPacked returns a resource whose body the binary holds in zstd. The body is
// decoded for clients that do not accept zstd.
func newPacked(mediaType string, packed []byte, cacheControl string) *resource {
	r := &resource{mediaType: mediaType, cacheControl: cacheControl, status: http.StatusOK, tag: etag.Of("", packed)}
	r.zstd = func() []byte { return packed }
	r.plain = func() []byte { return fromZstd(packed) }
	r.gzip = sync.OnceValue(func() []byte { return toGzip(fromZstd(packed)) })
	return r
}

// relevant returns the part of a place that the body depends on.
func (r *resource) relevant(at place) place {
	if !r.addresses {
		at.origin = defaultOrigin
		if len(r.links) == 0 {
			at.base = ""
		}
	}
	return at
}

// at returns the resource for clients that see the service at a place.
func (r *resource) at(at place) *resource {
	if at == (place{origin: defaultOrigin}) {
		return r
	}
	made := newResource(r.mediaType, at.apply(r.plain(), r.links), r.cacheControl, r.policy)
	made.anyOrigin, made.status = r.anyOrigin, r.status
	return made
}

// serve sends the resource in response to a GET.
func (r *resource) serve(w http.ResponseWriter, req *http.Request, negotiate func(string) string) {
	h := w.Header()
	coding := negotiate(strings.Join(req.Header["Accept-Encoding"], ","))
	tag := r.tag
	if coding != "" {
		tag = etag.Encoded(tag, coding)
	}
	if r.status == http.StatusOK {
		h.Set("ETag", tag)
	}
	h.Set("Cache-Control", r.cacheControl)
	h.Add("Vary", "Accept-Encoding")
	if r.policy != "" {
		h.Set("Content-Security-Policy", r.policy)
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	if r.anyOrigin {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	if r.status == http.StatusOK && etag.NoneMatch(strings.Join(req.Header["If-None-Match"], ","), r.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := r.plain
	switch coding {
	case "gzip":
		body = r.gzip
	case "zstd":
		body = r.zstd
	}
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Content-Type", r.mediaType)
	bytes := body()
	h.Set("Content-Length", strconv.Itoa(len(bytes)))
	w.WriteHeader(r.status)
	_, _ = w.Write(bytes)
}

func toGzip(body []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	// Neither can fail: they write to memory.
	_, _ = w.Write(body)
	_ = w.Close()
	return out.Bytes()
}

func toZstd(body []byte) []byte {
	// Browsers refuse windows beyond 8 MiB (RFC 8878, section 3.1.1.1.2).
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // the options are constants
	}
	defer e.Close()
	return bytes.Clone(e.EncodeAll(body, nil)) // which has room for more than the body
}

func fromZstd(packed []byte) []byte {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		panic(err) // the options are constants
	}
	defer d.Close()
	plain, err := d.DecodeAll(packed, nil)
	if err != nil {
		panic(err) // it is in the binary, and a test unpacks it
	}
	return plain
}

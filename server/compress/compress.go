// Package compress chooses the content coding of a response by the field
// Accept-Encoding, and encodes bodies.
package compress

import (
	"bytes"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// MinSize is the size, in bytes, from which compression pays off: a smaller
// response fits into one packet either way.
const MinSize = 1024

// Coding is a content coding (RFC 9110, section 8.4.1).
type Coding string

// The codings of responses.
const (
	Identity Coding = ""
	Gzip     Coding = "gzip"
	Zstd     Coding = "zstd"
)

// Index returns the index of the coding in an array of encoded bodies. Identity
// has none.
func (c Coding) Index() int {
	if c == Gzip {
		return 0
	}
	return 1
}

// Negotiate returns the coding that the value of an Accept-Encoding field
// prefers (RFC 9110, section 12.5.3). Without a preference it returns Zstd:
// gzip takes more time and saves less.
func Negotiate(field string) Coding {
	const unlisted = -1.0
	zstd, gzip, plain, others := unlisted, unlisted, unlisted, unlisted
	for field != "" {
		var member string
		member, field, _ = strings.Cut(field, ",")
		name, params, _ := strings.Cut(member, ";")
		var w *float64
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "zstd":
			w = &zstd
		case "gzip", "x-gzip":
			w = &gzip
		case "identity":
			w = &plain
		case "*":
			w = &others
		default:
			continue
		}
		*w = max(*w, weight(params))
	}
	if zstd == unlisted {
		zstd = others
	}
	if gzip == unlisted {
		gzip = others
	}
	switch {
	case zstd > 0 && zstd >= gzip && zstd >= plain:
		return Zstd
	case gzip > 0 && gzip >= plain:
		return Gzip
	default:
		return Identity
	}
}

// weight returns the q-value of a list member, or 0 if it is malformed.
func weight(params string) float64 {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1
	}
	value, ok := strings.CutPrefix(strings.ToLower(params), "q=")
	w, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if ok && err == nil && w >= 0 && w <= 1 {
		return w
	}
	return 0
}

// gzipWriters reuses encoders: creating one costs far more than using it.
var gzipWriters = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

var zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
})

// Encode returns body in the coding.
func (c Coding) Encode(body []byte) []byte {
	switch c {
	case Gzip:
		out := bytes.NewBuffer(make([]byte, 0, len(body)/3))
		w := gzipWriters.Get().(*gzip.Writer)
		defer gzipWriters.Put(w)
		w.Reset(out)
		// Neither can fail: they write to memory.
		_, _ = w.Write(body)
		_ = w.Close()
		return out.Bytes()
	case Zstd:
		return zstdEncoder().EncodeAll(body, make([]byte, 0, len(body)/3))
	default:
		return body
	}
}

package server

import (
	"bytes"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// minCompress is the size, in bytes, from which compression pays: below it an
// answer fits one packet either way.
const minCompress = 1024

// coding is a content coding (RFC 9110, section 8.4.1).
type coding string

const (
	identity coding = ""
	gzipped  coding = "gzip"
	zstded   coding = "zstd"
)

// negotiate picks the coding for an Accept-Encoding field: what the client
// prefers, and zstd before gzip, which costs more and saves less, when it
// does not care (RFC 9110, section 12.5.3).
func negotiate(field string) coding {
	best, bestWeight := identity, 0.0
	for field != "" {
		var member string
		member, field, _ = strings.Cut(field, ",")
		name, params, _ := strings.Cut(member, ";")
		c := coding(strings.ToLower(strings.TrimSpace(name)))
		switch c {
		case gzipped, zstded:
		case "*":
			c = zstded
		case "x-gzip":
			c = gzipped
		default:
			continue
		}
		if w := weight(params); w > bestWeight || w == bestWeight && w > 0 && c == zstded {
			best, bestWeight = c, w
		}
	}
	return best
}

func weight(params string) float64 {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1
	}
	value, ok := strings.CutPrefix(strings.ToLower(params), "q=")
	w, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if !ok || err != nil || w < 0 || w > 1 {
		return 0
	}
	return w
}

// Encoders are kept: making one costs far more than using it.
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

// compress returns body under the coding.
func compress(c coding, body []byte) []byte {
	switch c {
	case gzipped:
		out := bytes.NewBuffer(make([]byte, 0, len(body)/3))
		w := gzipWriters.Get().(*gzip.Writer)
		defer gzipWriters.Put(w)
		w.Reset(out)
		// Neither can fail: they write to memory.
		_, _ = w.Write(body)
		_ = w.Close()
		return out.Bytes()
	case zstded:
		return zstdEncoder().EncodeAll(body, make([]byte, 0, len(body)/3))
	default:
		return body
	}
}

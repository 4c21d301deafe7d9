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

// number tells kept encodings apart; identity has none.
func (c coding) number() int {
	if c == gzipped {
		return 0
	}
	return 1
}

// negotiate picks the coding for an Accept-Encoding field: what the client
// prefers, and zstd before gzip, which costs more and saves less, when it
// does not care (RFC 9110, section 12.5.3).
func negotiate(field string) coding {
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
		return zstded
	case gzip > 0 && gzip >= plain:
		return gzipped
	default:
		return identity
	}
}

// weight returns the q-value of a member; one that makes no sense is 0.
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

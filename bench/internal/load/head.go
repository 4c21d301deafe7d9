package load

import (
	"bytes"
	"fmt"
)

// head contains the parts of a status line and header fields that determine
// where a response ends.
type head struct {
	status  int
	length  int // -1 when not given
	chunked bool
	close   bool
}

// parseHead parses a status line and fields, each ended by CRLF. It compares
// the first letter of a field first, because responses have a dozen fields of
// which three matter.
func parseHead(b []byte) (head, error) {
	h := head{length: -1}
	if len(b) < 14 || !bytes.HasPrefix(b, []byte("HTTP/1.")) {
		return h, fmt.Errorf("not an HTTP/1 response: %.40q", b)
	}
	h.close = b[7] == '0'
	status, ok := digits(b[9:12])
	if !ok {
		return h, fmt.Errorf("not an HTTP status: %.40q", b)
	}
	h.status = status
	for {
		end := bytes.IndexByte(b, '\n')
		if end < 0 || end+1 >= len(b) {
			return h, nil
		}
		b = b[end+1:]
		switch b[0] | 0x20 {
		case 'c':
			if v, ok := field(b, "content-length:"); ok {
				if h.length, ok = digits(v); !ok {
					return h, fmt.Errorf("Content-Length %q", v)
				}
			} else if v, ok := field(b, "connection:"); ok {
				h.close = h.close && !bytes.EqualFold(v, []byte("keep-alive")) || bytes.EqualFold(v, []byte("close"))
			}
		case 't':
			if v, ok := field(b, "transfer-encoding:"); ok {
				h.chunked = bytes.EqualFold(v, []byte("chunked"))
			}
		}
	}
}

// field returns the value of the header field at the start of b, if it has this
// lower-case name (with its colon).
func field(b []byte, name string) ([]byte, bool) {
	if len(b) < len(name) {
		return nil, false
	}
	for i := range len(name) {
		if c := b[i]; c != name[i] && (c < 'A' || c > 'Z' || c|0x20 != name[i]) {
			return nil, false
		}
	}
	b = b[len(name):]
	if end := bytes.IndexByte(b, '\r'); end >= 0 {
		b = b[:end]
	}
	return bytes.TrimSpace(b), true
}

// digits parses a decimal number without allocating.
func digits(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' || n > 1<<40 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(b) > 0
}

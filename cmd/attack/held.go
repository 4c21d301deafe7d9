package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"time"
)

// held is a request of which the service has all bytes but the last.
type held struct {
	name   string
	conn   net.Conn
	in     *bufio.Reader
	sent   []byte
	method string
}

// holdBack sends a request without its last byte. If the request has a body,
// the function returns when the service asks for it, so that the service has
// already accepted the headers. It returns an error if the service responds
// before it has the body.
func (s *site) holdBack(name string, m message) (*held, error) {
	if m.body != "" {
		m.fields = append(m.fields[:len(m.fields):len(m.fields)], "Expect: 100-continue")
	}
	conn, err := net.DialTimeout("tcp", s.addr, s.limit)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(4 * s.limit))
	h := &held{name, conn, bufio.NewReader(conn), m.raw(s.addr), m.method}
	if err := h.begin(m.body != ""); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return h, nil
}

// begin sends all bytes but the last.
func (h *held) begin(hasBody bool) error {
	rest := h.sent[:len(h.sent)-1]
	if hasBody {
		head := bytes.Index(rest, []byte("\r\n\r\n")) + 4
		if _, err := h.conn.Write(rest[:head]); err != nil {
			return err
		}
		res, err := http.ReadResponse(h.in, &http.Request{Method: h.method})
		if err != nil {
			return err
		}
		if res.StatusCode != http.StatusContinue {
			return fmt.Errorf("status %d before its body", res.StatusCode)
		}
		rest = rest[head:]
	}
	_, err := h.conn.Write(rest)
	return err
}

// finish sends the last byte, reads the response, and closes the connection.
func (h *held) finish() (o outcome) {
	defer h.conn.Close()
	o.sent = h.sent
	begun := time.Now()
	if _, o.err = h.conn.Write(h.sent[len(h.sent)-1:]); o.err != nil {
		return o
	}
	a, err := readAnswer(h.in, h.method)
	o.took = time.Since(begun)
	if err != nil {
		o.closed, o.err = whyEnded(err, false)
		return o
	}
	o.answers = []answer{a}
	return o
}

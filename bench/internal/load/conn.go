// Package load sends HTTP requests at full speed or at a constant rate, and
// measures how long the responses take. It shares the machine with the server
// that it measures, so a request takes two system calls and no allocation:
// requests are bytes appended to a buffer, responses are slices of another
// buffer. It was measured against fasthttp's client, which does more than is
// needed here.
package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// Conn is a keep-alive HTTP/1.1 connection, which is opened again when the
// server closes it. It is not safe for concurrent use.
type Conn struct {
	Addr string // host:port

	net  net.Conn
	buf  []byte // bytes that were read; grows to the largest response
	have int    // number of bytes in buf
	body []byte // decoded body of a chunked response

	deadline time.Time
	closed   bool // Close was called; no new connection is opened

	// Redials counts the connections that were opened because the server closed
	// the previous one.
	Redials int
}

// Response is a response. Its body is valid until the next request on the
// connection.
type Response struct {
	Status int
	Body   []byte
}

const (
	firstBuffer = 16 << 10
	maxAnswer   = 64 << 20
)

var errClosed = errors.New("the connection was closed by the benchmark")

// SetDeadline limits all requests up to the next call. This needs one timer for
// a phase instead of one for each request.
func (c *Conn) SetDeadline(t time.Time) error {
	c.deadline = t
	if c.net == nil {
		return nil
	}
	return c.net.SetDeadline(t)
}

// Close closes the connection.
func (c *Conn) Close() {
	c.closed = true
	if c.net != nil {
		_ = c.net.Close()
		c.net = nil
	}
}

func (c *Conn) dial() error {
	if c.closed {
		return errClosed
	}
	if c.buf == nil {
		c.buf = make([]byte, firstBuffer)
	}
	d := net.Dialer{Timeout: 5 * time.Second, Deadline: c.deadline}
	conn, err := d.DialContext(context.Background(), "tcp", c.Addr)
	if err != nil {
		return err
	}
	c.net = conn
	return conn.SetDeadline(c.deadline)
}

// Do sends a complete request and reads its response. It does not retry on a
// broken connection: it is unknown whether the server has done the work, and
// the error should be reported.
func (c *Conn) Do(request []byte) (Response, error) {
	if c.net == nil {
		if err := c.dial(); err != nil {
			return Response{}, err
		}
	}
	c.have = 0
	res, keep, err := c.exchange(request)
	if (err != nil || !keep) && c.net != nil {
		_ = c.net.Close()
		c.net = nil
		c.Redials++
	}
	return res, err
}

func (c *Conn) exchange(request []byte) (res Response, keep bool, err error) {
	if _, err := c.net.Write(request); err != nil {
		return res, false, err
	}
	end, from := -1, 0
	for end < 0 {
		if err := c.more(c.have + 1); err != nil {
			return res, false, err
		}
		if end = bytes.Index(c.buf[from:c.have], []byte("\r\n\r\n")); end < 0 {
			from = max(c.have-3, 0)
		} else {
			end += from
		}
	}
	h, err := parseHead(c.buf[:end+2])
	if err != nil {
		return res, false, err
	}
	res.Status = h.status
	start := end + 4
	switch {
	case h.status == 204 || h.status == 304:
	case h.chunked:
		res.Body, err = c.chunks(start)
	case h.length >= 0:
		if err = c.more(start + h.length); err == nil {
			res.Body = c.buf[start : start+h.length]
		}
	default: // the body ends when the server closes the connection
		for err == nil {
			err = c.more(c.have + 1)
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		res.Body, h.close = c.buf[start:c.have], true
	}
	return res, !h.close, err
}

// more reads until n bytes are available.
func (c *Conn) more(n int) error {
	if n > maxAnswer {
		return fmt.Errorf("the response has more than %d bytes", maxAnswer)
	}
	if n > len(c.buf) {
		grown := make([]byte, max(n, 2*len(c.buf)))
		copy(grown, c.buf[:c.have])
		c.buf = grown
	}
	for c.have < n {
		got, err := c.net.Read(c.buf[c.have:])
		c.have += got
		if err != nil && c.have < n {
			return err
		}
	}
	return nil
}

// chunks decodes a chunked body. Trailers are an error, because an API is not
// expected to send them.
func (c *Conn) chunks(at int) ([]byte, error) {
	c.body = c.body[:0]
	for {
		line := -1
		for line < 0 {
			if line = bytes.Index(c.buf[at:c.have], []byte("\r\n")); line < 0 {
				if err := c.more(c.have + 1); err != nil {
					return nil, err
				}
			}
		}
		text, _, _ := bytes.Cut(c.buf[at:at+line], []byte(";"))
		size, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 16, 31)
		if err != nil {
			return nil, fmt.Errorf("invalid chunk size %q", text)
		}
		at += line + 2
		if err := c.more(at + int(size) + 2); err != nil {
			return nil, err
		}
		if !bytes.Equal(c.buf[at+int(size):at+int(size)+2], []byte("\r\n")) {
			return nil, errors.New("a chunk does not end with CRLF")
		}
		if size == 0 {
			return c.body, nil
		}
		c.body = append(c.body, c.buf[at:at+int(size)]...)
		at += int(size) + 2
	}
}

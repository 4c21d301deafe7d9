// Package load sends HTTP requests at full speed or at a constant rate and counts how long the answers take. It shares
// the machine with what it measures, so a request costs it two system calls and no allocation: requests are bytes
// appended to a buffer, answers are slices of another. Measured against fasthttp's client, which does more than this needs.
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

// Conn is one keep-alive HTTP/1.1 connection, made anew when the server closes it. Not for concurrent use.
type Conn struct {
	Addr string // host:port

	net  net.Conn
	buf  []byte // holds what was read; grows to the largest answer
	have int    // bytes of buf that are filled
	body []byte // of a chunked answer, put together

	deadline time.Time
	closed   bool // by Close: no new connection

	// Redials counts connections made after the first: the server closed one.
	Redials int
}

// Response is an answer. Its body is valid until the next request of the connection.
type Response struct {
	Status int
	Body   []byte
}

const (
	firstBuffer = 16 << 10
	maxAnswer   = 64 << 20
)

var errClosed = errors.New("the connection was closed by the benchmark")

// SetDeadline limits all requests up to the next call: one timer a phase instead of one a request.
func (c *Conn) SetDeadline(t time.Time) error {
	c.deadline = t
	if c.net == nil {
		return nil
	}
	return c.net.SetDeadline(t)
}

// Close ends the connection.
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

// Do sends a whole request and reads its answer. A broken connection is not tried again: whether the server has done
// the work is unknown, and an error should be seen.
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
	default: // until the server closes
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

// more reads until n bytes are there.
func (c *Conn) more(n int) error {
	if n > maxAnswer {
		return fmt.Errorf("the answer has more than %d bytes", maxAnswer)
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

// chunks puts a chunked body together; trailers are not expected from an API and an error.
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
			return nil, fmt.Errorf("chunk size %q", text)
		}
		at += line + 2
		if err := c.more(at + int(size) + 2); err != nil {
			return nil, err
		}
		if !bytes.Equal(c.buf[at+int(size):at+int(size)+2], []byte("\r\n")) {
			return nil, errors.New("a chunk does not end where it should")
		}
		if size == 0 {
			return c.body, nil
		}
		c.body = append(c.body, c.buf[at:at+int(size)]...)
		at += int(size) + 2
	}
}

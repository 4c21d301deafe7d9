package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// message is a request that is mostly well formed. raw creates its bytes
// without a library, which would repair or refuse it.
type message struct {
	method, target string
	token          string
	fields         []string // "Name: value", sent unchanged
	body           string
}

// raw returns the bytes of m. Unless a field says otherwise, the connection is
// closed after the response, so that all responses are seen.
func (m message) raw(host string) []byte {
	var b bytes.Buffer
	b.WriteString(m.method + " " + m.target + " HTTP/1.1\r\nHost: " + host + "\r\n")
	if !m.has("Connection") {
		b.WriteString("Connection: close\r\n")
	}
	if m.token != "" {
		b.WriteString("Authorization: Token " + m.token + "\r\n")
	}
	for _, f := range m.fields {
		b.WriteString(f + "\r\n")
	}
	if m.body != "" {
		if !m.has("Content-Type") {
			b.WriteString("Content-Type: application/json\r\n")
		}
		if !m.has("Content-Length") && !m.has("Transfer-Encoding") {
			b.WriteString("Content-Length: " + strconv.Itoa(len(m.body)) + "\r\n")
		}
	}
	b.WriteString("\r\n" + m.body)
	return b.Bytes()
}

func (m message) has(name string) bool {
	for _, f := range m.fields {
		if n, _, _ := strings.Cut(f, ":"); strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// answer is one response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// outcome contains the responses on one connection.
type outcome struct {
	sent    []byte
	answers []answer
	took    time.Duration // until the first response was complete, or until the timeout
	closed  bool          // by the peer, in time
	err     error         // of the connection, or of a response that is not HTTP
}

// first returns the response to the first request, or the zero answer if there
// is none.
func (o outcome) first() answer {
	if len(o.answers) == 0 {
		return answer{}
	}
	return o.answers[0]
}

// quiet is how long an open connection is read after a response, to detect an
// unexpected second response.
const quiet = 300 * time.Millisecond

// exchange sends bytes on a new connection and reads every response.
func exchange(addr string, sent []byte, limit time.Duration) (o outcome) {
	o.sent = sent
	begun := time.Now()
	conn, err := net.DialTimeout("tcp", addr, limit)
	if err != nil {
		o.took, o.err = time.Since(begun), err
		return o
	}
	defer conn.Close()
	// Late responses must be distinguished from missing ones, so the limit is
	// checked afterwards and is not a timeout.
	_ = conn.SetDeadline(begun.Add(limit + limit/2))
	go func() { _, _ = conn.Write(sent) }() // the peer may respond before it has read everything
	in := bufio.NewReader(conn)
	method, _, _ := strings.Cut(string(sent[:min(len(sent), 16)]), " ")
	ends := bytes.Contains(sent, []byte("\r\nConnection: close\r\n"))
	for {
		a, err := readAnswer(in, method)
		if len(o.answers) == 0 {
			o.took = time.Since(begun)
		}
		if err != nil {
			o.closed, o.err = whyEnded(err, len(o.answers) > 0)
			return o
		}
		o.answers = append(o.answers, a)
		if !ends {
			_ = conn.SetReadDeadline(time.Now().Add(quiet))
		}
	}
}

// readAnswer reads one response. The method of the request matters for its
// framing (HEAD). Interim responses are skipped.
func readAnswer(in *bufio.Reader, method string) (answer, error) {
	for {
		if _, err := in.Peek(1); err != nil {
			return answer{}, err
		}
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return answer{}, notHTTP{err}
		}
		if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		body, err := io.ReadAll(res.Body)
		// A response that ends with the connection may end with its reset.
		if err != nil && !(res.ContentLength < 0 && errors.Is(err, syscall.ECONNRESET)) {
			return answer{}, notHTTP{err}
		}
		return answer{res.StatusCode, res.Header, body}, nil
	}
}

// notHTTP is a response that cannot be parsed.
type notHTTP struct{ error }

// whyEnded distinguishes the end of a connection from a failure. A reset also
// counts as closed, because a kernel resets a connection that is closed before
// all its bytes were read.
func whyEnded(err error, answered bool) (closed bool, failure error) {
	var timeout net.Error
	switch {
	case errors.As(err, new(notHTTP)):
		return false, err
	case errors.As(err, &timeout) && timeout.Timeout():
		if answered {
			return false, nil // the connection stays open, without further responses
		}
		return false, err
	default:
		return true, nil
	}
}

package strangle

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"time"

	"github.com/byline-api/byline/server/strangle/compare"
)

// shadow asks the new system what the old one has answered, and compares. It
// has a queue, workers and connections of its own, so that the client of the
// old system does not wait for it.
type shadow struct {
	proxy  *Proxy
	limits ShadowLimits
	queue  chan *task
	bytes  atomic.Int64 // memory for the bodies of all exchanges
	client *http.Client
}

// maxDecoded bounds a body that is compared, without its compression.
const maxDecoded = 8 << 20

func newShadow(p *Proxy) *shadow {
	transport := newTransport(max(p.cfg.NewTimeout, p.cfg.OldTimeout), p.cfg.OldIdle)
	transport.DisableCompression = false // it decodes gzip by itself
	return &shadow{
		proxy: p, limits: p.cfg.Shadow, queue: make(chan *task, p.cfg.Shadow.Queue),
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// task is an exchange that the old system has answered. It outlives the
// client's request.
type task struct {
	copied *copied
	op     *operation
	table  *table
	in     *http.Request // without a body
	body   []byte
	write  bool
}

func newTask(c *copied, x *exchange) *task {
	t := &task{copied: c, op: x.op, table: x.table, write: x.isWrite()}
	if c.request != nil {
		t.body = c.request.buffer
	}
	if c.response != nil {
		c.old.Body = c.response.buffer
	}
	own := &exchange{match: x.match, table: x.table}
	t.in = x.in.Clone(context.WithValue(context.Background(), exchangeKey{}, own))
	own.in = t.in
	return t
}

// work asks and compares until ctx ends.
func (s *shadow) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-s.queue:
			result := s.compare(ctx, t)
			t.copied.release()
			s.proxy.traffic.compared(t.op, result)
		}
	}
}

// compare asks the new system, and the old one again if they differ.
func (s *shadow) compare(ctx context.Context, t *task) outcome {
	p := s.proxy
	if !p.breaker.allows(time.Now()) {
		return notAnswered
	}
	answer, err := s.askNew(ctx, t)
	if err != nil {
		return resultOf(err)
	}
	old := t.copied.old
	old.Body, err = decode(t.copied.encoding, old.Body)
	if err != nil {
		if t.write {
			return incomparable
		}
		if old, err = s.ask(ctx, t, p.old); err != nil { // uncompressed
			return incomparable
		}
	}
	rules := t.table.rules[t.op.index]
	found := rules.Compare(old, answer)
	if len(found) == 0 {
		return equal
	}
	if !t.write {
		again, err := s.ask(ctx, t, p.old)
		if err != nil {
			return unconfirmed
		}
		if found = compare.Without(found, rules.Compare(old, again)); len(found) == 0 {
			return noise
		}
	}
	p.book.Add(t.op.id, found, time.Now())
	return different
}

// askNew asks the new system, and counts how that went.
func (s *shadow) askNew(ctx context.Context, t *task) (compare.Response, error) {
	p, began := s.proxy, time.Now()
	count := p.traffic.of(t.op, sideShadow)
	answer, err := s.ask(ctx, t, p.new)
	switch {
	case err != nil && ctx.Err() != nil: // the proxy stops
	case errors.Is(err, errTooLarge):
		count.answered(answer.Status, time.Since(began))
	case err != nil:
		count.failed.Add(1)
		p.breaker.failed(time.Now())
	default:
		count.answered(answer.Status, time.Since(began))
		if answer.Status < http.StatusInternalServerError {
			p.breaker.succeeded()
		} else {
			p.breaker.failed(time.Now())
		}
	}
	return answer, err
}

// errTooLarge says that a response is too large to be compared.
var errTooLarge = errors.New("the response is too large")

func resultOf(err error) outcome {
	if errors.Is(err, errTooLarge) {
		return tooLarge
	}
	return notAnswered
}

// ask sends the request of a task to a system.
func (s *shadow) ask(ctx context.Context, t *task, u *upstream) (compare.Response, error) {
	timeout := s.proxy.cfg.NewTimeout
	if u.side == sideOld {
		timeout = s.proxy.cfg.OldTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out := t.in.Clone(ctx)
	out.RequestURI = "" // a client must not set it
	out.Body, out.ContentLength, out.TransferEncoding = http.NoBody, 0, nil
	if len(t.body) > 0 {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(t.body)), int64(len(t.body))
	}
	keepEndToEnd(out.Header)
	s.proxy.rewrite(&httputil.ProxyRequest{In: t.in, Out: out}, u)
	if t.write && out.Header[strings.ToLower(repeatable[0])] == nil { // as rewrite names it
		out.Header.Set(repeatable[0], rand.Text())
	}
	res, err := s.client.Do(out)
	if err != nil {
		return compare.Response{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxDecoded+1))
	if err == nil && len(body) > maxDecoded {
		err = errTooLarge
	}
	return compare.Response{Status: res.StatusCode, ContentType: res.Header.Get("Content-Type"), Body: body}, err
}

// notRepeated are headers that count for one connection (RFC 9110, section
// 7.6.1) or one response of one system, such as those of conditions.
var notRepeated = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	"Expect", "Accept-Encoding", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range",
	"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
}

func keepEndToEnd(h http.Header) {
	for _, value := range h["Connection"] {
		for name := range strings.SplitSeq(value, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range notRepeated {
		h.Del(name)
	}
}

// decode removes the compression of a body.
func decode(encoding string, body []byte) ([]byte, error) {
	var reader io.Reader
	var err error
	switch strings.ToLower(encoding) {
	case "", "identity":
		return body, nil
	case "gzip":
		reader, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		reader, err = zlib.NewReader(bytes.NewReader(body))
	default:
		return nil, fmt.Errorf("the encoding %q is unknown", encoding)
	}
	if err != nil {
		return nil, err
	}
	decoded, err := io.ReadAll(io.LimitReader(reader, maxDecoded+1))
	if err == nil && len(decoded) > maxDecoded {
		err = errTooLarge
	}
	return decoded, err
}

package strangle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// side is one of the two systems, and an index of counts.
type side int

const (
	sideOld side = iota
	sideNew
	sideShadow // the new system, when it is asked only to compare
	sides
)

func (s side) String() string { return [...]string{"old", "new", "shadow"}[s] }

const (
	// newIdle is how long idle connections to the new system are kept. Byline
	// keeps them for two minutes.
	newIdle     = time.Minute
	dialTimeout = 3 * time.Second
	maxIdle     = 512 // idle connections to a system
	copyBuffer  = 32 << 10
	maxHeaders  = 1 << 20 // bytes of the headers of a response
	// continueWait is how long a body waits for 100 Continue.
	continueWait = time.Second
)

// upstream is one of the two systems.
type upstream struct {
	side      side
	url       *url.URL
	transport *http.Transport
	proxy     *httputil.ReverseProxy
}

func (p *Proxy) newUpstream(s side, u *url.URL, timeout, idle time.Duration) *upstream {
	up := &upstream{side: s, url: u, transport: newTransport(timeout, idle)}
	up.proxy = &httputil.ReverseProxy{
		Transport:  up.transport,
		BufferPool: &buffers{},
		ErrorLog:   slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
		Rewrite:    func(r *httputil.ProxyRequest) { p.rewrite(r, up) },
	}
	if s == sideOld {
		up.proxy.ModifyResponse = p.oldAnswered
		up.proxy.ErrorHandler = p.oldFailed
	} else {
		up.proxy.ModifyResponse = p.newAnswered
		up.proxy.ErrorHandler = p.newFailed
	}
	return up
}

func newTransport(timeout, idle time.Duration) *http.Transport {
	return &http.Transport{
		// No proxy of the environment: both systems are named by address.
		DialContext:            (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        idle,
		ResponseHeaderTimeout:  timeout,
		TLSHandshakeTimeout:    dialTimeout,
		ExpectContinueTimeout:  continueWait,
		MaxResponseHeaderBytes: maxHeaders,
		DisableCompression:     true, // a client gets the bytes that were sent
	}
}

// buffers are the buffers through which bodies are copied.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if buffer, ok := b.pool.Get().(*[copyBuffer]byte); ok {
		return buffer[:]
	}
	return make([]byte, copyBuffer)
}

func (b *buffers) Put(buffer []byte) { b.pool.Put((*[copyBuffer]byte)(buffer)) }

// send passes a request on to the system that was decided upon.
func (p *Proxy) send(w http.ResponseWriter, x *exchange) {
	x.began = time.Now()
	u := p.old
	if x.side == sideNew {
		u = p.new
		x.keepBody()
	} else if x.isWrite() {
		// A system may go on with a write whose client has left, so that it counts
		// until there is a response.
		ctx, cancel := context.WithCancel(context.WithoutCancel(x.in.Context()))
		defer cancel()
		x.in = x.in.WithContext(ctx)
		if x.op != p.other {
			p.wrote(x)
			defer p.wrote(x) // a slow write ends later
		}
	}
	if x.copied != nil {
		defer x.copied.settle(x)
	}
	ended := false
	defer func() {
		if !ended && !x.broken && !x.gone() {
			p.brokeOff(x)
		}
	}()
	u.proxy.ServeHTTP(w, x.in) // panics to abort a response that has begun
	ended = true
	if x.side == sideNew && x.good {
		p.breaker.succeeded()
	}
}

// brokeOff counts a response that ended before its end.
func (p *Proxy) brokeOff(x *exchange) {
	x.broken = true
	p.traffic.of(x.op, x.side).brokenOff.Add(1)
	if x.side == sideNew {
		p.breaker.failed(time.Now())
	}
}

// repeatable are the headers with which Go's client repeats any request.
var repeatable = []string{"Idempotency-Key", "X-Idempotency-Key"}

// rewrite makes the request for a system out of the client's. The forwarder has
// removed what counts only for one connection, and all X-Forwarded-* headers.
func (p *Proxy) rewrite(r *httputil.ProxyRequest, u *upstream) {
	x := exchangeOf(r.In.Context())
	r.Out.URL.Scheme, r.Out.URL.Host = u.url.Scheme, u.url.Host
	r.Out.URL.RawQuery = r.In.URL.RawQuery // as it is, even if it is odd
	r.Out.Trailer = r.In.Trailer           // which is filled at the end of the body
	if u.side == sideNew {
		setPath(r.Out.URL, p.cfg.NewPrefix+x.path)
	}
	// These headers say to Go's client that it may repeat a request by itself, but
	// the old system does not know them, and the new one knows one of them for
	// some operations. Names are compared without case by all others.
	for _, name := range repeatable {
		if keys := r.Out.Header[name]; keys != nil {
			delete(r.Out.Header, name)
			r.Out.Header[strings.ToLower(name)] = keys
		}
	}
	p.setForwarded(r)
}

// setForwarded tells the system who the client is. What the client says of
// itself counts only if it is a trusted proxy.
func (p *Proxy) setForwarded(r *httputil.ProxyRequest) {
	trusted := false
	if len(p.cfg.TrustedProxies) > 0 {
		peer, err := netip.ParseAddrPort(r.In.RemoteAddr)
		trusted = err == nil && p.trusts(peer.Addr().Unmap())
	}
	if trusted {
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	}
	r.SetXForwarded()
	if !trusted {
		if r.In.Header["X-Forwarded-For"] != nil || r.In.Header["X-Forwarded-Proto"] != nil {
			p.untrusted.Do(func() {
				p.log.Warn("a proxy in front of this one is not in trustedProxies, so that its X-Forwarded-* headers were replaced: the old system sees its address and scheme instead of the client's; this is said once", "proxy", r.In.RemoteAddr)
			})
		}
		return
	}
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values := r.In.Header[name]; len(values) > 0 {
			r.Out.Header[name] = values
		}
	}
}

// setPath sets an escaped path.
func setPath(u *url.URL, escaped string) {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		path = escaped // does not happen: the server has parsed it
	}
	u.Path, u.RawPath = path, escaped
}

// oldAnswered sees every response of the old system.
func (p *Proxy) oldAnswered(res *http.Response) error {
	x := exchangeOf(res.Request.Context())
	p.traffic.of(x.op, sideOld).answered(res.StatusCode, time.Since(x.began))
	if x.copied != nil {
		x.copied.answered(x, res)
	}
	return nil
}

// oldFailed answers for the old system if that gives no response.
func (p *Proxy) oldFailed(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r.Context())
	if x.gone() {
		writeError(w, http.StatusBadRequest, "the body of the request is incomplete or malformed")
		return
	}
	p.traffic.of(x.op, sideOld).failed.Add(1)
	if reasonOf(err) == timedOut && x.entered {
		// It may still work on the write. Nobody knows for how long.
		x.entered = false
		time.AfterFunc(p.cfg.OldTimeout, func() { p.writing.Add(-1) })
	}
	p.log.Warn("the old system has not answered", "operation", x.op.name(), "reason", reasonOf(err).String())
	refuse(w, err)
}

// errServer says that the new system has answered a read with a server error.
type errServer struct{ status int }

func (e errServer) Error() string { return fmt.Sprintf("status %d", e.status) }

// newAnswered sees every response of the new system.
func (p *Proxy) newAnswered(res *http.Response) error {
	x := exchangeOf(res.Request.Context())
	p.traffic.of(x.op, sideNew).answered(res.StatusCode, time.Since(x.began))
	if res.StatusCode < http.StatusInternalServerError {
		x.good = true
		return nil // send counts it when it has ended
	}
	if !x.isWrite() && x.body.kept() {
		return errServer{res.StatusCode} // newFailed goes on
	}
	p.breaker.failed(time.Now())
	return nil
}

// newFailed lets the old system answer instead of the new one, if the request
// can be sent again.
func (p *Proxy) newFailed(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r.Context())
	if x.gone() {
		writeError(w, http.StatusBadRequest, "the body of the request is incomplete or malformed")
		return
	}
	p.breaker.failed(time.Now())
	var answered errServer
	if !errors.As(err, &answered) {
		p.traffic.of(x.op, sideNew).failed.Add(1)
	}
	reason := reasonOf(err)
	if !x.mayFallBack(reason) {
		p.log.Warn("the new system has not answered", "operation", x.op.name(), "reason", reason.String())
		refuse(w, err)
		return
	}
	p.enter(x)
	if now := p.table.Load(); x.isWrite() && (now.modes[x.op.index].kind == waitsFor || !now.settings.WritesFallBack) {
		p.leave(x) // the last import has begun since
		refuse(w, err)
		return
	}
	p.log.Warn("the old system answers instead of the new one", "operation", x.op.name(), "reason", reason.String())
	p.traffic.fallBack(x.op, reason)
	x.side = sideOld
	if x.body != nil {
		x.in.Body = x.body.again()
	}
	p.send(w, x)
}

// mayFallBack reports whether a request to the new system may be sent to the
// old one. A write may only if no connection was made, because nobody knows
// otherwise whether it was carried out.
func (x *exchange) mayFallBack(reason fallback) bool {
	if reason == unreachable && !x.body.begun() {
		return !x.isWrite() || x.table.settings.WritesFallBack
	}
	return !x.isWrite() && x.body.kept()
}

// reasonOf returns why a system has not answered.
func reasonOf(err error) fallback {
	var answered errServer
	var dial *net.OpError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &answered):
		return serverError
	case errors.As(err, &dial) && dial.Op == "dial":
		return unreachable
	case errors.As(err, &timeout) && timeout.Timeout():
		return timedOut
	}
	return brokenOff
}

// refuse answers a request for which there is no response.
func refuse(w http.ResponseWriter, err error) {
	if reasonOf(err) == timedOut {
		writeError(w, http.StatusGatewayTimeout, "the response takes too long")
		return
	}
	writeError(w, http.StatusBadGateway, "the service cannot be reached")
}

// writeError writes an error in the form of the contract.
func writeError(w http.ResponseWriter, status int, message string) {
	body, err := json.Marshal(map[string]any{"errors": map[string][]string{"proxy": {message}}})
	if err != nil {
		return // a map of texts can be encoded
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

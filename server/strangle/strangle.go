// Package strangle is a proxy in front of an old backend of the same contract.
// It moves one operation after the other to the new backend, and back.
//
//	strangle.go  Proxy: what happens to a request
//	config.go    the configuration file
//	mode.go      modes, and which operation has which
//	route.go     the operation of a request, by the document
//	client.go    the user of a request, and who has written a moment ago
//	hold.go      requests that wait for another mode
//	forward.go   passing on a request, and its fallback to the old system
//	body.go      bodies that may be sent a second time
//	breaker.go   when the new system is not tried at all
//	tee.go       copies of what the old system has answered
//	shadow.go    asking the new system too, and comparing
//	change.go    changes of the modes while the proxy runs
//	follow.go    changes of the file
//	traffic.go   counts and latencies
//	metrics.go   the same for Prometheus
//	admin.go     the admin port: page, modes, differences
//
// The rule for every fault is: if in doubt, the old system answers, as it would
// without the proxy. A write is never sent twice.
package strangle

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/strangle/compare"
)

// Proxy is the proxy. It is an http.Handler for the clients of the API.
type Proxy struct {
	cfg        Config
	log        *slog.Logger
	operations []*operation
	other      *operation // all requests that the document does not have
	tree       *node
	old, new   *upstream
	table      atomic.Pointer[table]
	writers    writers
	breaker    breaker
	waiting    waiting
	shadow     *shadow
	traffic    *traffic
	book       *compare.Book

	untrusted sync.Once  // says that a proxy in front is not trusted
	changing  sync.Mutex // is held while the table is replaced
	file      *File      // nil without a configuration file
	changes   [changers]atomic.Int64
	// writing counts the writes that are decided upon or that the old system
	// works on.
	writing atomic.Int64
}

// New returns a proxy. Run must run while it serves requests.
// file is nil if the configuration has no file.
func New(cfg Config, file *File, doc *contract.Document, log *slog.Logger) (*Proxy, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	p := &Proxy{cfg: cfg, file: file, log: log, operations: operationsOf(doc), book: compare.NewBook()}
	p.other = &operation{index: len(p.operations)}
	p.tree = newTree(p.operations)
	first, err := newTable(cfg.Settings, p.operations)
	if err != nil {
		return nil, err
	}
	p.table.Store(first)
	p.traffic = newTraffic(len(p.operations) + 1)
	oldURL, err := url.Parse(cfg.Old)
	if err != nil {
		return nil, err
	}
	newURL, err := url.Parse(cfg.New)
	if err != nil {
		return nil, err
	}
	p.old = p.newUpstream(sideOld, oldURL, cfg.OldTimeout, cfg.OldIdle)
	p.new = p.newUpstream(sideNew, newURL, cfg.NewTimeout, newIdle)
	p.shadow = newShadow(p)
	return p, nil
}

// Run compares responses and follows the configuration file until ctx ends.
func (p *Proxy) Run(ctx context.Context) {
	var workers sync.WaitGroup
	for range p.cfg.Shadow.Workers {
		workers.Go(func() { p.shadow.work(ctx) })
	}
	if p.file != nil {
		workers.Go(func() { p.follow(ctx) })
	}
	workers.Wait()
	for _, u := range []*upstream{p.old, p.new} {
		u.transport.CloseIdleConnections()
	}
	p.shadow.client.CloseIdleConnections()
}

// exchange is a request on its way. The context of the request carries it to
// the functions of the forwarder.
type exchange struct {
	match
	table *table
	in    *http.Request // as the client has sent it
	// client ends when the client has left. The context of in does not end then
	// if the old system carries out a write.
	client context.Context
	side   side
	start  time.Time
	sent   *sentBody // nil without a body
	body   *keptBody // the same, if it may be sent again
	// copied is set if the response is compared.
	copied  *copied
	began   time.Time // when it was sent to the system
	user    uint64    // see Proxy.userOf; 0 until it is needed
	ahead   bool      // the beginning of the body was read
	entered bool      // it is counted in Proxy.writing
	good    bool      // the new system has begun to answer
	broken  bool      // the response ended before its end
}

// gone reports whether the client is the reason for which there is no response:
// it has left, or its body is broken.
func (x *exchange) gone() bool {
	return x.client.Err() != nil || x.sent != nil && x.sent.broken.Load()
}

// isWrite reports whether the request may change something.
func (x *exchange) isWrite() bool {
	if x.op.id != "" {
		return !x.op.safe && !x.asks
	}
	switch x.in.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// ServeHTTP passes a request on to the system that its operation's mode names.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		http.Error(w, "this is no proxy for other sites", http.StatusMethodNotAllowed)
		return
	}
	x := &exchange{match: p.match(r), start: time.Now(), client: r.Context()}
	x.in = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	if r.Body == nil || r.Body == http.NoBody {
		p.serve(w, x)
		return
	}
	// A system may answer before it has all of the body.
	_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 can do so anyway
	x.sent = &sentBody{ReadCloser: r.Body}
	x.in.Body = x.sent
	p.serve(w, x)
	x.sent.end(w)
}

func (p *Proxy) serve(w http.ResponseWriter, x *exchange) {
	defer p.leave(x)
	for {
		p.enter(x)
		x.table = p.table.Load()
		if x.mode().kind != waitsFor {
			break
		}
		p.leave(x)
		x.readAhead()
		if err := p.waiting.until(x.client, x.table.replaced, x.start.Add(p.cfg.Hold.Time), p.cfg.Hold.Requests); err != nil {
			p.endWait(w, x, err)
			return
		}
	}
	if x.op != p.other {
		p.decide(x)
	}
	if x.side != sideOld {
		p.leave(x)
	}
	p.send(w, x)
}

// mode returns the mode of the operation. That of other requests is for writes.
func (x *exchange) mode() Mode {
	if x.op.id == "" && !x.isWrite() {
		return Mode{}
	}
	return x.table.modes[x.op.index]
}

// enter counts a write before its mode is looked up. An operator who has seen
// the count at zero after a change knows that no write goes to old anymore.
func (p *Proxy) enter(x *exchange) {
	if x.isWrite() {
		p.writing.Add(1)
		x.entered = true
	}
}

func (p *Proxy) leave(x *exchange) {
	if x.entered {
		p.writing.Add(-1)
		x.entered = false
	}
}

// decide chooses the system that answers.
func (p *Proxy) decide(x *exchange) {
	m := x.mode()
	x.side = sideOld
	switch {
	case x.in.Method == http.MethodGet && strings.EqualFold(x.in.Header.Get("Upgrade"), "websocket"): // which no operation is
	case x.asks:
		// A browser asks without a token, so that there is no user.
		if m.kind == toNew {
			x.side = sideNew
		}
	case m.kind == toNew, m.kind == toSome && m.includes(p.userOf(x)):
		x.side = sideNew
	case m.kind == toBoth && (x.op.safe || x.table.shadowed[x.op.index]):
		p.shadowIt(x)
	}
	switch {
	case x.side == sideOld:
	case x.isWrite():
		p.wroteToNew(x)
	case p.hasWritten(x):
		p.traffic.fallBack(x.op, afterWrite)
		x.side = sideOld
	case !p.breaker.allows(x.start):
		p.traffic.fallBack(x.op, breakerOpen)
		x.side = sideOld
	}
}

// shadowIt begins to copy an exchange. What a user reads after a write is not
// compared: the new system lacks the write until the next import.
func (p *Proxy) shadowIt(x *exchange) {
	if !x.isWrite() && p.hasWritten(x) {
		p.traffic.compared(x.op, incomparable)
		return
	}
	x.copied = p.shadow.copy(x)
}

// hasWritten reports whether the user has written to the old system a moment
// ago, so that the new one may lack it. A registration has no token yet, and
// counts for where it comes from.
func (p *Proxy) hasWritten(x *exchange) bool {
	if x.table.stick == 0 || x.asks || !p.writers.any(x.start, x.table.stick) {
		return false
	}
	return p.writers.has(p.userOf(x), x.start, x.table.stick) || p.writers.has(p.placeOf(x.in), x.start, x.table.stick)
}

// wroteToNew lets the user read from the new system at once, which alone has
// the write.
func (p *Proxy) wroteToNew(x *exchange) {
	if x.table.stick > 0 && p.writers.any(x.start, x.table.stick) {
		p.writers.forget(p.userOf(x))
		p.writers.forget(p.placeOf(x.in))
	}
}

// wrote remembers the user of a write that the old system carries out.
func (p *Proxy) wrote(x *exchange) {
	if x.table.stick > 0 {
		p.writers.add(p.userOf(x), time.Now(), x.table.stick)
	}
}

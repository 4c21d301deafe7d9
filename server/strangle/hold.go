package strangle

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// waiting counts the requests that wait for another mode.
type waiting struct{ requests atomic.Int64 }

var (
	errHeldTooMany = errors.New("too many requests wait")
	errHeldTooLong = errors.New("the request has waited too long")
)

// until waits until the modes have been replaced.
func (n *waiting) until(ctx context.Context, replaced <-chan struct{}, deadline time.Time, most int) error {
	defer n.requests.Add(-1)
	if n.requests.Add(1) > int64(most) {
		return errHeldTooMany
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-replaced:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return errHeldTooLong
	}
}

// endWait answers a request that cannot wait any longer. Old answers a read. A
// write is refused: after the last import, old would keep what the new system
// never gets.
func (p *Proxy) endWait(w http.ResponseWriter, x *exchange, err error) {
	if x.client.Err() != nil {
		return
	}
	if !x.isWrite() {
		p.traffic.fallBack(x.op, holdEnded)
		p.send(w, x)
		return
	}
	p.traffic.refused.Add(1)
	p.log.Warn("a write that waited was refused", "operation", x.op.name(), "error", err)
	w.Header().Set("Retry-After", "5")
	writeError(w, http.StatusServiceUnavailable, "writes are stopped for a moment; send the request again")
}

package server

import (
	"fmt"
	"net/http"
	"time"

	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/server/cache"
)

const (
	// maxMemory is the default of Config.ResponseMemory.
	maxMemory = 64 << 20
	// sendTimeout is the default of Config.SendTimeout.
	sendTimeout = 10 * time.Second
	// sendStep is how many bytes a client has to read within the timeout.
	sendStep = 64 << 10
)

// sendLong sends a response that the budget of long responses has room for.
func (s *Server) sendLong(x *exchange, status int, a *cache.Response) error {
	weight := len(a.Body)
	if len(x.Request().Header["Accept-Encoding"]) > 0 {
		weight += weight / 3 // the encoded body
	}
	err := a.Sending.Take(&x.info.Memory, weight)
	switch {
	case err == nil:
		defer a.Sending.Release()
	case x.op.Safe:
		uncommit(x.Response())
		return err
	default:
		// The request has changed something, and a refusal would say that it has
		// not. The quota for writes bounds these.
	}
	if err := s.write(x, s.paced(x.Response().Writer), status, a); err != nil {
		return fmt.Errorf("%w: %w", request.ErrClientGone, err)
	}
	return nil
}

// pacedWriter writes to a client in steps. The client has a time to read each
// step, however long the whole takes: a client that is slow gets everything,
// and one that has stopped reading is noticed soon.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

func (s *Server) paced(w http.ResponseWriter) http.ResponseWriter {
	return pacedWriter{w, http.NewResponseController(w), s.cfg.SendTimeout}
}

// Unwrap is for http.ResponseController.
func (p pacedWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Write implements io.Writer.
func (p pacedWriter) Write(b []byte) (written int, err error) {
	for len(b) > 0 && err == nil {
		_ = p.control.SetWriteDeadline(time.Now().Add(p.timeout)) // a recorder has none
		var n int
		n, err = p.ResponseWriter.Write(b[:min(len(b), sendStep)])
		written, b = written+n, b[n:]
	}
	return written, err
}

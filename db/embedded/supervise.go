//go:build unix

package embedded

import (
	"context"
	"errors"
	"time"
)

const (
	// refusalLimit is how long the remains of a killed server are waited for.
	// Backends notice within seconds that their postmaster is gone, or at the
	// end of their query.
	refusalLimit = 30 * time.Second

	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
	// steady is how long a server must live for the next restart to be quick.
	steady = 30 * time.Second
	// shout is how often a lasting failure is told.
	shout = time.Minute
)

// launch starts PostgreSQL and waits until it answers. Starts refused because of
// the remains of an earlier server are repeated; first allows another port, which
// clients do not know yet.
func (s *Server) launch(ctx context.Context, first bool) (*process, error) {
	deadline := time.Now().Add(refusalLimit)
	for pause := minBackoff; ; pause = min(2*pause, time.Second) {
		if first {
			port, err := freePort()
			if err != nil {
				return nil, err
			}
			s.port = port
		}
		p, err := s.attempt(ctx)
		var refused *refusedError
		if err == nil || !errors.As(err, &refused) || time.Now().After(deadline) {
			return p, err
		}
		if pause == minBackoff {
			s.cfg.Logger.Warn("embedded: waiting for the remains of an earlier PostgreSQL", "reason", refused.reason)
		}
		if refused.reason != portRefusal {
			clearLeftover(ctx, s.who, s.cluster, s.cfg.Logger)
		}
		if !sleep(ctx, pause) {
			return nil, ctx.Err()
		}
	}
}

// attempt starts PostgreSQL once. After an error it is not running.
func (s *Server) attempt(ctx context.Context) (*process, error) {
	clearSockets(s.cluster)
	args := append(s.args[:len(s.args):len(s.args)], "-c", portArg(s.port))
	p, err := startProcess(s.who, s.bins, s.cluster, args, s.cfg.Logger)
	if err != nil {
		return nil, err
	}
	s.pid.Store(int64(p.pid()))
	if err := p.waitReady(ctx, s.URL()); err != nil {
		p.kill()
		s.pid.Store(0)
		return nil, err
	}
	return p, nil
}

// supervise restarts PostgreSQL whenever it ends, until Stop.
func (s *Server) supervise(p *process) {
	defer close(s.done)
	defer func() { _ = s.lock.Close() }()
	defer s.pid.Store(0)
	for backoff := minBackoff; ; {
		started := time.Now()
		select {
		case <-s.stopping.Done():
			s.stopErr = p.shutdown(s.forced.Done())
			return
		case <-p.exited:
		}
		s.pid.Store(0)
		s.cfg.Logger.Warn("embedded: PostgreSQL ended unexpectedly, restarting it",
			"pid", p.pid(), "state", p.cmd.ProcessState.String(), "last", p.log.tail())
		if time.Since(started) > steady {
			backoff = minBackoff
		}
		if p = s.revive(&backoff); p == nil {
			return
		}
		s.cfg.Logger.Warn("embedded: PostgreSQL is back", "pid", p.pid())
	}
}

// revive tries to start PostgreSQL again until it succeeds; nil means that Stop
// came first. On the same port, because clients have the URL.
func (s *Server) revive(backoff *time.Duration) *process {
	told := time.Now()
	for failures := 0; sleep(s.stopping, *backoff); failures++ {
		*backoff = min(2**backoff, maxBackoff)
		p, err := s.launch(s.stopping, false)
		if err == nil {
			return p
		}
		switch {
		case s.stopping.Err() != nil:
		case failures == 0:
			s.cfg.Logger.Warn("embedded: restarting PostgreSQL failed, trying again", "error", err)
		case time.Since(told) > shout:
			told = time.Now()
			s.cfg.Logger.Error("embedded: PostgreSQL is down and cannot be restarted", "error", err)
		}
	}
	return nil
}

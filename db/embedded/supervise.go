//go:build unix

package embedded

import (
	"context"
	"errors"
	"time"
)

const (
	// refusalLimit is how long launch waits for the processes of a killed
	// server. Backends end a few seconds after their postmaster, or at the end
	// of their query.
	refusalLimit = 30 * time.Second

	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
	// stableAfter is how long a server must run until the next restart happens
	// without a longer backoff.
	stableAfter = 30 * time.Second
	// failureLogInterval is how often a lasting failure is logged.
	failureLogInterval = time.Minute
)

// launch starts PostgreSQL and waits until it is ready. It repeats starts that
// were refused for a temporary reason. If first is true, it uses a new port for
// each attempt, because no client has the URL yet.
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
			s.cfg.Logger.Warn("embedded: PostgreSQL cannot start yet, trying again", "reason", refused.reason)
		}
		if refused.reason != portRefusal {
			clearLeftover(ctx, s.who, s.cluster, s.cfg.Logger)
		}
		if !sleep(ctx, pause) {
			return nil, ctx.Err()
		}
	}
}

// attempt starts PostgreSQL once. If it returns an error, PostgreSQL is not
// running.
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

// supervise restarts PostgreSQL whenever it ends, until Stop is called.
func (s *Server) supervise(p *process) {
	defer close(s.done)
	defer func() {
		if s.lock != nil {
			_ = s.lock.Close()
		}
	}()
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
		if time.Since(started) > stableAfter {
			backoff = minBackoff
		}
		if p = s.restart(&backoff); p == nil {
			return
		}
		s.cfg.Logger.Warn("embedded: PostgreSQL has been restarted", "pid", p.pid())
	}
}

// restart tries to start PostgreSQL until it succeeds. It returns nil if Stop
// is called first. It uses the same port, because clients have the URL.
func (s *Server) restart(backoff *time.Duration) *process {
	lastLogged := time.Now()
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
		case time.Since(lastLogged) > failureLogInterval:
			lastLogged = time.Now()
			s.cfg.Logger.Error("embedded: PostgreSQL is down and cannot be restarted", "error", err)
		}
	}
	return nil
}

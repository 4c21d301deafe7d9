package main

import (
	"errors"
	"fmt"
	"sync"
)

// peak is the peak memory of a service that an attack has started.
type peak struct {
	service string
	mb      int
}

// elsewhere starts another service with more flags, calls an attack with it, and
// stops it. Its memory is bounded like that of the service that all other
// attacks use. The service has no accounts.
func (s *site) elsewhere(name string, flags []string, attack func(*site) result) (r result) {
	if s.start == nil {
		s.unrun = append(s.unrun, name+": the program did not start the service itself")
		return r
	}
	t, err := s.start(flags...)
	if err != nil {
		r.complain("%s: %v", name, err)
		return r
	}
	other := newSite(t.addr, int64(s.rand.Uint64()))
	other.admin, other.limit, other.patience, other.command, other.data = t.admin, s.limit, s.patience, t.command, t.data
	r = attack(other)
	if t.pid != 0 {
		mb, err := t.peak()
		s.peaks = append(s.peaks, peak{name, mb})
		if err := errors.Join(err, t.alive(), bounded(mb, s.maxRSS)); err != nil {
			r.complain("%s: %v", name, err)
		}
	}
	if err := t.stop(); err != nil {
		r.complain("%s: %v", name, err)
	}
	return r
}

// complain adds a failure.
func (r *result) complain(format string, args ...any) {
	r.complaints = append(r.complaints, fmt.Sprintf(format, args...))
}

// expects sends a message and adds the outcome and what is wrong with it.
func (r *result) expects(s *site, m message, want expect) answer {
	o := s.do(m)
	r.outcomes = append(r.outcomes, o)
	if complaint := want(o); complaint != "" {
		r.complain("%s %s: %s", m.method, short(m.target, 100), complaint)
	}
	return o.first()
}

// must reports whether err is nil, and adds it otherwise.
func (r *result) must(err error) bool {
	if err != nil {
		r.complain("%v", err)
	}
	return err == nil
}

// together calls a function n times, a few at a time, and returns the first
// error of each series.
func together(n int, call func(i int) error) error {
	const series = 8
	errs := make([]error, series)
	var wait sync.WaitGroup
	for first := range series {
		wait.Go(func() {
			for i := first; i < n && errs[first] == nil; i += series {
				errs[first] = call(i)
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

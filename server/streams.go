package server

import (
	"net/http"
	"sync"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/server/admission"
)

const (
	// maxStreams bounds the streams that are open at the same time, because
	// each has a part of its response in memory while it is sent.
	maxStreams = 32
	// maxMaking bounds the streams whose next part is read from the database.
	// It is small, because few keep a connection busy.
	maxMaking = 4
)

// streams bounds the responses that last as long as their clients take to read
// them. A stream has a place only while its next part is made. While the part
// is sent it has none, so that clients that read slowly leave the places to
// others. An account has one stream at a time, so that it takes many accounts
// to use them all up.
type streams struct {
	making *admission.Controller

	mu   sync.Mutex
	open map[int64]int // streams by user; 0 is for anonymous ones
	all  int
}

func newStreams() *streams {
	return &streams{making: admission.New(maxMaking), open: map[int64]int{}}
}

// do calls work, which sends the response, or returns an error at once.
func (s *streams) do(x *exchange, work func() error) error {
	user := x.info.Viewer.ID
	if err := s.enter(user); err != nil {
		return err
	}
	defer s.leave(user)
	res := x.Response()
	inner := res.Writer
	res.Writer = streamWriter{inner, x}
	defer func() { res.Writer = inner }()
	return s.making.Do(x.Request().Context(), &x.place, work)
}

func (s *streams) enter(user int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if user != 0 && s.open[user] > 0 {
		p := problem.New(problem.RateLimited, "request", "another one of this account is still running")
		p.RetryAfter = 5
		return p
	}
	if s.all == maxStreams {
		return problem.Unavailable(problem.Overloaded, 5, nil)
	}
	s.open[user]++
	s.all++
	return nil
}

func (s *streams) leave(user int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.open[user]--; s.open[user] == 0 {
		delete(s.open, user)
	}
}

// streamWriter gives the request's place back while the client reads.
type streamWriter struct {
	http.ResponseWriter
	x *exchange
}

// Unwrap is for http.ResponseController.
func (w streamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Write implements io.Writer.
func (w streamWriter) Write(p []byte) (n int, err error) {
	err = w.x.Outside(w.x.Request().Context(), func() error {
		n, err = w.ResponseWriter.Write(p)
		return err
	})
	return n, err
}

// FlushError is for http.ResponseController.
func (w streamWriter) FlushError() error {
	return w.x.Outside(w.x.Request().Context(), http.NewResponseController(w.ResponseWriter).Flush)
}

package response

import (
	"fmt"
	"iter"
	"maps"
	"net/http"

	"github.com/byline-api/byline/api/request"
)

// Stream is a response that is sent while it is produced, because it is too
// long to be kept in memory. Its operation declares x-stream.
type Stream struct {
	// Header contains the header fields of the response.
	Header http.Header
	// Chunks produces the body. An error before the first chunk becomes an
	// error response. A later error ends the connection.
	Chunks iter.Seq2[[]byte, error]
}

// Streamer is implemented by responses that embed a *Stream.
type Streamer interface{ ResponseStream() *Stream }

// ResponseStream implements Streamer.
func (s *Stream) ResponseStream() *Stream { return s }

// SkipBody removes the body, for a HEAD request.
func (s *Stream) SkipBody() { s.Chunks = func(func([]byte, error) bool) {} }

// Send writes the response. It returns request.ErrClientGone if the client has
// disconnected or does not read in time. The server's writer sets the time.
func (s *Stream) Send(w http.ResponseWriter) error {
	control := http.NewResponseController(w)
	begun := false
	begin := func() {
		if !begun {
			begun = true
			maps.Copy(w.Header(), s.Header)
			w.WriteHeader(http.StatusOK)
		}
	}
	for chunk, err := range s.Chunks {
		if err != nil {
			return err
		}
		begin()
		if _, err = w.Write(chunk); err == nil {
			err = control.Flush()
		}
		if err != nil {
			return fmt.Errorf("%w: %w", request.ErrClientGone, err)
		}
	}
	begin()
	return nil
}

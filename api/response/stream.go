package response

import (
	"fmt"
	"iter"
	"maps"
	"net/http"
	"time"

	"github.com/byline-api/byline/api/request"
)

// sendTimeout is how long a client may take to read one chunk.
const sendTimeout = 30 * time.Second

// Stream is a response that is sent while it is made, because it is too long
// to be held in memory. Its operation declares x-stream.
type Stream struct {
	// Header has the fields of the response.
	Header http.Header
	// Chunks makes the body. An error in place of the first chunk becomes an
	// error response; a later one breaks the response off.
	Chunks iter.Seq2[[]byte, error]
}

// Streamer is implemented by responses that embed a *Stream.
type Streamer interface{ ResponseStream() *Stream }

// ResponseStream implements Streamer.
func (s *Stream) ResponseStream() *Stream { return s }

// SkipBody leaves the header fields alone, for a HEAD request.
func (s *Stream) SkipBody() { s.Chunks = func(func([]byte, error) bool) {} }

// Send writes the response. A client that does not read in time, or is gone,
// gives request.ErrClientGone.
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
		_ = control.SetWriteDeadline(time.Now().Add(sendTimeout)) // a recorder has none
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

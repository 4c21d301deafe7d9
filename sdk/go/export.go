package byline

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/byline-api/byline/gen/client"
)

// ExportRecord is a record of an export. [ExportRecord.Get] returns its fields,
// which depend on its Type.
type ExportRecord = client.ExportRecord

// Export streams all data of the signed-in user, one record at a time. If the
// iteration ends without an error, the export is complete. If the connection
// breaks, it yields an error. An export is not retried once it has begun.
//
// The timeout of the HTTP client applies to each wait for the service, not to
// the whole export. Use ctx to limit the whole export.
func (c *Client) Export(ctx context.Context) iter.Seq2[ExportRecord, error] {
	return func(yield func(ExportRecord, error) bool) {
		streaming, err := c.with(WithCache(0), func(d *doer) { d.stream, d.http = true, withIdleTimeout(d.http) })
		if err != nil {
			yield(ExportRecord{}, err)
			return
		}
		res, err := streaming.ExportCurrentUser(ctx)
		if err != nil {
			yield(ExportRecord{}, err)
			return
		}
		defer res.Body.Close()
		records := json.NewDecoder(res.Body)
		for n := 0; ; n++ {
			record, err := nextRecord(records, n)
			if err == io.EOF || !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// nextRecord returns the record with index n, or [io.EOF] after the last one.
func nextRecord(records *json.Decoder, n int) (ExportRecord, error) {
	var record ExportRecord
	err := records.Decode(&record)
	if err == nil && record.Type != client.ExportEnd {
		return record, nil
	}
	if count, _ := record.Get("records"); err == nil && count == float64(n) {
		return ExportRecord{}, io.EOF
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return ExportRecord{}, fmt.Errorf("byline: the export is incomplete: %w", err)
}

// withIdleTimeout returns a client that applies the timeout of h to each wait
// for the service: to the wait for the response and to each read of its body. A
// timeout of the whole request would abort a long response, or a response that
// the caller reads slowly.
func withIdleTimeout(h *http.Client) *http.Client {
	if h.Timeout == 0 {
		return h
	}
	idle := *h
	idle.Timeout = 0
	idle.Transport = idleTimeoutTransport{h.Transport, h.Timeout}
	return &idle
}

type idleTimeoutTransport struct {
	next  http.RoundTripper
	limit time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (w idleTimeoutTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	next := w.next
	if next == nil {
		next = http.DefaultTransport
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(w.limit, func() { cancel(context.DeadlineExceeded) })
	res, err := next.RoundTrip(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		cancel(nil)
		return nil, err
	}
	res.Body = &idleTimeoutBody{res.Body, timer, w.limit, cancel}
	return res, nil
}

type idleTimeoutBody struct {
	io.ReadCloser
	timer  *time.Timer
	limit  time.Duration
	cancel context.CancelCauseFunc
}

func (b *idleTimeoutBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.limit)
	defer b.timer.Stop()
	return b.ReadCloser.Read(p)
}

func (b *idleTimeoutBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}

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

// ExportRecord is a record of an export; [ExportRecord.Get] gives its members,
// which depend on its Type.
type ExportRecord = client.ExportRecord

// Export yields all data of the signed-in user, record by record as the
// service sends them. When it ends without an error, the export is complete;
// one that breaks off gives an error, and is not repeated once it has begun.
//
// The time limit of the HTTP client is that of each wait for the service here,
// not of the whole, which ctx may limit.
func (c *Client) Export(ctx context.Context) iter.Seq2[ExportRecord, error] {
	return func(yield func(ExportRecord, error) bool) {
		streaming, err := c.with(WithCache(0), func(d *doer) { d.stream, d.http = true, waiting(d.http) })
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

// nextRecord returns the record after n others, and [io.EOF] after the last.
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
	return ExportRecord{}, fmt.Errorf("byline: the export has broken off: %w", err)
}

// waiting returns a client that applies the time limit of h to each wait for
// the service: for the answer to begin, and for each read of its body. A limit
// of the whole would break off a long answer, or one whose reader is slow.
func waiting(h *http.Client) *http.Client {
	if h.Timeout == 0 {
		return h
	}
	each := *h
	each.Timeout = 0
	each.Transport = waits{h.Transport, h.Timeout}
	return &each
}

type waits struct {
	next  http.RoundTripper
	limit time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (w waits) RoundTrip(req *http.Request) (*http.Response, error) {
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
	res.Body = &waitedBody{res.Body, timer, w.limit, cancel}
	return res, nil
}

type waitedBody struct {
	io.ReadCloser
	timer  *time.Timer
	limit  time.Duration
	cancel context.CancelCauseFunc
}

func (b *waitedBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.limit)
	defer b.timer.Stop()
	return b.ReadCloser.Read(p)
}

func (b *waitedBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}

package byline

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
)

// ExportRecord is a record of an export. Its members depend on its type.
type ExportRecord struct {
	// Type says what the record is.
	Type ExportRecordType
	// JSON is the whole record.
	JSON json.RawMessage
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *ExportRecord) UnmarshalJSON(text []byte) error {
	var record struct {
		Type ExportRecordType `json:"type"`
	}
	err := json.Unmarshal(text, &record)
	r.Type, r.JSON = record.Type, append(json.RawMessage(nil), text...)
	return err
}

// MarshalJSON implements [json.Marshaler].
func (r ExportRecord) MarshalJSON() ([]byte, error) { return r.JSON, nil }

// Decode stores the members of the record in v, such as an [*Article] or a
// map[string]any.
func (r ExportRecord) Decode(v any) error { return json.Unmarshal(r.JSON, v) }

// stream yields the records of an export, one at a time. If the iteration ends
// without an error, the export is complete. If the connection breaks, it yields
// an error. An export is not repeated once it has begun.
func (c *core) stream(ctx context.Context, r request, options []CallOption) iter.Seq2[ExportRecord, error] {
	return func(yield func(ExportRecord, error) bool) {
		r.streamed = true
		x, err := c.newExchange(r, options)
		if err != nil {
			yield(ExportRecord{}, err)
			return
		}
		x.opt.header.Set("Accept", "application/x-ndjson")
		if h := c.http.Timeout; h > 0 && (x.opt.timeout == 0 || h < x.opt.timeout) {
			x.opt.timeout = h
		}
		res, _, err := x.run(ctx)
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
	if err == nil && record.Type != ExportEnd {
		return record, nil
	}
	var end struct{ Records *int }
	if err == nil {
		err = record.Decode(&end)
	}
	if err == nil && end.Records != nil && *end.Records == n {
		return ExportRecord{}, io.EOF
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return ExportRecord{}, fmt.Errorf("byline: account.export: the export is incomplete: %w", err)
}

// streamedBody limits each wait for data, so that a long response, or one that
// the caller reads slowly, is not ended.
type streamedBody struct {
	io.ReadCloser
	ctx     context.Context
	limiter *limiter
}

func (b *streamedBody) Read(p []byte) (int, error) {
	b.limiter.timer.Reset(b.limiter.timeout)
	defer b.limiter.timer.Stop()
	n, err := b.ReadCloser.Read(p)
	if cause := context.Cause(b.ctx); err != nil && err != io.EOF && cause != nil {
		err = cause
	}
	return n, err
}

func (b *streamedBody) Close() error {
	defer b.limiter.end()
	return b.ReadCloser.Close()
}

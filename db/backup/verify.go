package backup

import (
	"context"
	"fmt"
	"io"
)

// Verify reads a whole backup, and returns its manifest if the counts and the
// checksums of all tables are right.
func Verify(ctx context.Context, r io.Reader, told Progress) (_ Manifest, err error) {
	r, end := reading(ctx, r)
	a, header, err := newArchiveReader(r)
	if err != nil {
		end(&err)
		return Manifest{}, err
	}
	defer func() { end(&err); a.close() }()
	var read []Sums
	for _, t := range header.Tables {
		rows := &tableReader{archive: a, table: t.Name, told: told, sums: newSummer()}
		if _, err := io.Copy(io.Discard, rows); err != nil {
			return Manifest{}, fmt.Errorf("table %s: %w", t.Name, err)
		}
		read = append(read, rows.sums.sums())
	}
	m, err := a.manifest()
	if err != nil {
		return Manifest{}, err
	}
	return m, compare(header, m, read)
}

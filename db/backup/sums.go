package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math/bits"
)

// maxRow is more than a row of Byline can take: the longest text is a response
// of about 2 MB, which is stored for a repeated request, with two digits a byte.
const maxRow = 64 << 20

var errLongRow = refusef("a row is longer than %d MB, which none of Byline is", maxRow>>20)

// summer computes the sums of the rows that are written to it. In the text
// format of COPY, each row ends with a line feed, and has no other.
type summer struct {
	rows, bytes int64
	all         hash.Hash
	total       [4]uint64 // the sum of the rows' hashes modulo 2^256, its lowest part first
	row         []byte    // the beginning of a row whose end has not been written yet
}

func newSummer() *summer { return &summer{all: sha256.New()} }

// Write implements io.Writer. It fails only with errLongRow.
func (s *summer) Write(p []byte) (int, error) {
	n := len(p)
	s.bytes += int64(n)
	_, _ = s.all.Write(p)
	for {
		end := bytes.IndexByte(p, '\n')
		if len(s.row)+len(p) > maxRow && (end < 0 || len(s.row)+end > maxRow) {
			return 0, errLongRow
		}
		if end < 0 {
			s.row = append(s.row, p...)
			return n, nil
		}
		line := p[:end+1]
		if len(s.row) > 0 {
			s.row = append(s.row, line...)
			line = s.row
		}
		s.add(sha256.Sum256(line))
		s.rows++
		s.row, p = s.row[:0], p[end+1:]
	}
}

func (s *summer) add(sum [sha256.Size]byte) {
	var carry uint64
	for i := range s.total {
		part := binary.LittleEndian.Uint64(sum[8*i:])
		s.total[i], carry = bits.Add64(s.total[i], part, carry)
	}
}

// whole reports whether the last row is complete.
func (s *summer) whole() bool { return len(s.row) == 0 }

func (s *summer) sums() Sums {
	var total [sha256.Size]byte
	for i, part := range s.total {
		binary.LittleEndian.PutUint64(total[8*i:], part)
	}
	return Sums{Rows: s.rows, Bytes: s.bytes, SHA256: hex.EncodeToString(s.all.Sum(nil)), RowSum: hex.EncodeToString(total[:])}
}

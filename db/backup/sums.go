package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math/bits"
)

// summer computes the sums of the rows that are written to it. In the text
// format of COPY, each row ends with a line feed, and has no other.
type summer struct {
	rows, bytes int64
	all         hash.Hash
	total       [4]uint64 // the sum of the rows' hashes modulo 2^256, its lowest part first
	row         []byte    // the beginning of a row whose end has not been written yet
}

func newSummer() *summer { return &summer{all: sha256.New()} }

// Write implements io.Writer. It never fails.
func (s *summer) Write(p []byte) (int, error) {
	n := len(p)
	s.bytes += int64(n)
	_, _ = s.all.Write(p)
	for {
		end := bytes.IndexByte(p, '\n')
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

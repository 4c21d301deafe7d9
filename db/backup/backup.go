// Package backup writes the whole database to one stream, and makes a database
// from it again. docs/backup.md describes the file for operators.
//
// A backup is a tar archive that zstd compresses, so that tar and psql can read
// it without Byline. Its members are, in this order:
//
//	header.json                what the backup is, and the columns of each table
//	tables/users/000001.copy   rows of a table, as COPY TO writes them as text
//	tables/users/000002.copy   further rows of that table
//	…
//	manifest.json              the header again, with the counts and checksums
//
// The text format of COPY is the same for every major version of PostgreSQL,
// which its binary format is not. A table is cut into members of about 1 MB,
// because tar has the size of a member before its content, and the backup is
// written while it is read. The counts are known only at the end, so that a
// backup whose manifest is missing is incomplete, and is refused.
//
// Rows of a table have two checksums. SHA256 is that of the members of the table
// one after the other. RowSum adds the SHA-256 of the rows, so that it does not
// depend on their order: PostgreSQL may store rows elsewhere than they were.
//
// Where to look: tables.go decides about each table; archive.go knows the
// container; write.go, verify.go and restore.go are what an operator does.
package backup

import (
	"errors"
	"fmt"
	"time"
)

// format is the version of the format. Members of JSON objects that are added do
// not change it.
const format = 1

// Manifest describes a backup. The header of a backup is a Manifest without
// sequences, and without the counts and checksums of the tables.
type Manifest struct {
	Format    int        `json:"format"`
	Byline    string     `json:"byline"`     // version of the service that wrote it
	Schema    int64      `json:"schema"`     // the newest migration of the database
	Postgres  string     `json:"postgresql"` // version of the server
	Time      time.Time  `json:"time"`       // of the snapshot
	Tables    []Table    `json:"tables"`
	Sequences []Sequence `json:"sequences,omitempty"`
}

// Table describes the rows of a table.
type Table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Types   []string `json:"types,omitempty"` // of the columns; older releases do not write them
	Sums
}

// Sums are what the rows of a table add up to.
type Sums struct {
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"`
	RowSum string `json:"rowSum,omitempty"`
}

// Sequence is the state of a sequence.
type Sequence struct {
	Name string `json:"name"`
	Last int64  `json:"last"` // the last value that it gave
}

// Rows returns the number of rows of all tables.
func (m Manifest) Rows() (n int64) {
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

// Bytes returns the size of all tables before compression.
func (m Manifest) Bytes() (n int64) {
	for _, t := range m.Tables {
		n += t.Bytes
	}
	return n
}

// A Progress is told how much of a table has been written or read.
type Progress func(table string, rows, bytes int64)

// ErrRefused means that the backup or the database is not as it must be. The
// message says what to do.
var ErrRefused = errors.New("refused")

// refused is an error that is ErrRefused too.
type refused struct{ error }

func (refused) Is(target error) bool { return target == ErrRefused }
func (r refused) Unwrap() error      { return r.error }

func refusef(text string, args ...any) error { return refused{fmt.Errorf(text, args...)} }

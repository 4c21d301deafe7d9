package backup

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	headerName   = "header.json"
	manifestName = "manifest.json"
	// memberSize is where a member of a table ends, after a whole row.
	memberSize = 1 << 20
	// maxJSON is more than a header or a manifest can have.
	maxJSON = 4 << 20
	// window is how far back the compression looks, which bounds its memory.
	window = 2 << 20
)

// memberName returns the name of the nth member of a table.
func memberName(table string, n int) string { return fmt.Sprintf("tables/%s/%06d.copy", table, n) }

// archiveWriter writes a backup to a stream.
type archiveWriter struct {
	zstd *zstd.Encoder
	tar  *tar.Writer
	time time.Time // of all members
}

func newArchiveWriter(w io.Writer, at time.Time) (*archiveWriter, error) {
	z, err := zstd.NewWriter(w, zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(2))
	if err != nil {
		return nil, err
	}
	return &archiveWriter{z, tar.NewWriter(z), at}, nil
}

func (w *archiveWriter) member(name string, content []byte) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o600, ModTime: w.time.Truncate(time.Second)}
	if err := w.tar.WriteHeader(h); err != nil {
		return err
	}
	_, err := w.tar.Write(content)
	return err
}

func (w *archiveWriter) json(name string, m Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return w.member(name, append(text, '\n'))
}

// close ends the archive. Without it the backup is incomplete.
func (w *archiveWriter) close() error { return errors.Join(w.tar.Close(), w.zstd.Close()) }

// abandon frees the memory without ending the archive.
func (w *archiveWriter) abandon() {
	w.zstd.Reset(io.Discard)
	_ = w.zstd.Close()
}

// tableWriter cuts the rows of a table into members.
type tableWriter struct {
	archive *archiveWriter
	table   string
	told    Progress
	sums    *summer
	members int
	buffer  []byte
}

// Write implements io.Writer.
func (w *tableWriter) Write(p []byte) (int, error) {
	if _, err := w.sums.Write(p); err != nil {
		return 0, err
	}
	w.buffer = append(w.buffer, p...)
	if len(w.buffer) < memberSize || !w.sums.whole() {
		return len(p), nil
	}
	return len(p), w.flush()
}

func (w *tableWriter) flush() error {
	if len(w.buffer) == 0 {
		return nil
	}
	w.members++
	err := w.archive.member(memberName(w.table, w.members), w.buffer)
	w.buffer = w.buffer[:0]
	w.told(w.table, w.sums.rows, w.sums.bytes)
	return err
}

// archiveReader reads a backup from a stream, member by member.
type archiveReader struct {
	using sync.Mutex // pgx may still read when it has returned, and the archive is closed
	zstd  *zstd.Decoder
	tar   *tar.Reader
	next  *tar.Header // the member whose content comes next; nil at the end
}

// errDamaged is the reason why a backup is refused whose bytes are not those
// that were written.
func errDamaged(err error) error {
	return refusef("the backup is damaged or incomplete: use another one: %w", err)
}

func newArchiveReader(r io.Reader) (*archiveReader, Manifest, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(64<<20), zstd.WithDecoderConcurrency(2))
	if err != nil {
		return nil, Manifest{}, err
	}
	a := &archiveReader{zstd: z, tar: tar.NewReader(z)}
	m, err := a.header()
	if err != nil {
		z.Close()
		return nil, Manifest{}, err
	}
	return a, m, nil
}

// close frees the memory. The stream must have ended, so that nobody waits for it.
func (a *archiveReader) close() {
	a.using.Lock()
	defer a.using.Unlock()
	a.zstd.Close()
}

func (a *archiveReader) header() (Manifest, error) {
	err := a.advance()
	if errors.Is(err, zstd.ErrMagicMismatch) || err == nil && (a.next == nil || a.next.Name != headerName) {
		return Manifest{}, refusef("this is not a backup of Byline: name a file that byline backup has written")
	}
	if err != nil {
		return Manifest{}, errDamaged(err)
	}
	m, err := a.json()
	if err != nil {
		return m, err
	}
	if m.Format != format {
		return m, refusef("the backup has the format %d, and this release knows only %d: use byline %s, which wrote it, or a newer one", m.Format, format, m.Byline)
	}
	return m, nil
}

// advance goes to the next member.
func (a *archiveReader) advance() (err error) {
	if a.next, err = a.tar.Next(); errors.Is(err, io.EOF) {
		a.next = nil
		return nil
	}
	return err
}

// json reads the current member, and goes to the next one.
func (a *archiveReader) json() (m Manifest, err error) {
	if err := json.NewDecoder(io.LimitReader(a.tar, maxJSON)).Decode(&m); err != nil {
		return m, errDamaged(err)
	}
	if err := a.advance(); err != nil {
		return m, errDamaged(err)
	}
	return m, nil
}

// manifest reads the last member, and the end of the stream behind it.
func (a *archiveReader) manifest() (Manifest, error) {
	if a.next == nil || a.next.Name != manifestName {
		return Manifest{}, errDamaged(errors.New("it has no manifest where it should end"))
	}
	m, err := a.json()
	if err != nil {
		return m, err
	}
	if a.next != nil {
		return m, errDamaged(fmt.Errorf("it has the member %q behind its manifest", a.next.Name))
	}
	// Reading to the end checks the checksum of the compression too.
	behind, err := io.Copy(io.Discard, a.zstd)
	if err == nil && behind > 0 {
		err = fmt.Errorf("it has %d bytes behind its end", behind)
	}
	if err != nil {
		return m, errDamaged(err)
	}
	return m, nil
}

// tableReader reads the members of a table one after the other.
type tableReader struct {
	archive *archiveReader
	table   string
	told    Progress
	sums    *summer
	members int
	inside  bool
	failed  atomic.Pointer[error] // why the backup cannot be read
}

// Read implements io.Reader.
func (r *tableReader) Read(p []byte) (int, error) {
	r.archive.using.Lock()
	defer r.archive.using.Unlock()
	for {
		if !r.inside {
			if r.archive.next == nil || !strings.HasPrefix(r.archive.next.Name, "tables/"+r.table+"/") {
				return 0, io.EOF
			}
			if r.members++; r.archive.next.Name != memberName(r.table, r.members) {
				return 0, r.fail(fmt.Errorf("%s is not at its place", r.archive.next.Name))
			}
			r.inside = true
		}
		n, err := r.archive.tar.Read(p)
		if _, long := r.sums.Write(p[:n]); long != nil {
			return 0, r.fail(long)
		}
		if errors.Is(err, io.EOF) {
			r.inside = false
			r.told(r.table, r.sums.rows, r.sums.bytes)
			err = r.archive.advance()
		}
		if err != nil {
			return n, r.fail(err)
		}
		if n > 0 {
			return n, nil
		}
	}
}

func (r *tableReader) fail(err error) error {
	err = errDamaged(err)
	r.failed.Store(&err)
	return err
}

// compare returns an error unless the tables of a backup are those that its
// manifest lists.
func compare(header, manifest Manifest, read []Sums) error {
	if len(manifest.Tables) != len(header.Tables) || manifest.Schema != header.Schema {
		return errDamaged(errors.New("its manifest is not that of its header"))
	}
	for i, t := range manifest.Tables {
		if t.Name != header.Tables[i].Name || t.Sums != read[i] {
			return errDamaged(fmt.Errorf("the table %s has %d rows with the checksum %s, and the manifest says %d with %s",
				t.Name, read[i].Rows, read[i].SHA256, t.Rows, t.SHA256))
		}
	}
	return nil
}

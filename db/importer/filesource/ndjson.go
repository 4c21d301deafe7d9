package filesource

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/byline-api/byline/db/importer/source"
)

// NDJSONOptions says how to read an export of this service.
type NDJSONOptions struct {
	// MaxLine is the length of the longest line that is accepted, in bytes; 0
	// means 64 MB.
	MaxLine int
	// HiddenComments includes comments that a moderator has hidden, or has not
	// approved. The import would show them to everybody. Otherwise they are left
	// out, but if others answer one, it stays without its text and author.
	HiddenComments bool
	// Note, if it is set, is called for what is left out or changed.
	Note func(Note)
}

const defaultMaxLine = 64 << 20

// NDJSONSource is an export of this service: of the whole site (byline export),
// or of one account (GET /user/export).
//
// The export of an account names articles by their slugs and users by their
// names, which are its keys. Its comments, favorites and follows may lead to
// articles and users that are in no file; the importer reports them.
type NDJSONSource struct {
	file    *os.File
	path    string
	options NDJSONOptions
	format  format
	kinds   map[source.Kind]*section
	notes   notes
	// hidden has the ids of comments that not everybody could see, with those that
	// they answer, and answered those of them that others answer.
	hidden   map[string]string
	answered map[string]bool
}

var _ source.Source = (*NDJSONSource)(nil)

// section is where the lines of a kind are in the file.
type section struct {
	count      int64
	start, end int64 // bytes
	line       int64 // the number of the first line, from 1
}

// NDJSON opens an export and checks that it is complete.
func NDJSON(path string, options NDJSONOptions) (*NDJSONSource, error) {
	f, _, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return NDJSONFile(f, options)
}

// NDJSONFile is NDJSON for an open file, which Close closes.
func NDJSONFile(f *os.File, options NDJSONOptions) (*NDJSONSource, error) {
	if options.MaxLine <= 0 {
		options.MaxLine = defaultMaxLine
	}
	s := &NDJSONSource{file: f, path: f.Name(), options: options, kinds: map[source.Kind]*section{}, notes: newNotes(options.Note),
		hidden: map[string]string{}, answered: map[string]bool{}}
	if err := s.index(); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	return s, nil
}

// line is a line of the file with its place.
type line struct {
	text       []byte // without the line break; valid until the next line is read
	start, end int64
	number     int64
}

// lines returns the lines that are not empty, from a place on.
func (s *NDJSONSource) lines(from line) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		scanner := bufio.NewScanner(io.NewSectionReader(s.file, from.start, 1<<62-from.start))
		scanner.Buffer(make([]byte, 0, min(256<<10, s.options.MaxLine)), s.options.MaxLine+2)
		scanner.Split(wholeLines)
		l := line{end: from.start, number: from.number - 1}
		for scanner.Scan() {
			l.start, l.end, l.number = l.end, l.end+int64(len(scanner.Bytes())), l.number+1
			l.text = bytes.TrimSpace(scanner.Bytes())
			if l.number == 1 {
				l.text = bytes.TrimPrefix(l.text, []byte("\xef\xbb\xbf")) // Windows programs write it
			}
			if len(l.text) > 0 && !yield(l, nil) {
				return
			}
		}
		err := scanner.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("line %d is longer than %d bytes", l.number+1, s.options.MaxLine)
		}
		if err != nil {
			yield(line{}, err)
		}
	}
}

// wholeLines is a split function that keeps line breaks, so that the lengths of
// lines are those in the file.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// index reads all lines once. It finds where each kind is, and whether the file
// is complete.
func (s *NDJSONSource) index() error {
	var records int64
	var last line
	ended := false
	for l, err := range s.lines(line{number: 1}) {
		if err != nil {
			return err
		}
		h, err := headOf(l.text, !json.Valid(l.text))
		if err != nil {
			return atLine(l, err)
		}
		switch {
		case ended:
			return fmt.Errorf("line %d follows the line end: these are several files in one", l.number)
		case s.format == nil:
			if err := s.begin(h, l); err != nil {
				return err
			}
		case h.Type == "end":
			ended = true
			if h.Records == nil || *h.Records != records {
				return fmt.Errorf("line %d: the line end does not count the %d records before it: the file is incomplete; export it again", l.number, records)
			}
		}
		records, last = records+1, l
		if kind := s.format.kindOf(h.Type); kind != "" {
			s.answers(h)
			s.add(kind, l, !s.leavesOut(h))
		}
	}
	if !ended {
		return fmt.Errorf("the file has no line end after line %d (byte %d): it is incomplete; export it again", last.number, last.end)
	}
	return nil
}

// bodiless are the types of lines whose head is only the type. Most lines begin
// with it, so that their texts need not be decoded to find it.
var bodiless = []string{"article", "favorite", "follow", "following", "follower"}

// headOf returns the head of a line. A line that may be wrong is read as a
// whole.
func headOf(text []byte, wrong bool) (h head, err error) {
	rest, found := bytes.CutPrefix(text, []byte(`{"type":"`))
	if !found {
		rest, found = bytes.CutPrefix(text, []byte(`{"type" : "`)) // as PostgreSQL writes it
	}
	if end := bytes.IndexByte(rest[:min(len(rest), 20)], '"'); found && !wrong && end > 0 {
		if t := string(rest[:end]); slices.Contains(bodiless, t) {
			return head{Type: t}, nil
		}
	}
	err = json.Unmarshal(text, &h)
	return h, err
}

// begin finds out by the first line which export the file is.
func (s *NDJSONSource) begin(first head, l line) error {
	switch first.Type {
	case "site":
		if first.Version != formatVersion {
			return fmt.Errorf("line %d: the export has version %d, and only version %d can be read: use a newer release of Byline", l.number, first.Version, formatVersion)
		}
		s.format = siteFormat{}
	case "account":
		var account accountLine
		if err := json.Unmarshal(l.text, &account); err != nil {
			return atLine(l, err)
		}
		s.format = accountFormat{account.Username}
	default:
		return fmt.Errorf("line %d: the file is no export of Byline, since its first line has neither the type site nor account", l.number)
	}
	return nil
}

// atLine adds its place to an error. Errors of encoding/json name types of Go,
// which tell a reader nothing.
func atLine(l line, err error) error {
	var syntax *json.SyntaxError
	var value *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		err = fmt.Errorf("it is no JSON at byte %d of the line (%w)", syntax.Offset, err)
	case errors.As(err, &value) && value.Field == "":
		err = errors.New("it is no JSON object")
	case errors.As(err, &value):
		err = fmt.Errorf("the member %s cannot be a JSON %s", value.Field, strings.Fields(value.Value)[0])
	}
	return fmt.Errorf("line %d: %w", l.number, err)
}

func (s *NDJSONSource) add(kind source.Kind, l line, counts bool) {
	found := s.kinds[kind]
	if found == nil {
		found = &section{start: l.start, line: l.number}
		s.kinds[kind] = found
	}
	found.end = l.end
	if counts {
		found.count++
	}
}

// Describe implements source.Source.
func (s *NDJSONSource) Describe() string { return s.format.String() + " in the file " + s.path }

// HasIDs implements source.Source: the export of an account has names only.
func (s *NDJSONSource) HasIDs() bool { return s.format.hasIDs() }

// Origin implements source.Source.
func (s *NDJSONSource) Origin() string { return s.format.String() }

// Counts implements source.Source.
func (s *NDJSONSource) Counts(context.Context) (source.Counts, error) {
	counts := source.Counts{}
	for _, kind := range source.Kinds {
		if found := s.kinds[kind]; found != nil {
			counts[kind] = found.count
		}
	}
	return counts, nil
}

// Keys implements source.Source.
func (s *NDJSONSource) Keys(ctx context.Context, kind source.Kind) iter.Seq2[string, error] {
	return keysOfKind(ctx, s, kind)
}

// Close implements source.Source.
func (s *NDJSONSource) Close() error { return s.file.Close() }

// position is where to go on after a line: its place and a hash of it. If the
// file is another one by then, the hash differs.
func position(l line) string { return fmt.Sprintf("%d-%d-%x", l.start, l.end, xxhash.Sum64(l.text)) }

// resume returns the place after a position. In another file than that of the
// position, it is the place of the first line: an import knows the rows that it
// has stored already.
func (s *NDJSONSource) resume(first line, after string) line {
	var start, end int64
	var sum uint64
	if n, err := fmt.Sscanf(after, "%d-%d-%x", &start, &end, &sum); n != 3 || err != nil || start < 0 || end <= start || end-start > int64(s.options.MaxLine)+2 {
		return first
	}
	text := make([]byte, end-start)
	if _, err := s.file.ReadAt(text, start); err != nil || xxhash.Sum64(bytes.TrimSpace(text)) != sum {
		return first
	}
	// The numbers of lines are only for errors. Counting them takes less time
	// than what comes after.
	number := first.number
	for l, err := range s.lines(first) {
		if err != nil || l.start >= end {
			break
		}
		number = l.number + 1
	}
	return line{start: end, number: number}
}

// reader reads a line of a type, and notes what is lost.
type reader[R any] func(f format, lineType string, text []byte) (R, []Note, error)

// rowsOf returns the rows of a kind.
func rowsOf[R any](ctx context.Context, s *NDJSONSource, kind source.Kind, r source.Range, read reader[R], row func(*R) *source.Row) iter.Seq2[R, error] {
	found := s.kinds[kind]
	if found == nil {
		return nothing[R]
	}
	return func(yield func(R, error) bool) {
		var none R
		lost := map[Note]int{}
		for l, err := range s.lines(s.resume(line{start: found.start, number: found.line}, r.After)) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(none, err)
				return
			}
			if l.start >= found.end {
				break
			}
			one, notes, isRow, err := rowOf(s, kind, l, read, row)
			if err != nil {
				yield(none, atLine(l, err))
				return
			}
			for _, n := range notes {
				if n.Key == "" {
					lost[n]++
				} else {
					s.notes.add(n.Kind, n.Key, n.Text)
				}
			}
			if !isRow {
				continue
			}
			row(&one).Position = position(l)
			if !yield(one, nil) {
				return
			}
		}
		s.notes.addCounted(lost)
	}
}

// rowOf reads a line. It reports whether the line is a row of a kind that is not
// left out.
func rowOf[R any](s *NDJSONSource, kind source.Kind, l line, read reader[R], row func(*R) *source.Row) (one R, notes []Note, isRow bool, err error) {
	h, err := headOf(l.text, false)
	if err != nil || s.format.kindOf(h.Type) != kind {
		return one, nil, false, err
	}
	one, notes, err = read(s.format, h.Type, l.text)
	if err == nil && row(&one).Key == "" {
		err = fmt.Errorf("the %s has no id", h.Type)
	}
	if c, isComment := any(&one).(*source.Comment); isComment && s.hides(h) {
		c.Body, c.AuthorKey, c.Deleted = "", "", true
	}
	return one, notes, !s.leavesOut(h), err
}

// Users implements source.Source.
func (s *NDJSONSource) Users(ctx context.Context, r source.Range) iter.Seq2[source.User, error] {
	return rowsOf(ctx, s, source.Users, r, format.user, func(u *source.User) *source.Row { return &u.Row })
}

// Articles implements source.Source.
func (s *NDJSONSource) Articles(ctx context.Context, r source.Range) iter.Seq2[source.Article, error] {
	return rowsOf(ctx, s, source.Articles, r, format.article, func(a *source.Article) *source.Row { return &a.Row })
}

// Comments implements source.Source.
func (s *NDJSONSource) Comments(ctx context.Context, r source.Range) iter.Seq2[source.Comment, error] {
	return rowsOf(ctx, s, source.Comments, r, format.comment, func(c *source.Comment) *source.Row { return &c.Row })
}

// Favorites implements source.Source.
func (s *NDJSONSource) Favorites(ctx context.Context, r source.Range) iter.Seq2[source.Favorite, error] {
	return rowsOf(ctx, s, source.Favorites, r, format.favorite, func(f *source.Favorite) *source.Row { return &f.Row })
}

// Follows implements source.Source.
func (s *NDJSONSource) Follows(ctx context.Context, r source.Range) iter.Seq2[source.Follow, error] {
	return rowsOf(ctx, s, source.Follows, r, format.follow, func(f *source.Follow) *source.Row { return &f.Row })
}

// Package apisource reads what an import stores from the API of any RealWorld
// backend. It needs no access to the old system but what everybody has.
//
//	apisource.go  options, and the source
//	client.go     sends requests: politely, again after faults, with limits
//	crawl.go      which requests, and what becomes of the responses
//	lists.go      reads lists that change while they are read
//	dialect.go    the forms of responses that backends differ in
//
// An API shows less than a database:
//
//   - no e-mail addresses and password hashes: users need a link of an operator to
//     set a password. Only the account whose token is given has its address.
//   - only users who have written an article or a comment;
//   - favorites only of these users;
//   - follows only of the account whose token is given;
//   - no drafts, and no times of accounts, favorites and follows.
//
// The first method that is called reads everything into a temporary file, since
// lists move while they are read, and users are found only in articles and
// comments. The other methods read that file. Later changes are found by the next
// import.
package apisource

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/byline-api/byline/db/importer/filesource"
	"github.com/byline-api/byline/db/importer/source"
)

// Options says how to read an API. The zero value has the defaults.
type Options struct {
	// Token is that of an account, for its follows and e-mail address. It is sent
	// as "Token …", unless it begins with another scheme and a space.
	Token string
	// Concurrency is how many requests wait for a response at a time (4).
	Concurrency int
	// Rate is how many requests are sent in a second; 0 means no limit.
	Rate float64
	// PageSize is how many articles a page of a list has (100).
	PageSize int
	// Timeout is that of a request with its response (30 s).
	Timeout time.Duration
	// Attempts is how often a request is sent until it succeeds (8). FirstPause
	// is the pause before the second one (0.5 s); later pauses grow. MaxPause is
	// the longest pause that a server can ask for (5 min).
	Attempts             int
	FirstPause, MaxPause time.Duration
	// MaxResponse is the size of the longest response that is accepted, in bytes
	// (32 MB). MaxArticles is how many articles there may be (10 million).
	MaxResponse int64
	MaxArticles int
	// WithoutFavorites leaves out favorites, for which each user costs a request.
	WithoutFavorites bool
	// Broken, if it is set, is called for an article or its comments that the API
	// fails to show with 500 each time. They are left out. Otherwise the first one
	// ends the import. It is called concurrently.
	Broken func(slug string, err error)
	// Note, if it is set, is called for what is left out.
	Note func(filesource.Note)
	// Dir is the folder of the temporary file, as large as all texts; "" means
	// that of the system.
	Dir string
	// Progress, if it is set, is called when an article was read, with the numbers
	// of articles that are read and known.
	Progress func(read, known int)
	// Transport sends the requests; nil means that of net/http.
	Transport http.RoundTripper
}

func (o Options) withDefaults() Options {
	o.Concurrency, o.PageSize, o.Attempts = cmp.Or(o.Concurrency, 4), cmp.Or(o.PageSize, 100), cmp.Or(o.Attempts, 8)
	o.Timeout, o.FirstPause, o.MaxPause = cmp.Or(o.Timeout, 30*time.Second), cmp.Or(o.FirstPause, time.Second/2), cmp.Or(o.MaxPause, 5*time.Minute)
	o.MaxResponse, o.MaxArticles = cmp.Or(o.MaxResponse, 32<<20), cmp.Or(o.MaxArticles, 10_000_000)
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	if o.Note == nil {
		o.Note = func(filesource.Note) {}
	}
	return o
}

// Source is an API. The keys are usernames, slugs and the ids of comments.
type Source struct {
	client  *client
	options Options
	base    *url.URL
	rows    *filesource.NDJSONSource // nil until everything is read
	file    string
}

var _ source.Source = (*Source)(nil)

// New returns a source that reads the API at an address such as
// https://old.example.com/api.
func New(address string, options Options) (*Source, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("the address of the API must be one such as https://example.com/api")
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("the address of the API must have no password, query and fragment")
	}
	if strings.ContainsAny(options.Token, "\r\n") {
		return nil, fmt.Errorf("the token has a line break")
	}
	options = options.withDefaults()
	return &Source{client: newClient(base, options), options: options, base: base}, nil
}

// ready reads everything, if that is not done yet.
func (s *Source) ready(ctx context.Context) error {
	if s.rows != nil {
		return nil
	}
	f, err := os.CreateTemp(s.options.Dir, "byline-import-*.ndjson")
	if err != nil {
		return err
	}
	// Where an open file can be deleted, no end of the process leaves it behind.
	s.file = f.Name()
	_ = os.Remove(s.file)
	w := filesource.NewWriter(f)
	c := &crawl{client: s.client, options: s.options, out: w, users: map[string]profile{}, read: map[string]bool{}, written: map[string]bool{}}
	err = c.everything(ctx)
	if err == nil {
		err = w.End()
	}
	if err == nil {
		// JSON can be six times as long as the text in it.
		s.rows, err = filesource.NDJSONFile(f, filesource.NDJSONOptions{MaxLine: int(6*s.options.MaxResponse) + 1<<20})
	}
	if err != nil {
		_ = f.Close()
		_ = os.Remove(s.file)
		return fmt.Errorf("read the API at %s: %w", s.base, err)
	}
	return nil
}

// Describe implements source.Source.
func (s *Source) Describe() string {
	text := "the API at " + s.base.String() + ": without passwords and e-mail addresses, with the follows of "
	if s.options.Token == "" {
		return text + "nobody"
	}
	return text + "one account"
}

// HasIDs implements source.Source: the API shows names only.
func (s *Source) HasIDs() bool { return false }

// Origin implements source.Source.
func (s *Source) Origin() string { return "the API at " + s.base.String() }

// Counts implements source.Source.
func (s *Source) Counts(ctx context.Context) (source.Counts, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	return s.rows.Counts(ctx)
}

// after returns the rows of a function once everything is read.
func after[R any](ctx context.Context, s *Source, rows func() iter.Seq2[R, error]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		if err := s.ready(ctx); err != nil {
			var none R
			yield(none, err)
			return
		}
		rows()(yield)
	}
}

// Users implements source.Source.
func (s *Source) Users(ctx context.Context, r source.Range) iter.Seq2[source.User, error] {
	return after(ctx, s, func() iter.Seq2[source.User, error] { return s.rows.Users(ctx, r) })
}

// Articles implements source.Source.
func (s *Source) Articles(ctx context.Context, r source.Range) iter.Seq2[source.Article, error] {
	return after(ctx, s, func() iter.Seq2[source.Article, error] { return s.rows.Articles(ctx, r) })
}

// Comments implements source.Source.
func (s *Source) Comments(ctx context.Context, r source.Range) iter.Seq2[source.Comment, error] {
	return after(ctx, s, func() iter.Seq2[source.Comment, error] { return s.rows.Comments(ctx, r) })
}

// Favorites implements source.Source.
func (s *Source) Favorites(ctx context.Context, r source.Range) iter.Seq2[source.Favorite, error] {
	return after(ctx, s, func() iter.Seq2[source.Favorite, error] { return s.rows.Favorites(ctx, r) })
}

// Follows implements source.Source.
func (s *Source) Follows(ctx context.Context, r source.Range) iter.Seq2[source.Follow, error] {
	return after(ctx, s, func() iter.Seq2[source.Follow, error] { return s.rows.Follows(ctx, r) })
}

// Keys implements source.Source.
func (s *Source) Keys(ctx context.Context, kind source.Kind) iter.Seq2[string, error] {
	return after(ctx, s, func() iter.Seq2[string, error] { return s.rows.Keys(ctx, kind) })
}

// Close implements source.Source.
func (s *Source) Close() error {
	s.client.close()
	if s.rows == nil {
		return nil
	}
	err := s.rows.Close()
	_ = os.Remove(s.file) // it may be deleted already
	return err
}

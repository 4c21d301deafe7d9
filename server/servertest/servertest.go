// Package servertest starts the whole service, on a database of its own, for
// tests that call it the way its users do: through the generated client.
package servertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/credentials"
	"github.com/byline-api/byline/api/idempotency"
	"github.com/byline-api/byline/api/mail"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/publish"
	"github.com/byline-api/byline/api/signin"
	"github.com/byline-api/byline/api/tagmerge"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/db/jobs"
	"github.com/byline-api/byline/gen/client"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/contract"
)

// Service is a running service.
type Service struct {
	// URL is the URL of the API, with its base path.
	URL string
	// Root is the URL of the service.
	Root string
	// Handler serves requests without the network.
	Handler http.Handler
	// Anonymous calls the API without a token.
	Anonymous *client.ClientWithResponses
	DB        *db.DB
	// Edge is the server itself, for tests of its lifecycle and admin pages.
	Edge *server.Server
	// Statements counts the statements that the service sends to the database.
	Statements *dbtest.Counter
	// Mail shows the mails of a service that was started with Mailing.
	Mail *mail.Courier
	// Log holds the log of the service.
	Log *Log

	t             testing.TB
	authenticator *auth.Authenticator
	feed          *changes.Feed
	http          *http.Client
	n             *atomic.Int64
}

// Option changes how the service is set up.
type Option func(*setup)

type setup struct {
	server    server.Config
	db        []dbtest.Options
	deps      func(*server.Deps)
	url       string
	follows   bool
	trust     time.Duration
	now       func() time.Time
	rules     signin.Rules
	storage   int64
	base      *url.URL
	preview   string
	mailing   bool
	passwords func(signin.Passwords) signin.Passwords
	old       *auth.OldTokens
	imported  string
	publish   publish.Rules
}

// WithServer changes the edge's configuration.
func WithServer(f func(*server.Config)) Option { return func(s *setup) { f(&s.server) } }

// WithDB changes the pool's configuration.
func WithDB(f func(*db.Config)) Option { return func(s *setup) { s.db = append(s.db, f) } }

// WithDeps changes the parts that the edge connects.
func WithDeps(f func(*server.Deps)) Option { return func(s *setup) { s.deps = f } }

// Mailing makes the service work its jobs. Service.Mail then shows the mails.
func Mailing() Option { return func(s *setup) { s.mailing = true } }

// WithRules changes the rules for accounts.
func WithRules(f func(*signin.Rules)) Option { return func(s *setup) { f(&s.rules) } }

// WithPublishing sets the rules of who may make articles public.
func WithPublishing(r publish.Rules) Option { return func(s *setup) { s.publish = r } }

// WithAccountStorage sets the maximum size of the text of an account, in bytes.
func WithAccountStorage(bytes int64) Option { return func(s *setup) { s.storage = bytes } }

// WithPreviewLink sets the address of the page that shows previews.
func WithPreviewLink(link string) Option { return func(s *setup) { s.preview = link } }

// WithContentBase sets the folder that relative addresses in texts refer to.
func WithContentBase(base *url.URL) Option { return func(s *setup) { s.base = base } }

// WithPasswords replaces what hashes and verifies passwords.
func WithPasswords(f func(signin.Passwords) signin.Passwords) Option {
	return func(s *setup) { s.passwords = f }
}

// WithOldTokens accepts tokens of an older system, whose users an import of the
// name has stored.
func WithOldTokens(tokens *auth.OldTokens, imported string) Option {
	return func(s *setup) { s.old, s.imported = tokens, imported }
}

// WithDatabase uses the database at url instead of a new one, so that several
// services can share it.
func WithDatabase(url string) Option { return func(s *setup) { s.url = url } }

// Following makes the service follow the changes of others, as a replica in
// production does.
func Following() Option { return func(s *setup) { s.follows, s.trust = true, auth.Trust } }

// WithClock makes the service trust cached credentials for as long as in
// production, by a clock that the test moves.
func WithClock(now func() time.Time) Option {
	return func(s *setup) { s.now, s.trust = now, auth.Trust }
}

// New starts a service that ends with the test. Every response to its clients
// is checked against the document.
func New(t testing.TB, options ...Option) *Service {
	t.Helper()
	set := setup{server: server.Config{
		Compat: server.Strict, CORSOrigins: []string{"*"}, RequestTimeout: 30 * time.Second, DrainTimeout: 5 * time.Second,
		MaxInFlight: 200,                           // a slow machine must not cause refusals
		CacheBytes:  4 << 20, SharedDatabase: true, // tests write to the database directly too
		Version: "test", Commit: "test",
	}, rules: signin.Rules{SignIns: signin.WideLimits()}, passwords: func(p signin.Passwords) signin.Passwords { return p },
		// Most tests follow no changes, so that they can count statements. Tests
		// of revocation use Following, Sync or WithClock.
		trust: time.Hour, now: time.Now}
	for _, o := range options {
		o(&set)
	}
	if set.url == "" {
		set.url = dbtest.URL(t)
	}
	s := &Service{t: t, Statements: &dbtest.Counter{}, Log: &Log{}, n: &atomic.Int64{}}
	s.DB = dbtest.OpenURL(t, set.url, append([]dbtest.Options{func(c *db.Config) { c.Tracer = s.Statements }}, set.db...)...)
	deps := s.deps(set)
	if set.deps != nil {
		set.deps(&deps)
	}
	s.authenticator, s.Mail, s.feed = deps.Authenticator, deps.Mail, deps.Feed
	srv, err := server.New(set.server, deps)
	require.NoError(t, err)
	if set.follows {
		background(t, deps.Feed.Run)
	}
	if set.mailing {
		background(t, deps.Jobs.Run)
	}
	s.Handler = srv.Handler()
	web := httptest.NewServer(s.Handler)
	t.Cleanup(web.Close)
	doc, err := contract.Load()
	require.NoError(t, err)
	s.Edge, s.Root, s.URL = srv, web.URL, web.URL+doc.BasePath
	s.http = &http.Client{Transport: checked{t: t, doc: doc, next: web.Client().Transport}, Timeout: time.Minute}
	s.Anonymous = s.As("")
	return s
}

// background runs work until the test ends.
func background(t testing.TB, work func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = work(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
}

func (s *Service) deps(set setup) server.Deps {
	ctx := context.Background()
	keys, err := credentials.SigningKeys(ctx, s.DB)
	for range 5 {
		// On a busy machine, connecting takes longer than the pool waits.
		if !db.IsUnavailable(err) {
			break
		}
		keys, err = credentials.SigningKeys(ctx, s.DB)
	}
	require.NoError(s.t, err)
	lifetimes := auth.Lifetimes{Token: time.Hour, Access: 10 * time.Minute, Refresh: time.Hour, Session: 24 * time.Hour}
	tokens, err := auth.NewTokens(keys, lifetimes, time.Now)
	require.NoError(s.t, err)
	// Real parameters take most of a second under the race detector.
	cheap := argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	passwords, err := auth.NewPasswords(cheap, 4)
	require.NoError(s.t, err)
	secret, err := credentials.ServiceSecret(ctx, s.DB)
	require.NoError(s.t, err)
	apiKeys := auth.NewAPIKeys(secret)
	authenticator := auth.NewAuthenticator(tokens, apiKeys, credentials.Directory{DB: s.DB}, set.trust, set.now)
	if set.old != nil {
		authenticator.AcceptOld(set.old, credentials.OldDirectory{DB: s.DB, Import: set.imported})
	}
	level := &slog.LevelVar{}
	level.Set(slog.LevelDebug)
	logger := slog.New(slog.NewJSONHandler(s.Log, &slog.HandlerOptions{Level: level}))
	feed := changes.NewFeed(s.DB, logger)
	feed.Subscribe(authenticator)
	var shared func(context.Context) error
	if set.server.SharedDatabase {
		shared = feed.Sync
	}
	courier := mail.NewCourier(mail.Config{}, s.DB, logger)
	queue, err := jobs.New(jobs.Config{DB: s.DB, Logger: logger, Poll: 10 * time.Millisecond, Workers: []jobs.Worker{courier.Worker(), publish.Worker(s.DB, set.publish), tagmerge.Worker(s.DB)}})
	require.NoError(s.t, err)
	return server.Deps{
		API: api.New(api.Deps{
			CardBytes: set.server.CacheBytes / 4, Sync: shared,
			DB: s.DB, Passwords: set.passwords(passwords), Tokens: tokens, APIKeys: apiKeys, Authenticator: authenticator,
			Cursors: page.NewCodec(secret), Keeper: idempotency.NewKeeper(secret), Secret: secret, Rules: set.rules,
			AccountStorage: set.storage, ContentBase: set.base, Publishing: set.publish, PreviewLink: set.preview,
		}),
		DB:            s.DB,
		Feed:          feed,
		Authenticator: authenticator,
		Logger:        logger,
		Mail:          courier,
		Jobs:          queue,
		LogLevel:      level,
	}
}

// For returns the same service for a subtest: a failure then fails the subtest
// instead of the test that started the service.
func (s *Service) For(t testing.TB) *Service {
	sub, next := *s, s.http.Transport.(checked)
	next.t = t
	sub.t, sub.http = t, &http.Client{Transport: next, Timeout: s.http.Timeout}
	sub.Anonymous = sub.As("")
	return &sub
}

// Sync makes the service learn at once what others have changed, as one that
// follows the changes does four times a second.
func (s *Service) Sync() {
	s.t.Helper()
	require.NoError(s.t, s.feed.Sync(context.Background()))
}

// As returns a client that sends a token.
func (s *Service) As(token string) *client.ClientWithResponses {
	c, err := client.NewClientWithResponses(s.URL, client.WithHTTPClient(s.http), client.WithRequestEditorFn(
		func(_ context.Context, r *http.Request) error {
			if token != "" {
				r.Header.Set("Authorization", "Token "+token)
			}
			return nil
		}))
	require.NoError(s.t, err)
	return c
}

// User is a registered user with a client of its own.
type User struct {
	client.User
	*client.ClientWithResponses
}

// Password is the password of every user that Register creates.
const Password = "correct horse battery"

// Register creates a user. If name is empty, it makes one up.
func (s *Service) Register(name string) User {
	s.t.Helper()
	if name == "" {
		name = fmt.Sprintf("user%d", s.n.Add(1))
	}
	res, err := s.Anonymous.CreateUserWithResponse(context.Background(), nil, client.CreateUserJSONRequestBody{User: client.NewUser{
		Username: name, Email: client.Email(strings.ToLower(name) + "@example.com"), Password: Password,
	}})
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusCreated, res.StatusCode(), string(res.Body))
	u := User{User: res.JSON201.User, ClientWithResponses: s.As(res.JSON201.User.Token)}
	_, err = s.authenticator.Authenticate(context.Background(), u.Token) // cached from now on, so that the first call needs no statement for it
	require.NoError(s.t, err)
	return u
}

// SetRole gives a user a role, which takes effect at once.
func (s *Service) SetRole(username string, role auth.Role) {
	s.t.Helper()
	_, err := s.DB.Exec(context.Background(), `UPDATE users SET role = $2 WHERE username = $1`, username, role.String())
	require.NoError(s.t, err)
	s.authenticator.Forget(func(auth.Viewer) bool { return true })
}

// Publish creates an article by u with tags.
func (s *Service) Publish(u User, title string, tags ...string) client.Article {
	s.t.Helper()
	if tags == nil {
		tags = []string{} // nil would be null, which is refused
	}
	res, err := u.CreateArticleWithResponse(context.Background(), nil, client.CreateArticleJSONRequestBody{Article: client.NewArticle{
		Title: title, Description: "About " + title, Body: "# " + title + "\n\nText.", TagList: &tags,
	}})
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusCreated, res.StatusCode(), string(res.Body))
	return res.JSON201.Article
}

// Do sends a request as it is; path is below the base path. It checks the
// response against the document too.
func (s *Service) Do(method, path, body string, header ...string) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := s.http.Do(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	return res, string(text)
}

// checked is a transport that checks every response of the API against the
// document.
type checked struct {
	t    testing.TB
	doc  *contract.Document
	next http.RoundTripper
}

func (c checked) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	if op := c.find(r); op != nil {
		if err := op.CheckResponse(res.StatusCode, res.Header, body); err != nil {
			c.t.Errorf("the document does not declare this response to %s %s: %v\n%s", r.Method, r.URL, err, body)
		}
	}
	return res, nil
}

// Log collects log lines.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// find returns the operation of a request, or nil.
func (c checked) find(r *http.Request) *contract.Operation {
	path := strings.Split(r.URL.EscapedPath(), "/")
	var found *contract.Operation
	for _, op := range c.doc.Operations() {
		route := strings.Split(op.Route, "/")
		if r.Method != op.Method || len(route) != len(path) {
			continue
		}
		matches, literal := true, true
		for i, part := range route {
			param := strings.HasPrefix(part, ":")
			matches = matches && (param || part == path[i])
			literal = literal && !param
		}
		if matches && (found == nil || literal) {
			found = op
		}
	}
	return found
}

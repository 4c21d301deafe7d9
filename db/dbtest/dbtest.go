// Package dbtest gives each test its own PostgreSQL database.
//
// All tests of a package share one server: the embedded one, or the server
// named by BYLINE_TEST_DATABASE_URL. The migrations run once, in a template
// database. Each test gets a copy of it, which takes tens of milliseconds, so
// tests can run in parallel and change any data.
package dbtest

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/embedded"
)

// WrongCounters is a query that returns a line for each counter which is wrong.
//
//go:embed counters.sql
var WrongCounters string

// timeZone is unusual on purpose: code that depends on the time zone of the
// session fails its tests.
const timeZone = "Asia/Kathmandu"

var shared struct {
	adminURL string
	template string
	clones   atomic.Int64
	// clone serializes CREATE DATABASE, which fails while the template is in
	// use.
	clone sync.Mutex
}

// Main starts a server and runs the tests of a package, and then what they need
// to be stopped. Call it from TestMain.
func Main(m *testing.M, stop ...func()) {
	code, err := run(m)
	for _, s := range stop {
		s()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dbtest:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	shared.adminURL = os.Getenv("BYLINE_TEST_DATABASE_URL")
	if shared.adminURL == "" {
		stop, err := startServer(ctx)
		if err != nil {
			return 1, err
		}
		defer stop()
	}
	shared.template = fmt.Sprintf("byline_template_%d", os.Getpid())
	if err := createDatabase(ctx, shared.template, ""); err != nil {
		return 1, err
	}
	defer dropDatabase(shared.template)
	migrator, err := db.NewMigrator(databaseURL(shared.template))
	if err != nil {
		return 1, err
	}
	_, err = migrator.Up(ctx)
	if closeErr := migrator.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func startServer(ctx context.Context) (stop func(), err error) {
	// PostgreSQL may run as another user, so every user must be able to enter
	// the folder.
	dir, err := os.MkdirTemp("", "byline-test-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	server, err := embedded.Start(ctx, embedded.Config{
		DataDir: dir, Ephemeral: true, Strict: true, Logger: logger,
		// Tests violate constraints on purpose.
		Settings: map[string]string{"log_min_messages": "log"},
	})
	if err != nil {
		return nil, err
	}
	shared.adminURL = server.URL()
	return func() {
		stopCtx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = server.Stop(stopCtx)
		_ = os.RemoveAll(dir)
	}, nil
}

// EncodedURL creates a database without the schema, in an encoding and the
// locale C, and returns its URL.
func EncodedURL(t testing.TB, encoding string) string {
	t.Helper()
	return urlOf(t, " TEMPLATE template0 LOCALE 'C' ENCODING '"+encoding+"'")
}

// URL creates an empty, migrated database for a test and returns its URL.
func URL(t testing.TB) string {
	t.Helper()
	return urlOf(t, fromTemplate(shared.template))
}

// EmptyURL creates a database without the schema and returns its URL.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return urlOf(t, "")
}

func urlOf(t testing.TB, options string) string {
	t.Helper()
	if shared.adminURL == "" {
		t.Fatal("dbtest: the package's TestMain must call dbtest.Main")
	}
	name := fmt.Sprintf("byline_test_%d_%d", os.Getpid(), shared.clones.Add(1))
	if err := createDatabase(context.Background(), name, options); err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() { dropDatabase(name) })
	return databaseURL(name)
}

// Options changes the configuration that Open and OpenURL use.
type Options func(*db.Config)

// Open creates a database for a test and returns a connection pool for it.
func Open(t testing.TB, options ...Options) *db.DB {
	t.Helper()
	return OpenURL(t, URL(t), options...)
}

// OpenURL returns a connection pool for an existing database.
func OpenURL(t testing.TB, url string, options ...Options) *db.DB {
	t.Helper()
	cfg := db.Config{URL: url, MaxConns: 4, AcquireTimeout: 20 * time.Second, QueryTimeout: 20 * time.Second}
	for _, o := range options {
		o(&cfg)
	}
	d, err := db.Open(context.Background(), cfg)
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(d.Close)
	return d
}

func fromTemplate(name string) string { return " TEMPLATE " + pgx.Identifier{name}.Sanitize() }

// createDatabase creates a database with the options of CREATE DATABASE.
func createDatabase(ctx context.Context, name, options string) error {
	shared.clone.Lock()
	defer shared.clone.Unlock()
	return admin(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+options)
}

func dropDatabase(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_ = admin(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
}

func admin(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, shared.adminURL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

func databaseURL(name string) string {
	u, err := url.Parse(shared.adminURL)
	if err != nil {
		return shared.adminURL
	}
	u.Path = "/" + name
	values := u.Query()
	values.Set("timezone", timeZone)
	u.RawQuery = values.Encode()
	return u.String()
}

// Counter counts the statements that a pool executes, except those that begin
// and end transactions. Use it as db.Config.Tracer.
type Counter struct {
	n    atomic.Int64
	mu   sync.Mutex
	seen []string
}

// TraceQueryStart implements pgx.QueryTracer.
func (c *Counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	switch strings.ToLower(data.SQL) {
	case "begin", "commit", "rollback", "-- ping":
		return ctx
	}
	c.n.Add(1)
	c.mu.Lock()
	c.seen = append(c.seen, data.SQL)
	c.mu.Unlock()
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (c *Counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Reset sets the counter to zero and returns the previous count and statements.
func (c *Counter) Reset() (n int64, statements []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, statements = c.n.Swap(0), c.seen
	c.seen = nil
	return n, statements
}

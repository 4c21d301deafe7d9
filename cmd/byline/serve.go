package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/riverqueue/river"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

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
	"github.com/byline-api/byline/db/jobs"
	"github.com/byline-api/byline/db/quotas"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/certificate"
	"github.com/byline-api/byline/server/purge"
	"github.com/byline-api/byline/server/ratelimit"
)

// serve starts the parts of the service in the order of their dependencies and
// stops them in the opposite order: it drains the HTTP server, stops the
// workers, closes the pool and stops the embedded PostgreSQL.
func (p *program) serve(ctx context.Context, cfg *config, log *slog.Logger) (err error) {
	// A closed pipe as standard error must not end the service. A handler, other
	// than ignoring the signal, is not inherited by PostgreSQL.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	// Listen first, so that a port in use is reported before any data is
	// created.
	listener, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w\nset BYLINE_ADDR to another address", cfg.Addr, err)
	}
	defer listener.Close()
	var adminListener net.Listener
	adminAddr := "off"
	if cfg.AdminAddr != "" {
		if adminListener, err = net.Listen("tcp", cfg.AdminAddr); err != nil {
			return fmt.Errorf("cannot listen on the admin address %s: %w\nset BYLINE_ADMIN_ADDR to another address, or to off", cfg.AdminAddr, err)
		}
		defer adminListener.Close()
		adminAddr = adminListener.Addr().String()
	}

	target, err := startDatabase(ctx, cfg, log, mayCreate)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.stop(stopTimeout)) }()
	log.Info("using " + target.place)
	if err := migrateUp(ctx, target.url, log); err != nil {
		return err
	}
	tracing, flushTraces, err := startTracing(ctx, cfg, p.getenv, log)
	if err != nil {
		return err
	}
	defer flushTraces()
	database, err := db.Open(ctx, db.Config{
		URL: target.url, ReadURLs: cfg.ReadURLs, MaxConns: cfg.PoolMax, MinConns: cfg.PoolMin,
		AcquireTimeout: cfg.PoolAcquireTimeout, QueryTimeout: cfg.QueryTimeout,
		Tracer: db.TraceStatements(tracing, nil),
	})
	if err != nil {
		return err
	}
	defer database.Close()
	if err := warnOfImports(ctx, database, log); err != nil {
		return err
	}
	if err := inspectDatabase(ctx, database, log); err != nil {
		return err
	}
	courier, err := newCourier(cfg, database, p.onTerminal(), log)
	if err != nil {
		return err
	}
	var keyPair *certificate.KeyPair
	if cfg.TLSCert != "" {
		if keyPair, err = certificate.Load(cfg.TLSCert, cfg.TLSKey, log); err != nil {
			return fail(exitConfiguration, err)
		}
	}
	queue, err := jobs.New(jobs.Config{
		DB: database, Logger: log, Tracing: tracing,
		Workers: []jobs.Worker{courier.Worker(), publish.Worker(database, cfg.publishing()), tagmerge.Worker(database), jobs.Works(&cleaner{db: database, log: log})},
		Hourly:  []river.JobArgs{clean{}},
		Rested:  releaseProgramPages,
	})
	if err != nil {
		return err
	}
	feed := changes.NewFeed(database, log)
	edge, err := newServer(ctx, cfg, database, feed, courier, queue, keyPair, tracing, p.lines.Dropped, log)
	if err != nil {
		return err
	}

	_ = feed.Sync(ctx) // the first response shows the names of tags
	tuneMemory()
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	workers, work := errgroup.WithContext(work)
	workers.Go(func() error { return feed.Run(work) })
	workers.Go(func() error { return database.RunReplicas(work, feed.Mark, log) })
	workers.Go(func() error { return queue.Run(work) })
	workers.Go(func() error { return edge.ShareQuotas(work) })
	workers.Go(func() error { return edge.Purge(work) })
	if keyPair != nil {
		workers.Go(func() error { return keyPair.Follow(work) })
	}
	if adminListener != nil {
		workers.Go(func() error { return serveAdmin(work, adminListener, edge.Admin(), log) })
	}
	log.Info("serving", "url", cfg.scheme()+"://"+listener.Addr().String(), "version", version, "admin", adminAddr)
	serveCtx, cancel := context.WithCancel(ctx)
	context.AfterFunc(work, cancel) // a failed worker stops the service
	err = edge.Serve(serveCtx, netutil.LimitListener(listener, cfg.MaxConnections))
	stopWork()
	log.Info("stopped serving")
	return errors.Join(err, workers.Wait())
}

func newServer(ctx context.Context, cfg *config, database *db.DB, feed *changes.Feed, courier *mail.Courier, queue *jobs.Queue,
	keyPair *certificate.KeyPair, tracing trace.TracerProvider, dropped func() int64, log *slog.Logger) (*server.Server, error) {
	keys, err := credentials.SigningKeys(ctx, database)
	if err != nil {
		return nil, err
	}
	lifetimes := auth.Lifetimes{Token: cfg.TokenTTL, Access: cfg.AccessTTL, Refresh: cfg.RefreshTTL, Session: cfg.SessionMaxAge}
	tokens, err := auth.NewTokens(keys, lifetimes, time.Now)
	if err != nil {
		return nil, err
	}
	passwords, err := auth.NewPasswords(auth.Params, cfg.PasswordHashers)
	if err != nil {
		return nil, err
	}
	passwords.Log = log
	secret, err := credentials.ServiceSecret(ctx, database)
	if err != nil {
		return nil, err
	}
	apiKeys := auth.NewAPIKeys(secret)
	authenticator := auth.NewAuthenticator(tokens, apiKeys, credentials.Directory{DB: database}, auth.Trust, time.Now)
	if err := acceptOldTokens(authenticator, cfg.OldTokens, database, log); err != nil {
		return nil, err
	}
	feed.Subscribe(authenticator)
	return server.New(server.Config{
		Compat:                   server.Compat(cfg.Compat),
		CORSOrigins:              cfg.CORSOrigins,
		RequestTimeout:           cfg.RequestTimeout,
		DrainTimeout:             cfg.DrainTimeout,
		DrainDelay:               cfg.DrainDelay,
		MaxInFlight:              cfg.MaxInFlight,
		MaxConnectionsPerAddress: cfg.MaxConnectionsPerAddress,
		Quotas:                   quotasOf(cfg.RateLimit),
		AdminHosts:               cfg.AdminHosts,
		BasePath:                 cfg.BasePath,
		LogClient:                cfg.LogClient,
		TrustedProxies:           cfg.TrustedProxies,
		CacheBytes:               cfg.CacheBytes / 4 * 3,
		SharedMaxAge:             cfg.SharedMaxAge,
		Purges:                   purge.Config{URLs: cfg.PurgeURLs, Format: purge.Format(cfg.PurgeFormat), Header: cfg.PurgeHeader},
		SharedDatabase:           !cfg.embedded(),
		Certificate:              keyPair,
		Version:                  version,
		Commit:                   commit,
	}, server.Deps{
		API: api.New(api.Deps{
			DB: database, Passwords: passwords, Tokens: tokens, APIKeys: apiKeys, Authenticator: authenticator,
			Cursors: page.NewCodec(secret), Keeper: idempotency.NewKeeper(secret), Secret: secret, ContentBase: cfg.ContentBase, PreviewLink: cfg.PreviewLink,
			Rules: signin.Rules{
				UncommonPasswords: cfg.Passwords == "uncommon", CurrentPassword: cfg.RequireCurrent, SignIns: signInLimits(cfg.RateLimit),
				Registration: signin.Registration(cfg.Registration), NewReaders: cfg.DefaultRole == auth.Reader.String(),
			},
			Publishing:     cfg.publishing(),
			AccountStorage: int64(cfg.AccountStorage),
			CardBytes:      cfg.CacheBytes / 4,
			Sync:           sharing(cfg, feed),
		}),
		DB:            database,
		Feed:          feed,
		Authenticator: authenticator,
		Logger:        log,
		LogLevel:      &logLevel,
		LogDropped:    dropped,
		Mail:          courier,
		Jobs:          queue,
		Quotas:        sharedQuotas(cfg, database),
		Tracing:       tracing,
	})
}

// sharing returns what a request waits for before it uses what is kept, or nil
// if no other service writes to the database.
func sharing(cfg *config, feed *changes.Feed) func(context.Context) error {
	if cfg.embedded() {
		return nil
	}
	return feed.Sync
}

// sharedQuotas returns what replicas share of the quotas, or nil if there are no
// replicas, or no quotas that a client reaches.
func sharedQuotas(cfg *config, database *db.DB) *quotas.Store {
	if cfg.embedded() || cfg.RateLimit != "strict" {
		return nil
	}
	return quotas.NewStore(database)
}

// newCourier returns the worker that sends mails. Without a mail server it only
// shows them, in development.
func newCourier(cfg *config, database *db.DB, terminal bool, log *slog.Logger) (*mail.Courier, error) {
	mails := mail.Config{Links: cfg.MailLinks, Discard: cfg.Profile == "production", Terminal: cfg.logFormat(terminal) == "text", Backoff: 30 * time.Second}
	if cfg.SMTP != "" {
		sender, err := mail.NewSMTP(cfg.SMTP, cfg.MailFrom)
		if err != nil {
			return nil, err
		}
		mails.Sender = sender
	}
	return mail.NewCourier(mails, database, log), nil
}

// signInLimits returns the limits of failed sign-ins for a rate limit mode.
// They are wide when rate limits are off, because a gateway limits requests
// then.
func signInLimits(mode string) signin.Limits {
	if mode == "strict" {
		return signin.StrictLimits()
	}
	return signin.WideLimits()
}

func quotasOf(mode string) ratelimit.Quotas {
	switch mode {
	case "off":
		return nil
	case "wide":
		return ratelimit.WideQuotas()
	default:
		return ratelimit.StrictQuotas()
	}
}

func serveAdmin(ctx context.Context, l net.Listener, handler http.Handler, log *slog.Logger) error {
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin port: %w", err)
	}
	return nil
}

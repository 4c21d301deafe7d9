// Package server holds the HTTP edge and the lifecycle of the service. No other
// package uses Echo. These are its files, in the order in which a request meets
// them:
//
//	server.go       New wires the edge, Serve runs and drains it
//	middleware.go   the middleware in their order, and the simple ones
//	exchange.go     the state of one request, which the middleware share
//	tracing.go      the span of a request
//	metrics.go      the metrics of requests, of the pool and of the cache
//	log.go          the log line of a request, and its id
//	connections.go  the connections of one address
//	admit.go        shed and admit: refusals under overload
//	streams.go      responses that are sent while they are made
//	ratelimit.go    the quota of a client
//	compat.go       changes for front ends older than the contract
//	represent.go    a response's entity tag, caching fields and coding
//	long.go         long responses: their memory, and clients that do not read
//	proxied.go      what proxies say about a client, and the path they add
//	cached.go       responses from the cache
//	order.go        404 and 403 before 422
//	problems.go     errors as problem details
//	deprecation.go  the fields of operations that will be removed
//	health.go       the probes and /version
//	site.go         the routes of the pages
//	admin.go        the admin port: metrics, profiles and the log level
//	mails.go        the admin page of mails
//	jobs.go         the admin page of jobs, and their metrics
//	purges.go       caches at the edge: what they may store, and purges
//
// The packages below it know nothing of Echo:
//
//	contract        openapi.yaml: operations, and checks of requests
//	cache           responses of anonymous reads, and what they depend on
//	admission       a bound for concurrent work and for its queue
//	connlimit       a bound for the connections of an address
//	ratelimit       quotas, and the RateLimit fields
//	purge           purges of caches at the edge
//	compress        content codings
//	certificate     the TLS certificate, read again when its files change
//	logwriter       log lines in batches
//	pages           the landing page, the reference and the guides
//	servertest      the whole service for tests
package server

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/singleflight"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/budget"
	"github.com/byline-api/byline/api/mail"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/db/jobs"
	"github.com/byline-api/byline/db/quotas"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/server/admission"
	"github.com/byline-api/byline/server/cache"
	"github.com/byline-api/byline/server/certificate"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/pages"
	"github.com/byline-api/byline/server/purge"
	"github.com/byline-api/byline/server/ratelimit"
)

// Config configures the edge.
type Config struct {
	Compat      Compat
	CORSOrigins []string
	// RequestTimeout bounds the work on one request.
	RequestTimeout time.Duration
	// DrainTimeout bounds the time that requests in flight have to finish
	// during the shutdown.
	DrainTimeout time.Duration
	// DrainDelay, a part of DrainTimeout, is the time for which the server
	// still accepts requests after /readyz fails, so that load balancers
	// notice.
	DrainDelay time.Duration
	// ReadHeaderTimeout and ReadTimeout bound the time that a client has to
	// send a request; 0 means the default. The write timeout follows from
	// RequestTimeout.
	ReadHeaderTimeout, ReadTimeout time.Duration
	// MaxInFlight bounds the API requests that are handled at the same time;
	// four times as many may wait for a moment. 0 adapts to the number of
	// cores.
	MaxInFlight int
	// MaxConnectionsPerAddress bounds the connections that a client address may
	// have open; 0 means no bound. It does not apply to TrustedProxies and to
	// loopback addresses.
	MaxConnectionsPerAddress int
	// Quotas are the rate limits; a class without one is not limited.
	Quotas ratelimit.Quotas
	// AdminHosts are host names by which the admin port may be requested.
	AdminHosts []string
	// LogClient adds the client's address and the route to the log line of each
	// request. A path that no route has is logged as it is, not only the known
	// words in it.
	LogClient bool
	// BasePath is the path below which clients see the service, such as /cms,
	// if a proxy serves it below a path; see ValidBasePath.
	BasePath string
	// TrustedProxies are the proxies whose X-Forwarded-For and
	// X-Forwarded-Prefix fields are believed.
	TrustedProxies []netip.Prefix
	// CacheBytes bounds the cached responses of anonymous reads; 0 switches the
	// cache off.
	CacheBytes int
	// SharedMaxAge is how long caches at the edge may use the response to an
	// anonymous read without asking, in whole seconds; 0 means that they ask. It
	// needs the cache.
	SharedMaxAge time.Duration
	// Purges says which of them are told what has changed, and how.
	Purges purge.Config
	// SharedDatabase means that other replicas write to the database. Each read
	// from the cache then asks the database what they have changed.
	SharedDatabase bool
	// ResponseMemory bounds the bytes of long responses that are made and sent,
	// over all connections; 0 means the default. Short responses do not count.
	ResponseMemory int64
	// SendTimeout bounds the time that a client has to read 64 KB of a long
	// response; 0 means the default.
	SendTimeout time.Duration
	// Certificate, if set, makes Serve use TLS, with HTTP/2.
	Certificate *certificate.KeyPair
	// Version and Commit are in the response of /version.
	Version, Commit string
}

// Deps holds the parts of the service that the edge connects.
type Deps struct {
	API *api.API
	DB  *db.DB
	// Feed tells the cache what has changed in DB. The caller runs it beside
	// the server.
	Feed *changes.Feed
	// Authenticator finds the viewer that a token belongs to.
	Authenticator *auth.Authenticator
	Logger        *slog.Logger
	// LogLevel is the level of Logger's handler; the admin port changes it.
	LogLevel *slog.LevelVar
	// LogDropped returns how many lines the log has dropped; nil means that it
	// drops none.
	LogDropped func() int64
	// Mail sends mails; nil means that the service sends none.
	Mail *mail.Courier
	// Jobs works the jobs of the service; nil means that the service has none.
	Jobs *jobs.Queue
	// Quotas is what replicas share of the quotas; nil means that this one
	// counts alone.
	Quotas *quotas.Store
	// Tracing makes the spans of requests; nil switches tracing off.
	Tracing trace.TracerProvider
}

// Server serves the API and the service's own pages.
type Server struct {
	cfg    Config
	deps   Deps
	doc    *contract.Document
	log    *slog.Logger
	echo   *echo.Echo
	site   *pages.Site
	health health

	admission *admission.Controller
	streams   *streams
	// refused counts the refusals of admission since they were last logged.
	refused  atomic.Int64
	limiters map[string]*ratelimit.Limiter
	fleet    *ratelimit.Fleet // nil if replicas share no quotas
	purger   *purge.Purger    // nil if no cache at the edge is told what has changed
	metrics  *metrics
	tracing  *tracing // nil when off
	cache    *cache.Cache
	// flights lets requests for the same response, at the same time, wait for
	// one of them to make it.
	flights singleflight.Group
	// memory is what long responses may hold until their clients have read
	// them.
	memory *budget.Budget
	// nameTags is a field because a method value costs an allocation.
	nameTags func([]string) []string

	cacheControl map[string]cacheControl // by operation id
	pathWords    pathWords
}

// New builds the edge. It returns an error when an operation lacks a required
// declaration, or when the document declares something that package api lacks.
func New(cfg Config, deps Deps) (*Server, error) {
	doc, err := contract.Load()
	if err != nil {
		return nil, err
	}
	if err := checkTargets(doc.Operations()); err != nil {
		return nil, err
	}
	cfg.SendTimeout = cmp.Or(cfg.SendTimeout, sendTimeout)
	s := &Server{cfg: cfg, deps: deps, doc: doc, log: deps.Logger, echo: echo.New()}
	s.memory = budget.New(cmp.Or(cfg.ResponseMemory, maxMemory))
	s.admission, s.streams = admission.New(cfg.MaxInFlight), newStreams()
	s.limiters = newLimiters(cfg.Quotas)
	if deps.Quotas != nil {
		s.fleet = ratelimit.NewFleet(deps.Quotas, deps.Logger, s.limiters)
	}
	s.cache = cache.New(cfg.CacheBytes)
	s.nameTags = deps.API.TagNames.NameTags
	// In this order: what one of them stores is made of the one before.
	deps.Feed.Subscribe(deps.API.TagNames)
	deps.Feed.Subscribe(deps.API.Cards)
	deps.Feed.Subscribe(s.cache)
	if len(cfg.Purges.URLs) > 0 {
		s.purger = purge.New(cfg.Purges, deps.DB, deps.Feed.Sync, deps.Logger)
		deps.Feed.Subscribe(s.purger)
	}
	s.cacheControl = cacheControls(doc, cfg.SharedMaxAge)
	scheme := "http"
	if cfg.Certificate != nil {
		scheme = "https"
	}
	s.tracing = newTracing(deps.Tracing, doc, scheme)
	s.metrics = newMetrics(cfg, doc, func() *pgxpool.Stat { return deps.DB.Pool().Stat() }, s.cache)
	s.metrics.registry.MustRegister(oldTokenCollector{deps.Authenticator.OldTokens()}, cardCollector{deps.API.Cards.Stats})
	if deps.DB.HasReplicas() {
		s.metrics.registry.MustRegister(replicaCollector{deps.DB})
	}
	if deps.Mail != nil {
		s.metrics.registry.MustRegister(mailCollector{deps.Mail})
	}
	if deps.Jobs != nil {
		s.metrics.registry.MustRegister(jobCollector{deps.Jobs})
	}
	if s.fleet != nil {
		s.metrics.registry.MustRegister(fleetCollector{&s.fleet.Stats})
	}
	if s.purger != nil {
		s.metrics.registry.MustRegister(purgeCollector{s.purger.Stats})
	}
	if deps.LogDropped != nil {
		s.metrics.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "log_lines_dropped_total", Help: "Lines of the log that could not be written.",
		}, func() float64 { return float64(deps.LogDropped()) }))
	}
	s.echo.IPExtractor = ipExtractor(cfg.TrustedProxies)
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.JSONSerializer = exactJSON{}
	s.echo.Use(chain(s.middlewares()))
	openapi.RegisterHandlersWithBaseURL(s.echo, openapi.NewStrictHandler(deps.API, []openapi.StrictMiddlewareFunc{s.describe}), doc.BasePath)
	s.registerHealth()
	if err := s.registerPages(); err != nil {
		return nil, err
	}
	s.pathWords = newPathWords(s.echo.Routes())
	return s, nil
}

// Handler returns the whole service as an http.Handler.
func (s *Server) Handler() http.Handler { return closeAmbiguous(getForHead(s.removeBasePath(s.echo))) }

// Serve serves requests on l until ctx ends. Then it drains: /readyz fails,
// load balancers get the time to notice, the listener closes, and the requests
// in flight finish.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s.closeWhenDraining(s.Handler()),
		ReadHeaderTimeout: cmp.Or(s.cfg.ReadHeaderTimeout, 5*time.Second),
		ReadTimeout:       cmp.Or(s.cfg.ReadTimeout, 30*time.Second),
		WriteTimeout:      s.cfg.RequestTimeout + 30*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		// An HTTP/2 client gets no more concurrent requests than an HTTP/1.1
		// client with a few connections. net/http bounds the streams that a
		// client resets without waiting. A client that reads nothing from its
		// connection keeps no stream of it.
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: 100, WriteByteTimeout: s.cfg.SendTimeout},
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	l = s.limitConnections(ctx, srv, l)
	defer s.logRefused() // the refusals since the last log line
	failed := make(chan error, 1)
	go func() {
		if s.cfg.Certificate == nil {
			failed <- srv.Serve(l)
			return
		}
		srv.TLSConfig = s.cfg.Certificate.TLSConfig()
		failed <- srv.ServeTLS(l, "", "")
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.health.draining.Store(true)
	drain, cancel := context.WithTimeout(context.Background(), s.cfg.DrainTimeout)
	defer cancel()
	if s.cfg.DrainDelay > 0 {
		select {
		case err := <-failed:
			return err
		case <-drain.Done():
		case <-time.After(s.cfg.DrainDelay):
		}
	}
	err := srv.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("requests were still in flight when the drain timeout ended", "timeout", s.cfg.DrainTimeout)
		return srv.Close()
	}
	return err
}

// closeWhenDraining closes each connection after its next response once the
// service drains. The client opens a new one, which can reach another replica,
// before this server stops accepting.
func (s *Server) closeWhenDraining(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.health.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// getForHead handles HEAD as GET, so that every path with GET has HEAD
// (RFC 9110, section 9.3.2). net/http leaves the body out.
func getForHead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.WithContext(context.WithValue(r.Context(), headKey{}, true)) // a copy
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// headKey is the context key that marks a request as HEAD.
type headKey struct{}

// closeAmbiguous closes the connection after a request whose length a proxy in
// front may have read differently: the bytes that follow could be a part of it
// (RFC 9112, section 6.3). Two cases are ambiguous: Content-Length beside a
// chunked body, and Transfer-Encoding in HTTP/1.0. net/http removes the field
// in question, so that every chunked and every HTTP/1.0 request counts.
func closeAmbiguous(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// exactJSON decodes bodies and compares member names with regard to case.
// encoding/json ignores case: a member that validation took for an unknown one
// would overwrite the member that validation has checked.
type exactJSON struct{ echo.DefaultJSONSerializer }

func (exactJSON) Deserialize(c echo.Context, target any) error {
	return json.UnmarshalRead(c.Request().Body, target)
}

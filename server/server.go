// Package server is the HTTP edge and the lifecycle: the only place that
// knows Echo. The document decides what it lets through (server/contract),
// one ordered list of middleware how (middleware.go).
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
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/singleflight"

	"github.com/byline-api/byline/api"
	"github.com/byline-api/byline/api/auth"
	"github.com/byline-api/byline/api/mail"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/server/admission"
	"github.com/byline-api/byline/server/cache"
	"github.com/byline-api/byline/server/certificate"
	"github.com/byline-api/byline/server/contract"
	"github.com/byline-api/byline/server/ratelimit"
)

// Config is what the edge can be told.
type Config struct {
	Compat      Compat
	CORSOrigins []string
	// RequestTimeout bounds the work on one request.
	RequestTimeout time.Duration
	// DrainTimeout bounds the shutdown: how long requests in flight may take.
	DrainTimeout time.Duration
	// DrainDelay, a part of DrainTimeout, is how long new requests are still
	// taken after readiness has gone off, for balancers to notice.
	DrainDelay time.Duration
	// ReadHeaderTimeout and ReadTimeout cut clients that send too slowly; 0 is
	// the default. WriteTimeout comes of RequestTimeout.
	ReadHeaderTimeout, ReadTimeout time.Duration
	// MaxInFlight bounds the API requests that are worked on at once; four
	// times as many may wait for a moment. 0 adapts to the cores.
	MaxInFlight int
	// Quotas are the rate limits; a class without one is not limited.
	Quotas ratelimit.Quotas
	// TrustedProxies may say in X-Forwarded-For whom they speak for.
	TrustedProxies []netip.Prefix
	// CacheBytes bounds the answers that are kept for anonymous reads; 0 keeps none.
	CacheBytes int
	// SharedDatabase says that other replicas write to the database, so that
	// each read from the cache asks it what they have changed.
	SharedDatabase bool
	// Certificate, if set, has Serve speak TLS, with HTTP/2.
	Certificate *certificate.KeyPair
	// Version and Commit are what /version answers.
	Version, Commit string
}

// Deps is what the edge connects.
type Deps struct {
	API *api.API
	DB  *db.DB
	// Feed tells the cache what has changed in DB. Its Run is a worker beside
	// the server.
	Feed *changes.Feed
	// Authenticator finds out who asks.
	Authenticator *auth.Authenticator
	Logger        *slog.Logger
	// LogLevel is what Logger's handler goes by.
	LogLevel *slog.LevelVar
	// Mail sends mails; nil when nothing does.
	Mail *mail.Courier
	// Tracing makes the spans of requests; nil switches them off.
	Tracing trace.TracerProvider
}

// Server answers the API and the service's own pages.
type Server struct {
	cfg    Config
	deps   Deps
	doc    *contract.Document
	log    *slog.Logger
	echo   *echo.Echo
	health health

	admission *admission.Controller
	// refused counts the refusals of admission since they were last logged.
	refused  atomic.Int64
	limiters map[string]*ratelimit.Limiter
	metrics  *metrics
	tracing  *tracing // nil when off
	cache    *cache.Cache
	// flights lets requests for the same response, at the same time, wait for
	// one of them to make it.
	flights singleflight.Group

	cacheControl map[string]cacheControl // by operation id
}

// New builds the edge. It fails when the document lacks what operations must
// declare, or declares what package api lacks.
func New(cfg Config, deps Deps) (*Server, error) {
	doc, err := contract.Load()
	if err != nil {
		return nil, err
	}
	if err := checkTargets(doc.Operations()); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, deps: deps, doc: doc, log: deps.Logger, echo: echo.New()}
	s.admission = admission.New(cfg.MaxInFlight)
	s.limiters = newLimiters(cfg.Quotas)
	s.cache = cache.New(cfg.CacheBytes)
	deps.Feed.Subscribe(s.cache)
	s.cacheControl = cacheControls(doc)
	scheme := "http"
	if cfg.Certificate != nil {
		scheme = "https"
	}
	s.tracing = newTracing(deps.Tracing, doc, scheme)
	s.metrics = newMetrics(cfg, doc, func() *pgxpool.Stat { return deps.DB.Pool().Stat() }, s.cache)
	if deps.Mail != nil {
		s.metrics.registry.MustRegister(mailCollector{deps.Mail})
	}
	s.echo.IPExtractor = ipExtractor(cfg.TrustedProxies)
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.JSONSerializer = exactJSON{}
	s.echo.Use(s.middlewares()...)
	openapi.RegisterHandlersWithBaseURL(s.echo, openapi.NewStrictHandler(deps.API, []openapi.StrictMiddlewareFunc{s.describe}), doc.BasePath)
	s.registerHealth()
	if err := s.registerPages(); err != nil {
		return nil, err
	}
	return s, nil
}

// Handler returns the whole service as an http.Handler.
func (s *Server) Handler() http.Handler { return endDoubtful(getForHead(s.echo)) }

// Serve answers on l until ctx ends, then drains: it says that it is not
// ready, waits until balancers know, stops accepting, and lets the requests
// in flight finish.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s.sendElsewhere(s.Handler()),
		ReadHeaderTimeout: cmp.Or(s.cfg.ReadHeaderTimeout, 5*time.Second),
		ReadTimeout:       cmp.Or(s.cfg.ReadTimeout, 30*time.Second),
		WriteTimeout:      s.cfg.RequestTimeout + 30*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		// A client of HTTP/2 gets no more at once than one that opens a few
		// connections; net/http bounds what it resets without waiting.
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: 100},
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	defer s.logRefused() // those of the last moment
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

// sendElsewhere ends connections with their next answer once the service
// drains, while new ones still reach another replica without a failure.
func (s *Server) sendElsewhere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.health.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// ipExtractor finds a client's address: the connection's, unless that is a
// proxy that was named as trusted.
func ipExtractor(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		p = p.Masked()
		options = append(options, echo.TrustIPRange(&net.IPNet{
			IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// getForHead answers HEAD wherever GET is answered (RFC 9110, section 9.3.2);
// net/http leaves the body out.
func getForHead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.WithContext(context.WithValue(r.Context(), headKey{}, true)) // a copy
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// headKey is in the context of requests that were HEAD.
type headKey struct{}

// endDoubtful ends the connection after requests whose length a proxy in
// front may have read otherwise, so that what follows is in doubt (RFC 9112,
// section 6.3). net/http takes the telling field away unseen: Content-Length
// beside a chunked body, and Transfer-Encoding in HTTP/1.0.
func endDoubtful(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// exactJSON decodes bodies with the names exactly as the document has them.
// encoding/json ignores case, so that a member which validation took for an
// unknown one would overwrite the one that it had checked.
type exactJSON struct{ echo.DefaultJSONSerializer }

func (exactJSON) Deserialize(c echo.Context, target any) error {
	return json.UnmarshalRead(c.Request().Body, target)
}

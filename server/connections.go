package server

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/api/problem"
	"github.com/byline-api/byline/server/connlimit"
)

// spareKey is the context key of requests on a connection beyond the maximum of
// its address.
type spareKey struct{}

// limitConnections bounds the connections of each address, and logs once a
// minute how many were refused.
func (s *Server) limitConnections(ctx context.Context, srv *http.Server, l net.Listener) net.Listener {
	if s.cfg.MaxConnectionsPerAddress == 0 {
		return l
	}
	limited := connlimit.New(l, s.cfg.MaxConnectionsPerAddress, proxies(s.cfg.TrustedProxies).contain)
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if connlimit.IsSpare(c) {
			return context.WithValue(ctx, spareKey{}, true)
		}
		return ctx
	}
	go func() {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if n := limited.Refused(); n > 0 {
				s.log.Warn("connections refused: their addresses had the maximum open", "connections", n,
					"maximum", s.cfg.MaxConnectionsPerAddress)
			}
		}
	}()
	return limited
}

// refuseSpare responds only to probes on a connection beyond the maximum of its
// address, and closes it. Probes may come from the same address as a client
// that has used it up.
func (s *Server) refuseSpare(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Context().Value(spareKey{}) == nil {
			return next(c)
		}
		c.Response().Header().Set("Connection", "close")
		if path := c.Path(); path == livezPath || path == readyzPath {
			return next(c)
		}
		// Otherwise net/http would wait for the rest of the body.
		_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Now())
		p := problem.New(problem.RateLimited, "connection", "too many connections")
		p.RetryAfter = 1
		return p
	}
}

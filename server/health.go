package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/byline-api/byline/db"
)

// The paths of the probes.
const (
	livezPath  = "/livez"
	readyzPath = "/readyz"
)

// health is the state that the probes report.
type health struct {
	draining atomic.Bool
	// migrated is true once the schema was seen up to date. A schema does not
	// go back while the service runs, so that it need not be checked again.
	migrated atomic.Bool
}

func (s *Server) registerHealth() {
	s.echo.GET(livezPath, func(c echo.Context) error { return probe(c, http.StatusOK, nil) })
	s.echo.GET(readyzPath, func(c echo.Context) error {
		checks := s.readiness(c.Request().Context())
		for _, state := range checks {
			if state != "ok" {
				return probe(c, http.StatusServiceUnavailable, checks)
			}
		}
		return probe(c, http.StatusOK, checks)
	})
	s.echo.GET("/version", func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.JSON(http.StatusOK, map[string]string{"version": s.cfg.Version, "commit": s.cfg.Commit, "go": runtime.Version()})
	})
}

func probe(c echo.Context, status int, checks map[string]string) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	word := "ok"
	if status != http.StatusOK {
		word = "unavailable"
	}
	body := map[string]any{"status": word}
	if checks != nil {
		body["checks"] = checks
	}
	return c.JSON(status, body)
}

// readiness returns, for each check, "ok" or what is wrong. The causes are only
// in the log.
func (s *Server) readiness(ctx context.Context) map[string]string {
	checks := map[string]string{"database": "ok", "migrations": "ok", "draining": "ok"}
	if s.health.draining.Load() {
		checks["draining"] = "shutting down"
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := s.checkSchema(ctx); err != nil {
		s.log.Warn("not ready", "error", err)
		switch {
		case errors.Is(err, db.ErrReadOnly):
			checks["database"], checks["migrations"] = "read-only", "unknown"
		case db.IsUnavailable(err) || ctx.Err() != nil:
			checks["database"], checks["migrations"] = "unreachable", "unknown"
		default:
			checks["migrations"] = "pending"
		}
	}
	return checks
}

func (s *Server) checkSchema(ctx context.Context) error {
	if err := s.deps.DB.Ping(ctx); err != nil || s.health.migrated.Load() {
		return err
	}
	want, err := db.LatestVersion()
	if err != nil {
		return err
	}
	have, err := s.deps.DB.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if have < want {
		return fmt.Errorf("schema version %d, want %d", have, want)
	}
	s.health.migrated.Store(true)
	return nil
}

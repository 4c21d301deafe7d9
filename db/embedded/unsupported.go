//go:build !unix

package embedded

import (
	"context"
	"errors"
	"runtime"
)

// Server is a running PostgreSQL. There is none on this operating system.
type Server struct{}

// source and the like exist only where PostgreSQL can be run.
type source struct{}

var mavenCentral source

func usualBinDirs() []string { return nil }

// Start always fails here: watching and signalling PostgreSQL needs Unix.
func Start(_ context.Context, cfg Config) (*Server, error) {
	cfg.setDefaults()
	return nil, errUnsupported
}

var errUnsupported = errors.New("embedded: no embedded PostgreSQL on " + runtime.GOOS +
	": install PostgreSQL and set DATABASE_URL to its postgres:// URL")

// URL is empty: there is no server.
func (*Server) URL() string { return "" }

// LocalURL is empty: there is no server.
func (*Server) LocalURL() string { return "" }

// DataDir is empty: there is no server.
func (*Server) DataDir() string { return "" }

// Version is empty: there is no server.
func (*Server) Version() string { return "" }

// PID is 0: there is no server.
func (*Server) PID() int { return 0 }

// Stop has nothing to do.
func (*Server) Stop(context.Context) error { return nil }

// Done is closed: there is no server.
func (*Server) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// RunningURL returns an error: there is no embedded server on this system.
func RunningURL(Config) (string, error) { return "", errUnsupported }

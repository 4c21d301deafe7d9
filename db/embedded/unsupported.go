//go:build !unix

package embedded

import (
	"context"
	"errors"
	"runtime"
)

// Server is a running PostgreSQL. It cannot run on this operating system.
type Server struct{}

// source and the variables below are declared because Config uses them.
type source struct{}

var mavenCentral source

func usualBinDirs() []string { return nil }

// Start always returns an error: watching and signalling PostgreSQL needs Unix.
func Start(_ context.Context, cfg Config) (*Server, error) {
	cfg.setDefaults()
	return nil, errUnsupported
}

var errUnsupported = errors.New("embedded: no embedded PostgreSQL on " + runtime.GOOS +
	": install PostgreSQL and set DATABASE_URL to its postgres:// URL")

// URL returns "", because there is no server.
func (*Server) URL() string { return "" }

// LocalURL returns "", because there is no server.
func (*Server) LocalURL() string { return "" }

// DataDir returns "", because there is no server.
func (*Server) DataDir() string { return "" }

// Version returns "", because there is no server.
func (*Server) Version() string { return "" }

// PID returns 0, because there is no server.
func (*Server) PID() int { return 0 }

// Stop does nothing, because there is no server.
func (*Server) Stop(context.Context) error { return nil }

// Done returns a closed channel, because there is no server.
func (*Server) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// Running returns an error: there is no embedded server on this system.
func Running(Config) (Instance, error) { return Instance{}, errUnsupported }

// Upgrade returns an error: there is no embedded server on this system.
func Upgrade(context.Context, Config, string, func(ctx context.Context, from, to string) error) (Upgraded, error) {
	return Upgraded{}, errUnsupported
}

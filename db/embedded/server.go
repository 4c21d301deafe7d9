//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

// Server is a running PostgreSQL, which is restarted when it dies until Stop.
type Server struct {
	cfg      Config
	who      account
	bins     binaries
	dataDir  string
	cluster  string
	args     []string
	port     int
	password string
	lock     *flock.Flock
	pid      atomic.Int64

	stopping, forced context.Context // ended by stop and, to wait no longer, force
	stop, force      context.CancelFunc
	done             chan struct{}
	stopErr          error // set before done is closed
}

// Start runs PostgreSQL on the data folder, which it fills at first, and returns
// once the server answers queries. Finding a killed server's remains it waits up
// to 30 s for them to go away; making a cluster takes about 2 s, and recovery or a
// download as long as ctx allows, which is about the start only. ErrInUse means
// that a server runs already. After any error nothing is left running.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("embedded: %w", err)
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	s := &Server{cfg: cfg, done: make(chan struct{})}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.forced, s.force = context.WithCancel(context.Background())
	if s.dataDir, s.who, err = settle(cfg); err != nil {
		return nil, err
	}
	s.cluster = filepath.Join(s.dataDir, clusterName)
	if s.lock, err = acquire(s.dataDir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = s.lock.Close()
		}
	}()
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	p, err := s.launch(ctx, true)
	if err != nil {
		return nil, err
	}
	cfg.Logger.Info("embedded: PostgreSQL is ready", "version", s.bins.version, "data", s.dataDir,
		"port", s.port, "pid", p.pid(), "user", s.who.name)
	go s.supervise(p)
	return s, nil
}

// prepare finds the binaries and makes the cluster if there is none.
func (s *Server) prepare(ctx context.Context) error {
	major, err := clusterMajor(s.dataDir)
	if err != nil {
		return err
	}
	if s.bins, err = findBinaries(ctx, s.cfg, s.who, s.dataDir, major); err != nil {
		return err
	}
	if major == 0 {
		s.cfg.Logger.Info("embedded: making a new cluster", "version", s.bins.version, "folder", s.cluster)
		if err := createCluster(ctx, s.who, s.bins, s.dataDir, s.cfg.Ephemeral); err != nil {
			return err
		}
	}
	if s.password, err = readPassword(s.dataDir); err != nil {
		return err
	}
	s.args, err = serverArgs(ctx, s.cfg, s.who, s.bins, s.cluster)
	return err
}

// freePort asks the system for a port nobody has. Another program may take it
// before PostgreSQL does, which launch puts right.
func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// URL is the postgres:// URL of the database byline as its owner, the role
// byline, who may create further databases. It holds while the Server lives,
// through restarts, and contains the password.
func (s *Server) URL() string {
	return s.url(net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), url.Values{})
}

// LocalURL is URL by way of a Unix socket, where a round trip costs half of what
// it does by TCP. Only the account of the server and root can use it. It is URL
// itself where the path of the data folder is not fit for a socket.
func (s *Server) LocalURL() string {
	folder := socketFolder(s.cluster)
	if folder == "" {
		return s.URL()
	}
	return s.url("", url.Values{"host": {folder}, "port": {strconv.Itoa(s.port)}})
}

func (s *Server) url(host string, query url.Values) string {
	query.Set("sslmode", "disable")
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(role, s.password),
		Host:     host,
		Path:     "/" + database,
		RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20"), // libpq, and so pgx, takes + for itself
	}
	return u.String()
}

// DataDir is the absolute path of the data folder, which is not the one asked
// for when PostgreSQL could not reach that.
func (s *Server) DataDir() string { return s.dataDir }

// Version is PostgreSQL's own, as in "15.13".
func (s *Server) Version() string { return s.bins.version }

// PID is that of the postmaster, or 0 while there is none. It changes when
// PostgreSQL has been restarted.
func (s *Server) PID() int { return int(s.pid.Load()) }

// Done is closed when the server has stopped for good and the data folder is
// free.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop disconnects all clients, shuts PostgreSQL down and releases the data
// folder. When ctx ends first, PostgreSQL is ended at once, which loses nothing
// that was committed but makes the next start recover; that is an error. It may
// be called again, and at the same time.
func (s *Server) Stop(ctx context.Context) error {
	s.stop()
	select {
	case <-s.done:
		return s.stopErr
	case <-ctx.Done():
	}
	s.force()
	<-s.done
	if s.stopErr != nil {
		return errors.Join(s.stopErr, ctx.Err())
	}
	return nil
}

// sleep returns false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

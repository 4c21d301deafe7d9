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

// Server is a running PostgreSQL. It is restarted whenever it ends, until Stop
// is called.
type Server struct {
	cfg      Config
	who      account
	bins     binaries
	dataDir  string
	cluster  string
	args     []string
	port     int
	password string
	lock     *flock.Flock // nil if the caller unlocks the folder
	pid      atomic.Int64

	stopping, forced context.Context // cancelled by stop and by force, which ends a shutdown that takes too long
	stop, force      context.CancelFunc
	done             chan struct{}
	stopErr          error // set before done is closed
}

// Start runs PostgreSQL on the data folder and returns when the server responds
// to queries. Unless cfg.Existing is set, it creates the cluster if there is
// none, which takes about 2 s.
// If it finds parts of a killed server, it waits up to 30 s until they have
// ended. Recovery and downloads may take until ctx ends; ctx does not affect
// the server after Start has returned. ErrInUse means that another server uses
// the data folder. If Start returns an error, it leaves no process running.
//
// Start removes the PG* variables from the environment of this process: see
// clearEnvironment.
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
	clearEnvironment()
	s := newServer(cfg)
	if s.dataDir, s.who, err = chooseDataDir(cfg); err != nil {
		return nil, err
	}
	s.cluster = filepath.Join(s.dataDir, clusterName)
	if cfg.Existing && !hasCluster(s.dataDir) && !exists(filepath.Join(s.dataDir, lockFile)) {
		return nil, fmt.Errorf("%w %s", ErrNoCluster, s.dataDir)
	}
	if err := makeDataDir(s.dataDir, s.who); err != nil {
		return nil, err
	}
	if s.lock, err = acquire(s.dataDir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = s.lock.Close()
		}
	}()
	if err := finishUpgrade(s.dataDir, cfg.Logger); err != nil {
		return nil, err
	}
	// Another byline that has the lock may be creating the cluster.
	if cfg.Existing && !hasCluster(s.dataDir) {
		return nil, fmt.Errorf("%w %s", ErrNoCluster, s.dataDir)
	}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	p, err := s.launch(ctx, true)
	if err != nil {
		return nil, err
	}
	cfg.Logger.Info("embedded: PostgreSQL is ready", "version", s.bins.version, "data", s.dataDir,
		"port", s.port, "pid", p.pid(), "systemUser", s.who.name)
	go s.supervise(p)
	return s, nil
}

func newServer(cfg Config) *Server {
	s := &Server{cfg: cfg, done: make(chan struct{})}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.forced, s.force = context.WithCancel(context.Background())
	return s
}

// prepare finds the binaries and creates the cluster if there is none.
func (s *Server) prepare(ctx context.Context) error {
	major, err := clusterMajor(s.dataDir)
	if err != nil {
		return err
	}
	if s.bins, err = findBinaries(ctx, s.cfg, s.who, s.dataDir, major); err != nil {
		return err
	}
	if major == 0 {
		s.cfg.Logger.Info("embedded: creating a new cluster", "version", s.bins.version, "folder", s.cluster)
		if err := createCluster(ctx, s.who, s.bins, s.dataDir, s.cfg.Ephemeral); err != nil {
			return err
		}
	}
	if s.password, err = readPassword(s.dataDir, passwordFile); err != nil {
		return err
	}
	s.args, err = serverArgs(ctx, s.cfg, s.who, s.bins, s.cluster)
	return err
}

// freePort returns a port that is not in use. Another program may take it
// before PostgreSQL does; launch then tries another one.
func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// URL returns the postgres:// URL of the database byline, for its owner, the
// role byline, which may create further databases. The URL contains the
// password. It stays the same when PostgreSQL is restarted.
func (s *Server) URL() string {
	return s.url(net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), url.Values{})
}

// LocalURL is like URL but uses a Unix socket, where a round trip takes half as
// long as over TCP. Only root and the user that PostgreSQL runs as can use it.
// It returns URL() if the path of the data folder cannot be the address of a
// socket.
func (s *Server) LocalURL() string {
	folder := socketFolder(s.cluster)
	if folder == "" {
		return s.URL()
	}
	return s.url("", url.Values{"host": {folder}, "port": {strconv.Itoa(s.port)}})
}

func (s *Server) url(host string, query url.Values) string {
	for name, value := range fixedParameters {
		query.Set(name, value)
	}
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(role, s.password),
		Host:     host,
		Path:     "/" + database,
		RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20"), // libpq and pgx do not decode + as a space
	}
	return u.String()
}

// DataDir returns the absolute path of the data folder. It differs from the
// configured folder if PostgreSQL could not reach that one.
func (s *Server) DataDir() string { return s.dataDir }

// Version returns the version of PostgreSQL, for example "15.13".
func (s *Server) Version() string { return s.bins.version }

// PID returns the process id of the postmaster, or 0 while it is not running.
// It changes when PostgreSQL is restarted.
func (s *Server) PID() int { return int(s.pid.Load()) }

// Done returns a channel that is closed when the server has stopped and the
// data folder is unlocked.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop disconnects all clients, shuts PostgreSQL down and unlocks the data
// folder. If ctx ends first, PostgreSQL is terminated at once and Stop returns
// an error; committed data is preserved, but the next start has to recover.
// Stop may be called several times, also concurrently.
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

// sleep reports whether it slept for d; it returns false if ctx ended first.
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

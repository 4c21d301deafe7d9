//go:build unix

package embedded

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStart(t *testing.T) {
	t.Parallel()
	cfg, log := config(t)
	cfg.Settings = map[string]string{"work_mem": "7MB", "max_connections": "33"}
	s := start(t, cfg)

	t.Run("Server", func(t *testing.T) {
		assert.True(t, filepath.IsAbs(s.DataDir()))
		assert.Equal(t, cfg.DataDir, s.DataDir())
		got, err := query(s.URL(), "show server_version")
		require.NoError(t, err)
		assert.Equal(t, s.Version(), strings.Fields(got)[0])
		assert.True(t, alive(s.PID()))
		select {
		case <-s.Done():
			t.Fatal("done")
		default:
		}
	})
	t.Run("Socket", func(t *testing.T) {
		requireQuery(t, "true", s.LocalURL(), "select (inet_client_addr() is null)::text")
		requireQuery(t, "byline", s.LocalURL(), "select current_user")
		u, err := url.Parse(s.LocalURL())
		require.NoError(t, err)
		u.User = url.UserPassword("byline", "wrong")
		_, err = query(u.String(), "select 'in'")
		require.Error(t, err)
		info, err := os.Stat(filepath.Join(s.cluster, socketPrefix+strconv.Itoa(s.port)))
		require.NoError(t, err)
		assert.Equal(t, fs.ModeSocket|0o700, info.Mode())
	})
	t.Run("Settings", func(t *testing.T) {
		for name, want := range map[string]string{
			"work_mem": "7MB", "max_connections": "33", "fsync": "off", "jit": "off", "random_page_cost": "1.1",
			"shared_buffers": "128MB", "data_checksums": "on", "server_encoding": "UTF8", "TimeZone": "UTC",
			"listen_addresses": "127.0.0.1", "password_encryption": "scram-sha-256",
		} {
			requireQuery(t, want, s.URL(), "show "+name)
		}
		requireQuery(t, "ünï", s.URL(), "select lower('ÜNÏ')")
		requireQuery(t, "true", s.URL(), "select ('a' > 'B')::text") // by code point
	})
	t.Run("Role", func(t *testing.T) {
		requireQuery(t, "byline", s.URL(), "select current_user")
		requireQuery(t, "false", s.URL(), "select rolsuper::text from pg_roles where rolname = current_user")
		requireQuery(t, "byline", s.URL(), "select rolname from pg_database d join pg_roles r on r.oid = datdba where datname = 'byline'")
		_, err := query(s.URL(), "create database another")
		require.NoError(t, err)
		_, err = query(s.URL(), "create extension citext") // the owner may create trusted extensions
		require.NoError(t, err)
	})
	t.Run("Statements", func(t *testing.T) {
		if !s.bins.hasLibrary(statements) {
			t.Skip("not packaged")
		}
		got, err := query(s.URL(), "select query from pg_stat_statements where query ~ 'rolsuper'")
		require.NoError(t, err)
		assert.Contains(t, got, "pg_roles")
	})
	t.Run("Password", func(t *testing.T) {
		u, err := url.Parse(s.URL())
		require.NoError(t, err)
		for _, user := range []*url.Userinfo{
			url.UserPassword("byline", "wrong"), url.UserPassword("postgres", "postgres"), url.User("byline"), url.User("postgres"),
		} {
			u.User = user
			_, err := query(u.String(), "select 'in'")
			require.Error(t, err, user)
		}
		rules, err := os.ReadFile(filepath.Join(s.cluster, "pg_hba.conf"))
		require.NoError(t, err)
		for line := range strings.Lines(string(rules)) {
			if fields := strings.Fields(line); len(fields) > 0 && !strings.HasPrefix(fields[0], "#") {
				assert.Equal(t, "scram-sha-256", fields[len(fields)-1], line)
			}
		}
		for _, name := range []string{passwordFile, superuserPasswordFile, "lock"} {
			info, err := os.Stat(filepath.Join(s.DataDir(), name))
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o600), info.Mode(), name)
			assert.Equal(t, os.Geteuid(), owner(t, info), name)
		}
		password, err := os.ReadFile(filepath.Join(s.DataDir(), superuserPasswordFile))
		require.NoError(t, err)
		u.User = url.UserPassword("postgres", strings.TrimSpace(string(password)))
		requireQuery(t, "on", u.String(), "show is_superuser")
		secret, _ := url.Parse(s.URL())
		text, _ := secret.User.Password()
		assert.Len(t, text, 64)
		assert.NotContains(t, log.String(), text)
	})
	t.Run("Log", func(t *testing.T) {
		_, err := query(s.URL(), "select 1/0")
		require.Error(t, err)
		require.Eventually(t, func() bool {
			return strings.Contains(log.String(), `level=WARN msg="division by zero" component=postgres severity=ERROR`)
		}, 5*time.Second, 10*time.Millisecond)
		assert.Contains(t, log.String(), `level=DEBUG msg="database system is ready to accept connections"`)
		assert.NotContains(t, log.String(), "FATAL: the database system")
	})
	t.Run("Privileges", func(t *testing.T) {
		info, err := os.Stat(s.cluster)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
		uid := ps(t, "uid", s.PID())
		assert.Equal(t, uid, strconv.Itoa(owner(t, info)))
		assert.NotEqual(t, "0", uid)
		if os.Geteuid() != 0 {
			assert.Equal(t, strconv.Itoa(os.Geteuid()), uid)
		}
		group, err := syscall.Getpgid(s.PID())
		require.NoError(t, err)
		assert.NotEqual(t, syscall.Getpgrp(), group, "Ctrl-C would reach PostgreSQL")
	})
	t.Run("InUse", func(t *testing.T) {
		_, err := Start(t.Context(), cfg)
		require.ErrorIs(t, err, ErrInUse)
		assert.ErrorContains(t, err, s.DataDir())
		assert.ErrorContains(t, err, "pid "+strconv.Itoa(os.Getpid()))
	})
}

func TestStartAgain(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	s := start(t, cfg)
	_, err := query(s.URL(), "create table kept as select 'all' as what")
	require.NoError(t, err)
	pid := s.PID()
	stop(t, s)
	stop(t, s)
	assert.Zero(t, s.PID())
	assert.False(t, alive(pid))
	<-s.Done()
	requireNone(t, cfg.DataDir)

	s = start(t, cfg)
	requireQuery(t, "all", s.URL(), "select what from kept")
}

func TestStop(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	s, err := Start(t.Context(), cfg)
	require.NoError(t, err)
	_, err = query(s.URL(), "create table kept as select 'all' as what")
	require.NoError(t, err)

	// A postmaster stopped by SIGSTOP does not react to a fast shutdown.
	require.NoError(t, syscall.Kill(s.PID(), syscall.SIGSTOP))
	pid := s.PID()
	time.AfterFunc(300*time.Millisecond, func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = s.Stop(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "did not shut down in time")
	<-s.Done()
	require.Error(t, s.Stop(t.Context()), "a second Stop returns the same error")
	assert.False(t, alive(pid))

	s = start(t, cfg)
	requireQuery(t, "all", s.URL(), "select what from kept")
	_, err = Start(t.Context(), cfg)
	require.ErrorIs(t, err, ErrInUse)
}

func TestStartCancelled(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	for _, after := range []time.Duration{-1, 10, 50, 100, 200, 400} {
		ctx, cancel := context.WithTimeout(t.Context(), after*time.Millisecond)
		s, err := Start(ctx, cfg)
		cancel()
		if err == nil {
			stop(t, s)
		} else {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		requireNone(t, cfg.DataDir)
	}
	s := start(t, cfg)
	left, err := filepath.Glob(filepath.Join(cfg.DataDir, initPrefix+"*"))
	require.NoError(t, err)
	assert.Empty(t, left)
	stop(t, s)
	for _, after := range []time.Duration{5, 20, 40, 80, 120} {
		ctx, cancel := context.WithTimeout(t.Context(), after*time.Millisecond)
		s, err := Start(ctx, cfg)
		cancel()
		if err == nil {
			stop(t, s)
		}
		requireNone(t, cfg.DataDir)
	}
	start(t, cfg)
}

func TestStartRefused(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	s := start(t, cfg)
	installed := s.bins
	stop(t, s)

	t.Run("Settings", func(t *testing.T) {
		for name, value := range map[string]string{"port": "1", "listen_addresses": "*", "a b": "c"} {
			cfg := cfg
			cfg.Settings = map[string]string{name: value}
			_, err := Start(t.Context(), cfg)
			require.ErrorContains(t, err, name)
		}
		cfg := cfg
		cfg.Settings = map[string]string{"work_mem": "plenty"}
		_, err := Start(t.Context(), cfg)
		require.ErrorContains(t, err, `invalid value for parameter "work_mem"`)
	})
	t.Run("BinDir", func(t *testing.T) {
		cfg := cfg
		cfg.BinDir = filepath.Join(folder(t), "nothing")
		_, err := Start(t.Context(), cfg)
		require.ErrorContains(t, err, "BYLINE_PG_BIN: no PostgreSQL server in "+cfg.BinDir)
		cfg.BinDir = installed.dir
		stop(t, start(t, cfg))
	})
	t.Run("Password", func(t *testing.T) {
		path := filepath.Join(cfg.DataDir, passwordFile)
		password, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, []byte("other"), 0o600))
		_, err = Start(t.Context(), cfg)
		var refusal *pgconn.PgError
		require.ErrorAs(t, err, &refusal)
		assert.Equal(t, "28P01", refusal.Code)
		require.NoError(t, os.Remove(path))
		_, err = Start(t.Context(), cfg)
		require.ErrorContains(t, err, path)
		require.NoError(t, os.WriteFile(path, password, 0o600))
		stop(t, start(t, cfg))
	})
	t.Run("Version", func(t *testing.T) {
		require.NoError(t, os.WriteFile(filepath.Join(s.cluster, "PG_VERSION"), []byte("99\n"), 0o600))
		for _, binDir := range []string{"", installed.dir} {
			cfg := cfg
			cfg.BinDir = binDir
			_, err := Start(t.Context(), cfg)
			require.ErrorContains(t, err, "created by PostgreSQL 99, and only PostgreSQL "+installed.version)
			require.ErrorContains(t, err, "BYLINE_PG_BIN")
		}
	})
	t.Run("NoCluster", func(t *testing.T) {
		require.NoError(t, os.Remove(filepath.Join(s.cluster, "PG_VERSION")))
		_, err := Start(t.Context(), cfg)
		require.ErrorContains(t, err, "is not a PostgreSQL cluster")
	})
	t.Run("Lock", func(t *testing.T) {
		_, err := Start(t.Context(), cfg)
		require.False(t, errors.Is(err, ErrInUse), "a failed start did not release the lock")
	})
}

// TestNoSocket uses data folders whose paths cannot be the address of a Unix
// socket.
func TestNoSocket(t *testing.T) {
	t.Parallel()
	for _, name := range []string{strings.Repeat("long", 25), "one, two", "a \"b\""} {
		cfg, _ := config(t)
		cfg.DataDir = filepath.Join(filepath.Dir(cfg.DataDir), name)
		s := start(t, cfg)
		assert.Equal(t, s.URL(), s.LocalURL(), name)
		requireQuery(t, "1", s.LocalURL(), "select '1'")
	}
	cfg, _ := config(t)
	cfg.DataDir = filepath.Join(filepath.Dir(cfg.DataDir), "a [b]* %41?")
	s := start(t, cfg)
	assert.NotEqual(t, s.URL(), s.LocalURL())
	requireQuery(t, "1", s.LocalURL(), "select '1'")
}

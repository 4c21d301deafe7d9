//go:build unix

package main

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// databaseCommands returns the arguments of each command that acts on a
// database which must exist already.
func databaseCommands(t *testing.T) (commands [][]string) {
	t.Helper()
	others := map[string]bool{ // these make a database, or need none
		"byline serve": true, "byline seed": true, "byline migrate up": true,
		"byline import prisma": true, "byline import sequelize": true, "byline import api": true, "byline import ghost": true, "byline import markdown": true, "byline import ndjson": true, "byline import rules": true, "byline import verify answers": true,
		"byline import mapping prisma": true, "byline import mapping sequelize": true,
		"byline restore": true, "byline upgrade-postgres": true, // the second is only for the embedded PostgreSQL
		"byline config": true, "byline strangle": true, "byline version": true, "byline healthcheck": true, "byline help": true,
	}
	flags := map[string][]string{
		"byline admin create": {"--username=root", "--email=root@example.com", "--generate-password"},
		"byline migrate down": {"--yes"},
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		path := c.CommandPath()
		if c.HasSubCommands() || others[path] || strings.HasPrefix(path, "byline completion") {
			return
		}
		args := strings.Fields(path)[1:]
		if path == "byline export" || path == "byline backup" {
			args = append(args, "-") // FILE
		} else if strings.Contains(c.Use, " ") {
			args = append(args, "someone") // USERNAME or ID
		}
		commands = append(commands, append(args, flags[path]...))
	}
	walk((&program{}).rootCommand())
	require.Greater(t, len(commands), 7)
	return commands
}

// command runs a byline command in this process and returns all that it writes.
func command(t *testing.T, env map[string]string, args ...string) (string, error) {
	t.Helper()
	var out safeBuffer
	err := run(t.Context(), args, func(name string) string { return env[name] }, &out, &out)
	return out.tail(1 << 20), err
}

// TestCommandsMakeNoDatabase runs commands where there is no database. They end
// with an error and leave nothing behind.
func TestCommandsMakeNoDatabase(t *testing.T) {
	t.Parallel()

	t.Run("Embedded", func(t *testing.T) {
		t.Parallel()
		empty := accessibleFolder(t)
		for _, dir := range []string{filepath.Join(empty, "missing", "data"), empty} {
			for _, args := range databaseCommands(t) {
				out, err := command(t, map[string]string{"BYLINE_DATA_DIR": dir}, args...)
				require.Error(t, err, "%s: %s", args, out)
				require.Equal(t, exitNoDatabase, codeOf(err), "%s: %v", args, err)
				for _, part := range []string{"there is no database in the folder " + dir, "DATABASE_URL", "BYLINE_DATA_DIR"} {
					require.ErrorContains(t, err, part, "%s", args)
				}
				entries, err := os.ReadDir(empty)
				require.NoError(t, err)
				require.Empty(t, entries, "%s", args)
			}
		}
	})

	t.Run("External", func(t *testing.T) {
		t.Parallel()
		databaseURL := sharedDatabase(t, "without_tables")
		for _, args := range databaseCommands(t) {
			out, err := command(t, map[string]string{"DATABASE_URL": databaseURL}, args...)
			if strings.Join(args, " ") == "migrate status" {
				require.NoError(t, err)
				require.Regexp(t, `(?m)^pending +- +00001_`, out)
				require.NotContains(t, out, "applied")
			} else {
				require.Equal(t, exitNoDatabase, codeOf(err), "%s: %v", args, err)
				require.ErrorContains(t, err, "no tables of Byline", "%s", args)
			}
			require.Zero(t, query[int](t, databaseURL, "SELECT count(*)::int FROM pg_class WHERE relnamespace = 'public'::regnamespace")[0], "%s", args)
		}
	})

	t.Run("OlderSchema", func(t *testing.T) {
		t.Parallel()
		databaseURL := sharedDatabase(t, "older_schema")
		env := map[string]string{"DATABASE_URL": databaseURL}
		_, err := command(t, env, "migrate", "up")
		require.NoError(t, err)
		query[int](t, databaseURL, "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
		_, err = command(t, env, "keys", "rotate")
		require.Equal(t, exitRefused, codeOf(err))
		require.ErrorContains(t, err, "byline migrate up")
		require.Zero(t, query[int](t, databaseURL, "SELECT count(*)::int FROM signing_keys")[0])
	})
}

// TestCommandsNameTheDatabase checks the line that says on which database a
// command acts.
func TestCommandsNameTheDatabase(t *testing.T) {
	t.Parallel()

	t.Run("External", func(t *testing.T) {
		t.Parallel()
		databaseURL := sharedDatabase(t, "named")
		u, err := url.Parse(databaseURL)
		require.NoError(t, err)
		password, _ := u.User.Password()
		line := "byline: using the database named on " + u.Host + " as the user byline\n"
		for _, args := range append(databaseCommands(t), []string{"migrate", "up"}, []string{"seed", "--users=1", "--articles=1", "--comments=1", "--favorites=0", "--follows=0"}) {
			out, err := command(t, map[string]string{"DATABASE_URL": databaseURL}, args...)
			require.Equal(t, 1, strings.Count(out, line), "%s: %s %v", args, out, err)
			require.NotContains(t, out, password)
		}
		s := startService(t, databaseURL, "BYLINE_LOG_LEVEL=info")
		require.Contains(t, s.log.tail(5000), "using the database named on "+u.Host+" as the user byline")
		require.NotContains(t, s.log.tail(50_000), password)
	})

	t.Run("Several", func(t *testing.T) {
		t.Parallel()
		out, err := command(t, map[string]string{"DATABASE_URL": "postgres://u:s3cret@127.0.0.1:1,[::1]:2/d?connect_timeout=1"}, "migrate", "status")
		require.Equal(t, exitUnreachable, codeOf(err))
		require.Contains(t, out, "using the database d on 127.0.0.1:1, [::1]:2 as the user u\n")
		require.ErrorContains(t, err, "\nstart PostgreSQL, or correct the host and the port of its URL")
		require.NotContains(t, out+err.Error(), "s3cret")
	})

	t.Run("Embedded", func(t *testing.T) {
		t.Parallel()
		s := newService(t, "")
		copyCluster(t, s.dir)
		for _, args := range [][]string{{"migrate", "up"}, {"keys", "list"}} {
			out, err := s.execute(nil, args...)
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "byline: using the embedded PostgreSQL in "+s.dir+"\n")
		}
		s.start()
		s.waitReady()
		out, err := s.execute(nil, "keys", "list")
		require.NoError(t, err, "%s", out)
		require.Regexp(t, regexp.QuoteMeta("byline: using the embedded PostgreSQL in "+s.dir+", which the byline with pid "+
			strconv.Itoa(s.cmd.Process.Pid)+" runs\n"), string(out))
		require.Regexp(t, `(?m)^[A-Z0-9]{12}  2`, string(out))
	})
}

// TestWaitIsSaidSeldom waits for a database that is down. The log says so when
// the reason changes, and at most six times a minute.
func TestWaitIsSaidSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		down := error(io.ErrUnexpectedEOF)
		began := time.Now()
		err := onceReachable(t.Context(), slog.New(slog.NewTextHandler(&out, nil)), func() error {
			if time.Since(began) > 30*time.Second {
				down = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			}
			return down
		})
		require.Equal(t, exitUnreachable, codeOf(err))
		require.GreaterOrEqual(t, time.Since(began), reachTimeout)
		lines := strings.Count(out.String(), "cannot reach the database")
		require.GreaterOrEqual(t, lines, 6)
		require.LessOrEqual(t, lines, 8)
	})
}

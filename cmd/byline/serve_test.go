//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3/lock"
	"github.com/stretchr/testify/require"
)

func TestServe(t *testing.T) {
	t.Parallel()
	s := newService(t, "")
	s.start()
	s.waitReady()
	postmaster := s.postmaster()
	require.NotZero(t, postmaster)
	st := s.prepare()

	t.Run("SecondOnTheSameFolder", func(t *testing.T) {
		second := newService(t, "")
		second.env = append(second.env, "BYLINE_DATA_DIR="+s.dir)
		second.start()
		require.Equal(t, 1, second.wait())
		require.Contains(t, second.log.tail(2000), "the data folder is in use by another byline: "+s.dir)
		require.Contains(t, second.log.tail(2000), "pid "+strconv.Itoa(s.cmd.Process.Pid))
		require.True(t, s.ready())
	})

	t.Run("Terminate", func(t *testing.T) {
		l := newWorkload(t, "http://"+s.addr, st).run(1, 1)
		l.more(20)
		s.signal(syscall.SIGTERM)
		require.Zero(t, s.wait())
		l.finish()
		requireNoProcess(t, s.dir)
	})

	t.Run("StartAgain", func(t *testing.T) {
		s.start()
		s.waitReady()
		require.NotEqual(t, postmaster, s.postmaster())
		l := newWorkload(t, "http://"+s.addr, st).run(1, 1)
		l.more(10)
		l.finish()
	})

	t.Run("SecondSignal", func(t *testing.T) {
		d := startSlowRequests(t, s.addr, st, 1)[0] // delays the end of the drain
		await(t, "the request", func() bool { return s.inFlight() == 1 })
		s.signal(syscall.SIGINT)
		d.requireServed(t)
		time.Sleep(200 * time.Millisecond)
		require.True(t, s.running(), "the drain must wait for a request in flight")
		began := time.Now()
		s.signal(syscall.SIGINT)
		require.Equal(t, -1, s.wait())
		require.Less(t, time.Since(began), 10*time.Second, "a second signal must end the drain, which takes twice as long")
		requireNoProcess(t, s.dir)
	})
}

// TestServeLogsChosenPorts checks that the log has the ports that the system has
// chosen, where scripts read them.
func TestServeLogsChosenPorts(t *testing.T) {
	t.Parallel()
	s := newService(t, sharedDatabase(t, "ports"), "BYLINE_ADDR=127.0.0.1:0", "BYLINE_ADMIN_ADDR=127.0.0.1:0", "BYLINE_LOG_LEVEL=info")
	s.start()
	serving := regexp.MustCompile(`"msg":"serving","url":"(http://127\.0\.0\.1:[1-9]\d*)".*"admin":"(127\.0\.0\.1:[1-9]\d*)"`)
	var found []string
	await(t, "the ports", func() bool {
		found = serving.FindStringSubmatch(s.log.tail(10_000))
		return found != nil
	})
	for _, url := range []string{found[1] + "/readyz", "http://" + found[2] + "/metrics"} {
		res, err := http.Get(url)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode, url)
	}
}

func TestHealthcheckWithoutService(t *testing.T) {
	t.Parallel()
	_, err := command(t, map[string]string{"BYLINE_ADDR": "127.0.0.1:1"}, "healthcheck")
	require.Equal(t, exitFailure, codeOf(err))
	require.ErrorContains(t, err, "\nstart it, or give this command the BYLINE_ADDR of the service")
}

func TestServePortInUse(t *testing.T) {
	t.Parallel()
	for name, variable := range map[string]string{"API": "BYLINE_ADDR", "Admin": "BYLINE_ADMIN_ADDR"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			s := newService(t, "", variable+"="+l.Addr().String())
			s.start()
			require.Equal(t, 1, s.wait())
			require.Contains(t, s.log.tail(2000), "address already in use")
			require.Contains(t, s.log.tail(2000), l.Addr().String())
			require.Contains(t, s.log.tail(2000), "set "+variable+" to another address")
			require.NoDirExists(t, s.dir, "a data folder was created before the port was known to be free")
		})
	}
}

// TestMaxConnections checks that a connection beyond the maximum waits until
// another one ends.
func TestMaxConnections(t *testing.T) {
	t.Parallel()
	s := startService(t, sharedDatabase(t, "connections"), "BYLINE_MAX_CONNECTIONS=2")
	ask := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		_, err = io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		return c
	}
	status := func(c net.Conn, within time.Duration) (int, error) {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(within)))
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return 0, err
		}
		return res.StatusCode, res.Body.Close()
	}
	var open []net.Conn
	for range 2 {
		c := ask()
		code, err := status(c, hangTimeout)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, code)
		open = append(open, c)
	}
	waiting := ask()
	_, err := status(waiting, 200*time.Millisecond)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, open[0].Close())
	code, err := status(waiting, hangTimeout)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code)
}

// TestServeDrainOrder checks the order of a shutdown: /readyz fails first, then
// the listener closes, and requests in flight are completed.
func TestServeDrainOrder(t *testing.T) {
	t.Parallel()
	s := startService(t, sharedDatabase(t, "drain_order"), "BYLINE_DRAIN_DELAY=1s")
	st := s.prepare()
	d := startSlowRequests(t, s.addr, st, 1)[0]
	await(t, "the request", func() bool { return s.inFlight() == 1 })
	s.signal(syscall.SIGTERM)
	await(t, "readiness to go off", func() bool { return !s.ready() })

	res, err := quickClient.Get("http://" + s.addr + "/api/articles")
	require.NoError(t, err, "the listener closed before a load balancer could notice")
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.True(t, res.Close, "the response must ask the client to close the connection")

	await(t, "the listener to close", func() bool {
		c, err := net.Dial("tcp", s.addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	require.True(t, s.running())
	d.finish(t)
	require.Zero(t, s.wait())
}

// TestServeSchema starts a service beside another process that is migrating, and
// on the schema of a newer release.
func TestServeSchema(t *testing.T) {
	t.Parallel()
	databaseURL := sharedDatabase(t, "schema")
	conn, err := pgx.Connect(t.Context(), databaseURL)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "SELECT pg_advisory_lock($1)", lock.DefaultLockID)
	require.NoError(t, err)
	s := newService(t, databaseURL)
	s.start()
	command := exec.CommandContext(t.Context(), binary, "migrate", "up")
	commandLog := &safeBuffer{}
	command.Env, command.Stderr = s.env, commandLog
	require.NoError(t, command.Start())
	for _, log := range []*safeBuffer{s.log, commandLog} {
		await(t, "a line about the lock", func() bool {
			return strings.Contains(log.tail(2000), "waiting for another process that is migrating the database")
		})
	}
	_, err = conn.Exec(t.Context(), "SELECT pg_advisory_unlock($1)", lock.DefaultLockID)
	require.NoError(t, err)
	s.waitReady()
	require.NoError(t, command.Wait(), commandLog.tail(2000))
	require.NotContains(t, s.log.tail(2000), "the schema is newer")
	s.end()
	query[int](t, databaseURL, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)")
	s.start()
	s.waitReady()
	require.Contains(t, s.log.tail(2000), `"msg":"the schema is newer than this release`)
}

// TestServeMigrationBlocked starts a service whose migration waits for a table
// that a transaction of another session has locked.
func TestServeMigrationBlocked(t *testing.T) {
	t.Parallel()
	migrations, err := filepath.Glob("../../db/migrations/*.sql")
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		applied int // how many migrations are applied
		table   string
	}{
		"Users":    {11, "users"},
		"Sessions": {10, "sessions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			databaseURL := sharedDatabase(t, "blocked_"+tt.table)
			s := newService(t, databaseURL)
			out, err := s.execute(nil, "migrate", "up")
			require.NoError(t, err, "%s", out)
			for range len(migrations) - tt.applied {
				out, err = s.execute(nil, "migrate", "down", "--yes")
				require.NoError(t, err, "%s", out)
			}
			conn, err := pgx.Connect(t.Context(), databaseURL+"&application_name=backup")
			require.NoError(t, err)
			defer conn.Close(t.Context())
			tx, err := conn.Begin(t.Context())
			require.NoError(t, err)
			_, err = tx.Exec(t.Context(), "LOCK TABLE "+tt.table+" IN ROW EXCLUSIVE MODE")
			require.NoError(t, err)

			blocked := fmt.Sprintf(`"blockedBy":"pid %d (backup, byline, idle in transaction)"`, conn.PgConn().PID())
			out, err = s.execute(nil, "migrate", "up")
			require.Error(t, err, "a command does not wait longer than requests may")
			require.Contains(t, string(out), blocked)
			require.Contains(t, string(out), "lock timeout")

			s.start()
			await(t, "lines about the lock", func() bool { return strings.Count(s.log.tail(20_000), blocked) >= 2 })
			log := s.log.tail(20_000)
			require.Contains(t, log, "the migration waits for the transaction of another session")
			require.Regexp(t, `"statement":"[A-Z ]+[^"]*\b`+tt.table+`\b`, log)
			require.Contains(t, log, "a migration could not lock its table; retrying")
			require.NoError(t, tx.Rollback(t.Context()))
			s.waitReady()
		})
	}
}

// TestSure checks that commands which nobody should run by mistake ask for --yes.
func TestSure(t *testing.T) {
	t.Parallel()
	s := newService(t, sharedDatabase(t, "sure"))
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Env = s.env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	seed := []string{"seed", "--users=5", "--articles=5", "--comments=0", "--favorites=0", "--follows=0", "--tags=1", "--tags-per-article=1"}
	out, err := run(seed...)
	require.NoError(t, err, "an empty database: %s", out)
	out, err = run(append(seed, "--seed=2")...)
	require.Error(t, err)
	require.Contains(t, out, "the database is not empty; repeat the command with --yes")
	out, err = run("migrate", "down")
	require.Error(t, err)
	require.Contains(t, out, "repeat the command with --yes")
	out, err = run("migrate", "status")
	require.NoError(t, err)
	require.NotContains(t, out, "pending")
	_, err = run("migrate", "down", "--yes")
	require.NoError(t, err)
	out, err = run("migrate", "status")
	require.NoError(t, err)
	require.Contains(t, out, "pending")
}

// slowRequest is a request whose body is sent byte by byte.
type slowRequest struct {
	net.Conn
	rest string
}

// startSlowRequests starts n slow requests that create comments.
func startSlowRequests(t testing.TB, addr string, st fixture, n int) (all []*slowRequest) {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		body := `{"comment":{"body":"` + strings.Repeat("slowly ", 20) + `"}}`
		_, err = io.WriteString(c, "POST /api/articles/"+st.slug+"/comments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
			"Authorization: Token "+st.token+"\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body[:1])
		require.NoError(t, err)
		all = append(all, &slowRequest{c, body[1:]})
	}
	return all
}

// step sends one more byte. It reports whether the connection is still open.
func (d *slowRequest) step() bool {
	if len(d.rest) < 2 {
		return true
	}
	_, err := io.WriteString(d, d.rest[:1])
	d.rest = d.rest[1:]
	return err == nil
}

// requireServed checks that the service still waits for the rest of the
// request.
func (d *slowRequest) requireServed(t testing.TB) {
	t.Helper()
	require.True(t, d.step())
	require.NoError(t, d.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	_, err := d.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

// finish sends the rest of the body and requires that the response is 201.
func (d *slowRequest) finish(t testing.TB) {
	t.Helper()
	_, err := io.WriteString(d, d.rest)
	require.NoError(t, err)
	require.NoError(t, d.SetReadDeadline(time.Now().Add(hangTimeout)))
	status := make([]byte, len("HTTP/1.1 201"))
	_, err = io.ReadFull(d, status)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 201", string(status))
}

// TestServeProfileMails checks that the admin port shows mails, and with them
// the tokens of password resets, only in the profile development.
func TestServeProfileMails(t *testing.T) {
	t.Parallel()
	for profile, shown := range map[string]bool{"development": true, "production": false, "auto": false} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			url := sharedDatabase(t, "mails_"+profile)
			s := startService(t, url, "BYLINE_PROFILE="+profile)
			s.prepare()
			res, err := quickClient.Post("http://"+s.addr+"/api/users/password-reset", "application/json", strings.NewReader(`{"email":"anna@example.com"}`))
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, http.StatusAccepted, res.StatusCode)
			await(t, "the mail to be handled", func() bool {
				return query[int64](t, url, "SELECT count(*) FROM mails WHERE due_at IS NOT NULL")[0] == 0
			})
			require.Equal(t, shown, strings.Contains(s.adminPage("/mails"), "anna@example.com"))
			require.Equal(t, !shown, strings.Contains(s.log.tail(5000), "mails are discarded"))
		})
	}
}

//go:build unix

package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// startWithPipe starts a service whose standard error is a pipe, and returns
// the end to read from.
func startWithPipe(t *testing.T, databaseURL string) (*service, *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { _ = read.Close() })
	s := newService(t, databaseURL, "BYLINE_LOG_LEVEL=info")
	s.stderr = write
	s.start()
	require.NoError(t, write.Close())
	return s, read
}

// writeLog sends requests, which write log lines, while load runs.
func writeLog(s *service, st fixture, writers int, load func(l *workload)) *workload {
	l := newWorkload(s.t, "http://"+s.addr, st)
	l.pause = 0
	l.run(4, writers)
	load(l)
	l.finish()
	_, unavailable, refused, broken, other := l.get()
	require.Zero(s.t, unavailable+refused+broken+other, "%v", l.strange)
	return l
}

// TestChaosLogNotRead checks that a service whose log nobody reads serves, is
// alive and stops as usual. A pipe holds 64 KiB.
func TestChaosLogNotRead(t *testing.T) {
	t.Parallel()
	databaseURL := sharedDatabase(t, "log_not_read")
	s, log := startWithPipe(t, databaseURL)
	s.waitReady()
	st := s.prepare()
	dropped := func() (n int) {
		_, rest, _ := strings.Cut(s.adminPage("/metrics"), "\nlog_lines_dropped_total ")
		_, err := fmt.Sscan(rest, &n)
		require.NoError(t, err)
		return n
	}
	l := writeLog(s, st, 2, func(l *workload) {
		l.more(1000)
		for chaos() && dropped() == 0 {
			l.more(1000)
		}
	})
	require.True(t, s.ready())
	note := fmt.Sprintf("%d lines dropped after %d requests", dropped(), l.succeeded())
	if chaos() {
		lines := bufio.NewReader(log)
		for {
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			if strings.Contains(line, " log lines were dropped") {
				break
			}
		}
		writeLog(s, st, 0, func(l *workload) { l.more(1000) }) // the pipe is full again
	}
	s.signal(syscall.SIGTERM)
	require.Zero(t, s.wait())
	lost := l.lost(databaseURL)
	require.Zero(t, lost)
	l.report("Log that nobody reads (full pipe)", lost, 0, note)
}

// TestChaosLogClosed closes the pipe that the log is written to.
func TestChaosLogClosed(t *testing.T) {
	t.Parallel()
	databaseURL := sharedDatabase(t, "log_closed")
	s, log := startWithPipe(t, databaseURL)
	require.NoError(t, log.Close())
	s.waitReady()
	l := writeLog(s, s.prepare(), 2, func(l *workload) { l.more(200) })
	s.signal(syscall.SIGTERM)
	require.Zero(t, s.wait())
	lost := l.lost(databaseURL)
	require.Zero(t, lost)
	l.report("Log closed by its reader (SIGPIPE)", lost, 0, "")
}

// TestServeHangup checks that SIGHUP, of which a terminal that closes sends
// more than one, drains as SIGTERM does.
func TestServeHangup(t *testing.T) {
	t.Parallel()
	s := startService(t, sharedDatabase(t, "hangup"), "BYLINE_LOG_LEVEL=info")
	st := s.prepare()
	d := startSlowRequests(t, s.addr, st, 1)[0]
	await(t, "the request", func() bool { return s.inFlight() == 1 })
	s.signal(syscall.SIGHUP)
	await(t, "readiness to go off", func() bool { return !s.ready() })
	s.signal(syscall.SIGHUP)
	d.requireServed(t)
	d.finish(t)
	require.Zero(t, s.wait())
	require.Contains(t, s.log.tail(2000), "stopped serving")
}

// TestErrorNotRead checks that a start that fails ends, although nobody reads
// the reason.
func TestErrorNotRead(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	fd := int(write.Fd()) // once, because it makes the pipe block again
	require.NoError(t, syscall.SetNonblock(fd, true))
	for err == nil {
		_, err = syscall.Write(fd, make([]byte, 4096))
	}
	require.ErrorIs(t, err, syscall.EAGAIN, "the pipe is full")
	require.NoError(t, syscall.SetNonblock(fd, false))
	s := newService(t, "", "BYLINE_POOL_MAX=x")
	s.stderr = write
	s.start()
	require.NoError(t, write.Close())
	require.Equal(t, int(exitConfiguration), s.wait())
}

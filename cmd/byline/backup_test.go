//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/backup"
	"github.com/byline-api/byline/db/embedded"
)

// manifestOf returns the manifest of a backup whose checksums are right.
func manifestOf(t testing.TB, path string) backup.Manifest {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	m, err := backup.Verify(t.Context(), f, func(string, int64, int64) {})
	require.NoError(t, err)
	return m
}

// requireSameData checks that two backups have the same rows and sequences.
func requireSameData(t testing.TB, want, got backup.Manifest) {
	t.Helper()
	require.Len(t, got.Tables, len(want.Tables))
	for i, table := range want.Tables {
		require.Equal(t, table.Rows, got.Tables[i].Rows, table.Name)
		require.Equal(t, table.RowSum, got.Tables[i].RowSum, table.Name)
	}
	require.Equal(t, want.Sequences, got.Sequences)
}

func TestBackup(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATABASE_URL": sharedDatabase(t, "backed_up")}
	_, err := command(t, env, "seed", "--users=30", "--articles=100", "--comments=70")
	require.NoError(t, err)
	dir := t.TempDir()
	path := filepath.Join(dir, "site.byline")
	out, err := command(t, env, "backup", path)
	require.NoError(t, err)
	require.Regexp(t, `byline: using the database backed_up on .*\nbacked up \d+ rows of 37 tables \(0\.[1-9] MB before compression\) in \S+, verified\n$`, out)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())

	t.Run("Exists", func(t *testing.T) {
		_, err := command(t, env, "backup", path)
		require.Equal(t, exitRefused, codeOf(err), "%v", err)
		_, err = command(t, env, "backup", path, "--yes")
		require.NoError(t, err)
	})

	t.Run("Verify", func(t *testing.T) {
		out, err := command(t, nil, "backup", "--verify", path)
		require.NoError(t, err)
		require.Regexp(t, `^verified \d+ rows of 37 tables .*, written on \S+ by byline dev from PostgreSQL \d\d`, out)
		_, err = command(t, nil, "backup", "--verify", filepath.Join(dir, "missing"))
		require.Equal(t, exitUsage, codeOf(err), "%v", err)
		half := filepath.Join(t.TempDir(), "half")
		require.NoError(t, os.WriteFile(half, []byte(readFile(t, path)[:info.Size()/2]), 0o600))
		_, err = command(t, nil, "backup", "--verify", half)
		require.Equal(t, exitRefused, codeOf(err), "%v", err)
	})

	t.Run("StandardOutputAndInput", func(t *testing.T) {
		var stream, messages bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"backup", "-"}, func(name string) string { return env[name] }, &stream, &messages))
		require.NotContains(t, messages.String(), "verified")
		copied := filepath.Join(t.TempDir(), "copied")
		require.NoError(t, os.WriteFile(copied, stream.Bytes(), 0o600))
		requireSameData(t, manifestOf(t, path), manifestOf(t, copied))
		url := sharedDatabase(t, "from_input")
		cmd := exec.Command(binary, "restore", "-")
		cmd.Env, cmd.Stdin = []string{"DATABASE_URL=" + url, "PATH=" + os.Getenv("PATH")}, &stream
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	})

	t.Run("DiskFull", func(t *testing.T) {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip("this test needs /dev/full")
		}
		defer full.Close()
		for _, name := range []string{"backup", "export"} {
			err := run(t.Context(), []string{name, "-"}, func(name string) string { return env[name] }, full, io.Discard)
			require.ErrorIs(t, err, syscall.ENOSPC)
			require.Equal(t, exitFailure, codeOf(err), "%v", err)
		}
	})

	t.Run("InputStalls", func(t *testing.T) {
		// A frame that zstd skips, and whose end does not come.
		beginning := "\x50\x2a\x4d\x18\x00\x00\x10\x00" + strings.Repeat("x", 300_000)
		for _, args := range [][]string{{"backup", "--verify", "-"}, {"restore", "-"}} {
			cmd := exec.Command(binary, args...)
			cmd.Env = []string{"DATABASE_URL=" + sharedDatabase(t, "stalled"+args[0]), "PATH=" + os.Getenv("PATH")}
			in, err := cmd.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			_, err = io.WriteString(in, beginning) // more than the pipe takes, so that somebody reads it
			require.NoError(t, err)
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
			require.Error(t, cmd.Wait())
			require.Equal(t, int(exitFailure), cmd.ProcessState.ExitCode(), "%v: it has ended by itself", args)
		}
	})

	t.Run("Restore", func(t *testing.T) {
		to := map[string]string{"DATABASE_URL": sharedDatabase(t, "restored")}
		out, err := command(t, to, "restore", path)
		require.NoError(t, err)
		require.Contains(t, out, "all checksums are right")
		again := filepath.Join(t.TempDir(), "again")
		_, err = command(t, to, "backup", again)
		require.NoError(t, err)
		requireSameData(t, manifestOf(t, path), manifestOf(t, again))
		_, err = command(t, to, "restore", path)
		require.Equal(t, exitRefused, codeOf(err), "%v", err)
		require.ErrorContains(t, err, "not empty")
	})

	t.Run("NoFile", func(t *testing.T) {
		_, err := command(t, env, "restore", os.DevNull)
		require.Equal(t, exitUsage, codeOf(err), "%v", err)
		require.ErrorContains(t, err, "byline restore - <")
	})

	t.Run("DamagedFileMakesNoDatabase", func(t *testing.T) {
		folder := filepath.Join(accessibleFolder(t), "data")
		file := filepath.Join(t.TempDir(), "text")
		require.NoError(t, os.WriteFile(file, []byte("no backup"), 0o600))
		_, err := command(t, map[string]string{"BYLINE_DATA_DIR": folder}, "restore", file)
		require.Equal(t, exitRefused, codeOf(err), "%v", err)
		require.NoDirExists(t, folder)
	})

	t.Run("ServiceRuns", func(t *testing.T) {
		s := startService(t, "")
		out, err := s.execute(nil, "restore", path)
		require.ErrorContains(t, err, fmt.Sprint("exit status ", int(exitRefused)), "%s", out)
		require.Contains(t, string(out), "a service uses")
		file := filepath.Join(t.TempDir(), "running")
		out, err = s.execute(nil, "backup", file)
		require.NoError(t, err, "%s", out)
		require.NotZero(t, manifestOf(t, file).Rows())
	})

	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no incomplete file is left")
}

// ownTitles gives sample articles the title that the count of lost writes skips.
const ownTitles = "UPDATE articles SET title = 'Story'"

// TestChaosBackupKilled kills byline backup while a service works: its file does
// not exist, what it has written to a pipe is refused, and the service goes on.
func TestChaosBackupKilled(t *testing.T) {
	t.Parallel()
	s := startService(t, "")
	out, err := s.execute(nil, "seed", "--users=50", "--articles=3000", "--body-bytes=2000", "--comments=0", "--replies=0", "--newsroom=false", "--yes")
	require.NoError(t, err, "%s", out)
	query[int](t, s.databaseURL(), ownTitles)
	st := s.prepare()
	dir := t.TempDir()
	path := filepath.Join(dir, "site.byline")
	l := newWorkload(t, "http://"+s.addr, st).run(2, 2)
	const kills = 3
	for i := range kills {
		// Nobody reads more of the pipe, so that the command cannot end.
		cmd := exec.Command(binary, "backup", "-")
		cmd.Env = s.env
		pipe, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		half := make([]byte, 20_000*(i+1))
		_, err = io.ReadFull(pipe, half)
		require.NoError(t, err)
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
		require.NoError(t, os.WriteFile(filepath.Join(dir, "half"), half, 0o600))
		out, err := s.execute(nil, "backup", "--verify", filepath.Join(dir, "half"))
		require.ErrorContains(t, err, fmt.Sprint("exit status ", int(exitRefused)), "%s", out)

		cmd = exec.Command(binary, "backup", path)
		cmd.Env = s.env
		require.NoError(t, cmd.Start())
		incomplete := filepath.Join(dir, ".site.byline.*.incomplete")
		await(t, "the incomplete file", func() bool {
			found, _ := filepath.Glob(incomplete)
			return len(found) > i || exists(path)
		})
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()
		if exists(path) { // it was faster
			manifestOf(t, path)
			require.NoError(t, os.Remove(path))
		}
		l.more(50)
	}
	out, err = s.execute(nil, "backup", path)
	require.NoError(t, err, "%s", out)
	l.finish()
	_, unavailable, refused, broken, other := l.get()
	require.Zero(t, unavailable+refused+broken+other, "%v", l.strange)
	lost := l.lost(s.databaseURL())
	require.Zero(t, lost)
	l.report("byline backup killed (kill -9) while the service works", lost, 0,
		fmt.Sprintf("killed %d times; what it had written was refused each time, the next backup of %d rows was complete", 2*kills, manifestOf(t, path).Rows()))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestChaosRestoreKilled kills byline restore while it stores rows, in an
// external database and in the embedded one, and cuts its input off. The tables
// are empty after each, and the next restore brings all writes back.
func TestChaosRestoreKilled(t *testing.T) {
	t.Parallel()
	source := startService(t, "")
	out, err := source.execute(nil, "seed", "--users=50", "--articles=3000", "--body-bytes=2000", "--comments=0", "--replies=0", "--newsroom=false", "--yes")
	require.NoError(t, err, "%s", out)
	query[int](t, source.databaseURL(), ownTitles)
	st := source.prepare()
	l := newWorkload(t, "http://"+source.addr, st).run(2, 2)
	l.more(100)
	l.finish()
	path := filepath.Join(t.TempDir(), "site.byline")
	out, err = source.execute(nil, "backup", path)
	require.NoError(t, err, "%s", out)
	source.end()
	file := []byte(readFile(t, path))
	want := manifestOf(t, path)

	kills, lost := 0, 0
	for _, external := range []string{postgres(t, newDataFolder(t)).URL(), ""} {
		s := newService(t, external)
		if external == "" {
			copyCluster(t, s.dir)
		}
		for _, part := range []int{4, 2} {
			killRestore(t, s, external, file[:len(file)/part])
			kills++
			require.Empty(t, tablesWithRows(t, s, external), "after a kill")
		}
		cmd := exec.Command(binary, "restore", "-")
		cmd.Env, cmd.Stdin = s.env, bytes.NewReader(file[:len(file)*2/3])
		out, err := cmd.CombinedOutput()
		require.ErrorContains(t, err, fmt.Sprint("exit status ", int(exitRefused)), "%s", out)
		require.Empty(t, tablesWithRows(t, s, external), "after the end of the input")

		out, err = s.execute(nil, "restore", path)
		require.NoError(t, err, "%s", out)
		again := filepath.Join(t.TempDir(), "again")
		out, err = s.execute(nil, "backup", again)
		require.NoError(t, err, "%s", out)
		requireSameData(t, want, manifestOf(t, again))
		s.start()
		s.waitReady()
		if external == "" {
			external = s.databaseURL()
		}
		lost += l.lost(external)
	}
	require.Zero(t, lost)
	l.report("byline restore killed (kill -9)", lost, 0,
		fmt.Sprintf("killed %d times in the middle, input cut off twice; the tables were empty each time, the next restore had all %d rows", kills, want.Rows()))
}

// tablesWithRows returns the tables that have rows, except those of migrations.
func tablesWithRows(t *testing.T, s *service, external string) []string {
	t.Helper()
	if external == "" {
		server := postgres(t, s.dir)
		defer stopPostgres(t, server)
		external = server.URL()
	}
	return query[string](t, external, `SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
		AND relname <> 'goose_db_version' AND xpath('//n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I', relname), false, true, ''))::text <> '{0}'`)
}

// killRestore gives byline restore a part of a backup, and kills it when
// PostgreSQL has received rows.
func killRestore(t *testing.T, s *service, external string, part []byte) {
	t.Helper()
	cmd := exec.Command(binary, "restore", "-")
	cmd.Env = s.env
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = in.Write(part)
	require.NoError(t, err)
	await(t, "rows of the restore", func() bool {
		url := external
		if url == "" {
			running, err := embedded.Running(embedded.Config{DataDir: s.dir, Strict: true})
			if err != nil {
				return false // it is still starting
			}
			url = running.URL
		}
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close(t.Context()) }()
		var some bool
		err = conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_progress_copy WHERE command = 'COPY FROM' AND tuples_processed > 0)`).Scan(&some)
		return err == nil && some
	})
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
}

// TestChaosUpgradeKilled kills byline upgrade-postgres at several moments. The
// old cluster has all rows each time, and the next upgrade moves them all.
// TestUpgradeKilled has the moments between the renames at the end.
func TestChaosUpgradeKilled(t *testing.T) {
	t.Parallel()
	slow(t)
	r := newRoundTrips(t)
	if r.newer == r.older {
		t.Skip("this test needs two versions of PostgreSQL; BYLINE_TEST_DOWNLOAD=1 downloads one")
	}
	s := newService(t, "", r.with(r.older)...)
	r.run(s, "seed", "--users=50", "--articles=3000", "--body-bytes=2000", "--comments=0", "--replies=0", "--newsroom=false")
	s.start()
	s.waitReady()
	query[int](t, s.databaseURL(), ownTitles)
	l := newWorkload(t, "http://"+s.addr, s.prepare()).run(2, 2)
	l.more(100)
	l.finish()
	s.end()
	s.env = append(s.env, "BYLINE_PG_BIN=")
	path := filepath.Join(t.TempDir(), "before")
	r.run(s, "backup", path)
	want := manifestOf(t, path)
	beside := filepath.Join(s.dir, "upgrade-*", "postgres")
	moments := []string{beside, beside + "/PG_VERSION", beside + "/postmaster.pid", beside + "/base/*/pg_internal.init"}
	for _, moment := range moments {
		cmd := exec.Command(binary, "upgrade-postgres")
		cmd.Env = s.env
		require.NoError(t, cmd.Start())
		await(t, moment, func() bool {
			found, _ := filepath.Glob(moment)
			return len(found) > 0
		})
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
		require.Equal(t, r.older.name+"\n", readFile(t, filepath.Join(s.dir, "postgres", "PG_VERSION")))
		again := filepath.Join(t.TempDir(), "again")
		r.run(s, "backup", again)
		requireSameData(t, want, manifestOf(t, again))
		left, _ := filepath.Glob(filepath.Join(s.dir, "upgrade-*"))
		require.Empty(t, left)
	}
	r.run(s, "upgrade-postgres")
	require.Equal(t, r.newer.name+"\n", readFile(t, filepath.Join(s.dir, "postgres", "PG_VERSION")))
	s.start()
	s.waitReady()
	lost := l.lost(s.databaseURL())
	require.Zero(t, lost)
	l.report("byline upgrade-postgres killed (kill -9)", lost, 0,
		fmt.Sprintf("killed %d times; PostgreSQL %s had all %d rows each time, the next upgrade moved them to %s", len(moments), r.older.name, want.Rows(), r.newer.name))
}

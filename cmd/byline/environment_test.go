//go:build unix

package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEmbeddedEnvironment starts the embedded PostgreSQL with each variable
// that libpq, pgx or PostgreSQL reads. None of them may reach it.
func TestEmbeddedEnvironment(t *testing.T) {
	t.Parallel()
	s := newService(t, "")
	copyCluster(t, s.dir)
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, ".postgresql"), 0o755))
	for _, name := range []string{".pgpass", ".pg_service.conf", ".postgresql/root.crt", ".postgresql/postgresql.crt", ".postgresql/postgresql.key"} {
		require.NoError(t, os.WriteFile(filepath.Join(home, name), []byte("*:*:*:*:wrong\n"), 0o600))
	}
	env := s.env
	for _, variables := range [][]string{
		{"HOME=" + home},
		{"PGSERVICE=production"},
		{"PGSERVICE=production", "PGSERVICEFILE=/nonexistent"},
		{"PGSSLROOTCERT=/nonexistent/root.crt", "PGSSLMODE=verify-full"},
		{"PGSSLROOTCERT=system"},
		{"PGSSLCERT=/nonexistent", "PGSSLCERTMODE=never", "PGSSLNEGOTIATION=direct"},
		{"PGCONNECT_TIMEOUT=abc"},
		{"PGTARGETSESSIONATTRS=standby"},
		{"PGTARGETSESSIONATTRS=nonsense"},
		{"PGOPTIONS=-c default_transaction_read_only=on"},
		{"PGOPTIONS=-c nonsense=on"},
		{"PGMINPROTOCOLVERSION=9", "PGCHANNELBINDING=require", "PGREQUIREAUTH=none"},
		{"PGHOST=192.0.2.1", "PGPORT=1", "PGUSER=nobody", "PGDATABASE=other", "PGPASSWORD=wrong", "PGPASSFILE=/nonexistent"},
		{"PGTZ=Nowhere/Else", "TZ=Nowhere/Else", "PGDATESTYLE=German", "PGCLIENTENCODING=LATIN1", "PGAPPNAME=psql"},
		{"PGDATA=/nonexistent", "LC_ALL=tr_TR.ISO-8859-9", "LANG=xx_XX", "LC_MESSAGES=de_DE"},
	} {
		s.env = slices.Concat(env, variables)
		s.start()
		await(t, "readiness with "+variables[0], func() bool { return !s.running() || s.ready() })
		require.True(t, s.running(), "%s:\n%s", variables, s.log.tail(3000))
		require.NotEmpty(t, backends(t, s.databaseURL()), variables)
		s.end()
	}

	// A command that uses the PostgreSQL of the running service.
	s.env = env
	s.start()
	s.waitReady()
	out, err := s.execute([]string{"PGSERVICE=production", "PGOPTIONS=-c nonsense=on"}, "migrate", "status")
	require.NoError(t, err, "%s", out)
}

// TestEmbeddedEnvironmentOfNewCluster creates a cluster in an environment that
// has every variable which initdb reads.
func TestEmbeddedEnvironmentOfNewCluster(t *testing.T) {
	t.Parallel()
	s := newService(t, "", "PGDATA=/nonexistent", "PGPORT=1", "PGOPTIONS=-c nonsense=on", "LC_ALL=tr_TR.ISO-8859-9", "TZ=Asia/Tokyo", "PGTZ=Asia/Tokyo")
	s.start()
	s.waitReady()
	require.Equal(t, []string{"UTF8"}, query[string](t, s.databaseURL(), "SHOW server_encoding"))
	require.Equal(t, []string{"UTC"}, query[string](t, s.databaseURL(), "SHOW timezone"))
}

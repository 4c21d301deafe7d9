package server_test

import (
	"encoding/json"
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

type readiness struct {
	Status string
	Checks map[string]string
}

func ready(t testing.TB, s *servertest.Service) (int, readiness) {
	t.Helper()
	res, body := send(t, "GET", s.Root+"/readyz", "")
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	var r readiness
	require.NoError(t, json.Unmarshal(body, &r), string(body))
	return res.StatusCode, r
}

func TestReady(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	p, through := newProxy(t, url)
	s := servertest.New(t, servertest.WithDatabase(through))
	fine := map[string]string{"database": "ok", "migrations": "ok", "draining": "ok"}

	// The newest migration is pending, before the service has seen it.
	_, err := s.DB.Exec(t.Context(), "UPDATE goose_db_version SET version_id = -version_id WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
	require.NoError(t, err)
	status, r := ready(t, s)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, readiness{"unavailable", map[string]string{"database": "ok", "migrations": "pending", "draining": "ok"}}, r)

	_, err = s.DB.Exec(t.Context(), "UPDATE goose_db_version SET version_id = -version_id WHERE version_id < 0")
	require.NoError(t, err)
	status, r = ready(t, s)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, readiness{"ok", fine}, r)

	p.cut()
	status, r = ready(t, s)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "unavailable", r.Status)
	require.Equal(t, "unreachable", r.Checks["database"])
	res, body := send(t, "GET", s.Root+"/livez", "")
	require.Equal(t, http.StatusOK, res.StatusCode, "a restart would not bring the database back")
	require.JSONEq(t, `{"status":"ok"}`, string(body))
	res, body = send(t, "GET", s.URL+"/tags", "")
	requireProblem(t, 503, "database_unavailable", res, body)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.WithServer(func(c *server.Config) { c.Version, c.Commit = "v1.2.3", "abc" }))
	res, body := send(t, "GET", s.Root+"/version", "")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.JSONEq(t, `{"version":"v1.2.3","commit":"abc","go":"`+runtime.Version()+`"}`, string(body))
}

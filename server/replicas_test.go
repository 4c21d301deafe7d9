package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/db/dbtest"
	"github.com/byline-api/byline/server"
	"github.com/byline-api/byline/server/servertest"
)

// standby makes a database look like a standby of itself to those who have the
// schema standby in front of their search path. There, the second row of a list
// of series cannot be read, as if the standby had stopped after the first.
const standby = `
CREATE SCHEMA standby;
CREATE FUNCTION standby.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION standby.pg_last_wal_replay_lsn() RETURNS pg_lsn LANGUAGE sql AS 'SELECT pg_current_wal_insert_lsn()';
CREATE FUNCTION standby.lost(id bigint, title text) RETURNS text LANGUAGE plpgsql STABLE COST 100000 AS $$
BEGIN
	IF id = 1 THEN
		RAISE EXCEPTION 'the standby is lost' USING ERRCODE = '57P01';
	END IF;
	RETURN title;
END$$;
INSERT INTO series (slug, title) VALUES ('first', 'First'), ('second', 'Second');
CREATE VIEW standby.series AS SELECT id, slug, standby.lost(id, title) AS title, description, version FROM public.series;
`

// TestReplicaLostInRows loses a replica in the middle of the rows of a request.
// The request reads all from the primary then, and succeeds.
func TestReplicaLostInRows(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), standby)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	var feed *changes.Feed
	s := servertest.New(t, servertest.WithDatabase(url), servertest.WithDB(func(c *db.Config) {
		c.ReadURLs = []string{url + "&search_path=standby,pg_catalog,public"}
	}), servertest.WithDeps(func(d *server.Deps) { feed = d.Feed }))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.DB.RunReplicas(ctx, feed.Mark, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() { stop(); <-ended })
	status := func() db.ReplicaStatus { all, _ := s.DB.ReplicaStatus(); return all[0] }
	require.NoError(t, feed.Sync(t.Context()))
	require.Eventually(t, func() bool { return status().State == db.ReplicaUsed }, polling, tick)
	for limit := 2; ; limit++ { // no response is cached
		before := status().Reads
		res, body := send(t, "GET", fmt.Sprint(s.URL, "/series?limit=", limit), "")
		require.Equal(t, http.StatusOK, res.StatusCode, string(body))
		require.Contains(t, string(body), `"first"`)
		require.Contains(t, string(body), `"second"`)
		if status().Reads > before {
			return
		}
		require.Less(t, limit, 20, "the replica is always late")
	}
}

-- name: ChangeList :one
-- What transactions that the snapshot since did not see have changed, with
-- the snapshot that the next call goes on from: the one of this statement.
SELECT pg_current_snapshot()::text AS snapshot,
       pg_postmaster_start_time()::text AS server_started,
       COALESCE(array_agg(key), '{}')::text[] AS keys
FROM changes c, unnest(c.keys) AS key
WHERE c.xid >= pg_snapshot_xmin(CAST(CAST(@since AS text) AS pg_snapshot))
  AND NOT pg_visible_in_snapshot(c.xid, CAST(CAST(@since AS text) AS pg_snapshot));

-- name: ChangeExpire :execrows
-- Rows that had been seen by everybody who read after the snapshot.
DELETE FROM changes WHERE xid < pg_snapshot_xmin(CAST(CAST(@seen AS text) AS pg_snapshot));

-- name: ChangeSnapshot :one
SELECT pg_current_snapshot()::text AS snapshot, pg_postmaster_start_time()::text AS server_started;

-- name: ChangeCreate :exec
INSERT INTO changes (keys) VALUES (@keys);

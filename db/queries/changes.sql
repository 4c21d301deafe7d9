-- name: ChangeList :one
-- Returns what the transactions have changed that the snapshot did not see, and
-- the snapshot of this statement, from which the next call continues.
SELECT pg_current_snapshot()::text AS snapshot,
       pg_postmaster_start_time()::text AS server_started,
       COALESCE(array_agg(key), '{}')::text[] AS keys
FROM changes c, unnest(c.keys) AS key
WHERE c.xid >= pg_snapshot_xmin(CAST(CAST(@since AS text) AS pg_snapshot))
  AND NOT pg_visible_in_snapshot(c.xid, CAST(CAST(@since AS text) AS pg_snapshot));

-- name: ChangeExpire :execrows
-- Deletes the rows that every reader has seen that read after the snapshot.
DELETE FROM changes WHERE xid < pg_snapshot_xmin(CAST(CAST(@seen AS text) AS pg_snapshot));

-- name: ChangeDeleteForeign :execrows
-- Deletes the rows that a dump of another cluster has brought: no transaction
-- that this statement sees has an id behind its snapshot.
DELETE FROM changes WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());

-- name: ChangeSnapshot :one
SELECT pg_current_snapshot()::text AS snapshot, pg_postmaster_start_time()::text AS server_started;

-- name: ChangeCreate :exec
INSERT INTO changes (keys) VALUES (@keys);

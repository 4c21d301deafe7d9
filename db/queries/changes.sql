-- name: ChangeList :one
-- Returns what the transactions have changed that the snapshot did not see, and
-- the snapshot of this statement, from which the next call continues. life
-- differs from that of the last call if changes may have been lost since. The
-- rows that a dump of another cluster has brought have ids behind the snapshot
-- of this statement, and would be in each call.
SELECT pg_current_snapshot()::text AS snapshot,
       (pg_postmaster_start_time()::text || COALESCE((SELECT min(life::text) FROM change_lives), ''))::text AS life,
       COALESCE(array_agg(key), '{}')::text[] AS keys
FROM changes c, unnest(c.keys) AS key
WHERE c.xid >= pg_snapshot_xmin(CAST(CAST(@since AS text) AS pg_snapshot))
  AND c.xid < pg_snapshot_xmax(pg_current_snapshot())
  AND NOT pg_visible_in_snapshot(c.xid, CAST(CAST(@since AS text) AS pg_snapshot));

-- name: ChangeExpire :execrows
-- Deletes the rows that every reader has seen that read after the snapshot.
DELETE FROM changes WHERE xid < pg_snapshot_xmin(CAST(CAST(@seen AS text) AS pg_snapshot));

-- name: ChangeDeleteForeign :execrows
-- Deletes the rows that a dump of another cluster has brought: no transaction
-- that this statement sees has an id behind its snapshot.
DELETE FROM changes WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());

-- name: ChangeSnapshot :one
-- Returns where ChangeList can begin. After a crash, it begins a life.
WITH begun AS (
    INSERT INTO change_lives (life) SELECT gen_random_uuid() WHERE NOT EXISTS (SELECT FROM change_lives) RETURNING life
)
SELECT pg_current_snapshot()::text AS snapshot,
       (pg_postmaster_start_time()::text || COALESCE((SELECT min(life::text) FROM change_lives), (SELECT life::text FROM begun), ''))::text AS life;

-- name: ChangeCreate :exec
INSERT INTO changes (keys) VALUES (@keys);

-- name: ChangeList :one
-- Returns what the transactions have changed that the snapshot did not see, and
-- the snapshot of this statement, from which the next call continues. life
-- differs from that of the last call if changes may have been lost since. The
-- rows that a dump of another cluster has brought have ids behind the snapshot
-- of this statement, and would be in each call. lsn is a position of the
-- write-ahead log, in bytes: a standby that has replayed it shows all that the
-- snapshot sees. A transaction is only seen once its commit has been flushed,
-- unless synchronous_commit is off.
SELECT pg_current_snapshot()::text AS snapshot,
       (extract(epoch FROM pg_postmaster_start_time())::text || COALESCE((SELECT min(life::text) FROM change_lives), ''))::text AS life,
       pg_wal_lsn_diff(CASE WHEN current_setting('synchronous_commit') = 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END, '0/0')::bigint AS lsn,
       COALESCE(array_agg(key), '{}')::text[] AS keys
FROM changes c, unnest(c.keys) AS key
WHERE c.xid >= pg_snapshot_xmin(CAST(CAST(@since AS text) AS pg_snapshot))
  AND c.xid < pg_snapshot_xmax(pg_current_snapshot())
  AND NOT pg_visible_in_snapshot(c.xid, CAST(CAST(@since AS text) AS pg_snapshot));

-- name: ChangeExpire :execrows
-- Deletes the rows that every reader has seen that read after the snapshot.
DELETE /* waits for no standby */ FROM changes WHERE xid < pg_snapshot_xmin(CAST(CAST(@seen AS text) AS pg_snapshot));

-- name: ChangeDeleteForeign :execrows
-- Deletes the rows that a dump of another cluster has brought: no transaction
-- that this statement sees has an id behind its snapshot.
DELETE /* waits for no standby */ FROM changes WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());

-- name: ChangeSnapshot :one
-- Returns where ChangeList can begin. After a crash, it begins a life, and it
-- notes a life that is new for those who read from standbys.
WITH /* waits for no standby */ begun AS (
    INSERT INTO change_lives (life) SELECT gen_random_uuid() WHERE NOT EXISTS (SELECT FROM change_lives) RETURNING life
), current AS (
    SELECT (extract(epoch FROM pg_postmaster_start_time())::text || COALESCE((SELECT min(life::text) FROM change_lives), (SELECT life::text FROM begun), ''))::text AS life
), newest AS (
    SELECT p.id, p.life FROM primary_lives p ORDER BY p.id DESC LIMIT 1
), noted AS (
    INSERT INTO primary_lives (life) SELECT c.life FROM current c WHERE c.life IS DISTINCT FROM (SELECT n.life FROM newest n)
      AND set_config('synchronous_commit', 'local', true) <> '' -- reads wait for it, and a failover begins another life
), forgotten AS (
    DELETE FROM primary_lives WHERE id < (SELECT n.id FROM newest n)
      AND set_config('synchronous_commit', 'local', true) <> '' -- others wait for its lock
)
SELECT pg_current_snapshot()::text AS snapshot, current.life,
       pg_wal_lsn_diff(CASE WHEN current_setting('synchronous_commit') = 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END, '0/0')::bigint AS lsn
FROM current;

-- name: ChangeCreate :exec
INSERT INTO changes (keys) VALUES (@keys);

-- name: ReplicaProgress :one
-- Returns which life of which primary a standby follows, and up to where in the
-- write-ahead log it has replayed what the primary has done. started tells
-- servers apart. lsn is 0 on a primary.
SELECT COALESCE((SELECT p.life FROM primary_lives p ORDER BY p.id DESC LIMIT 1), '')::text AS life,
       CASE WHEN pg_is_in_recovery() THEN COALESCE(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0) ELSE 0 END::bigint AS lsn,
       pg_postmaster_start_time()::timestamptz AS started;

-- name: PurgeClaim :one
-- Claims the next purges of an edge for two seconds, if there may be any and no
-- other replica has claimed them. If there is nothing to do, it writes nothing.
-- Without changes a position is renewed every ten seconds, before it is too old
-- to continue from. at is before any snapshot that is taken after this
-- statement. age is how old the position of the edge is, in seconds.
WITH /* waits for no standby */ current AS (
    SELECT (extract(epoch FROM pg_postmaster_start_time())::text || COALESCE((SELECT min(life::text) FROM change_lives), ''))::text AS life
), begun AS (
    INSERT INTO purge_positions (edge, life, snapshot, read_at, claimed_until)
    SELECT @edge, '', '', now(), now() + interval '2 seconds'
    WHERE NOT EXISTS (SELECT FROM purge_positions o WHERE o.edge = @edge)
    ON CONFLICT DO NOTHING
    RETURNING edge
), claimed AS (
    UPDATE purge_positions p SET claimed_until = now() + interval '2 seconds'
    WHERE p.edge = @edge
      -- Later times are from before the clock was set back.
      AND (p.claimed_until <= now() OR p.claimed_until > now() + interval '1 minute')
      AND (p.read_at <= now() - interval '10 seconds' OR p.read_at > now()
        OR p.life <> (SELECT w.life FROM current w)
        OR EXISTS (
            SELECT FROM changes c
            WHERE c.xid >= pg_snapshot_xmin(NULLIF(p.snapshot, '')::pg_snapshot)
              AND c.xid < pg_snapshot_xmax(pg_current_snapshot())
              AND NOT pg_visible_in_snapshot(c.xid, NULLIF(p.snapshot, '')::pg_snapshot)))
    RETURNING p.edge, p.life, p.snapshot, p.read_at
)
SELECT (EXISTS (SELECT FROM begun) OR EXISTS (SELECT FROM claimed))::boolean AS claimed,
       COALESCE((SELECT k.life FROM claimed k), '')::text AS life,
       COALESCE((SELECT k.snapshot FROM claimed k), '')::text AS snapshot,
       now()::timestamptz AS at,
       COALESCE((SELECT extract(epoch FROM now() - r.read_at) FROM purge_positions r WHERE r.edge = @edge), 0)::float8 AS age;

-- name: PurgeMove :execrows
-- Moves the position of an edge and ends the claim. It moves nothing if another
-- replica has: the purges of both were made, in any order.
UPDATE /* waits for no standby */ purge_positions SET life = @life, snapshot = @snapshot, read_at = @at, claimed_until = now()
WHERE edge = @edge AND life = @life_before AND snapshot = @snapshot_before;

-- name: PurgeRelease :exec
-- Ends the claim of purges that have failed.
UPDATE /* waits for no standby */ purge_positions SET claimed_until = now()
WHERE edge = @edge AND life = @life AND snapshot = @snapshot;

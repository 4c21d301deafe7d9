-- name: RateLimitShare :many
-- Adds what clients have used, in the order of the keys so that replicas do not
-- lock each other out, and returns how long it takes until their quotas are
-- whole. If told to, it also returns the quotas that are hot, whoever has used
-- them.
WITH /* waits for no standby */ used AS (
    SELECT unnest(@keys::text[]) AS key, unnest(@costs::bigint[]) AS cost, unnest(@hot_after::bigint[]) AS hot_after
), added AS (
    INSERT INTO rate_limits AS r (key, whole, hot_after, hot)
    SELECT u.key, now() + u.cost * interval '1 microsecond', u.hot_after, u.cost > u.hot_after FROM used u ORDER BY u.key
    ON CONFLICT (key) DO UPDATE SET whole = GREATEST(r.whole, now()) + (excluded.whole - now()),
        hot = r.hot OR GREATEST(r.whole, now()) + (excluded.whole - now()) > now() + excluded.hot_after * interval '1 microsecond'
    RETURNING r.key, r.whole
)
SELECT a.key, (EXTRACT(epoch FROM a.whole - now()) * 1000000)::bigint AS level, true AS added FROM added a
UNION ALL
(SELECT h.key, (EXTRACT(epoch FROM h.whole - now()) * 1000000)::bigint AS level, false AS added
FROM rate_limits h WHERE h.hot AND h.whole > now() AND @all_hot::boolean LIMIT @hot_limit::int);

-- name: RateLimitExpire :execrows
-- Deletes a number of the quotas that are whole. It passes those that are being
-- changed.
DELETE /* waits for no standby */ FROM rate_limits WHERE key IN (SELECT r.key FROM rate_limits r WHERE r.whole < now() LIMIT @expire_limit::int FOR UPDATE SKIP LOCKED);

-- name: RateLimitBeat :one
-- Notes that a replica is alive, and returns the number of those that are.
WITH /* waits for no standby */ beat AS (
    INSERT INTO rate_limit_replicas (id, seen) VALUES (@id, now()) ON CONFLICT (id) DO UPDATE SET seen = excluded.seen
), gone AS (
    DELETE FROM rate_limit_replicas g WHERE g.seen < now() - interval '1 minute' AND g.id <> @id
)
SELECT (1 + count(*))::int AS replicas FROM rate_limit_replicas r WHERE r.id <> @id AND r.seen > now() - interval '7 seconds';

-- name: RateLimitLeave :exec
DELETE /* waits for no standby */ FROM rate_limit_replicas WHERE id = @id;

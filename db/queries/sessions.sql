-- name: SessionCreate :one
-- Creates no session if the account has another password hash than the one that
-- was verified, or is suspended. The lock makes a change of either wait, so that
-- it then ends this session too. A user has a hundred sessions at most; a
-- trigger ends the oldest.
WITH u AS (
    SELECT c.id FROM users c WHERE c.id = @user_id AND c.password_hash = @password_hash AND c.suspended_at IS NULL
    FOR NO KEY UPDATE
)
INSERT INTO sessions (user_id, user_agent, expires_at) SELECT u.id, sqlc.narg(user_agent), @expires_at FROM u
RETURNING id, created_at;

-- name: SessionUse :one
-- Returns what a valid session permits. The time of its last use is stored to
-- the minute, so that most calls write nothing. It may be lost.
WITH /* waits for no standby */ used AS (
    UPDATE sessions SET used_at = now()
    WHERE id = @id AND used_at < now() - interval '1 minute' AND set_config('synchronous_commit', 'local', true) <> ''
)
SELECT s.user_id, u.role
FROM sessions s
JOIN users u ON u.id = s.user_id
WHERE s.id = @id AND s.expires_at > now() AND u.suspended_at IS NULL;

-- name: SessionHold :one
-- Locks an account and one of its sessions until the transaction ends, if the
-- session is still valid. The account comes first, as in every statement that
-- ends sessions: two transactions that lock the same rows in another order would
-- deadlock.
SELECT u.password_hash
FROM users u
JOIN sessions s ON s.user_id = u.id
WHERE u.id = @user_id AND s.id = @id AND s.expires_at > now() AND u.suspended_at IS NULL
FOR NO KEY UPDATE OF u
FOR KEY SHARE OF s;

-- name: SessionListByUser :many
SELECT id, user_agent, created_at, used_at, expires_at FROM sessions
WHERE user_id = @user_id AND expires_at > now()
ORDER BY id DESC;

-- name: SessionRenew :one
-- Accepts the refresh token of the current generation. It accepts the one before
-- for some seconds after its use, because the response may have been lost.
UPDATE sessions s SET
    generation = CAST(@generation AS integer) + 1,
    renewed_at = CASE WHEN s.generation = @generation THEN now() ELSE s.renewed_at END,
    used_at = now(),
    expires_at = LEAST(CAST(@expires_at AS timestamptz), s.created_at + CAST(@max_age AS interval))
FROM users u
WHERE s.id = @id AND u.id = s.user_id AND s.expires_at > now() AND u.suspended_at IS NULL
  AND (s.generation = @generation OR s.generation = CAST(@generation AS integer) + 1 AND s.renewed_at > now() - interval '10 seconds')
RETURNING s.user_id, s.generation, s.expires_at;

-- name: SessionExtend :execrows
-- Lets a session last as long as a token that is issued for it.
UPDATE sessions s SET expires_at = GREATEST(s.expires_at, @expires_at) WHERE s.id = @id AND s.user_id = @user_id AND s.expires_at > now();

-- name: SessionOwner :one
SELECT user_id FROM sessions WHERE id = @id;

-- name: SessionEnd :execrows
DELETE FROM sessions WHERE id = @id;

-- name: SessionEndOne :execrows
DELETE FROM sessions WHERE id = @id AND user_id = @user_id;

-- name: SessionEndAll :exec
-- Ends the tokens of an older system too, which have no session before their
-- first use.
WITH ended AS (
    UPDATE users u SET old_tokens_after = GREATEST(u.old_tokens_after, clock_timestamp()) WHERE u.id = @user_id
)
DELETE FROM sessions s WHERE s.user_id = @user_id;

-- name: SessionEndOthers :exec
DELETE FROM sessions WHERE user_id = @user_id AND id <> @id;

-- name: SessionExpire :execrows
-- A token of an older system whose session has expired was not revoked. It is as
-- one that was not used, and the operator may accept it for a longer time.
WITH expired AS (
    SELECT e.id, e.user_id FROM sessions e WHERE e.expires_at <= now() FOR UPDATE
), unused AS (
    DELETE FROM old_tokens o USING expired x WHERE o.user_id = x.user_id AND o.session_id = x.id
)
DELETE FROM sessions s USING expired d WHERE s.id = d.id;

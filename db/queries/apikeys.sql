-- name: ApiKeyCreate :one
INSERT INTO api_keys (user_id, name, prefix, hash, scope, expires_at)
VALUES (@user_id, @name, @prefix, @hash, @scope, sqlc.narg(expires_at))
RETURNING id, created_at;

-- name: ApiKeyUse :one
-- Returns what a valid key permits. The time of its last use is stored to the
-- minute. It may be lost.
WITH /* waits for no standby */ used AS (
    UPDATE api_keys n SET used_at = now()
    WHERE n.hash = @hash AND (n.used_at IS NULL OR n.used_at < now() - interval '1 minute') AND set_config('synchronous_commit', 'local', true) <> ''
)
SELECT k.id, k.user_id, k.scope, k.expires_at, u.role
FROM api_keys k
JOIN users u ON u.id = k.user_id
WHERE k.hash = @hash AND (k.expires_at IS NULL OR k.expires_at > now()) AND u.suspended_at IS NULL;

-- name: ApiKeyListByUser :many
SELECT id, name, prefix, scope, created_at, expires_at, used_at FROM api_keys
WHERE user_id = @user_id
ORDER BY id DESC;

-- name: ApiKeyOwner :one
SELECT user_id FROM api_keys WHERE id = @id;

-- name: ApiKeyEndUnverified :exec
-- Ends the keys from before the address was verified: whoever registered the
-- address of somebody else may have created them.
DELETE FROM api_keys
WHERE user_id = @user_id AND (sqlc.narg(verified_at)::timestamptz IS NULL OR created_at <= sqlc.narg(verified_at)::timestamptz);

-- name: ApiKeyDelete :execrows
DELETE FROM api_keys WHERE id = @id AND user_id = @user_id;

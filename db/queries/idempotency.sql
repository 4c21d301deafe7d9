-- name: IdempotencyGet :one
SELECT fingerprint, answer FROM idempotency_keys
WHERE key = @key AND created_at > now() - interval '24 hours';

-- name: IdempotencyClaim :execrows
-- Waits for a transaction that holds the same key. Inserts one row if the key is
-- free, and none if it has a stored result.
INSERT INTO idempotency_keys AS k (key, fingerprint) VALUES (@key, @fingerprint)
ON CONFLICT ON CONSTRAINT idempotency_keys_pkey
DO UPDATE SET fingerprint = excluded.fingerprint, answer = '', created_at = now()
WHERE k.created_at <= now() - interval '24 hours';

-- name: IdempotencySave :exec
UPDATE idempotency_keys SET answer = @answer WHERE key = @key;

-- name: IdempotencyExpire :execrows
DELETE FROM idempotency_keys WHERE created_at <= now() - interval '24 hours';

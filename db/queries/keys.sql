-- name: SigningKeyLock :exec
SELECT pg_advisory_xact_lock(hashtext('byline signing keys'));

-- name: SigningKeyCreateFirst :exec
INSERT INTO signing_keys (id, secret)
SELECT @id, @secret WHERE NOT EXISTS (SELECT 1 FROM signing_keys);

-- name: SigningKeyList :many
-- The newest signs; all verify.
SELECT id, secret FROM signing_keys ORDER BY created_at DESC, id;

-- name: SigningKeyLock :exec
SELECT pg_advisory_xact_lock(hashtext('byline signing keys'));

-- name: SigningKeyCreateFirst :exec
INSERT INTO signing_keys (id, secret)
SELECT @id, @secret WHERE NOT EXISTS (SELECT 1 FROM signing_keys);

-- name: SigningKeyCreate :exec
INSERT INTO signing_keys (id, secret, created_at) VALUES (@id, @secret, clock_timestamp());

-- name: SigningKeyList :many
-- The newest key signs tokens; all keys verify them.
SELECT id, secret, created_at FROM signing_keys ORDER BY created_at DESC, id;

-- name: SigningKeyDelete :execrows
-- Never deletes the active key: the next older one would sign new tokens again.
DELETE FROM signing_keys k
WHERE k.id = @id AND k.id <> (SELECT a.id FROM signing_keys a ORDER BY a.created_at DESC, a.id LIMIT 1);

-- name: ServiceSecretCreate :exec
INSERT INTO service_secrets (name, secret) VALUES (@name, @secret)
ON CONFLICT ON CONSTRAINT service_secrets_pkey DO NOTHING;

-- name: ServiceSecretGet :one
SELECT secret FROM service_secrets WHERE name = @name;

-- name: RecoveryRequestReset :exec
-- The same work for every address: the account is looked up when the mail is
-- sent.
INSERT INTO mails (kind, recipient) VALUES ('reset_password', @email)
ON CONFLICT (lower(recipient)) WHERE kind = 'reset_password' AND due_at IS NOT NULL AND user_id IS NULL DO NOTHING;

-- name: RecoveryRequestVerification :exec
-- Does nothing if the address is verified or the mail is waiting to be sent.
INSERT INTO mails (kind, recipient, user_id)
SELECT 'verify_email', u.email, u.id FROM users u
WHERE u.id = @user_id AND u.email_verified_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM mails m WHERE m.user_id = u.id AND m.kind = 'verify_email' AND m.due_at IS NOT NULL AND m.recipient = u.email);

-- name: RecoveryGetVerification :one
SELECT email, email_verified_at FROM users WHERE id = @user_id;

-- name: RecoveryFindReset :one
SELECT t.user_id, u.email FROM mail_tokens t
JOIN users u ON u.id = t.user_id
WHERE t.hash = @hash AND t.kind = 'reset_password' AND t.expires_at > now() AND lower(u.email) = lower(t.email);

-- name: RecoveryReset :one
-- Sets the password for a token, and deletes all reset tokens of the account. The
-- mail has arrived, so that the address is verified too. The caller ends the
-- sessions, and the API keys that are older than verified_at, in statements of
-- their own that see those which were created before this one had the lock.
WITH token AS (
    DELETE FROM mail_tokens t WHERE t.hash = @hash AND t.kind = 'reset_password' AND t.expires_at > now()
    RETURNING t.user_id, t.email
), old AS (
    SELECT o.id, o.email_verified_at FROM users o JOIN token ON token.user_id = o.id WHERE lower(o.email) = lower(token.email)
    FOR NO KEY UPDATE OF o
), u AS (
    UPDATE users c SET
        password_hash = @password_hash,
        old_tokens_after = 'infinity', -- the older system accepts the old password
        email_verified_at = COALESCE(c.email_verified_at, now()),
        updated_at = GREATEST(now(), c.updated_at + interval '1 millisecond')
    FROM old
    WHERE c.id = old.id
    RETURNING c.id, c.email, old.email_verified_at AS verified_at
), others AS (
    DELETE FROM mail_tokens t USING u WHERE t.user_id = u.id AND t.kind = 'reset_password' AND t.hash <> @hash
), told AS (
    INSERT INTO mails (kind, recipient, user_id) SELECT 'password_changed', u.email, u.id FROM u
)
SELECT u.id, u.email, u.verified_at FROM u;

-- name: RecoveryVerify :execrows
WITH token AS (
    DELETE FROM mail_tokens t WHERE t.hash = @hash AND t.kind = 'verify_email' AND t.expires_at > now()
    RETURNING t.user_id, t.email
), others AS (
    DELETE FROM mail_tokens o USING token WHERE o.user_id = token.user_id AND o.kind = 'verify_email' AND o.hash <> @hash
)
UPDATE users u SET email_verified_at = COALESCE(u.email_verified_at, now()) FROM token
WHERE u.id = token.user_id AND lower(u.email) = lower(token.email);

-- name: InvitationByToken :one
SELECT v.id FROM valid_invitations v WHERE v.token_hash = @token_hash;

-- name: InvitationAccept :one
-- Deletes the invitation, so that of two registrations with it one succeeds.
DELETE FROM invitations i USING valid_invitations v
WHERE i.id = v.id AND v.token_hash = @token_hash
RETURNING i.id, i.role, lower(i.email) = lower(@email) AS is_for_address;

-- name: UserCreate :one
-- Creates the account, its first session and the mail that verifies its
-- address, unless that is verified.
-- The network address of the request becomes a known one, so that nobody can lock
-- the owner out there.
WITH u AS (
    INSERT INTO users (username, folded_username, email, password_hash, role, email_verified_at)
    VALUES (@username, @folded_username::text, @email, @password_hash, @role, CASE WHEN @verified::boolean THEN now() END)
    RETURNING id, username, email, bio, image, role
), s AS (
    INSERT INTO sessions (user_id, user_agent, expires_at)
    SELECT id, sqlc.narg(user_agent), @session_expires_at FROM u
    RETURNING id
), m AS (
    INSERT INTO mails (kind, recipient, user_id) SELECT 'verify_email', email, id FROM u WHERE NOT @verified::boolean
), p AS (
    INSERT INTO sign_in_places (user_id, place) SELECT id, @place FROM u
)
SELECT u.id, u.username, u.email, u.bio, u.image, u.role, s.id AS session_id FROM u, s;

-- name: UserGetByID :one
SELECT id, username, email, bio, image FROM users WHERE id = @id;

-- name: UserUpdate :one
-- Changes nothing if the session is no longer valid or the account is suspended.
-- A NULL parameter, or one that is not set, leaves its column unchanged. A new
-- address has to be verified, and a mail informs the old address; a new address
-- or password deletes the tokens that were sent to recover the account. After a
-- new password the caller ends the other sessions, in a statement of its own
-- that sees those which were created before this one had the lock. The users who
-- have the new name or address are locked too, in the order of ids: two users
-- who want the names of each other would deadlock, and hold two connections
-- until PostgreSQL detects it after a second. After a new password, an older
-- system still accepts the old one, so that none of its tokens is accepted which
-- was not used here before. After a new name or address, the same holds for
-- tokens that name the account by them: whoever registers the old name there gets
-- such tokens, however new they are.
WITH claimed AS (
    SELECT c.id, c.username, c.email, c.password_hash, c.suspended_at FROM users c
    WHERE c.id = @id OR lower(c.username) = lower(sqlc.narg(username)) OR c.folded_username = sqlc.narg(folded_username)
       OR lower(c.email) = lower(sqlc.narg(email))
    ORDER BY c.id FOR NO KEY UPDATE
), session AS (
    SELECT s.id FROM sessions s
    WHERE s.id = @session_id AND s.user_id = @id AND s.expires_at > now() AND (SELECT count(*) FROM claimed) > 0
    FOR KEY SHARE
), u AS (
    UPDATE users n SET
        username = COALESCE(sqlc.narg(username), n.username),
        folded_username = CASE WHEN sqlc.narg(username) <> old.username THEN sqlc.narg(folded_username) ELSE n.folded_username END,
        email = COALESCE(sqlc.narg(email), n.email),
        email_verified_at = CASE WHEN lower(sqlc.narg(email)) <> lower(old.email) THEN NULL ELSE n.email_verified_at END,
        password_hash = COALESCE(sqlc.narg(password_hash), n.password_hash),
        old_tokens_after = CASE WHEN sqlc.narg(password_hash)::text IS NOT NULL THEN 'infinity' ELSE n.old_tokens_after END,
        named_at = CASE WHEN sqlc.narg(username) <> old.username OR sqlc.narg(email) <> old.email THEN 'infinity' ELSE n.named_at END,
        moved_at = CASE WHEN sqlc.narg(email) <> old.email THEN clock_timestamp() ELSE n.moved_at END,
        bio = CASE WHEN @set_bio::boolean THEN sqlc.narg(bio) ELSE n.bio END,
        image = CASE WHEN @set_image::boolean THEN sqlc.narg(image) ELSE n.image END,
        updated_at = GREATEST(now(), n.updated_at + interval '1 millisecond')
    FROM claimed old, session
    WHERE n.id = @id AND old.id = n.id AND old.suspended_at IS NULL
    RETURNING n.id, n.username, n.email, n.bio, n.image, old.email AS old_email, old.password_hash AS old_hash, lower(n.email) <> lower(old.email) AS moved
), tokens AS (
    DELETE FROM mail_tokens t USING u WHERE t.user_id = u.id AND (u.moved OR sqlc.narg(password_hash)::text IS NOT NULL AND t.kind = 'reset_password')
), told AS (
    INSERT INTO mails (kind, recipient, user_id)
    SELECT 'verify_email', u.email, u.id FROM u WHERE u.moved
    UNION ALL SELECT 'email_changed', u.old_email, u.id FROM u WHERE u.moved
    UNION ALL SELECT 'password_changed', u.old_email, u.id FROM u WHERE sqlc.narg(password_hash)::text IS NOT NULL
)
SELECT u.id, u.username, u.email, u.bio, u.image, u.old_hash FROM u;

-- name: UserPasswordHash :one
SELECT password_hash FROM users WHERE id = @id;

-- name: UserSetPasswordHash :execrows
-- Changes nothing unless the hash is still the one that was verified: a rehash
-- at login must not revert a change of the password.
UPDATE users SET password_hash = @new_hash WHERE id = @id AND password_hash = @old_hash;

-- name: UserLock :one
-- Locks the account against new rows that refer to it.
SELECT id FROM users WHERE id = @id FOR UPDATE;

-- name: UserDelete :exec
-- Deletes all rows that refer to the account too.
DELETE FROM users WHERE id = @id;

-- name: LongTransaction :exec
-- Sets, for the rest of the transaction, a longer time limit and plans for many
-- rows.
SELECT set_config('statement_timeout', @milliseconds, true), set_config('plan_cache_mode', 'force_custom_plan', true),
       set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true);

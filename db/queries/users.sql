-- name: UserCreate :one
-- The account and its first session at once.
WITH u AS (
    INSERT INTO users (username, email, password_hash)
    VALUES (@username, @email, @password_hash)
    RETURNING id, username, email, bio, image, role
), s AS (
    INSERT INTO sessions (user_id, user_agent, expires_at)
    SELECT id, sqlc.narg(user_agent), @session_expires_at FROM u
    RETURNING id
)
SELECT u.id, u.username, u.email, u.bio, u.image, u.role, s.id AS session_id FROM u, s;

-- name: UserGetByID :one
SELECT id, username, email, bio, image FROM users WHERE id = @id;

-- name: UserGetByEmail :one
SELECT id, username, email, bio, image, password_hash, role, suspended_at FROM users WHERE lower(email) = lower(@email);

-- name: UserUpdate :one
-- Members that are NULL, or not set, stay as they are. A new password ends all
-- sessions but the one that it was set in.
WITH ended AS (
    DELETE FROM sessions s WHERE s.user_id = @id AND s.id <> @session_id AND sqlc.narg(password_hash)::text IS NOT NULL
)
UPDATE users u SET
    username = COALESCE(sqlc.narg(username), u.username),
    email = COALESCE(sqlc.narg(email), u.email),
    password_hash = COALESCE(sqlc.narg(password_hash), u.password_hash),
    bio = CASE WHEN @set_bio::boolean THEN sqlc.narg(bio) ELSE u.bio END,
    image = CASE WHEN @set_image::boolean THEN sqlc.narg(image) ELSE u.image END,
    updated_at = GREATEST(now(), u.updated_at + interval '1 millisecond')
WHERE u.id = @id
RETURNING u.id, u.username, u.email, u.bio, u.image;

-- name: UserSetPasswordHash :exec
-- Only when the hash is still the one that was verified, so that a rehash at
-- login never undoes a change of the password.
UPDATE users SET password_hash = @new_hash WHERE id = @id AND password_hash = @old_hash;

-- name: UserPasswordHash :one
SELECT password_hash FROM users WHERE id = @id;

-- name: UserLock :one
-- Holds the account against whatever would refer to it from now on.
SELECT id FROM users WHERE id = @id FOR UPDATE;

-- name: UserTags :many
SELECT DISTINCT t.tag::text FROM articles a, unnest(a.tags) AS t(tag) WHERE a.author_id = @id;

-- name: UserDelete :exec
-- All that refers to the account goes with it.
DELETE FROM users WHERE id = @id;

-- name: TagCountersDelete :exec
-- Names of tags that nobody uses any more. All slots of a name are locked
-- before they are summed; one that is added meanwhile is not deleted.
WITH locked AS MATERIALIZED (
    SELECT c.name, c.slot, c.value FROM counters c
    WHERE c.kind = 'tag' AND c.name = ANY(@tags::text[])
    ORDER BY c.name, c.slot
    FOR UPDATE
), unused AS (
    SELECT l.name FROM locked l GROUP BY l.name HAVING sum(l.value) = 0
)
DELETE FROM counters d USING locked l, unused u
WHERE d.kind = 'tag' AND d.name = l.name AND d.slot = l.slot AND u.name = l.name;

-- name: StatementTimeout :exec
-- For the rest of the transaction.
SELECT set_config('statement_timeout', @milliseconds, true);

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
-- sessions but the one that it was set in. Whoever has the name or the address
-- is locked too, in the order of ids: two users who want each other's would
-- wait in a circle, and a connection with each of them, until PostgreSQL
-- breaks it after a second.
WITH claimed AS (
    SELECT c.id FROM users c
    WHERE c.id = @id OR lower(c.username) = lower(sqlc.narg(username)) OR lower(c.email) = lower(sqlc.narg(email))
    ORDER BY c.id FOR NO KEY UPDATE
), ended AS (
    DELETE FROM sessions s WHERE s.user_id = @id AND s.id <> @session_id AND sqlc.narg(password_hash)::text IS NOT NULL
)
UPDATE users u SET
    username = COALESCE(sqlc.narg(username), u.username),
    email = COALESCE(sqlc.narg(email), u.email),
    password_hash = COALESCE(sqlc.narg(password_hash), u.password_hash),
    bio = CASE WHEN @set_bio::boolean THEN sqlc.narg(bio) ELSE u.bio END,
    image = CASE WHEN @set_image::boolean THEN sqlc.narg(image) ELSE u.image END,
    updated_at = GREATEST(now(), u.updated_at + interval '1 millisecond')
WHERE u.id = @id AND (SELECT count(*) FROM claimed) > 0
RETURNING u.id, u.username, u.email, u.bio, u.image;

-- name: UserSetPasswordHash :exec
-- Only when the hash is still the one that was verified, so that a rehash at
-- login never undoes a change of the password.
UPDATE users SET password_hash = @new_hash WHERE id = @id AND password_hash = @old_hash;

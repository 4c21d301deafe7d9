-- name: UserCreate :one
INSERT INTO users (username, email, password_hash)
VALUES (@username, @email, @password_hash)
RETURNING id, username, email, bio, image;

-- name: UserGetByID :one
SELECT id, username, email, bio, image FROM users WHERE id = @id;

-- name: UserGetByEmail :one
SELECT id, username, email, bio, image, password_hash FROM users WHERE lower(email) = lower(@email);

-- name: UserUpdate :one
-- Members that are NULL, or not set, stay as they are. Whoever has the name or
-- the address is locked too, in the order of ids: two users who want each
-- other's would wait in a circle, and a connection with each of them, until
-- PostgreSQL breaks it after a second.
WITH claimed AS (
    SELECT c.id FROM users c
    WHERE c.id = @id OR lower(c.username) = lower(sqlc.narg(username)) OR lower(c.email) = lower(sqlc.narg(email))
    ORDER BY c.id FOR NO KEY UPDATE
)
UPDATE users SET
    username = COALESCE(sqlc.narg(username), username),
    email = COALESCE(sqlc.narg(email), email),
    password_hash = COALESCE(sqlc.narg(password_hash), password_hash),
    bio = CASE WHEN @set_bio::boolean THEN sqlc.narg(bio) ELSE bio END,
    image = CASE WHEN @set_image::boolean THEN sqlc.narg(image) ELSE image END,
    updated_at = GREATEST(now(), updated_at + interval '1 millisecond')
WHERE users.id = @id AND (SELECT count(*) FROM claimed) > 0
RETURNING id, username, email, bio, image;

-- name: UserSetPasswordHash :exec
-- Only when the hash is still the one that was verified, so that a rehash at
-- login never undoes a change of the password.
UPDATE users SET password_hash = @new_hash WHERE id = @id AND password_hash = @old_hash;

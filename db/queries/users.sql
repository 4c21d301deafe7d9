-- name: UserCreate :one
INSERT INTO users (username, email, password_hash)
VALUES (@username, @email, @password_hash)
RETURNING id, username, email, bio, image;

-- name: UserGetByID :one
SELECT id, username, email, bio, image FROM users WHERE id = @id;

-- name: UserGetByEmail :one
SELECT id, username, email, bio, image, password_hash FROM users WHERE lower(email) = lower(@email);

-- name: UserUpdate :one
-- Members that are NULL, or not set, stay as they are.
UPDATE users SET
    username = COALESCE(sqlc.narg(username), username),
    email = COALESCE(sqlc.narg(email), email),
    password_hash = COALESCE(sqlc.narg(password_hash), password_hash),
    bio = CASE WHEN @set_bio::boolean THEN sqlc.narg(bio) ELSE bio END,
    image = CASE WHEN @set_image::boolean THEN sqlc.narg(image) ELSE image END,
    updated_at = GREATEST(now(), updated_at + interval '1 millisecond')
WHERE id = @id
RETURNING id, username, email, bio, image;

-- name: UserSetPasswordHash :exec
-- Only when the hash is still the one that was verified, so that a rehash at
-- login never undoes a change of the password.
UPDATE users SET password_hash = @new_hash WHERE id = @id AND password_hash = @old_hash;

-- name: OldTokenUse :one
-- Returns the session of a token that was used before. The session is not there
-- any more if it was ended. It lasts longer if the operator has moved the date
-- since, also if it has expired already.
WITH kept AS (
    UPDATE sessions k SET expires_at = @expires_at FROM old_tokens f
    WHERE f.hash = @hash AND k.id = f.session_id AND k.expires_at < @expires_at
)
SELECT t.session_id FROM old_tokens t WHERE t.hash = @hash;

-- name: OldTokenFindByKey :one
-- Returns the id of an imported user, who may have been deleted. Keys that are
-- names say nothing about ids: a user could have chosen the id of somebody else
-- as a name.
SELECT r.row_id FROM imported_rows r JOIN imports i ON i.id = r.import_id
WHERE i.name = @import AND i.has_ids AND r.kind = 'users' AND r.key = @key;

-- name: OldTokenFindByUsername :one
-- Finds imported users only: the older system may know another person by the
-- name of an account that was registered here.
SELECT u.id FROM users u
WHERE lower(u.username) = lower(@username) AND u.username = @username
  AND EXISTS (SELECT FROM imported_rows r JOIN imports i ON i.id = r.import_id WHERE i.name = @import AND r.kind = 'users' AND r.row_id = u.id);

-- name: OldTokenFindByEmail :one
SELECT u.id FROM users u
WHERE lower(u.email) = lower(@email) AND u.email = @email
  AND EXISTS (SELECT FROM imported_rows r JOIN imports i ON i.id = r.import_id WHERE i.name = @import AND r.kind = 'users' AND r.row_id = u.id);

-- name: OldTokenHold :one
-- Locks the account of a token at its first use, if the token may still be used.
-- Without a time, nobody knows what the token is older than. The lock makes a
-- change of the account wait, so that it ends the session of this token too. An
-- account with more rights needs a sign-in here: the secret of the older system
-- may be known to others. A name or an address may belong to somebody else there
-- since the import has read it.
SELECT u.id FROM users u
WHERE u.id = @user_id AND u.suspended_at IS NULL AND u.role IN ('reader', 'author')
  AND (u.old_tokens_after IS NULL OR u.old_tokens_after < sqlc.narg(issued_at)::timestamptz - @skew::interval)
  AND (NOT @by_name::boolean OR u.named_at IS NULL OR u.named_at < sqlc.narg(issued_at)::timestamptz - @skew::interval)
  AND (NOT @by_name::boolean OR NOT EXISTS (
      SELECT FROM imports i WHERE i.name = @import AND i.read_at < sqlc.narg(issued_at)::timestamptz + @skew::interval))
FOR NO KEY UPDATE;

-- name: OldTokenCreate :one
WITH s AS (
    INSERT INTO sessions (user_id, user_agent, expires_at) VALUES (@user_id, sqlc.narg(user_agent), @session_expires_at)
    RETURNING id
)
INSERT INTO old_tokens (hash, user_id, session_id, issued_at, expires_at)
SELECT @hash, @user_id, s.id, sqlc.narg(issued_at), sqlc.narg(expires_at) FROM s
RETURNING session_id;

-- name: OldTokenExpire :execrows
DELETE FROM old_tokens WHERE expires_at <= now();

-- name: AuditCreate :one
-- Inserts no row if the session or the API key of the actor was revoked or the
-- actor was suspended. The operator has neither. The locks last until the
-- transaction ends, so that a revocation comes before the action or after it.
WITH session AS (
    SELECT s.id FROM sessions s WHERE s.id = sqlc.narg(actor_session) AND s.expires_at > now() FOR KEY SHARE
), key AS (
    SELECT k.id FROM api_keys k WHERE k.id = sqlc.narg(actor_key) AND (k.expires_at IS NULL OR k.expires_at > now()) FOR KEY SHARE
)
INSERT INTO audit_log (actor_id, actor_session, actor_key, action, subject_kind, subject_id, reason, changed_from, changed_to, request_id)
SELECT sqlc.narg(actor_id)::bigint, sqlc.narg(actor_session)::bigint, sqlc.narg(actor_key)::bigint, @action, @subject_kind, @subject_id,
       sqlc.narg(reason), sqlc.narg(changed_from), sqlc.narg(changed_to), sqlc.narg(request_id)
WHERE sqlc.narg(actor_id)::bigint IS NULL
   OR (EXISTS (SELECT 1 FROM session) OR EXISTS (SELECT 1 FROM key))
      AND EXISTS (SELECT 1 FROM users u WHERE u.id = sqlc.narg(actor_id) AND u.suspended_at IS NULL)
RETURNING id;

-- name: AuditList :many
-- Names are the current ones; a deleted user or article has none. The log has
-- what people did by hand, so that a scan is cheaper than an index per filter.
SELECT l.id, l.created_at, l.actor_id, x.username AS actor, l.actor_key, l.action, l.subject_kind, l.subject_id,
       y.username AS subject_username, a.slug AS subject_slug, i.email AS subject_email, s.slug AS subject_series, t.name AS subject_tag, l.reason, l.changed_from, l.changed_to, l.request_id
FROM audit_log l
LEFT JOIN users x ON x.id = l.actor_id
LEFT JOIN users y ON l.subject_kind = 'user' AND y.id = l.subject_id
LEFT JOIN invitations i ON l.subject_kind = 'invitation' AND i.id = l.subject_id
LEFT JOIN tag_names e ON l.subject_kind = 'tag' AND e.id = l.subject_id
LEFT JOIN tag_names t ON t.tag = e.tag AND t.shown
LEFT JOIN series s ON l.subject_kind = 'series' AND s.id = l.subject_id
LEFT JOIN comments c ON l.subject_kind = 'comment' AND c.id = l.subject_id
LEFT JOIN articles a ON l.subject_kind IN ('article', 'comment') AND a.id = CASE l.subject_kind WHEN 'article' THEN l.subject_id ELSE c.article_id END
WHERE l.id < @before_id
  AND (@actor::text = '' OR l.actor_id = (SELECT v.id FROM user_named(@actor, @folded_actor) v))
  AND (@action::text = '' OR l.action = @action)
  AND (@username::text = '' OR l.subject_kind = 'user' AND l.subject_id = (SELECT w.id FROM user_named(@username, @folded_username) w))
ORDER BY l.id DESC
LIMIT @page_limit::int;

-- name: UserList :many
SELECT * FROM user_accounts
WHERE id < @before_id AND (@role::text = '' OR role = @role) AND (sqlc.narg(suspended)::boolean IS NULL OR (suspended_at IS NOT NULL) = sqlc.narg(suspended))
ORDER BY id DESC
LIMIT @page_limit::int;

-- name: UserListByRole :many
-- For roles that few users have.
SELECT * FROM user_accounts
WHERE role = @role AND role <> 'author' AND id < @before_id
  AND (sqlc.narg(suspended)::boolean IS NULL OR (suspended_at IS NOT NULL) = sqlc.narg(suspended))
ORDER BY id DESC
LIMIT @page_limit::int;

-- name: UserListSuspended :many
SELECT * FROM user_accounts
WHERE suspended_at IS NOT NULL AND id < @before_id AND (@role::text = '' OR role = @role)
ORDER BY id DESC
LIMIT @page_limit::int;

-- name: UserListByUsername :many
-- One user or none.
SELECT * FROM user_accounts
WHERE id = (SELECT n.id FROM user_named(@username, @folded_username) n) AND id < @before_id AND (@role::text = '' OR role = @role)
  AND (sqlc.narg(suspended)::boolean IS NULL OR (suspended_at IS NOT NULL) = sqlc.narg(suspended));

-- name: UserLockBoth :many
-- Locks an admin and the user that the admin changes, always in the same order.
SELECT * FROM user_accounts
WHERE id = @id OR id = (SELECT n.id FROM user_named(@username, @folded_username) n)
ORDER BY id
FOR NO KEY UPDATE;

-- name: UserLockAll :many
-- The same for users whose ids are known.
SELECT * FROM user_accounts WHERE id = ANY (@ids::bigint[]) ORDER BY id FOR NO KEY UPDATE;

-- name: UserSetRole :exec
-- Ends the sessions that began with a token of an older system if the account
-- gets rights with which no such token is accepted. The caller has locked the
-- account.
WITH ended AS (
    DELETE FROM sessions s USING old_tokens o
    WHERE @role::text NOT IN ('reader', 'author') AND o.user_id = @id AND s.id = o.session_id
)
UPDATE users u SET role = @role WHERE u.id = @id;

-- name: UserSuspend :one
-- API keys stay and work again after the suspension; until then suspended_at of
-- the account makes them invalid. Tokens of an older system end as sessions do.
WITH ended AS (
    DELETE FROM sessions s WHERE s.user_id = @id
)
UPDATE users u SET suspended_at = COALESCE(u.suspended_at, now()), suspended_reason = @reason::text,
    old_tokens_after = GREATEST(u.old_tokens_after, clock_timestamp())
WHERE u.id = @id
RETURNING u.suspended_at::timestamptz AS suspended_at;

-- name: UserReinstate :exec
UPDATE users SET suspended_at = NULL, suspended_reason = NULL WHERE id = @id;

-- name: UserCreateAdmin :one
INSERT INTO users (username, folded_username, email, password_hash, role)
VALUES (@username, @folded_username::text, @email, @password_hash, 'admin')
RETURNING id;

-- name: UserCreateAccount :one
-- Creates an account without a password, and the mail with which its owner sets
-- one. No password has the empty hash.
WITH u AS (
    INSERT INTO users (username, folded_username, email, password_hash, role)
    VALUES (@username, @folded_username::text, @email, '', @role)
    RETURNING id, username, email, role, created_at, suspended_at, suspended_reason
), m AS (
    INSERT INTO mails (kind, recipient, user_id) SELECT 'reset_password', email, id FROM u
)
SELECT u.id, u.username, u.email, u.role, u.created_at, u.suspended_at, u.suspended_reason FROM u;

-- name: InvitationReplace :exec
-- Deletes the invitation of an address, before there is another one.
DELETE FROM invitations WHERE lower(email) = lower(@email);

-- name: InvitationCreate :one
-- Inserts no row if the address has an account. Creates the mail too.
WITH created AS (
    INSERT INTO invitations (email, role, invited_by, expires_at)
    SELECT @email, @role, @invited_by, now() + @lifetime::interval
    WHERE NOT EXISTS (SELECT 1 FROM users u WHERE lower(u.email) = lower(@email))
    RETURNING id, email, role, invited_by, created_at, expires_at
), mailed AS (
    INSERT INTO mails (kind, recipient) SELECT 'invitation', email FROM created
)
SELECT c.id, c.email, c.role, c.created_at, c.expires_at, u.username AS inviter
FROM created c JOIN users u ON u.id = c.invited_by;

-- name: InvitationList :many
SELECT id, email, role, created_at, expires_at, inviter FROM valid_invitations
WHERE id < @before_id
ORDER BY id DESC
LIMIT @page_limit::int;

-- name: InvitationFind :one
SELECT id FROM valid_invitations WHERE id = @id;

-- name: InvitationDelete :execrows
DELETE FROM invitations i USING valid_invitations v WHERE i.id = v.id AND v.id = @id;

-- name: InvitationExpire :execrows
DELETE FROM invitations WHERE expires_at <= now();

-- name: MailClaim :one
-- Claims a mail if it is due, for as long as sending it may take. If this
-- replica ends meanwhile, another one claims the mail after that time. The
-- account of a password reset is looked up here.
UPDATE mails m SET
    attempts = m.attempts + 1,
    due_at = now() + @lease::interval,
    user_id = COALESCE(m.user_id, (SELECT u.id FROM users u WHERE lower(u.email) = lower(m.recipient)))
WHERE m.id = @id AND m.due_at <= now()
RETURNING m.id, m.kind, m.recipient, m.user_id, m.attempts, m.created_at;

-- name: MailGet :one
SELECT id, due_at, sent_at FROM mails WHERE id = @id;

-- name: MailRetry :exec
-- Makes a mail due again that was given up. A trigger inserts a job.
UPDATE mails SET attempts = 0, due_at = now() WHERE id = @id AND due_at IS NULL AND sent_at IS NULL;

-- name: MailWanted :one
-- Reports whether a mail still has to be sent: the account has the address, the
-- address is not verified yet, and the account was not sent too many mails of the
-- kind within an hour.
SELECT CAST((m.kind IN ('email_changed', 'password_changed') OR lower(u.email) = lower(m.recipient))
   AND (m.kind <> 'verify_email' OR u.email_verified_at IS NULL)
   AND (SELECT count(*) FROM mails s WHERE s.user_id = m.user_id AND s.kind = m.kind AND s.sent_at > now() - interval '1 hour') < @most::bigint AS boolean) AS wanted
FROM mails m
JOIN users u ON u.id = m.user_id
WHERE m.id = @id;

-- name: MailInvite :execrows
-- Stores the token of the mail of an invitation. Changes no row if the mail is
-- not wanted: the invitation was withdrawn, the address has an account by now,
-- or it was sent too many invitations within an hour.
UPDATE invitations i SET token_hash = @token_hash FROM valid_invitations v
WHERE i.id = v.id AND lower(v.email) = lower(@email)
  AND (SELECT count(*) FROM mails s WHERE s.kind = 'invitation' AND lower(s.recipient) = lower(@email) AND s.sent_at > now() - interval '1 hour') < @most::bigint;

-- name: MailTokenCreate :execrows
-- Inserts no row if the account has another address by now.
INSERT INTO mail_tokens (hash, kind, user_id, email, expires_at)
SELECT @hash, @kind, u.id, u.email, now() + @lifetime::interval FROM users u WHERE u.id = @user_id AND lower(u.email) = lower(@email);

-- name: MailSent :exec
UPDATE mails SET sent_at = now(), due_at = NULL, error = NULL WHERE id = @id;

-- name: MailDefer :exec
UPDATE mails SET due_at = now() + @delay::interval, error = @error WHERE id = @id;

-- name: MailGiveUp :exec
UPDATE mails SET due_at = NULL, error = @error WHERE id = @id;

-- name: MailDrop :exec
DELETE FROM mails WHERE id = @id;

-- name: MailListUnsent :many
SELECT id, kind, recipient, attempts, due_at, created_at, error FROM mails
WHERE sent_at IS NULL
ORDER BY id DESC LIMIT @most;

-- name: MailExpire :execrows
-- Deletes sent mails after a day, and those that were given up after 30 days.
DELETE FROM mails WHERE sent_at < now() - interval '1 day' OR due_at IS NULL AND created_at < now() - interval '30 days';

-- name: MailTokenExpire :execrows
DELETE FROM mail_tokens WHERE expires_at <= now();

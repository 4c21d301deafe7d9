-- Working as a team: articles that get another author, and invitations.
--
-- The previous version neither changes the author of an article nor knows
-- invitations: while a replica of it runs, it may drop the mail of an
-- invitation instead of sending it, and the admin has to invite again. Each
-- step can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

-- +goose StatementBegin
-- Moves an article from the counts and lists of one author to those of another.
-- It moves what the article had before the statement; the triggers for other
-- columns then change the counts of the new author. This trigger has the first
-- name, so that no count is negative in between. It is not a trigger for each
-- statement, because those cannot be limited to some columns: every favorite
-- would pay for it.
CREATE OR REPLACE FUNCTION derive_from_author() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    listed constant integer := CASE WHEN OLD.hidden THEN 0 ELSE 1 END;
    bytes constant bigint := article_bytes(OLD.title, OLD.description, OLD.body, OLD.tags, OLD.details);
BEGIN
    -- In the order of ids, in which every statement locks users. The next
    -- statement sees what the holders of the locks have done.
    PERFORM FROM users WHERE id IN (OLD.author_id, NEW.author_id) ORDER BY id FOR NO KEY UPDATE;
    UPDATE users u SET articles_count = articles_count + m.sign * listed, stored_bytes = stored_bytes + m.sign * bytes,
        older_bytes = older_bytes + m.sign * OLD.older_bytes,
        last_article_at = (SELECT max(a.published_at) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
    FROM (VALUES (OLD.author_id, -1), (NEW.author_id, 1)) m (id, sign)
    WHERE u.id = m.id;
    INSERT INTO changes (keys) VALUES (ARRAY['b' || OLD.author_id, 'b' || NEW.author_id]);
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE OR REPLACE TRIGGER articles_update_author AFTER UPDATE OF author_id ON articles
    FOR EACH ROW WHEN (OLD.author_id <> NEW.author_id) EXECUTE FUNCTION derive_from_author();

-- Invitations to register. A row is deleted when it is used.
CREATE TABLE IF NOT EXISTS invitations (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    email      text NOT NULL,
    role       text NOT NULL,
    -- An invitation is as good as its admin: it ends with the account.
    invited_by bigint NOT NULL,
    -- SHA-256 of a token of 130 random bits, which nobody can guess. NULL until
    -- the mail is sent: the token is made then, and is stored nowhere.
    token_hash bytea,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    expires_at timestamptz(3) NOT NULL,
    CONSTRAINT invitations_pkey PRIMARY KEY (id),
    CONSTRAINT invitations_token_hash_key UNIQUE (token_hash),
    CONSTRAINT invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT invitations_role_check CHECK (role IN ('reader', 'author', 'moderator', 'editor', 'admin'))
);
CREATE UNIQUE INDEX IF NOT EXISTS invitations_email_key ON invitations (lower(email));
CREATE INDEX IF NOT EXISTS invitations_invited_by_idx ON invitations (invited_by);

-- The invitations that can be used. One whose admin is no admin any more is of
-- no use: otherwise an admin could prepare accounts for the time after. Nor is
-- one whose address has an account by now.
CREATE OR REPLACE VIEW valid_invitations AS
SELECT i.id, i.email, i.role, i.token_hash, i.created_at, i.expires_at, u.username AS inviter
FROM invitations i
JOIN users u ON u.id = i.invited_by
WHERE i.expires_at > now() AND u.role = 'admin' AND u.suspended_at IS NULL
  AND NOT EXISTS (SELECT FROM users a WHERE lower(a.email) = lower(i.email));

-- +goose StatementBegin
-- As refuse_more_api_keys, for the whole service: each invitation is a mail.
CREATE OR REPLACE FUNCTION refuse_more_invitations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('byline invitations'));
    IF (SELECT count(*) FROM invitations) > 1000 THEN
        RAISE EXCEPTION 'there are too many invitations' USING ERRCODE = 'check_violation', CONSTRAINT = 'invitations_maximum';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

BEGIN;
DROP TRIGGER IF EXISTS invitations_maximum ON invitations;
CREATE CONSTRAINT TRIGGER invitations_maximum AFTER INSERT ON invitations
    FOR EACH ROW EXECUTE FUNCTION refuse_more_invitations();
COMMIT;

ALTER TABLE mails DROP CONSTRAINT IF EXISTS mails_kind_check,
    ADD CONSTRAINT mails_kind_check CHECK (kind IN ('verify_email', 'reset_password', 'email_changed', 'password_changed', 'invitation')) NOT VALID;
ALTER TABLE mails VALIDATE CONSTRAINT mails_kind_check;
-- To count the mails that were sent to an address. An index of an interrupted
-- attempt is not valid.
DROP INDEX CONCURRENTLY IF EXISTS mails_invitation_recipient_idx;
CREATE INDEX CONCURRENTLY mails_invitation_recipient_idx ON mails (lower(recipient)) WHERE kind = 'invitation';

ALTER TABLE audit_log DROP CONSTRAINT IF EXISTS audit_log_subject_kind_check,
    ADD CONSTRAINT audit_log_subject_kind_check CHECK (subject_kind IN ('article', 'comment', 'user', 'invitation')) NOT VALID;
ALTER TABLE audit_log VALIDATE CONSTRAINT audit_log_subject_kind_check;

-- +goose Down

-- The audit log only grows, so that entries about invitations stay.
ALTER TABLE audit_log DROP CONSTRAINT IF EXISTS audit_log_subject_kind_check,
    ADD CONSTRAINT audit_log_subject_kind_check CHECK (subject_kind IN ('article', 'comment', 'user')) NOT VALID;
DROP INDEX CONCURRENTLY IF EXISTS mails_invitation_recipient_idx;
DELETE FROM mails WHERE kind = 'invitation';
ALTER TABLE mails DROP CONSTRAINT IF EXISTS mails_kind_check,
    ADD CONSTRAINT mails_kind_check CHECK (kind IN ('verify_email', 'reset_password', 'email_changed', 'password_changed')) NOT VALID;
ALTER TABLE mails VALIDATE CONSTRAINT mails_kind_check;
DROP VIEW IF EXISTS valid_invitations;
DROP TABLE IF EXISTS invitations;
DROP FUNCTION IF EXISTS refuse_more_invitations();
DROP TRIGGER IF EXISTS articles_update_author ON articles;
DROP FUNCTION IF EXISTS derive_from_author();

-- +goose NO TRANSACTION
-- What recovering from an attack needs: how much work a bcrypt hash takes, and
-- the account that an entry of the audit log is about, with which the reason in
-- it is erased.
--
-- Indexes are created concurrently, which is not possible inside a transaction.
-- The statements before BEGIN can be repeated.

-- +goose Up

-- The costs of the bcrypt hashes of an older system. A failed sign-in looks up
-- the highest. Accounts with other hashes are not in the index.
DROP INDEX CONCURRENTLY IF EXISTS users_bcrypt_cost_idx;
CREATE INDEX CONCURRENTLY users_bcrypt_cost_idx ON users (substr(password_hash, 5, 2)) WHERE password_hash ~ '^\$2[aby]\$\d\d\$';

-- The user that is the subject, or the author of the article or comment.
ALTER TABLE audit_log ADD COLUMN IF NOT EXISTS about_id bigint;
DROP INDEX CONCURRENTLY IF EXISTS audit_log_about_id_id_idx;
CREATE INDEX CONCURRENTLY audit_log_about_id_id_idx ON audit_log (about_id, id);

BEGIN;

-- +goose StatementBegin
CREATE FUNCTION find_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.about_id := CASE NEW.subject_kind
        WHEN 'user' THEN NEW.subject_id
        WHEN 'article' THEN (SELECT a.author_id FROM articles a WHERE a.id = NEW.subject_id)
        WHEN 'comment' THEN (SELECT c.author_id FROM comments c WHERE c.id = NEW.subject_id)
    END;
    RETURN NEW;
END $$;

-- The only change that the audit log permits is to erase the reason of an entry
-- whose account no longer exists.
CREATE FUNCTION refuse_other_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.reason IS NULL AND to_jsonb(NEW) - 'reason' = to_jsonb(OLD) - 'reason'
        AND NOT EXISTS (SELECT FROM users u WHERE u.id = OLD.about_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

-- A reason is free text about a person, so it must not outlive the account.
CREATE FUNCTION erase_reasons() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE audit_log SET reason = NULL WHERE about_id = OLD.id AND reason IS NOT NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd

DROP TRIGGER audit_log_refuse_change ON audit_log;
UPDATE audit_log l SET about_id = CASE l.subject_kind
    WHEN 'user' THEN l.subject_id
    WHEN 'article' THEN (SELECT a.author_id FROM articles a WHERE a.id = l.subject_id)
    WHEN 'comment' THEN (SELECT c.author_id FROM comments c WHERE c.id = l.subject_id)
END;
-- Nobody can tell whether the authors of deleted articles and comments still
-- have an account.
UPDATE audit_log l SET reason = NULL
WHERE l.reason IS NOT NULL AND NOT EXISTS (SELECT FROM users u WHERE u.id = l.about_id);

CREATE TRIGGER audit_log_find_account BEFORE INSERT ON audit_log
    FOR EACH ROW EXECUTE FUNCTION find_account();
CREATE TRIGGER audit_log_refuse_change BEFORE DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_refuse_other_change BEFORE UPDATE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_other_change();
CREATE TRIGGER users_delete_erase_reasons AFTER DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION erase_reasons();

COMMIT;

-- +goose Down

BEGIN;
DROP TRIGGER users_delete_erase_reasons ON users;
DROP TRIGGER audit_log_refuse_other_change ON audit_log;
DROP TRIGGER audit_log_refuse_change ON audit_log;
DROP TRIGGER audit_log_find_account ON audit_log;
DROP FUNCTION erase_reasons();
DROP FUNCTION refuse_other_change();
DROP FUNCTION find_account();
ALTER TABLE audit_log DROP COLUMN about_id;
CREATE TRIGGER audit_log_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
COMMIT;
DROP INDEX CONCURRENTLY users_bcrypt_cost_idx;

-- A folded form of each username, so that names which people cannot tell apart
-- do not belong to two accounts. The service sets it (package api/names). It
-- is NULL for an account that has had such a name before: that account keeps
-- its name, and is found by exactly this name.

-- +goose NO TRANSACTION

-- +goose Up

ALTER TABLE users ADD COLUMN IF NOT EXISTS folded_username text;

-- +goose StatementBegin
-- An index of an interrupted attempt is not valid.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('users_folded_username_key') AND NOT indisvalid) THEN
        DROP INDEX users_folded_username_key;
    END IF;
END $$;
-- +goose StatementEnd

-- Changing a column of a unique index locks the row against new rows that refer
-- to it, unless the index is partial.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS users_folded_username_key ON users (folded_username) WHERE folded_username IS NOT NULL;

-- +goose StatementBegin
-- As close to api/names as SQL gets, for rows that are there, and for those
-- that the previous version writes during a rolling upgrade.
CREATE OR REPLACE FUNCTION fold_username(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT NULLIF(btrim(regexp_replace(normalize(lower(normalize(name, NFKC)), NFKC), ' +', ' ', 'g')), '')
$$;

CREATE OR REPLACE FUNCTION set_folded_username() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.folded_username = fold_username(NEW.username);
    RETURN NEW;
END $$;

-- The id of the user with a name or, if there is none, of the user with the
-- same folded name. PostgreSQL inlines the function.
CREATE OR REPLACE FUNCTION user_named(name text, folded text) RETURNS TABLE (id bigint) LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT COALESCE((SELECT u.id FROM users u WHERE lower(u.username) = lower($1)),
                    (SELECT v.id FROM users v WHERE v.folded_username = $2))
$$;
-- +goose StatementEnd

CREATE OR REPLACE TRIGGER users_insert_fold BEFORE INSERT ON users
    FOR EACH ROW WHEN (NEW.folded_username IS NULL)
    EXECUTE FUNCTION set_folded_username();
CREATE OR REPLACE TRIGGER users_update_fold BEFORE UPDATE OF username ON users
    FOR EACH ROW WHEN (NEW.username <> OLD.username AND NEW.folded_username IS NOT DISTINCT FROM OLD.folded_username)
    EXECUTE FUNCTION set_folded_username();

-- +goose StatementBegin
-- A thousand users at a time, so that no row stays locked for long. Of several
-- users with the same folded name, the oldest one gets it.
DO $$
DECLARE
    done bigint := 0;
    newest bigint;
BEGIN
    LOOP
        SELECT max(b.id) INTO newest FROM (SELECT id FROM users WHERE id > done ORDER BY id LIMIT 1000) b;
        EXIT WHEN newest IS NULL;
        BEGIN
            PERFORM FROM users WHERE id > done AND id <= newest ORDER BY id FOR NO KEY UPDATE;
            UPDATE users u SET folded_username = k.folded
            FROM (SELECT DISTINCT ON (f.folded) f.id, f.folded
                  FROM (SELECT id, fold_username(username) AS folded FROM users WHERE id > done AND id <= newest AND folded_username IS NULL) f
                  ORDER BY f.folded, f.id) k
            WHERE u.id = k.id AND NOT EXISTS (SELECT FROM users o WHERE o.folded_username = k.folded);
            done := newest;
        EXCEPTION WHEN unique_violation THEN
            NULL; -- a new user has taken a name meanwhile; the next round sees it
        END;
        COMMIT;
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down

DROP TRIGGER IF EXISTS users_update_fold ON users;
DROP TRIGGER IF EXISTS users_insert_fold ON users;
DROP FUNCTION IF EXISTS user_named(text, text);
DROP FUNCTION IF EXISTS set_folded_username();
DROP FUNCTION IF EXISTS fold_username(text);
DROP INDEX CONCURRENTLY IF EXISTS users_folded_username_key;
ALTER TABLE users DROP COLUMN IF EXISTS folded_username;

-- Tokens that an older system has signed, and hashes of its passwords. The
-- previous version accepts neither. Each step can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

-- The tokens that were used here. Each has a session, so that it can be revoked
-- as those of this service: a row stays when its session ends, and the token is
-- refused from then on.
CREATE TABLE IF NOT EXISTS old_tokens (
    -- SHA-256 of a token. Nobody can guess its signature of 256 bits.
    hash       bytea NOT NULL,
    user_id    bigint NOT NULL,
    session_id bigint NOT NULL,
    -- When the older system has issued the token, if the token says so.
    issued_at  timestamptz(3),
    -- The end of the token itself. Without one the row stays as long as the
    -- account: a revoked token must not become valid again.
    expires_at timestamptz(3),
    CONSTRAINT old_tokens_pkey PRIMARY KEY (hash),
    CONSTRAINT old_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS old_tokens_user_id_idx ON old_tokens (user_id);
CREATE INDEX IF NOT EXISTS old_tokens_expires_at_idx ON old_tokens (expires_at);

-- Tokens of an older system that were never used here are valid only if it has
-- issued them after old_tokens_after, which is infinity if the password was
-- changed here. Those that name the account by its username or e-mail address
-- must be newer than named_at too: when an import has changed one of them, and
-- infinity if somebody did so here. moved_at is when the address was changed
-- here; an import keeps it then.
ALTER TABLE users
    ADD COLUMN IF NOT EXISTS old_tokens_after timestamptz(3),
    ADD COLUMN IF NOT EXISTS named_at timestamptz(3),
    ADD COLUMN IF NOT EXISTS moved_at timestamptz(3);

-- +goose StatementBegin
-- Of more than a hundred sessions, those that began with a token of an older
-- system end first: a program that signs in there for each of its jobs must not
-- end those of its owner. A token whose session was ended for this reason was not
-- revoked, so it begins another one at its next use.
CREATE OR REPLACE FUNCTION end_oldest_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('byline sessions', NEW.user_id));
    WITH ended AS (
        DELETE FROM sessions d WHERE d.id IN (
            SELECT s.id FROM sessions s
            WHERE s.user_id = NEW.user_id
            ORDER BY s.id <> NEW.id, s.id IN (SELECT t.session_id FROM old_tokens t WHERE t.user_id = NEW.user_id), s.id DESC OFFSET 100)
        RETURNING d.id
    )
    DELETE FROM old_tokens o USING ended e WHERE o.user_id = NEW.user_id AND o.session_id = e.id;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- An index of an interrupted attempt is not valid. The first index tells whether
-- an account was imported. Failed sign-ins look up the maximum in the second.
DROP INDEX CONCURRENTLY IF EXISTS imported_rows_user_idx;
CREATE INDEX CONCURRENTLY imported_rows_user_idx ON imported_rows (row_id) WHERE kind = 'users';
DROP INDEX CONCURRENTLY IF EXISTS users_pbkdf2_iterations_idx;
CREATE INDEX CONCURRENTLY users_pbkdf2_iterations_idx ON users ((substring(password_hash FROM '^\$pbkdf2-sha512\$i=(\d{1,7}),')::int))
    WHERE password_hash ~ '^\$pbkdf2-sha512\$i=\d{1,7},';

-- +goose Down

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION end_oldest_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('byline sessions', NEW.user_id));
    DELETE FROM sessions d WHERE d.id IN (SELECT s.id FROM sessions s WHERE s.user_id = NEW.user_id ORDER BY s.id DESC OFFSET 100);
    RETURN NULL;
END $$;
-- +goose StatementEnd
DROP INDEX CONCURRENTLY IF EXISTS users_pbkdf2_iterations_idx;
DROP INDEX CONCURRENTLY IF EXISTS imported_rows_user_idx;
ALTER TABLE users DROP COLUMN IF EXISTS old_tokens_after, DROP COLUMN IF EXISTS named_at, DROP COLUMN IF EXISTS moved_at;
DROP TABLE IF EXISTS old_tokens;

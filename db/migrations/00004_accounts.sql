-- Roles, sessions and API keys. Every change that ends a credential is written
-- to cache_changes, so that each replica drops what it has cached of it: s<id>
-- a session, k<id> an API key, v<id> the role or the suspension of a user, K
-- the signing keys.

-- +goose Up

ALTER TABLE users
    ADD COLUMN role text NOT NULL DEFAULT 'author',
    ADD COLUMN suspended_at timestamptz(3),
    ADD CONSTRAINT users_role_check CHECK (role IN ('reader', 'author', 'moderator', 'admin'));

-- A session begins with a sign-in. Tokens contain the id of their session, so
-- that deleting the row revokes all of them.
CREATE TABLE sessions (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    user_id    bigint NOT NULL,
    user_agent text,
    -- Counts renewals. Only the newest refresh token is valid.
    generation integer NOT NULL DEFAULT 0,
    renewed_at timestamptz(3) NOT NULL DEFAULT now(),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    used_at    timestamptz(3) NOT NULL DEFAULT now(),
    expires_at timestamptz(3) NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) WITH (fillfactor = 80);
CREATE INDEX sessions_user_id_id_idx ON sessions (user_id, id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

CREATE TABLE api_keys (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    user_id    bigint NOT NULL,
    name       text NOT NULL,
    prefix     text NOT NULL,
    -- SHA-256 of a key of 130 random bits. Nobody can guess such a key, so a
    -- slow hash would not protect it better.
    hash       bytea NOT NULL,
    scope      text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    expires_at timestamptz(3),
    used_at    timestamptz(3),
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_hash_key UNIQUE (hash),
    CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT api_keys_scope_check CHECK (scope IN ('read', 'write', 'admin'))
);
CREATE INDEX api_keys_user_id_id_idx ON api_keys (user_id, id);

-- The secrets that protect cursors, stored responses and API keys. They are not
-- in signing_keys, so that signing keys can be rotated without invalidating
-- cursors, stored responses and API keys.
CREATE TABLE service_secrets (
    name   text NOT NULL,
    secret bytea NOT NULL,
    CONSTRAINT service_secrets_pkey PRIMARY KEY (name)
);

-- +goose StatementBegin
CREATE FUNCTION note_signing_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cache_changes (keys) VALUES ('{K}');
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER sessions_delete_note AFTER DELETE ON sessions
    FOR EACH ROW EXECUTE FUNCTION note_row('s');
CREATE TRIGGER api_keys_delete_note AFTER DELETE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION note_row('k');
CREATE TRIGGER users_power_note AFTER UPDATE ON users
    FOR EACH ROW WHEN ((OLD.role, OLD.suspended_at) IS DISTINCT FROM (NEW.role, NEW.suspended_at))
    EXECUTE FUNCTION note_row('v');
CREATE TRIGGER signing_keys_note AFTER INSERT OR DELETE ON signing_keys
    FOR EACH STATEMENT EXECUTE FUNCTION note_signing_keys();

-- +goose Down

DROP TRIGGER signing_keys_note ON signing_keys;
DROP TRIGGER users_power_note ON users;
DROP TABLE service_secrets, api_keys, sessions;
DROP FUNCTION note_signing_keys();
ALTER TABLE users DROP COLUMN role, DROP COLUMN suspended_at;

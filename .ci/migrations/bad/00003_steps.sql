-- +goose NO TRANSACTION

-- +goose Up

ALTER TABLE users ADD COLUMN nick text;
ALTER TABLE users ADD COLUMN IF NOT EXISTS level bigint NOT NULL;
ALTER TABLE users DROP CONSTRAINT IF EXISTS users_nick_check, ADD CONSTRAINT users_nick_check CHECK (nick <> '');
ALTER TABLE users ALTER COLUMN name TYPE text;
ALTER TABLE users ALTER COLUMN nick SET NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_nick_idx ON users (nick);
CREATE INDEX IF NOT EXISTS users_level_idx ON users (level);
UPDATE users SET nick = name;
ALTER TABLE users DROP COLUMN IF EXISTS name;
DROP TABLE IF EXISTS profiles;

-- +goose Down

ALTER TABLE users RENAME COLUMN nick TO name;
DELETE FROM users WHERE name IS NULL;

-- +goose NO TRANSACTION

-- +goose Up

UPDATE "users" SET bio = '';
WITH new AS (SELECT 1) UPDATE users SET bio = '';
WITH gone AS (DELETE FROM users RETURNING id) SELECT id FROM gone;
MERGE INTO users u USING profiles p ON p.id = u.id WHEN MATCHED THEN UPDATE SET bio = p.bio;
SELECT fill_users();
TRUNCATE articles;
VACUUM FULL articles;
VACUUM (ANALYZE, FULL) articles;
CLUSTER articles;
ALTER TABLE articles SET UNLOGGED;

-- +goose StatementBegin
DO $$
BEGIN
    UPDATE users SET bio = '$';
    -- COMMIT in a LOOP … END LOOP
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $fill$
BEGIN
    UPDATE users SET bio = '';
    COMMIT;
END $fill$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
BEGIN
    ALTER TABLE users DROP COLUMN bio;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'ALTER TABLE users DROP COLUMN bio';
END $$;
-- +goose StatementEnd

BEGIN;
ALTER TABLE users ADD COLUMN IF NOT EXISTS note text;
ALTER TABLE articles VALIDATE CONSTRAINT articles_note_check;
COMMIT;

-- +goose StatementBegin
ALTER TABLE users ADD COLUMN IF NOT EXISTS note text;
ALTER TABLE articles VALIDATE CONSTRAINT articles_note_check;
-- +goose StatementEnd

-- squawk-ignore ban-drop-column
ALTER TABLE users DROP COLUMN IF EXISTS bio;
-- ADD CONSTRAINT users_note_check comes back in the next file.
ALTER TABLE users DROP CONSTRAINT IF EXISTS users_note_check;

-- +goose Down

/* squawk-ignore-file */
SELECT 1;

-- What the rules must find although it is written in another way. A comment
-- that speaks of CREATE TABLE users makes no table, and one that speaks of
-- "-- +goose NO TRANSACTION" is not that line.

-- +goose Up

-- A migration before has made it.
CREATE TABLE IF NOT EXISTS notes (id bigint NOT NULL CONSTRAINT notes_pkey PRIMARY KEY, text text NOT NULL);
UPDATE notes SET text = '';
/* CREATE TABLE users (id bigint); */ UPDATE users SET bio = '';
ALTER TABLE "users" DISABLE TRIGGER USER;
ALTER TABLE public.users ENABLE TRIGGER USER;
CREATE RULE users_note AS ON INSERT TO users DO ALSO SELECT 1;
DROP RULE users_note ON users;

-- +goose Down

CREATE TABLE old_users (id bigint NOT NULL CONSTRAINT old_users_pkey PRIMARY KEY);
INSERT INTO old_users (id) SELECT o.id FROM old_users o JOIN users u ON u.id = o.id;

-- Slugs that authors have given.
--
-- The previous version does not know them: while a replica of it runs, a title
-- that is changed there changes the slug too. Each step can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

-- own_slug says that somebody has given the slug, so that a new title keeps it.
ALTER TABLE articles ADD COLUMN IF NOT EXISTS own_slug boolean NOT NULL DEFAULT false;

-- +goose Down

ALTER TABLE articles DROP COLUMN IF EXISTS own_slug;

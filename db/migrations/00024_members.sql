-- Slugs that authors have given, and the number of words of articles.
--
-- The previous version does not know own slugs: while a replica of it runs, a
-- title that is changed there changes the slug too. What it writes is counted
-- when it is read, as are all articles from before. Each step can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

ALTER TABLE articles
    -- Somebody has given the slug, so that a new title keeps it.
    ADD COLUMN IF NOT EXISTS own_slug boolean NOT NULL DEFAULT false,
    -- Counted by package words when the body is written. A body that nobody has
    -- counted takes no minutes.
    ADD COLUMN IF NOT EXISTS word_count integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS reading_minutes integer NOT NULL DEFAULT 0,
    -- The version that the last writer who counts words has made. Each such
    -- statement changes it, so that others are told from those.
    ADD COLUMN IF NOT EXISTS counted_version integer NOT NULL DEFAULT 0;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION forget_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.word_count := 0;
    NEW.reading_minutes := 0;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- Called for the previous version, which changes the body but not the count.
-- The bodies are not compared otherwise.
CREATE OR REPLACE TRIGGER articles_update_words BEFORE UPDATE OF body ON articles
    FOR EACH ROW WHEN (OLD.counted_version = NEW.counted_version AND OLD.body <> NEW.body) EXECUTE FUNCTION forget_words();

-- +goose Down

DROP TRIGGER IF EXISTS articles_update_words ON articles;
DROP FUNCTION IF EXISTS forget_words();
ALTER TABLE articles DROP COLUMN IF EXISTS own_slug, DROP COLUMN IF EXISTS word_count, DROP COLUMN IF EXISTS reading_minutes,
    DROP COLUMN IF EXISTS counted_version;

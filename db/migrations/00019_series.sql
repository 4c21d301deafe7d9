-- Series, and articles that are translations of one another.
--
-- The previous version knows neither. What it writes leaves the new columns as
-- they are. Each step is a transaction of its own, so that no table stays
-- locked for long, and can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

-- A series is public, also if none of its articles is: then its title tells
-- nothing of them.
CREATE TABLE IF NOT EXISTS series (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    slug        text NOT NULL,
    title       text NOT NULL,
    description text NOT NULL DEFAULT '',
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz(3) NOT NULL DEFAULT now(),
    updated_at  timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT series_pkey PRIMARY KEY (id),
    CONSTRAINT series_slug_key UNIQUE (slug)
);

-- Articles with the same number are translations of one another.
CREATE SEQUENCE IF NOT EXISTS translation_groups;

ALTER TABLE articles
    ADD COLUMN IF NOT EXISTS series_id bigint,
    ADD COLUMN IF NOT EXISTS series_position integer,
    ADD COLUMN IF NOT EXISTS translation_group bigint;

-- An index of an interrupted attempt is not valid.
DROP INDEX CONCURRENTLY IF EXISTS articles_series_id_idx;
CREATE INDEX CONCURRENTLY articles_series_id_idx ON articles (series_id, series_position, id) WHERE series_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS articles_translation_group_idx;
CREATE INDEX CONCURRENTLY articles_translation_group_idx ON articles (translation_group) WHERE translation_group IS NOT NULL;

ALTER TABLE articles DROP CONSTRAINT IF EXISTS articles_series_id_fkey;
ALTER TABLE articles ADD CONSTRAINT articles_series_id_fkey
    FOREIGN KEY (series_id) REFERENCES series (id) NOT VALID;
ALTER TABLE articles VALIDATE CONSTRAINT articles_series_id_fkey;

ALTER TABLE audit_log DROP CONSTRAINT IF EXISTS audit_log_subject_kind_check,
    ADD CONSTRAINT audit_log_subject_kind_check CHECK (subject_kind IN ('article', 'comment', 'user', 'invitation', 'series')) NOT VALID;
ALTER TABLE audit_log VALIDATE CONSTRAINT audit_log_subject_kind_check;

-- +goose StatementBegin
-- Notes that the articles of a series or of a group of translations have
-- changed, or what they show of one another.
CREATE OR REPLACE FUNCTION note_related() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    series_ids bigint[];
    groups bigint[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        series_ids := ARRAY[OLD.series_id];
        groups := ARRAY[OLD.translation_group];
    END IF;
    IF TG_OP <> 'DELETE' THEN
        series_ids := series_ids || NEW.series_id;
        groups := groups || NEW.translation_group;
    END IF;
    INSERT INTO changes (keys)
    SELECT array_agg(DISTINCT key) FROM (
        SELECT 'e' || id AS key FROM unnest(series_ids) AS id WHERE id IS NOT NULL
        UNION ALL SELECT 'r' || id FROM unnest(groups) AS id WHERE id IS NOT NULL) k
    HAVING count(*) > 0;
    RETURN NULL;
END $$;

-- Lists of series show how many articles each has.
CREATE OR REPLACE FUNCTION note_series() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (keys) VALUES (ARRAY['E', 'e' || (CASE WHEN TG_OP = 'INSERT' THEN NEW.id ELSE OLD.id END)]);
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE OR REPLACE TRIGGER articles_insert_related AFTER INSERT ON articles
    FOR EACH ROW WHEN (NEW.series_id IS NOT NULL OR NEW.translation_group IS NOT NULL) EXECUTE FUNCTION note_related();
CREATE OR REPLACE TRIGGER articles_delete_related AFTER DELETE ON articles
    FOR EACH ROW WHEN (OLD.series_id IS NOT NULL OR OLD.translation_group IS NOT NULL) EXECUTE FUNCTION note_related();
CREATE OR REPLACE TRIGGER articles_update_related
    AFTER UPDATE OF slug, title, hidden, published_at, details, series_id, series_position, translation_group ON articles
    FOR EACH ROW WHEN (OLD.series_id IS NOT NULL OR OLD.translation_group IS NOT NULL OR NEW.series_id IS NOT NULL OR NEW.translation_group IS NOT NULL)
    EXECUTE FUNCTION note_related();
-- An article shows to which series and translations it belongs.
CREATE OR REPLACE TRIGGER articles_update_note
    AFTER UPDATE OF slug, author_id, title, description, body, tags, favorites_count, hidden, version, created_at, updated_at, status, unpublish_at, details,
        series_id, series_position, translation_group ON articles
    FOR EACH ROW EXECUTE FUNCTION note_row('a');
CREATE OR REPLACE TRIGGER series_change_note AFTER INSERT OR UPDATE OR DELETE ON series
    FOR EACH ROW EXECUTE FUNCTION note_series();

-- +goose Down

BEGIN;
DROP TRIGGER articles_insert_related ON articles;
DROP TRIGGER articles_delete_related ON articles;
DROP TRIGGER articles_update_related ON articles;
DROP FUNCTION note_related();
CREATE OR REPLACE TRIGGER articles_update_note
    AFTER UPDATE OF slug, author_id, title, description, body, tags, favorites_count, hidden, version, created_at, updated_at, status, unpublish_at, details ON articles
    FOR EACH ROW EXECUTE FUNCTION note_row('a');
ALTER TABLE audit_log DROP CONSTRAINT audit_log_subject_kind_check,
    ADD CONSTRAINT audit_log_subject_kind_check CHECK (subject_kind IN ('article', 'comment', 'user', 'invitation')) NOT VALID;
ALTER TABLE articles DROP CONSTRAINT articles_series_id_fkey;
ALTER TABLE articles DROP COLUMN series_id, DROP COLUMN series_position, DROP COLUMN translation_group;
DROP TABLE series;
DROP FUNCTION note_series();
DROP SEQUENCE translation_groups;
COMMIT;

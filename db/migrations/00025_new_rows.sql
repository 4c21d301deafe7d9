-- +goose NO TRANSACTION
-- +goose Up

-- What a new article or comment changes elsewhere. A service inserts one at a
-- time, so there is a trigger for each row: one for the statement, which reads
-- its rows from a table of them, took a fifth of the time in PostgreSQL.
-- Statements of others may insert many comments of one author, for which
-- updating the author for each row would take quadratic time.
-- derive_from_articles still knows what to do for INSERT: the way back gives the
-- trigger to it again.

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION derive_from_new_article() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users SET stored_bytes = stored_bytes + article_bytes(NEW.title, NEW.description, NEW.body, NEW.tags, NEW.details),
        articles_count = articles_count + CASE WHEN NEW.hidden THEN 0 ELSE 1 END,
        last_article_at = CASE WHEN NEW.hidden THEN last_article_at ELSE GREATEST(last_article_at, NEW.published_at) END
    WHERE id = NEW.author_id;
    IF NEW.hidden THEN
        RETURN NULL;
    END IF;
    INSERT INTO article_tags (tag, article_created_at, article_id)
    SELECT tag, NEW.published_at, NEW.id FROM unnest(NEW.tags) AS tag;
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT kind, name, pg_backend_pid() % 16, 1
    FROM (SELECT 'articles' AS kind, '' AS name UNION ALL SELECT 'tag', tag FROM unnest(NEW.tags) AS tag) k
    ORDER BY kind, name
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    INSERT INTO changes (keys) VALUES (ARRAY(
        SELECT unnest(ARRAY['l', 'b' || NEW.author_id]) UNION ALL SELECT unnest(ARRAY['g', 't' || tag]) FROM unnest(NEW.tags) AS tag));
    RETURN NULL;
END $$;

-- Called after the triggers of the foreign keys, like comments_insert_block.
CREATE OR REPLACE FUNCTION note_new_comment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users SET stored_bytes = stored_bytes + octet_length(NEW.body) WHERE id = NEW.author_id;
    INSERT INTO changes (keys) VALUES (ARRAY['c' || NEW.article_id]);
    -- All that the rule costs most comments.
    IF EXISTS (SELECT FROM blocks_of(NEW.author_id)) THEN
        PERFORM refuse_blocked(NEW.author_id, NEW.article_id, NEW.parent_id);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE OR REPLACE TRIGGER articles_insert_derive AFTER INSERT ON articles
    FOR EACH ROW EXECUTE FUNCTION derive_from_new_article();
BEGIN;
CREATE OR REPLACE TRIGGER comments_insert_note AFTER INSERT ON comments
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (NOT adds_one_row()) EXECUTE FUNCTION note_comments();
CREATE OR REPLACE TRIGGER comments_insert_note_one AFTER INSERT ON comments
    FOR EACH ROW WHEN (adds_one_row()) EXECUTE FUNCTION note_new_comment();
COMMIT;

-- +goose Down

CREATE OR REPLACE TRIGGER articles_insert_derive AFTER INSERT ON articles
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION derive_from_articles();
BEGIN;
DROP TRIGGER IF EXISTS comments_insert_note_one ON comments;
CREATE OR REPLACE TRIGGER comments_insert_note AFTER INSERT ON comments
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_comments();
COMMIT;
DROP FUNCTION IF EXISTS derive_from_new_article();
DROP FUNCTION IF EXISTS note_new_comment();

-- Makes the statements that create an article or a comment cheaper, without a
-- change of what they do.
--
-- For each statement that writes a table, PostgreSQL reads the stored text of
-- all checks of the table, and of the conditions (WHEN) of its triggers: 28 of
-- the 260 microseconds of a new comment were its check. So a check calls a
-- function, and a trigger that most rows call has its condition in its function.
-- The functions are in PL/pgSQL, since PostgreSQL would put a function in SQL
-- in the place of its call, each time.
--
-- Each step is a transaction of its own, so that no table stays locked for
-- long, and can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION is_article_state(status text, published_at timestamptz, unpublish_at timestamptz, hidden boolean, favorites_count bigint) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN favorites_count >= 0
        AND status IN ('draft', 'review', 'scheduled', 'published')
        AND (status IN ('scheduled', 'published')) = (published_at IS NOT NULL)
        AND (hidden OR status = 'published')
        AND (unpublish_at IS NULL OR unpublish_at > published_at);
END $$;

CREATE OR REPLACE FUNCTION is_comment_state(depth smallint, parent_id bigint, author_id bigint, body text, hidden boolean, waiting boolean) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN depth BETWEEN 1 AND 8
        AND (depth = 1) = (parent_id IS NULL)
        AND (hidden OR NOT waiting)
        AND (author_id IS NOT NULL OR body = '' AND NOT hidden);
END $$;

CREATE OR REPLACE FUNCTION is_user_state(role text, articles_count bigint, favorites_count bigint) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN role IN ('reader', 'author', 'moderator', 'editor', 'admin') AND articles_count >= 0 AND favorites_count >= 0;
END $$;

-- Keeps the text that a user has stored below the maximum of the service that
-- writes it (00014). Statements of others have none.
CREATE OR REPLACE FUNCTION refuse_more_stored() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.stored_bytes > OLD.stored_bytes AND NEW.stored_bytes > NULLIF(current_setting('byline.account_storage', true), '')::bigint THEN
        RAISE EXCEPTION 'the user has stored too much text' USING ERRCODE = 'check_violation', CONSTRAINT = 'users_storage_maximum';
    END IF;
    RETURN NULL;
END $$;

-- What a new article changes elsewhere.
CREATE OR REPLACE FUNCTION derive_from_new_article() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users SET stored_bytes = stored_bytes + article_bytes(NEW.title, NEW.description, NEW.body, NEW.tags, NEW.details),
        articles_count = articles_count + CASE WHEN NEW.hidden THEN 0 ELSE 1 END,
        last_article_at = CASE WHEN NEW.hidden THEN last_article_at ELSE GREATEST(last_article_at, NEW.published_at) END
    WHERE id = NEW.author_id;
    IF NEW.series_id IS NOT NULL OR NEW.translation_group IS NOT NULL THEN
        INSERT INTO changes (keys) VALUES (array_remove(ARRAY['e' || NEW.series_id, 'r' || NEW.translation_group], NULL));
    END IF;
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

-- What a new comment changes elsewhere, and the blocks that refuse it. It is
-- called after the triggers of the foreign keys. Comments that a statement
-- outside of a service inserts are counted and noted together
-- (note_new_comments).
CREATE OR REPLACE FUNCTION note_new_comment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('byline.account_storage', true) <> '' THEN
        UPDATE users SET stored_bytes = stored_bytes + octet_length(NEW.body) WHERE id = NEW.author_id;
        INSERT INTO changes (keys) VALUES (ARRAY['c' || NEW.article_id]);
    END IF;
    -- All that the rule of blocks costs most comments.
    IF EXISTS (SELECT FROM blocks_of(NEW.author_id)) THEN
        PERFORM refuse_blocked(NEW.author_id, NEW.article_id, NEW.parent_id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION note_new_comments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('byline.account_storage', true) <> '' THEN
        RETURN NULL;
    END IF;
    UPDATE users u SET stored_bytes = stored_bytes + c.bytes
    FROM (SELECT author_id, sum(octet_length(body)) AS bytes FROM changed GROUP BY author_id) c
    WHERE u.id = c.author_id;
    INSERT INTO changes (keys)
    SELECT array_agg(DISTINCT 'c' || article_id) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- The new check is there before the old one goes.
ALTER TABLE articles DROP CONSTRAINT IF EXISTS articles_valid_check,
    ADD CONSTRAINT articles_valid_check CHECK (is_article_state(status, published_at, unpublish_at, hidden, favorites_count)) NOT VALID;
ALTER TABLE articles VALIDATE CONSTRAINT articles_valid_check;
ALTER TABLE articles DROP CONSTRAINT IF EXISTS articles_state_check;
ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_valid_check,
    ADD CONSTRAINT comments_valid_check CHECK (is_comment_state(depth, parent_id, author_id, body, hidden, waiting)) NOT VALID;
ALTER TABLE comments VALIDATE CONSTRAINT comments_valid_check;
ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_state_check;
ALTER TABLE users DROP CONSTRAINT IF EXISTS users_valid_check,
    ADD CONSTRAINT users_valid_check CHECK (is_user_state(role, articles_count, favorites_count)) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT users_valid_check;
ALTER TABLE users DROP CONSTRAINT IF EXISTS users_role_check, DROP CONSTRAINT IF EXISTS users_counts_check;

BEGIN;
DROP TRIGGER IF EXISTS users_storage_maximum ON users;
CREATE CONSTRAINT TRIGGER users_storage_maximum AFTER UPDATE OF stored_bytes ON users
    FOR EACH ROW EXECUTE FUNCTION refuse_more_stored();
COMMIT;

BEGIN;
CREATE OR REPLACE TRIGGER articles_0_insert_tags BEFORE INSERT ON articles
    FOR EACH ROW EXECUTE FUNCTION identify_tags();
DROP TRIGGER IF EXISTS articles_insert_related ON articles;
COMMIT;

BEGIN;
CREATE OR REPLACE TRIGGER comments_insert_note AFTER INSERT ON comments
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_new_comments();
CREATE OR REPLACE TRIGGER comments_insert_note_one AFTER INSERT ON comments
    FOR EACH ROW EXECUTE FUNCTION note_new_comment();
DROP TRIGGER IF EXISTS comments_insert_block ON comments;
COMMIT;

-- +goose Down

-- derive_from_new_article and note_new_comment stay as they are here. Called by
-- the triggers of 00025, they count each row once too. A new article in a series
-- notes the series twice, which does no harm.
BEGIN;
CREATE OR REPLACE TRIGGER comments_insert_note AFTER INSERT ON comments
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN (NOT adds_one_row()) EXECUTE FUNCTION note_comments();
CREATE OR REPLACE TRIGGER comments_insert_note_one AFTER INSERT ON comments
    FOR EACH ROW WHEN (adds_one_row()) EXECUTE FUNCTION note_new_comment();
DROP TRIGGER IF EXISTS comments_insert_block ON comments;
CREATE CONSTRAINT TRIGGER comments_insert_block AFTER INSERT ON comments
    FOR EACH ROW WHEN (NOT adds_one_row()) EXECUTE FUNCTION refuse_blocked_comment();
COMMIT;
DROP FUNCTION IF EXISTS note_new_comments();

BEGIN;
CREATE OR REPLACE TRIGGER articles_0_insert_tags BEFORE INSERT ON articles
    FOR EACH ROW WHEN (NEW.tags <> '{}') EXECUTE FUNCTION identify_tags();
CREATE OR REPLACE TRIGGER articles_insert_related AFTER INSERT ON articles
    FOR EACH ROW WHEN (NEW.series_id IS NOT NULL OR NEW.translation_group IS NOT NULL) EXECUTE FUNCTION note_related();
COMMIT;

BEGIN;
DROP TRIGGER IF EXISTS users_storage_maximum ON users;
CREATE CONSTRAINT TRIGGER users_storage_maximum AFTER UPDATE OF stored_bytes ON users
    FOR EACH ROW WHEN (NEW.stored_bytes > OLD.stored_bytes
                       AND NEW.stored_bytes > NULLIF(current_setting('byline.account_storage', true), '')::bigint)
    EXECUTE FUNCTION refuse_more_text();
COMMIT;
DROP FUNCTION IF EXISTS refuse_more_stored();

ALTER TABLE users DROP CONSTRAINT IF EXISTS users_role_check, DROP CONSTRAINT IF EXISTS users_counts_check,
    ADD CONSTRAINT users_role_check CHECK (role IN ('reader', 'author', 'moderator', 'editor', 'admin')) NOT VALID,
    ADD CONSTRAINT users_counts_check CHECK (articles_count >= 0 AND favorites_count >= 0) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT users_role_check, VALIDATE CONSTRAINT users_counts_check;
ALTER TABLE users DROP CONSTRAINT IF EXISTS users_valid_check;
ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_state_check, ADD CONSTRAINT comments_state_check CHECK (
    depth BETWEEN 1 AND 8
    AND (depth = 1) = (parent_id IS NULL)
    AND (hidden OR NOT waiting)
    AND (author_id IS NOT NULL OR body = '' AND NOT hidden)
) NOT VALID;
ALTER TABLE comments VALIDATE CONSTRAINT comments_state_check;
ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_valid_check;
ALTER TABLE articles DROP CONSTRAINT IF EXISTS articles_state_check, ADD CONSTRAINT articles_state_check CHECK (
    favorites_count >= 0
    AND status IN ('draft', 'review', 'scheduled', 'published')
    AND (status IN ('scheduled', 'published')) = (published_at IS NOT NULL)
    AND (hidden OR status = 'published')
    AND (unpublish_at IS NULL OR unpublish_at > published_at)
) NOT VALID;
ALTER TABLE articles VALIDATE CONSTRAINT articles_state_check;
ALTER TABLE articles DROP CONSTRAINT IF EXISTS articles_valid_check;
DROP FUNCTION IF EXISTS is_user_state(text, bigint, bigint);
DROP FUNCTION IF EXISTS is_comment_state(smallint, bigint, bigint, text, boolean, boolean);
DROP FUNCTION IF EXISTS is_article_state(text, timestamptz, timestamptz, boolean, bigint);

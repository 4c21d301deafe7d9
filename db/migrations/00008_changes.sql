-- Renames the table cache_changes to changes: it is not only for caches, but
-- also records the revocation of credentials. db/changes reads it, and
-- db/changes/key.go explains its keys.
--
-- The functions that write to it are replaced only because of the name. The
-- rest of their bodies is the same as in earlier migrations.

-- +goose Up

ALTER TABLE cache_changes RENAME TO changes;
ALTER INDEX cache_changes_xid_idx RENAME TO changes_xid_idx;

-- During a rolling upgrade, replicas of the previous version still read and
-- delete under the old name, and a transaction that began before this one may
-- still write under it. The view is simple enough that PostgreSQL passes all of
-- that on to the table; an INSERT without xid gets the default of the table.
-- The view can be dropped when no replica of that version runs any more.
CREATE VIEW cache_changes AS SELECT keys, xid FROM changes;

-- +goose StatementBegin
-- Counters are changed in the order of their names, so that two transactions
-- which share several lock them in the same order.
CREATE OR REPLACE FUNCTION derive_from_articles() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign constant integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE users u SET articles_count = articles_count + c.n, last_article_at = GREATEST(last_article_at, c.last_at)
        FROM (SELECT author_id, count(*) AS n, max(created_at) AS last_at FROM changed WHERE NOT hidden GROUP BY author_id) c
        WHERE u.id = c.author_id;
        INSERT INTO article_tags (tag, article_created_at, article_id)
        SELECT unnest(tags), created_at, id FROM changed WHERE NOT hidden;
    ELSE
        -- Locked in a statement before, so that the next one sees the articles
        -- of whoever held the lock.
        PERFORM FROM users WHERE id IN (SELECT author_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
        UPDATE users u SET articles_count = articles_count - c.n,
            last_article_at = (SELECT max(a.created_at) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
        FROM (SELECT author_id, count(*) AS n FROM changed WHERE NOT hidden GROUP BY author_id) c
        WHERE u.id = c.author_id;
        DELETE FROM article_tags t USING changed c
        WHERE t.tag = ANY (c.tags) AND t.article_created_at = c.created_at AND t.article_id = c.id;
    END IF;
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT kind, name, pg_backend_pid() % 16, sign * count(*)
    FROM (SELECT 'articles' AS kind, '' AS name FROM changed WHERE NOT hidden UNION ALL SELECT 'tag', unnest(tags) FROM changed WHERE NOT hidden) k
    GROUP BY kind, name ORDER BY kind, name
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    INSERT INTO changes (keys)
    SELECT array_agg(DISTINCT key) FROM (
        SELECT unnest(ARRAY['l', 'b' || author_id]) AS key FROM changed
        UNION ALL SELECT 'a' || id FROM changed WHERE TG_OP = 'DELETE'
        UNION ALL SELECT unnest(ARRAY['g', 't' || tag]) FROM changed, unnest(tags) AS tag) k
    HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION derive_from_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM article_tags
    WHERE tag = ANY (OLD.tags) AND tag <> ALL (NEW.tags) AND article_created_at = OLD.created_at AND article_id = OLD.id;
    INSERT INTO article_tags (tag, article_created_at, article_id)
    SELECT tag, NEW.created_at, NEW.id FROM unnest(NEW.tags) AS tag WHERE tag <> ALL (OLD.tags);
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT 'tag', tag, pg_backend_pid() % 16, sum(n)
    FROM (SELECT unnest(NEW.tags) AS tag, 1 AS n UNION ALL SELECT unnest(OLD.tags), -1) k
    GROUP BY tag HAVING sum(n) <> 0 ORDER BY tag
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    INSERT INTO changes (keys) VALUES (ARRAY(
        SELECT 't' || tag FROM unnest(OLD.tags || NEW.tags) AS tag
        UNION ALL SELECT 'g'));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION note_comments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (keys)
    SELECT array_agg(DISTINCT 'c' || article_id) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;

-- For single rows. The argument is the letter of the key.
CREATE OR REPLACE FUNCTION note_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (keys) VALUES (ARRAY[TG_ARGV[0] || OLD.id]);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION note_signing_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (keys) VALUES ('{K}');
    RETURN NULL;
END $$;

-- Hiding an article removes it from the counts and lists in other tables.
-- Restoring it adds it again.
CREATE OR REPLACE FUNCTION derive_from_hiding() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign constant integer := CASE WHEN NEW.hidden THEN -1 ELSE 1 END;
    listed_tags constant text[] := CASE WHEN NEW.hidden THEN OLD.tags ELSE NEW.tags END;
BEGIN
    -- As in derive_from_articles: the next statement sees what the holder of
    -- the lock has done.
    PERFORM FROM users WHERE id = NEW.author_id FOR NO KEY UPDATE;
    UPDATE users u SET articles_count = articles_count + sign,
        last_article_at = (SELECT max(a.created_at) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
    WHERE u.id = NEW.author_id;
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT kind, name, pg_backend_pid() % 16, sign
    FROM (SELECT 'articles' AS kind, '' AS name UNION ALL SELECT 'tag', unnest(listed_tags)) k
    ORDER BY kind, name
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    IF NEW.hidden THEN
        DELETE FROM article_tags WHERE tag = ANY (OLD.tags) AND article_created_at = OLD.created_at AND article_id = OLD.id;
        WITH moved AS (DELETE FROM favorites WHERE article_id = NEW.id RETURNING article_id, user_id, article_created_at, created_at)
        INSERT INTO hidden_favorites (article_id, user_id, article_created_at, created_at) SELECT * FROM moved;
    ELSE
        INSERT INTO article_tags (tag, article_created_at, article_id) SELECT unnest(NEW.tags), NEW.created_at, NEW.id;
        WITH moved AS (DELETE FROM hidden_favorites WHERE article_id = NEW.id RETURNING article_id, user_id, article_created_at, created_at)
        INSERT INTO favorites (article_id, user_id, article_created_at, created_at) SELECT * FROM moved;
    END IF;
    INSERT INTO changes (keys) VALUES (ARRAY(
        SELECT unnest(ARRAY['l', 'b' || NEW.author_id]) UNION ALL SELECT unnest(ARRAY['g', 't' || tag]) FROM unnest(listed_tags) AS tag));
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose Down

DROP VIEW cache_changes;
ALTER INDEX changes_xid_idx RENAME TO cache_changes_xid_idx;
ALTER TABLE changes RENAME TO cache_changes;

-- +goose StatementBegin
DO $$
DECLARE
    definition text;
BEGIN
    FOR definition IN
        SELECT replace(pg_get_functiondef(oid), 'INSERT INTO changes', 'INSERT INTO cache_changes') FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname IN (
            'derive_from_articles', 'derive_from_tags', 'note_comments', 'note_row', 'note_signing_keys', 'derive_from_hiding')
    LOOP
        EXECUTE definition;
    END LOOP;
END $$;
-- +goose StatementEnd

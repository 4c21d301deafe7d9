-- Counts the text that each user has stored, and keeps it below a maximum: the
-- titles, descriptions, bodies and tags of articles, and comments, in bytes.
--
-- The triggers count the statements of the previous version too, so that the
-- count stays right while its replicas run. A new article needs no further
-- statement, because its trigger updates the row of the user anyway. The
-- maximum is a setting of the service: the statement that writes passes it in
-- the parameter byline.account_storage. The previous version passes none, so it
-- has no maximum.
--
-- Each step is a transaction of its own, so that no table stays locked for
-- long, and can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

ALTER TABLE users ADD COLUMN IF NOT EXISTS stored_bytes bigint NOT NULL DEFAULT 0;

-- +goose StatementBegin
-- PostgreSQL inlines the function. It does not read a long text for its length.
CREATE OR REPLACE FUNCTION article_bytes(title text, description text, body text, tags text[]) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT octet_length($1) + octet_length($2) + octet_length($3) + octet_length(array_to_string($4, ''))
$$;

-- Counters are changed in the order of their names, so that two transactions
-- which share several lock them in the same order. Hidden articles are neither
-- counted nor listed, but their text is stored.
CREATE OR REPLACE FUNCTION derive_from_articles() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign constant integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE users u SET articles_count = articles_count + c.n, last_article_at = GREATEST(last_article_at, c.last_at),
            stored_bytes = stored_bytes + c.bytes
        FROM (SELECT author_id, count(*) FILTER (WHERE NOT hidden) AS n, max(created_at) FILTER (WHERE NOT hidden) AS last_at,
                     sum(article_bytes(title, description, body, tags)) AS bytes
              FROM changed GROUP BY author_id) c
        WHERE u.id = c.author_id;
        INSERT INTO article_tags (tag, article_created_at, article_id)
        SELECT unnest(tags), created_at, id FROM changed WHERE NOT hidden;
    ELSE
        -- Locked in a statement before, so that the next one sees the articles
        -- of whoever held the lock.
        PERFORM FROM users WHERE id IN (SELECT author_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
        UPDATE users u SET articles_count = articles_count - c.n,
            last_article_at = (SELECT max(a.created_at) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden),
            stored_bytes = stored_bytes - c.bytes
        FROM (SELECT author_id, count(*) FILTER (WHERE NOT hidden) AS n, sum(article_bytes(title, description, body, tags)) AS bytes
              FROM changed GROUP BY author_id) c
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

CREATE OR REPLACE FUNCTION store_article() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users SET stored_bytes = stored_bytes + article_bytes(NEW.title, NEW.description, NEW.body, NEW.tags)
                                                 - article_bytes(OLD.title, OLD.description, OLD.body, OLD.tags)
    WHERE id = NEW.author_id;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION note_comments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE users u SET stored_bytes = stored_bytes + c.bytes
        FROM (SELECT author_id, sum(octet_length(body)) AS bytes FROM changed GROUP BY author_id) c
        WHERE u.id = c.author_id;
    ELSIF TG_OP = 'DELETE' THEN
        -- The comments of an article have many authors. Locking them in the
        -- order of their ids avoids deadlocks with another article.
        UPDATE users u SET stored_bytes = u.stored_bytes - l.bytes
        FROM (SELECT o.id, c.bytes
              FROM (SELECT author_id, sum(octet_length(body)) AS bytes FROM changed GROUP BY author_id) c
              JOIN users o ON o.id = c.author_id
              ORDER BY o.id FOR NO KEY UPDATE OF o) l
        WHERE u.id = l.id;
    END IF;
    INSERT INTO changes (keys)
    SELECT array_agg(DISTINCT 'c' || article_id) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION store_comment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users SET stored_bytes = stored_bytes + octet_length(NEW.body) - octet_length(OLD.body) WHERE id = NEW.author_id;
    RETURN NULL;
END $$;

-- A row that grows is checked after it was updated, and stays locked until the
-- transaction ends. So two writes cannot pass the maximum together.
CREATE OR REPLACE FUNCTION refuse_more_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the user has stored too much text' USING ERRCODE = 'check_violation', CONSTRAINT = 'users_storage_maximum';
END $$;
-- +goose StatementEnd

-- Statements that do not set these columns, such as a favourite, do not
-- evaluate the condition.
CREATE OR REPLACE TRIGGER articles_update_store AFTER UPDATE OF title, description, body, tags ON articles
    FOR EACH ROW WHEN (article_bytes(OLD.title, OLD.description, OLD.body, OLD.tags) <> article_bytes(NEW.title, NEW.description, NEW.body, NEW.tags))
    EXECUTE FUNCTION store_article();

-- The lock of this statement waits for all transactions that have added or
-- deleted comments without counting them.
CREATE OR REPLACE TRIGGER comments_update_store AFTER UPDATE OF body ON comments
    FOR EACH ROW WHEN (octet_length(OLD.body) <> octet_length(NEW.body)) EXECUTE FUNCTION store_comment();

-- These were evaluated for each counter of a user too, and parsed by each
-- statement: an article took 10 µs longer.
CREATE OR REPLACE TRIGGER users_update_note AFTER UPDATE OF username, bio, image ON users
    FOR EACH ROW WHEN ((OLD.username, OLD.bio, OLD.image) IS DISTINCT FROM (NEW.username, NEW.bio, NEW.image))
    EXECUTE FUNCTION note_row('u');
CREATE OR REPLACE TRIGGER users_power_note AFTER UPDATE OF role, suspended_at ON users
    FOR EACH ROW WHEN ((OLD.role, OLD.suspended_at) IS DISTINCT FROM (NEW.role, NEW.suspended_at))
    EXECUTE FUNCTION note_row('v');

BEGIN;
DROP TRIGGER IF EXISTS users_storage_maximum ON users;
-- The parameter is NULL in a session that has never set it, and empty after the
-- transaction that has set it.
CREATE CONSTRAINT TRIGGER users_storage_maximum AFTER UPDATE OF stored_bytes ON users
    FOR EACH ROW WHEN (NEW.stored_bytes > OLD.stored_bytes AND NEW.stored_bytes > NULLIF(current_setting('byline.account_storage', true), '')::bigint)
    EXECUTE FUNCTION refuse_more_text();
COMMIT;

-- +goose StatementBegin
-- Counts what is there, a hundred users at a time, so that no row stays locked
-- for long. A user is locked in a statement before, so that the next one sees
-- what the holder of the lock has written. A transaction that waits for the
-- lock adds to the new count afterwards.
DO $$
DECLARE
    done bigint := 0;
    newest bigint;
BEGIN
    LOOP
        SELECT max(b.id) INTO newest FROM (SELECT id FROM users WHERE id > done ORDER BY id LIMIT 100) b;
        EXIT WHEN newest IS NULL;
        PERFORM FROM users WHERE id > done AND id <= newest ORDER BY id FOR NO KEY UPDATE;
        UPDATE users u SET stored_bytes = s.bytes
        FROM (SELECT o.id, COALESCE((SELECT sum(article_bytes(a.title, a.description, a.body, a.tags)) FROM articles a WHERE a.author_id = o.id), 0)
                         + COALESCE((SELECT sum(octet_length(c.body)) FROM comments c WHERE c.author_id = o.id), 0) AS bytes
              FROM users o WHERE o.id > done AND o.id <= newest) s
        WHERE u.id = s.id AND u.stored_bytes <> s.bytes;
        COMMIT;
        done := newest;
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down

DROP TRIGGER IF EXISTS users_storage_maximum ON users;
DROP TRIGGER IF EXISTS comments_update_store ON comments;
DROP TRIGGER IF EXISTS articles_update_store ON articles;
CREATE OR REPLACE TRIGGER users_update_note AFTER UPDATE ON users
    FOR EACH ROW WHEN ((OLD.username, OLD.bio, OLD.image) IS DISTINCT FROM (NEW.username, NEW.bio, NEW.image))
    EXECUTE FUNCTION note_row('u');
CREATE OR REPLACE TRIGGER users_power_note AFTER UPDATE ON users
    FOR EACH ROW WHEN ((OLD.role, OLD.suspended_at) IS DISTINCT FROM (NEW.role, NEW.suspended_at))
    EXECUTE FUNCTION note_row('v');

-- +goose StatementBegin
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

CREATE OR REPLACE FUNCTION note_comments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (keys)
    SELECT array_agg(DISTINCT 'c' || article_id) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;
-- +goose StatementEnd

DROP FUNCTION IF EXISTS refuse_more_text();
DROP FUNCTION IF EXISTS store_comment();
DROP FUNCTION IF EXISTS store_article();
DROP FUNCTION IF EXISTS article_bytes(text, text, text, text[]);
ALTER TABLE users DROP COLUMN IF EXISTS stored_bytes;

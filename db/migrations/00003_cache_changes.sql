-- What has changed, for the response caches of all replicas. Each row names a
-- thing that answers depend on; the transaction that changes it writes the
-- row, through triggers, so that no writer can forget it. A cache reads the
-- rows of transactions that its last snapshot did not see.
--
-- Keys: a<id> an article, u<id> a user's public face, c<id> the comments of
-- an article, l the list of all articles, b<id> the list of an author's, t<tag>
-- the list of a tag's, g the list of tags, * everything.

-- +goose Up

-- Not logged: a crash of PostgreSQL empties it, and the caches with it, since
-- they notice that the server was started anew.
CREATE UNLOGGED TABLE cache_changes (
    key text NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX cache_changes_xid_idx ON cache_changes (xid);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION count_articles() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign constant integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    UPDATE users u SET articles_count = articles_count + sign * c.n
    FROM (SELECT author_id, count(*) AS n FROM changed GROUP BY author_id) c
    WHERE u.id = c.author_id;
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT 'articles', '', pg_backend_pid() % 16, sign * count(*) FROM changed HAVING count(*) > 0
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    INSERT INTO cache_changes (key)
    SELECT 'a' || id FROM changed WHERE TG_OP = 'DELETE'
    UNION ALL SELECT DISTINCT 'b' || author_id FROM changed
    UNION ALL SELECT 'l' FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION count_article_tags() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign constant integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT 'tag', tag, pg_backend_pid() % 16, sign * count(*) FROM changed GROUP BY tag ORDER BY tag
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    INSERT INTO cache_changes (key)
    SELECT DISTINCT 't' || tag FROM changed
    UNION ALL SELECT 'g' FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE FUNCTION note_comments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cache_changes (key) SELECT DISTINCT 'c' || article_id FROM changed;
    RETURN NULL;
END $$;

-- For single rows: the key's letter is the argument.
CREATE FUNCTION note_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cache_changes (key) VALUES (TG_ARGV[0] || OLD.id);
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER comments_insert_note AFTER INSERT ON comments
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_comments();
CREATE TRIGGER comments_update_note AFTER UPDATE ON comments
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_comments();
CREATE TRIGGER comments_delete_note AFTER DELETE ON comments
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_comments();
CREATE TRIGGER articles_update_note AFTER UPDATE ON articles
    FOR EACH ROW EXECUTE FUNCTION note_row('a');
-- Counters of a user are not part of what others see of them.
CREATE TRIGGER users_update_note AFTER UPDATE ON users
    FOR EACH ROW WHEN ((OLD.username, OLD.bio, OLD.image) IS DISTINCT FROM (NEW.username, NEW.bio, NEW.image))
    EXECUTE FUNCTION note_row('u');
CREATE TRIGGER users_delete_note AFTER DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION note_row('u');

-- +goose Down

DROP TRIGGER comments_insert_note ON comments;
DROP TRIGGER comments_update_note ON comments;
DROP TRIGGER comments_delete_note ON comments;
DROP TRIGGER articles_update_note ON articles;
DROP TRIGGER users_update_note ON users;
DROP TRIGGER users_delete_note ON users;
DROP FUNCTION note_comments();
DROP FUNCTION note_row();
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION count_articles() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign constant integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    UPDATE users u SET articles_count = articles_count + sign * c.n
    FROM (SELECT author_id, count(*) AS n FROM changed GROUP BY author_id) c
    WHERE u.id = c.author_id;
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT 'articles', '', pg_backend_pid() % 16, sign * count(*) FROM changed HAVING count(*) > 0
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION count_article_tags() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign constant integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT 'tag', tag, pg_backend_pid() % 16, sign * count(*) FROM changed GROUP BY tag ORDER BY tag
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    RETURN NULL;
END $$;
-- +goose StatementEnd
DROP TABLE cache_changes;

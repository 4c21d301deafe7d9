-- Comments that are edited, that answer others, and that wait for a moderator;
-- articles that take no new comments.
--
-- A comment that has replies is not deleted, but loses its text and its author,
-- so that the replies keep their place. A trigger decides it, because comments
-- are deleted with the accounts of their authors too, and by replicas of the
-- previous version. To that version such a comment does not exist, since it has
-- no author; it answers the request that deletes it with 404.
--
-- The column hidden says that a comment is not shown to everybody, for
-- whichever reason: a moderator has hidden it (a row in hidden_items), or it
-- waits. So the previous version does not show comments that wait.
--
-- Each step can be repeated, and no table stays locked for long.

-- +goose NO TRANSACTION

-- +goose Up

ALTER TABLE articles ADD COLUMN IF NOT EXISTS comments_open boolean NOT NULL DEFAULT true;

ALTER TABLE comments
    -- The comment that this one answers.
    ADD COLUMN IF NOT EXISTS parent_id bigint,
    -- 1 for a comment that answers none.
    ADD COLUMN IF NOT EXISTS depth smallint NOT NULL DEFAULT 1,
    -- Whether it waits for the approval of a moderator.
    ADD COLUMN IF NOT EXISTS waiting boolean NOT NULL DEFAULT false,
    -- NULL once the comment was deleted.
    ALTER COLUMN author_id DROP NOT NULL;

-- An index of an interrupted attempt is not valid.
DROP INDEX CONCURRENTLY IF EXISTS comments_parent_id_created_at_id_idx;
CREATE INDEX CONCURRENTLY comments_parent_id_created_at_id_idx ON comments (parent_id, created_at, id) WHERE parent_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS comments_first_created_at_id_idx;
CREATE INDEX CONCURRENTLY comments_first_created_at_id_idx ON comments (article_id, created_at, id) WHERE parent_id IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS comments_waiting_id_idx;
CREATE INDEX CONCURRENTLY comments_waiting_id_idx ON comments (id) WHERE waiting;

ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_parent_id_fkey,
    ADD CONSTRAINT comments_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES comments (id) NOT VALID;
ALTER TABLE comments VALIDATE CONSTRAINT comments_parent_id_fkey;
-- One check for all, since every statement parses each.
ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_state_check, ADD CONSTRAINT comments_state_check CHECK (
    depth BETWEEN 1 AND 8
    AND (depth = 1) = (parent_id IS NULL)
    AND (hidden OR NOT waiting)
    AND (author_id IS NOT NULL OR body = '' AND NOT hidden)
) NOT VALID;
ALTER TABLE comments VALIDATE CONSTRAINT comments_state_check;

BEGIN;

-- +goose StatementBegin
-- The rule of who sees a comment. viewer_level is at least 1 for moderators.
-- What is left of a deleted comment has no author. PostgreSQL inlines the
-- function.
CREATE OR REPLACE FUNCTION comment_visible(hidden boolean, author_id bigint, viewer_id bigint, viewer_level integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT NOT $1 OR $2 = $3 OR $4 >= 1
$$;

-- A comment with replies stays without its text and author. The row is locked
-- already, so that the first statement sees all replies: a reply locks what it
-- answers. With the article, all comments are deleted.
CREATE OR REPLACE FUNCTION keep_replies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM comments c WHERE c.parent_id = OLD.id)
        OR NOT EXISTS (SELECT FROM articles a WHERE a.id = OLD.article_id) THEN
        RETURN OLD;
    END IF;
    DELETE FROM hidden_items WHERE comment_id = OLD.id;
    UPDATE comments SET body = '', author_id = NULL, hidden = false, waiting = false WHERE id = OLD.id;
    RETURN NULL;
END $$;

-- What is left of a deleted comment is deleted with the last reply. All
-- comments above are locked in a statement before, so that the next one sees
-- the replies of whoever held a lock, and that whoever waits for one does not
-- keep a comment for a reply that is deleted here. They are locked before
-- users, as by a statement that deletes or changes one of them.
CREATE OR REPLACE FUNCTION note_comments() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    answered constant boolean := TG_OP = 'DELETE' AND EXISTS (SELECT FROM changed WHERE parent_id IS NOT NULL);
BEGIN
    IF answered THEN
        PERFORM FROM comments WHERE id IN (
            WITH RECURSIVE above AS (
                SELECT parent_id FROM changed
                UNION
                SELECT c.parent_id FROM above a JOIN comments c ON c.id = a.parent_id
            )
            SELECT parent_id FROM above
        ) ORDER BY id FOR NO KEY UPDATE;
    END IF;
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
    IF answered THEN
        DELETE FROM comments c
        WHERE c.id IN (SELECT parent_id FROM changed) AND c.author_id IS NULL
          AND NOT EXISTS (SELECT FROM comments r WHERE r.parent_id = c.id);
    END IF;
    INSERT INTO changes (keys)
    SELECT array_agg(DISTINCT 'c' || article_id) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION store_comment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users SET stored_bytes = stored_bytes + octet_length(NEW.body) - octet_length(OLD.body) WHERE id = OLD.author_id;
    RETURN NULL;
END $$;

-- What is restored is shown again only if it is published, or approved.
CREATE OR REPLACE FUNCTION mark_hidden() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hides constant boolean := TG_OP = 'INSERT';
    item constant hidden_items := CASE WHEN hides THEN NEW ELSE OLD END;
BEGIN
    UPDATE articles SET hidden = hides OR status <> 'published' WHERE id = item.article_id;
    UPDATE comments SET hidden = hides OR waiting WHERE id = item.comment_id;
    RETURN NULL;
END $$;

-- As refuse_more_api_keys: a flood must not fill the list of those that wait.
CREATE OR REPLACE FUNCTION refuse_more_waiting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM users WHERE id = NEW.author_id FOR NO KEY UPDATE;
    IF (SELECT count(*) FROM comments WHERE author_id = NEW.author_id AND waiting) > 20 THEN
        RAISE EXCEPTION 'too many comments of the user wait' USING ERRCODE = 'check_violation', CONSTRAINT = 'comments_waiting_maximum';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE OR REPLACE TRIGGER comments_delete_keep BEFORE DELETE ON comments
    FOR EACH ROW EXECUTE FUNCTION keep_replies();
DROP TRIGGER IF EXISTS comments_waiting_maximum ON comments;
CREATE CONSTRAINT TRIGGER comments_waiting_maximum AFTER INSERT ON comments
    FOR EACH ROW WHEN (NEW.waiting) EXECUTE FUNCTION refuse_more_waiting();

COMMIT;

-- +goose Down

-- As above, no step keeps a table locked for long, and each can be repeated.

-- What waits stays hidden, as if a moderator had hidden it.
INSERT INTO hidden_items (comment_id, reason) SELECT id, 'waits for approval' FROM comments WHERE waiting
ON CONFLICT ON CONSTRAINT hidden_items_comment_id_key DO NOTHING;

BEGIN;

DROP TRIGGER IF EXISTS comments_waiting_maximum ON comments;
DROP TRIGGER IF EXISTS comments_delete_keep ON comments;
ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_parent_id_fkey, DROP CONSTRAINT IF EXISTS comments_state_check;
DROP FUNCTION IF EXISTS refuse_more_waiting(), keep_replies();

-- +goose StatementBegin
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

CREATE OR REPLACE FUNCTION mark_hidden() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hides constant boolean := TG_OP = 'INSERT';
    item constant hidden_items := CASE WHEN hides THEN NEW ELSE OLD END;
BEGIN
    UPDATE articles SET hidden = hides OR status <> 'published' WHERE id = item.article_id;
    UPDATE comments SET hidden = hides WHERE id = item.comment_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd

COMMIT;

-- What is left of deleted comments is deleted. No trigger leaves more of them.
-- +goose StatementBegin
DO $$
DECLARE
    done bigint := 0;
    newest bigint;
BEGIN
    LOOP
        SELECT max(b.id) INTO newest FROM (SELECT id FROM comments WHERE id > done ORDER BY id LIMIT 1000) b;
        EXIT WHEN newest IS NULL;
        DELETE FROM comments WHERE id > done AND id <= newest AND author_id IS NULL;
        COMMIT;
        done := newest;
    END LOOP;
END $$;
-- +goose StatementEnd
-- With the constraint, the column is changed without reading the table.
ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_author_id_check,
    ADD CONSTRAINT comments_author_id_check CHECK (author_id IS NOT NULL) NOT VALID;
ALTER TABLE comments VALIDATE CONSTRAINT comments_author_id_check;
ALTER TABLE comments ALTER COLUMN author_id SET NOT NULL;
ALTER TABLE comments DROP CONSTRAINT IF EXISTS comments_author_id_check;

-- Replies become comments that answer none.
BEGIN;
ALTER TABLE comments DROP COLUMN parent_id, DROP COLUMN depth, DROP COLUMN waiting;
DROP FUNCTION comment_visible(boolean, bigint, bigint, integer);
ALTER TABLE articles DROP COLUMN comments_open;
COMMIT;

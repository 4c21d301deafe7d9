-- +goose NO TRANSACTION
-- Moderation and administration: hidden articles and comments with the reasons,
-- the reasons of suspensions, and the audit log.
--
-- Indexes on a table with data in it are created concurrently, which is not
-- possible inside a transaction. The statements before BEGIN can be repeated.

-- +goose Up

-- Neither index includes authors who are not suspended, which almost all users
-- are. So registration does not have to maintain them.
DROP INDEX CONCURRENTLY IF EXISTS users_special_role_id_idx;
CREATE INDEX CONCURRENTLY users_special_role_id_idx ON users (role, id) WHERE role <> 'author';
DROP INDEX CONCURRENTLY IF EXISTS users_suspended_id_idx;
CREATE INDEX CONCURRENTLY users_suspended_id_idx ON users (id) WHERE suspended_at IS NOT NULL;

BEGIN;

ALTER TABLE users ADD COLUMN suspended_reason text;

-- The columns of a user that admins see.
CREATE VIEW user_accounts AS
SELECT id, username, email, role, created_at, suspended_at, suspended_reason FROM users;

-- What is hidden, by whom and why. Reads use the columns named hidden, which
-- triggers derive from this table.
CREATE TABLE hidden_items (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    article_id bigint,
    comment_id bigint,
    reason     text NOT NULL,
    -- NULL once that account is deleted.
    hidden_by  bigint,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT hidden_items_pkey PRIMARY KEY (id),
    CONSTRAINT hidden_items_article_id_key UNIQUE (article_id),
    CONSTRAINT hidden_items_comment_id_key UNIQUE (comment_id),
    CONSTRAINT hidden_items_one_check CHECK (num_nonnulls(article_id, comment_id) = 1),
    CONSTRAINT hidden_items_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE,
    CONSTRAINT hidden_items_comment_id_fkey FOREIGN KEY (comment_id) REFERENCES comments (id) ON DELETE CASCADE,
    CONSTRAINT hidden_items_hidden_by_fkey FOREIGN KEY (hidden_by) REFERENCES users (id) ON DELETE SET NULL
);
CREATE INDEX hidden_items_hidden_by_idx ON hidden_items (hidden_by);

-- The favourites of hidden articles. They are moved here, so that lists of
-- favourites and their counts need not exclude hidden articles.
CREATE TABLE hidden_favorites (
    article_id         bigint NOT NULL,
    user_id            bigint NOT NULL,
    article_created_at timestamptz(3) NOT NULL,
    created_at         timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT hidden_favorites_pkey PRIMARY KEY (article_id, user_id),
    CONSTRAINT hidden_favorites_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE,
    CONSTRAINT hidden_favorites_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX hidden_favorites_user_id_idx ON hidden_favorites (user_id);

-- Who did what to whom. Rows are never changed or deleted. They have ids
-- instead of names, which are looked up when the log is read, so that an
-- account can be deleted without a change here. For the same reason there are
-- no foreign keys.
CREATE TABLE audit_log (
    id            bigint GENERATED ALWAYS AS IDENTITY,
    created_at    timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    -- NULL for the operator, who uses the command line.
    actor_id      bigint,
    actor_session bigint,
    actor_key     bigint,
    action        text NOT NULL,
    subject_kind  text NOT NULL,
    subject_id    bigint NOT NULL,
    reason        text,
    -- The old and the new role.
    changed_from  text,
    changed_to    text,
    request_id    text,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id),
    CONSTRAINT audit_log_subject_kind_check CHECK (subject_kind IN ('article', 'comment', 'user'))
);

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION mark_hidden() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hides constant boolean := TG_OP = 'INSERT';
    item constant hidden_items := CASE WHEN hides THEN NEW ELSE OLD END;
BEGIN
    UPDATE articles SET hidden = hides WHERE id = item.article_id;
    UPDATE comments SET hidden = hides WHERE id = item.comment_id;
    RETURN NULL;
END $$;

-- Hiding an article removes it from the counts and lists in other tables.
-- Restoring it adds it again.
CREATE FUNCTION derive_from_hiding() RETURNS trigger LANGUAGE plpgsql AS $$
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
    INSERT INTO cache_changes (keys) VALUES (ARRAY(
        SELECT unnest(ARRAY['l', 'b' || NEW.author_id]) UNION ALL SELECT unnest(ARRAY['g', 't' || tag]) FROM unnest(listed_tags) AS tag));
    RETURN NULL;
END $$;

-- One admin must remain, who can appoint others. Two transactions that demote,
-- suspend or delete an admin at the same time wait here for each other.
CREATE FUNCTION keep_an_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('byline admins'));
    IF NOT EXISTS (SELECT FROM users WHERE role = 'admin' AND suspended_at IS NULL) THEN
        RAISE EXCEPTION 'there would be no admin left' USING ERRCODE = 'check_violation', CONSTRAINT = 'users_last_admin';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER audit_log_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hidden_items_mark AFTER INSERT OR DELETE ON hidden_items
    FOR EACH ROW EXECUTE FUNCTION mark_hidden();
CREATE TRIGGER articles_update_hidden AFTER UPDATE ON articles
    FOR EACH ROW WHEN (OLD.hidden <> NEW.hidden) EXECUTE FUNCTION derive_from_hiding();
CREATE CONSTRAINT TRIGGER users_last_admin AFTER UPDATE OF role, suspended_at OR DELETE ON users
    FOR EACH ROW WHEN (OLD.role = 'admin' AND OLD.suspended_at IS NULL) EXECUTE FUNCTION keep_an_admin();

COMMIT;

-- +goose Down

BEGIN;
-- What was hidden is shown again: without the table nobody could restore it.
DELETE FROM hidden_items;
DROP TRIGGER users_last_admin ON users;
DROP TRIGGER articles_update_hidden ON articles;
DROP VIEW user_accounts;
DROP TABLE audit_log, hidden_favorites, hidden_items;
DROP FUNCTION refuse_change();
DROP FUNCTION mark_hidden();
DROP FUNCTION derive_from_hiding();
DROP FUNCTION keep_an_admin();
ALTER TABLE users DROP COLUMN suspended_reason;
COMMIT;
DROP INDEX CONCURRENTLY users_special_role_id_idx;
DROP INDEX CONCURRENTLY users_suspended_id_idx;

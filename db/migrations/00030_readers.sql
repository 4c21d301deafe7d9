-- Notes whose favorites and follows have changed, so that a service can keep
-- what a reader has marked. The previous version does not know these keys, and
-- takes them to mean that anything may have changed (db/changes).
--
-- Each step is a transaction of its own, so that no table stays locked for
-- long, and can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

-- +goose StatementBegin
-- An article that is hidden or deleted can have a million favorites. Beyond a
-- thousand users, anything may have changed.
CREATE OR REPLACE FUNCTION count_favorites() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign constant integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    UPDATE articles a SET favorites_count = favorites_count + sign * c.n
    FROM (SELECT article_id, count(*) AS n FROM changed GROUP BY article_id) c
    WHERE a.id = c.article_id;
    UPDATE users u SET favorites_count = favorites_count + sign * c.n
    FROM (SELECT user_id, count(*) AS n FROM changed GROUP BY user_id) c
    WHERE u.id = c.user_id;
    INSERT INTO changes (keys)
    SELECT CASE WHEN count(*) > 1000 THEN ARRAY['*'] ELSE array_agg('f' || c.user_id) END
    FROM (SELECT DISTINCT user_id FROM changed) c
    HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION note_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (keys)
    SELECT CASE WHEN count(*) > 1000 THEN ARRAY['*'] ELSE array_agg('o' || c.follower_id) END
    FROM (SELECT DISTINCT follower_id FROM changed) c
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
-- +goose StatementEnd

BEGIN;
CREATE OR REPLACE TRIGGER follows_insert_note AFTER INSERT ON follows
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_follows();
CREATE OR REPLACE TRIGGER follows_delete_note AFTER DELETE ON follows
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_follows();
COMMIT;

-- +goose Down

BEGIN;
DROP TRIGGER IF EXISTS follows_insert_note ON follows;
DROP TRIGGER IF EXISTS follows_delete_note ON follows;
COMMIT;
DROP FUNCTION IF EXISTS note_follows();

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION count_favorites() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign constant integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    UPDATE articles a SET favorites_count = favorites_count + sign * c.n
    FROM (SELECT article_id, count(*) AS n FROM changed GROUP BY article_id) c
    WHERE a.id = c.article_id;
    UPDATE users u SET favorites_count = favorites_count + sign * c.n
    FROM (SELECT user_id, count(*) AS n FROM changed GROUP BY user_id) c
    WHERE u.id = c.user_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose NO TRANSACTION
-- Bounds what an account can add: a tag without articles has no counters, and
-- the maximum numbers of API keys and sessions hold for concurrent requests.
--
-- The previous version keeps working beside this migration: the triggers apply
-- to its statements too. Each statement can be repeated, since the old rows are
-- deleted outside the transaction: the locks of CREATE TRIGGER would keep
-- articles from being published until all are deleted.

-- +goose Up

BEGIN;

-- +goose StatementBegin
-- Deletes the counters of tags that no article has, and returns the number of
-- rows. It deletes only rows that it has locked and whose sum is zero, so that
-- no count is lost: a slot that another transaction adds to is kept, and a row
-- that it waits for is inserted again. Rows that are locked are skipped: to wait
-- for them could deadlock, because their transactions may want rows of this one.
CREATE OR REPLACE FUNCTION delete_unused_tags(names text[]) RETURNS bigint LANGUAGE sql AS $$
    WITH locked AS MATERIALIZED (
        SELECT c.name, c.slot, c.value FROM counters c
        WHERE c.kind = 'tag' AND c.name = ANY (names)
        FOR UPDATE SKIP LOCKED
    ), unused AS (
        SELECT l.name FROM locked l GROUP BY l.name HAVING sum(l.value) = 0
    ), deleted AS (
        DELETE FROM counters d USING locked l, unused u
        WHERE d.kind = 'tag' AND d.name = l.name AND d.slot = l.slot AND u.name = l.name
        RETURNING 1
    )
    SELECT count(*) FROM deleted
$$;

CREATE OR REPLACE FUNCTION delete_unused_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The counters of a tag in use are not locked: other writers would wait.
    IF (SELECT sum(c.value) FROM counters c WHERE c.kind = 'tag' AND c.name = NEW.name) = 0 THEN
        PERFORM delete_unused_tags(ARRAY[NEW.name]);
    END IF;
    RETURN NULL;
END $$;

-- A maximum for each user. The requests of a user that would exceed it at the
-- same time wait for each other: each statement in a function sees what was
-- committed before the statement. The lock is not the user's row, because
-- transactions that have a share lock of it would deadlock.
CREATE OR REPLACE FUNCTION refuse_more_api_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('byline api keys', NEW.user_id));
    IF (SELECT count(*) FROM api_keys k WHERE k.user_id = NEW.user_id) > 50 THEN
        RAISE EXCEPTION 'the user has too many API keys' USING ERRCODE = 'check_violation', CONSTRAINT = 'api_keys_maximum';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION end_oldest_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('byline sessions', NEW.user_id));
    DELETE FROM sessions d WHERE d.id IN (SELECT s.id FROM sessions s WHERE s.user_id = NEW.user_id ORDER BY s.id DESC OFFSET 100);
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE OR REPLACE TRIGGER counters_insert_unused AFTER INSERT ON counters
    FOR EACH ROW WHEN (NEW.kind = 'tag' AND NEW.value < 0) EXECUTE FUNCTION delete_unused_tag();
CREATE OR REPLACE TRIGGER counters_update_unused AFTER UPDATE ON counters
    FOR EACH ROW WHEN (NEW.kind = 'tag' AND NEW.value < OLD.value) EXECUTE FUNCTION delete_unused_tag();
DROP TRIGGER IF EXISTS api_keys_maximum ON api_keys;
CREATE CONSTRAINT TRIGGER api_keys_maximum AFTER INSERT ON api_keys
    FOR EACH ROW EXECUTE FUNCTION refuse_more_api_keys();
CREATE OR REPLACE TRIGGER sessions_insert_end_oldest AFTER INSERT ON sessions
    FOR EACH ROW EXECUTE FUNCTION end_oldest_sessions();

COMMIT;

SELECT delete_unused_tags(ARRAY(SELECT name FROM counters WHERE kind = 'tag' GROUP BY name HAVING sum(value) = 0));

-- +goose Down

BEGIN;
DROP TRIGGER counters_insert_unused ON counters;
DROP TRIGGER counters_update_unused ON counters;
DROP TRIGGER api_keys_maximum ON api_keys;
DROP TRIGGER sessions_insert_end_oldest ON sessions;
DROP FUNCTION delete_unused_tag();
DROP FUNCTION delete_unused_tags(text[]);
DROP FUNCTION refuse_more_api_keys();
DROP FUNCTION end_oldest_sessions();
COMMIT;

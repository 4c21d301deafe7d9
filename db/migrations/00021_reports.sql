-- Reports: what users tell moderators about articles, comments and profiles.
-- And blocks: users who keep others from their things.
--
-- The previous version neither reads nor writes these tables. The triggers
-- refuse its comments and follows too; it returns 500 for what they refuse, and
-- its lists have the comments of blocked users. Each step can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

-- What was reported, however many users have reported it. It has no reference
-- to the article or comment, so that the author cannot delete a report by
-- deleting the text. It is deleted with the account that it is about.
CREATE TABLE IF NOT EXISTS reported_items (
    id            bigint GENERATED ALWAYS AS IDENTITY,
    kind          text NOT NULL,
    -- The id of the article, comment or user.
    subject_id    bigint NOT NULL,
    author_id     bigint NOT NULL,
    -- Triggers count the reports.
    reports_count bigint NOT NULL DEFAULT 0,
    created_at    timestamptz(3) NOT NULL DEFAULT now(),
    decided_at    timestamptz(3),
    -- NULL once that account is deleted.
    decided_by    bigint,
    action        text,
    note          text,
    CONSTRAINT reported_items_pkey PRIMARY KEY (id),
    CONSTRAINT reported_items_author_id_fkey FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT reported_items_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT reported_items_kind_check CHECK (kind IN ('article', 'comment', 'profile')),
    CONSTRAINT reported_items_action_check CHECK (action IN ('dismiss', 'hide', 'delete', 'suspend')),
    CONSTRAINT reported_items_decision_check CHECK ((action IS NULL) = (decided_at IS NULL))
);
CREATE UNIQUE INDEX IF NOT EXISTS reported_items_open_key ON reported_items (kind, subject_id) WHERE decided_at IS NULL;
CREATE INDEX IF NOT EXISTS reported_items_decided_id_idx ON reported_items ((decided_at IS NOT NULL), id);
CREATE INDEX IF NOT EXISTS reported_items_author_id_idx ON reported_items (author_id);
CREATE INDEX IF NOT EXISTS reported_items_decided_by_idx ON reported_items (decided_by);

-- A report is text of its reporter, and goes with that account.
CREATE TABLE IF NOT EXISTS reports (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    item_id     bigint NOT NULL,
    reporter_id bigint NOT NULL,
    reason      text NOT NULL,
    created_at  timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT reports_pkey PRIMARY KEY (id),
    CONSTRAINT reports_item_id_reporter_id_key UNIQUE (item_id, reporter_id),
    CONSTRAINT reports_item_id_fkey FOREIGN KEY (item_id) REFERENCES reported_items (id) ON DELETE CASCADE,
    CONSTRAINT reports_reporter_id_fkey FOREIGN KEY (reporter_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS reports_item_id_id_idx ON reports (item_id, id);
CREATE INDEX IF NOT EXISTS reports_reporter_id_id_idx ON reports (reporter_id, id);

-- +goose StatementBegin
-- An item that nobody reports any more, because the accounts were deleted, is
-- deleted too unless it was decided.
CREATE OR REPLACE FUNCTION count_report() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE reported_items SET reports_count = reports_count + 1 WHERE id = NEW.item_id;
    ELSE
        UPDATE reported_items SET reports_count = reports_count - 1 WHERE id = OLD.item_id;
        DELETE FROM reported_items WHERE id = OLD.item_id AND reports_count = 0 AND decided_at IS NULL;
    END IF;
    RETURN NULL;
END $$;

-- As refuse_more_api_keys, for the reports of a user that are not decided.
CREATE OR REPLACE FUNCTION refuse_more_reports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('byline reports', NEW.reporter_id));
    IF (SELECT count(*) FROM reports r JOIN reported_items i ON i.id = r.item_id
        WHERE r.reporter_id = NEW.reporter_id AND i.decided_at IS NULL) > 100 THEN
        RAISE EXCEPTION 'the user has too many open reports' USING ERRCODE = 'check_violation', CONSTRAINT = 'reports_maximum';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE OR REPLACE TRIGGER reports_count AFTER INSERT OR DELETE ON reports
    FOR EACH ROW EXECUTE FUNCTION count_report();
BEGIN;
DROP TRIGGER IF EXISTS reports_maximum ON reports;
CREATE CONSTRAINT TRIGGER reports_maximum AFTER INSERT ON reports
    FOR EACH ROW EXECUTE FUNCTION refuse_more_reports();
COMMIT;

-- A block is in one direction, so that only the one who has blocked can end
-- it. It has the same effect on what both may do and see.
CREATE TABLE IF NOT EXISTS blocks (
    id         bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    blocker_id bigint NOT NULL,
    blocked_id bigint NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT blocks_pkey PRIMARY KEY (blocker_id, blocked_id),
    CONSTRAINT blocks_blocker_id_fkey FOREIGN KEY (blocker_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT blocks_blocked_id_fkey FOREIGN KEY (blocked_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT blocks_self_check CHECK (blocker_id <> blocked_id)
);
CREATE INDEX IF NOT EXISTS blocks_blocker_id_id_idx ON blocks (blocker_id, id);
CREATE UNIQUE INDEX IF NOT EXISTS blocks_blocked_id_blocker_id_key ON blocks (blocked_id, blocker_id);

-- +goose StatementBegin
-- Have rows if a user has blocked somebody or was blocked, and if one of two
-- users has blocked the other. A query calls the first one too, which is looked
-- up once for all of its rows: so a list costs users without blocks nothing for
-- each row. PostgreSQL inlines both.
CREATE OR REPLACE FUNCTION blocks_of(user_id bigint) RETURNS TABLE (blocker_id bigint) LANGUAGE sql STABLE AS $$
    SELECT b.blocker_id FROM blocks b WHERE b.blocker_id = $1 UNION ALL SELECT c.blocker_id FROM blocks c WHERE c.blocked_id = $1
$$;

CREATE OR REPLACE FUNCTION blocks_between(user_id bigint, other_id bigint) RETURNS TABLE (blocker_id bigint) LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT b.blocker_id FROM blocks b WHERE b.blocker_id = $1 AND b.blocked_id = $2
    UNION ALL
    SELECT c.blocker_id FROM blocks c WHERE c.blocker_id = $2 AND c.blocked_id = $1
$$;

-- A transaction that blocks a user locks that user first. These triggers are
-- called after those of the foreign keys, which wait for that lock. So they see
-- a block that was committed meanwhile.
CREATE OR REPLACE FUNCTION refuse_blocked_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM blocks_between(NEW.follower_id, NEW.followee_id)) THEN
        RAISE EXCEPTION 'a block refuses this' USING ERRCODE = 'check_violation', CONSTRAINT = 'follows_block';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION refuse_blocked(author_id bigint, article_id bigint, parent_id bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM articles a CROSS JOIN LATERAL blocks_between($1, a.author_id) WHERE a.id = $2)
        OR EXISTS (SELECT FROM comments p CROSS JOIN LATERAL blocks_between($1, p.author_id) WHERE p.id = $3) THEN
        RAISE EXCEPTION 'a block refuses this' USING ERRCODE = 'check_violation', CONSTRAINT = 'comments_block';
    END IF;
END $$;

-- Whether a statement is one of a service, which adds one row at a time (00014).
CREATE OR REPLACE FUNCTION adds_one_row() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NULLIF(current_setting('byline.account_storage', true), '') IS NOT NULL
$$;

CREATE OR REPLACE FUNCTION refuse_blocked_comment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_blocked(NEW.author_id, NEW.article_id, NEW.parent_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd

BEGIN;
DROP TRIGGER IF EXISTS follows_block ON follows;
CREATE CONSTRAINT TRIGGER follows_block AFTER INSERT ON follows
    FOR EACH ROW EXECUTE FUNCTION refuse_blocked_follow();
COMMIT;
BEGIN;
DROP TRIGGER IF EXISTS comments_block ON comments;
-- An older comment cannot be turned into a new one either.
CREATE CONSTRAINT TRIGGER comments_block AFTER UPDATE OF body ON comments
    FOR EACH ROW EXECUTE FUNCTION refuse_blocked_comment();
DROP TRIGGER IF EXISTS comments_insert_block ON comments;
-- For a comment of a service, note_new_comment does this (00025).
CREATE CONSTRAINT TRIGGER comments_insert_block AFTER INSERT ON comments
    FOR EACH ROW WHEN (NOT adds_one_row()) EXECUTE FUNCTION refuse_blocked_comment();
COMMIT;

-- +goose Down

DROP TRIGGER IF EXISTS comments_insert_block ON comments;
DROP TRIGGER IF EXISTS comments_block ON comments;
DROP TRIGGER IF EXISTS follows_block ON follows;
DROP FUNCTION IF EXISTS refuse_blocked_comment();
DROP FUNCTION IF EXISTS refuse_blocked(bigint, bigint, bigint);
DROP FUNCTION IF EXISTS adds_one_row();
DROP FUNCTION IF EXISTS refuse_blocked_follow();
DROP FUNCTION IF EXISTS blocks_between(bigint, bigint);
DROP FUNCTION IF EXISTS blocks_of(bigint);
DROP TABLE IF EXISTS blocks;
DROP TABLE IF EXISTS reports, reported_items;
DROP FUNCTION IF EXISTS count_report();
DROP FUNCTION IF EXISTS refuse_more_reports();

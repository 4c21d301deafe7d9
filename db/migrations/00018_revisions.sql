-- Revisions of articles, and working copies: unpublished changes of articles
-- that are published or scheduled.
--
-- The text that an article has is in its row alone, so that an article costs
-- nothing more to create. A trigger stores the text that an update replaces, in
-- the transaction of the update and for the statements of the previous version
-- too. A body that does not change is not stored again: body_revision is the
-- revision with which a body began, and article_bodies has the bodies that
-- articles had.
--
-- Older texts and working copies count for the author of the article, in
-- users.older_bytes, and have a maximum of their own: otherwise an author whose
-- articles have reached the maximum could not shorten one.
--
-- A body is in up to three places, and revision_body knows them: in
-- article_bodies, in the row of the article, and in its working copy. Each of
-- the last two stores its body in article_bodies before it replaces it, if
-- the other does not have it. The same text may have several numbers: a body is
-- stored when its number is replaced, also by that of an equal one.
--
-- Each step is a transaction of its own, so that no table stays locked for
-- long, and can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

ALTER TABLE articles
    -- The number of the newest revision that the article or its working copy
    -- got, and that of the text in the row.
    ADD COLUMN IF NOT EXISTS revision integer NOT NULL DEFAULT 1,
    ADD COLUMN IF NOT EXISTS own_revision integer NOT NULL DEFAULT 1,
    ADD COLUMN IF NOT EXISTS body_revision integer NOT NULL DEFAULT 1,
    -- The last revision that was public, of an article that is not any more.
    ADD COLUMN IF NOT EXISTS public_revision integer,
    -- Who wrote the text in the row, and when. NULL is the author, and the time
    -- of the last change.
    ADD COLUMN IF NOT EXISTS revised_by bigint,
    ADD COLUMN IF NOT EXISTS revised_at timestamptz(3);

CREATE TABLE IF NOT EXISTS article_revisions (
    article_id    bigint NOT NULL,
    number        integer NOT NULL,
    -- It refers to no user, so that a revision outlives the account of an
    -- editor, and nothing is written when the account is deleted.
    author_id     bigint NOT NULL,
    created_at    timestamptz(3) NOT NULL,
    title         text NOT NULL,
    description   text NOT NULL,
    tags          text[] NOT NULL,
    details       json,
    body_revision integer NOT NULL,
    -- Whether it was public. Those that were are kept.
    published     boolean NOT NULL,
    CONSTRAINT article_revisions_pkey PRIMARY KEY (article_id, number),
    CONSTRAINT article_revisions_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
);
-- Finds those that can be dropped without reading those that are kept, and
-- whether a body is still needed.
CREATE INDEX IF NOT EXISTS article_revisions_unpublished_idx ON article_revisions (article_id, number) WHERE NOT published;
CREATE INDEX IF NOT EXISTS article_revisions_body_revision_idx ON article_revisions (article_id, body_revision);

CREATE TABLE IF NOT EXISTS article_bodies (
    article_id bigint NOT NULL,
    number     integer NOT NULL,
    body       text NOT NULL,
    CONSTRAINT article_bodies_pkey PRIMARY KEY (article_id, number),
    CONSTRAINT article_bodies_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS working_copies (
    article_id    bigint NOT NULL,
    -- The entity tag has both numbers: version counts changes of the state, and
    -- no two working copies of an article have the same revision.
    revision      integer NOT NULL,
    version       integer NOT NULL DEFAULT 1,
    body_revision integer NOT NULL,
    -- The revision of the article that it began with.
    base_revision integer NOT NULL,
    title         text NOT NULL,
    description   text NOT NULL,
    body          text NOT NULL,
    tags          text[] NOT NULL,
    details       json,
    -- As those of articles (00024).
    word_count      integer NOT NULL,
    reading_minutes integer NOT NULL,
    revised_by    bigint NOT NULL,
    status        text NOT NULL DEFAULT 'draft',
    publish_at    timestamptz(3),
    updated_at    timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT working_copies_pkey PRIMARY KEY (article_id),
    CONSTRAINT working_copies_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE,
    CONSTRAINT working_copies_state_check CHECK (status IN ('draft', 'review', 'scheduled') AND (status = 'scheduled') = (publish_at IS NOT NULL))
);
-- For the lists of editors.
CREATE INDEX IF NOT EXISTS working_copies_status_idx ON working_copies (status, article_id);

-- Every revision that an article has, without its body.
CREATE OR REPLACE VIEW revision_items AS
SELECT r.article_id, r.number, r.author_id, r.created_at, r.title, r.description, r.tags, r.details, r.body_revision, r.published
FROM article_revisions r
UNION ALL
SELECT a.id, a.own_revision, COALESCE(a.revised_by, a.author_id), COALESCE(a.revised_at, a.updated_at), a.title, a.description, a.tags, a.details,
       a.body_revision, a.status = 'published' OR COALESCE(a.public_revision = a.own_revision, false)
FROM articles a
UNION ALL
SELECT w.article_id, w.revision, w.revised_by, w.updated_at, w.title, w.description, w.tags, w.details, w.body_revision, false
FROM working_copies w;

-- +goose StatementBegin
-- The newest revisions of an article before a number. It reads no more rows
-- than it returns, and two.
CREATE OR REPLACE FUNCTION newest_revisions(article_id bigint, before integer, page_limit integer) RETURNS SETOF revision_items LANGUAGE sql STABLE ROWS 20 AS $$
    SELECT p.* FROM (
        (SELECT r.article_id, r.number, r.author_id, r.created_at, r.title, r.description, r.tags, r.details, r.body_revision, r.published
         FROM article_revisions r WHERE r.article_id = $1 AND r.number < $2 ORDER BY r.number DESC LIMIT $3)
        UNION ALL
        SELECT a.id, a.own_revision, COALESCE(a.revised_by, a.author_id), COALESCE(a.revised_at, a.updated_at), a.title, a.description, a.tags, a.details,
               a.body_revision, a.status = 'published' OR COALESCE(a.public_revision = a.own_revision, false)
        FROM articles a WHERE a.id = $1 AND a.own_revision < $2
        UNION ALL
        SELECT w.article_id, w.revision, w.revised_by, w.updated_at, w.title, w.description, w.tags, w.details, w.body_revision, false
        FROM working_copies w WHERE w.article_id = $1 AND w.revision < $2
    ) p
    ORDER BY p.number DESC LIMIT $3
$$;

-- The body that began with a revision.
CREATE OR REPLACE FUNCTION revision_body(article_id bigint, body_revision integer) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT COALESCE(
        (SELECT b.body FROM article_bodies b WHERE b.article_id = $1 AND b.number = $2),
        (SELECT a.body FROM articles a WHERE a.id = $1 AND a.body_revision = $2),
        (SELECT w.body FROM working_copies w WHERE w.article_id = $1 AND w.body_revision = $2))
$$;

-- Tells the triggers below who changes an article, and how many revisions it
-- may have (0 is no maximum). The statement that changes it calls this
-- function. Both are forgotten when the transaction ends. The previous version
-- sets neither: then the author changes it, and nothing is dropped.
CREATE OR REPLACE FUNCTION revising(reviser bigint, maximum integer) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT set_config('byline.reviser', $1::text, true) IS NOT NULL AND set_config('byline.revisions', $2::text, true) IS NOT NULL
$$;

-- Stores a text that an article or its working copy had, and its body unless
-- that is NULL. Then it drops the revisions that more than the maximum have
-- followed, except those that were public. Returns by how many bytes the older
-- texts have grown.
CREATE OR REPLACE FUNCTION archive_revision(older article_revisions, body text, newest integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    grown bigint := article_bytes(older.title, older.description, '', older.tags, older.details);
    maximum constant integer := COALESCE(NULLIF(current_setting('byline.revisions', true), '')::integer, 0);
    dropped integer[];
    freed bigint;
BEGIN
    INSERT INTO article_revisions SELECT older.*;
    IF body IS NOT NULL THEN
        INSERT INTO article_bodies (article_id, number, body) VALUES (older.article_id, older.body_revision, body)
        ON CONFLICT ON CONSTRAINT article_bodies_pkey DO NOTHING;
        IF FOUND THEN
            grown := grown + octet_length(body);
        END IF;
    END IF;
    IF maximum = 0 THEN
        RETURN grown;
    END IF;
    WITH d AS (
        DELETE FROM article_revisions r WHERE r.article_id = older.article_id AND r.number <= newest - maximum AND NOT r.published
        RETURNING r.body_revision, article_bytes(r.title, r.description, '', r.tags, r.details) AS bytes
    )
    SELECT array_agg(DISTINCT d.body_revision), sum(d.bytes) INTO dropped, freed FROM d;
    IF dropped IS NULL THEN
        RETURN grown;
    END IF;
    grown := grown - freed;
    WITH d AS (
        DELETE FROM article_bodies b
        WHERE b.article_id = older.article_id AND b.number = ANY (dropped)
          AND NOT EXISTS (SELECT FROM article_revisions r WHERE r.article_id = b.article_id AND r.body_revision = b.number)
        RETURNING octet_length(b.body) AS bytes
    )
    SELECT COALESCE(sum(d.bytes), 0) INTO freed FROM d;
    RETURN grown - freed;
END $$;

CREATE OR REPLACE FUNCTION revise_article() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
BEGIN
    -- A working copy that becomes the text brings its number with it.
    IF NEW.own_revision = OLD.own_revision THEN
        NEW.revision := OLD.revision + 1;
        NEW.own_revision := NEW.revision;
        NEW.revised_by := NULLIF(current_setting('byline.reviser', true), '')::bigint;
        NEW.revised_at := NEW.updated_at;
    END IF;
    IF NEW.body_revision = OLD.body_revision AND NEW.body <> OLD.body THEN
        NEW.body_revision := NEW.own_revision;
    END IF;
    NEW.older_bytes := NEW.older_bytes + archive_revision(ROW(
        OLD.id, OLD.own_revision, COALESCE(OLD.revised_by, OLD.author_id), COALESCE(OLD.revised_at, OLD.updated_at), OLD.title, OLD.description, OLD.tags, OLD.details,
        OLD.body_revision, OLD.status = 'published' OR COALESCE(OLD.public_revision = OLD.own_revision, false)
    )::article_revisions, CASE WHEN NEW.body_revision <> OLD.body_revision THEN OLD.body END, NEW.revision);
    RETURN NEW;
END $$;

-- Gives a working copy its numbers, and stores the text that it had. Its own
-- text counts as older text of the article. Whoever changes a working copy has
-- locked the article.
CREATE OR REPLACE FUNCTION revise_working_copy() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    a record;
    grown bigint := 0;
    leaves boolean; -- whether no other row has the body afterwards
BEGIN
    SELECT x.revision, x.own_revision, x.body_revision, CASE WHEN TG_OP = 'INSERT' THEN x.body = NEW.body END AS same_body INTO a
    FROM articles x WHERE x.id = CASE WHEN TG_OP = 'DELETE' THEN OLD.article_id ELSE NEW.article_id END FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL; -- it is deleted with its article
    END IF;
    IF TG_OP <> 'DELETE' THEN
        a.revision := a.revision + 1;
        NEW.revision := a.revision;
        grown := article_bytes(NEW.title, NEW.description, NEW.body, NEW.tags, NEW.details);
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.base_revision := a.own_revision;
        NEW.body_revision := CASE WHEN a.same_body THEN a.body_revision ELSE NEW.revision END;
    ELSE
        leaves := TG_OP = 'DELETE';
        IF TG_OP = 'UPDATE' AND OLD.body <> NEW.body THEN
            leaves := true;
            NEW.body_revision := NEW.revision;
        END IF;
        grown := grown - article_bytes(OLD.title, OLD.description, OLD.body, OLD.tags, OLD.details);
        -- Otherwise it has become the text of the article.
        IF a.own_revision <> OLD.revision THEN
            grown := grown + archive_revision(ROW(
                OLD.article_id, OLD.revision, OLD.revised_by, OLD.updated_at, OLD.title, OLD.description, OLD.tags, OLD.details, OLD.body_revision, false
            )::article_revisions, CASE WHEN leaves AND OLD.body_revision <> a.body_revision THEN OLD.body END, a.revision);
        END IF;
    END IF;
    UPDATE articles x SET revision = a.revision, older_bytes = x.older_bytes + grown WHERE x.id = COALESCE(NEW.article_id, OLD.article_id);
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- details has a type without equality. The trigger comes after the one that
-- replaces tags by what identifies them (00022), in the order of their names.
CREATE OR REPLACE TRIGGER articles_update_revise BEFORE UPDATE OF title, description, body, tags, details ON articles
    FOR EACH ROW WHEN ((OLD.title, OLD.description, OLD.tags, OLD.details::text, OLD.body, OLD.own_revision)
                       IS DISTINCT FROM (NEW.title, NEW.description, NEW.tags, NEW.details::text, NEW.body, NEW.own_revision))
    EXECUTE FUNCTION revise_article();
CREATE OR REPLACE TRIGGER working_copies_insert_revise BEFORE INSERT ON working_copies
    FOR EACH ROW EXECUTE FUNCTION revise_working_copy();
CREATE OR REPLACE TRIGGER working_copies_update_revise BEFORE UPDATE OF title, description, body, tags, details ON working_copies
    FOR EACH ROW WHEN ((OLD.title, OLD.description, OLD.tags, OLD.details::text, OLD.body)
                       IS DISTINCT FROM (NEW.title, NEW.description, NEW.tags, NEW.details::text, NEW.body))
    EXECUTE FUNCTION revise_working_copy();
CREATE OR REPLACE TRIGGER working_copies_delete_revise AFTER DELETE ON working_copies
    FOR EACH ROW EXECUTE FUNCTION revise_working_copy();

BEGIN;
DROP TRIGGER IF EXISTS users_older_maximum ON users;
-- As users_storage_maximum. Twice as much as the maximum, or as the account has
-- stored, if that is more because the maximum was lowered.
CREATE CONSTRAINT TRIGGER users_older_maximum AFTER UPDATE OF older_bytes ON users
    FOR EACH ROW WHEN (NEW.older_bytes > OLD.older_bytes AND NULLIF(current_setting('byline.account_storage', true), '') IS NOT NULL
                       AND NEW.older_bytes / 2 >= GREATEST(NULLIF(current_setting('byline.account_storage', true), '')::bigint, NEW.stored_bytes))
    EXECUTE FUNCTION refuse_more_text();
COMMIT;

-- +goose Down

-- As above, no step keeps a table locked for long, and each can be repeated.

-- This waits for all transactions that have changed articles. No other
-- statement of the previous version makes older texts.
DROP TRIGGER IF EXISTS articles_update_revise ON articles;

-- +goose StatementBegin
-- A trigger subtracts it from that of the account. Each article is a
-- transaction of its own, so that no author stays locked. They are read before:
-- the first COMMIT in a loop over a query would read them all with a lock held.
DO $$
DECLARE
    article bigint;
BEGIN
    FOREACH article IN ARRAY ARRAY(SELECT id FROM articles WHERE older_bytes > 0) LOOP
        UPDATE articles SET older_bytes = 0 WHERE id = article;
        COMMIT;
    END LOOP;
END $$;
-- +goose StatementEnd

DROP TRIGGER IF EXISTS users_older_maximum ON users;
DROP VIEW IF EXISTS revision_items CASCADE;
DROP FUNCTION IF EXISTS revise_article(), revision_body(bigint, integer), revising(bigint, integer);
DROP TABLE IF EXISTS working_copies;
DROP FUNCTION IF EXISTS revise_working_copy(), archive_revision(article_revisions, text, integer);
DROP TABLE IF EXISTS article_bodies;
DROP TABLE IF EXISTS article_revisions;
ALTER TABLE articles DROP COLUMN IF EXISTS revision, DROP COLUMN IF EXISTS own_revision, DROP COLUMN IF EXISTS body_revision,
    DROP COLUMN IF EXISTS public_revision, DROP COLUMN IF EXISTS revised_by, DROP COLUMN IF EXISTS revised_at;

-- Links with which people without an account read an article before it is
-- public. The previous version neither creates nor reads them.
--
-- A maximum of scheduled articles for each author: an index to count them, and
-- a trigger that deletes the jobs which are of no use any more. Each step can
-- be repeated.

-- +goose NO TRANSACTION

-- +goose Up

CREATE TABLE IF NOT EXISTS previews (
    -- SHA-256 of a token of 130 random bits, which nobody can guess.
    token_hash bytea NOT NULL,
    article_id bigint NOT NULL,
    created_by bigint NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    expires_at timestamptz(3) NOT NULL,
    CONSTRAINT previews_pkey PRIMARY KEY (token_hash),
    CONSTRAINT previews_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE,
    CONSTRAINT previews_created_by_fkey FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS previews_article_id_expires_at_idx ON previews (article_id, expires_at);
CREATE INDEX IF NOT EXISTS previews_created_by_idx ON previews (created_by);
CREATE INDEX IF NOT EXISTS previews_expires_at_idx ON previews (expires_at);

-- The previews that show something. A preview is as good as its creator: it
-- ends when the creator may no longer change the article. Nor does it show what
-- a moderator has hidden, since anybody who has the link could read it.
CREATE OR REPLACE VIEW valid_previews AS
SELECT p.token_hash, p.article_id
FROM previews p
JOIN articles a ON a.id = p.article_id
JOIN users c ON c.id = p.created_by
WHERE p.expires_at > now()
  AND c.suspended_at IS NULL
  AND (c.role IN ('editor', 'admin') OR c.id = a.author_id AND c.role <> 'reader')
  AND NOT EXISTS (SELECT FROM hidden_items h WHERE h.article_id = p.article_id);

-- An index of an interrupted attempt is not valid.
DROP INDEX CONCURRENTLY IF EXISTS articles_author_id_timed_idx;
CREATE INDEX CONCURRENTLY articles_author_id_timed_idx ON articles (author_id) WHERE status = 'scheduled' OR unpublish_at IS NOT NULL;

-- +goose StatementBegin
-- Called when an article, or a working copy, loses a time of its publication.
-- Otherwise an author could insert any number of jobs for one second, by
-- scheduling articles and withdrawing them, and delay the articles of others.
CREATE OR REPLACE FUNCTION delete_publication_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM river_job
    WHERE kind = 'publication_due' AND state = 'available' AND args @> jsonb_build_object('articleId', OLD.id) AND NOT args ? 'workingCopy';
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION delete_working_copy_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM river_job
    WHERE kind = 'publication_due' AND state = 'available' AND args @> jsonb_build_object('articleId', OLD.article_id, 'workingCopy', true);
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE OR REPLACE TRIGGER articles_update_jobs AFTER UPDATE OF published_at, unpublish_at ON articles
    FOR EACH ROW WHEN ((OLD.status = 'scheduled' OR OLD.unpublish_at IS NOT NULL)
        AND (OLD.published_at IS DISTINCT FROM NEW.published_at OR OLD.unpublish_at IS DISTINCT FROM NEW.unpublish_at))
    EXECUTE FUNCTION delete_publication_jobs();
CREATE OR REPLACE TRIGGER articles_delete_jobs AFTER DELETE ON articles
    FOR EACH ROW WHEN (OLD.status = 'scheduled' OR OLD.unpublish_at IS NOT NULL) EXECUTE FUNCTION delete_publication_jobs();
CREATE OR REPLACE TRIGGER working_copies_update_jobs AFTER UPDATE OF publish_at ON working_copies
    FOR EACH ROW WHEN (OLD.publish_at IS DISTINCT FROM NEW.publish_at AND OLD.publish_at IS NOT NULL) EXECUTE FUNCTION delete_working_copy_jobs();
CREATE OR REPLACE TRIGGER working_copies_delete_jobs AFTER DELETE ON working_copies
    FOR EACH ROW WHEN (OLD.publish_at IS NOT NULL) EXECUTE FUNCTION delete_working_copy_jobs();

-- +goose Down

DROP TRIGGER IF EXISTS working_copies_delete_jobs ON working_copies;
DROP TRIGGER IF EXISTS working_copies_update_jobs ON working_copies;
DROP FUNCTION IF EXISTS delete_working_copy_jobs();

DROP TRIGGER IF EXISTS articles_delete_jobs ON articles;
DROP TRIGGER IF EXISTS articles_update_jobs ON articles;
DROP FUNCTION IF EXISTS delete_publication_jobs();
DROP INDEX CONCURRENTLY IF EXISTS articles_author_id_timed_idx;

DROP VIEW IF EXISTS valid_previews;
DROP TABLE IF EXISTS previews;

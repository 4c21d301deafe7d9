-- Links with which people without an account read an article before it is
-- public. The previous version neither creates nor reads them. Each step can be
-- repeated.

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

-- +goose Down

DROP VIEW IF EXISTS valid_previews;
DROP TABLE IF EXISTS previews;

-- The life of an article: drafts, review, scheduling, withdrawing.
--
-- An article is public if it is published, the time of its publication has come
-- and no moderator has hidden it. The column hidden says that it is not public,
-- for whichever reason. So the indexes, counts and lists that leave out hidden
-- articles are right for drafts too, also in the statements of the previous
-- version while its replicas run: to them a draft is a hidden article.
-- hidden_items has what moderators have hidden.
--
-- A slug that an article gets while it is not published is in draft_slugs,
-- which is apart for each author: otherwise the slug that another title gets
-- would tell that there is a draft. It is claimed in article_slugs when the
-- article becomes public, and kept there.
--
-- Lists are ordered by published_at. The tables article_tags, favorites and
-- hidden_favorites copy it; in all rows that are there it equals created_at.
-- Their columns keep the name article_created_at, which the previous version
-- uses. The migration of the next release can rename them, and drop the index
-- articles_created_at_id_idx and the functions article_for and
-- followed_article_for, which only the previous version needs.
--
-- Each step is a transaction of its own, so that no table stays locked for
-- long, and can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

-- Filling published_at below must not tell caches that each article has
-- changed. It never changes alone.
CREATE OR REPLACE TRIGGER articles_update_note
    AFTER UPDATE OF slug, author_id, title, description, body, tags, favorites_count, hidden, version, created_at, updated_at ON articles
    FOR EACH ROW EXECUTE FUNCTION note_row('a');

ALTER TABLE articles
    ADD COLUMN IF NOT EXISTS status text NOT NULL DEFAULT 'published',
    ADD COLUMN IF NOT EXISTS published_at timestamptz(3),
    ADD COLUMN IF NOT EXISTS unpublish_at timestamptz(3),
    -- One object with the members of an article that front ends need beside its
    -- text, as responses have them. NULL if there are none.
    ADD COLUMN IF NOT EXISTS details json,
    -- The text that older revisions and a working copy store, in bytes.
    ADD COLUMN IF NOT EXISTS older_bytes bigint NOT NULL DEFAULT 0;
-- The older_bytes of the articles of a user. They are not in stored_bytes.
ALTER TABLE users ADD COLUMN IF NOT EXISTS older_bytes bigint NOT NULL DEFAULT 0;
-- Not in the statement before: there, it would be the time of all rows.
ALTER TABLE articles ALTER COLUMN published_at SET DEFAULT now();

-- +goose StatementBegin
-- A few articles at a time, so that no row stays locked for long.
DO $$
DECLARE
    done bigint := 0;
    newest bigint;
BEGIN
    LOOP
        SELECT max(b.id) INTO newest FROM (SELECT id FROM articles WHERE id > done ORDER BY id LIMIT 250) b;
        EXIT WHEN newest IS NULL;
        PERFORM FROM articles WHERE id > done AND id <= newest AND published_at IS NULL AND status = 'published' ORDER BY id FOR NO KEY UPDATE;
        UPDATE articles SET published_at = created_at WHERE id > done AND id <= newest AND published_at IS NULL AND status = 'published';
        COMMIT;
        done := newest;
    END LOOP;
END $$;
-- +goose StatementEnd

-- An index of an interrupted attempt is not valid.
DROP INDEX CONCURRENTLY IF EXISTS articles_published_at_id_idx;
CREATE INDEX CONCURRENTLY articles_published_at_id_idx ON articles (published_at, id) WHERE NOT hidden;
DROP INDEX CONCURRENTLY IF EXISTS articles_author_id_published_at_id_idx;
CREATE INDEX CONCURRENTLY articles_author_id_published_at_id_idx ON articles (author_id, published_at, id) WHERE NOT hidden;
-- For the lists of editors.
DROP INDEX CONCURRENTLY IF EXISTS articles_status_id_idx;
CREATE INDEX CONCURRENTLY articles_status_id_idx ON articles (status, id) WHERE status <> 'published';
DROP INDEX CONCURRENTLY IF EXISTS articles_author_id_status_idx;
CREATE INDEX CONCURRENTLY articles_author_id_status_idx ON articles (author_id, status, created_at, id) WHERE status <> 'published';

-- One check for all, since every statement parses each.
ALTER TABLE articles DROP CONSTRAINT IF EXISTS articles_favorites_count_check, DROP CONSTRAINT IF EXISTS articles_state_check, ADD CONSTRAINT articles_state_check CHECK (
    favorites_count >= 0
    AND status IN ('draft', 'review', 'scheduled', 'published')
    AND (status IN ('scheduled', 'published')) = (published_at IS NOT NULL)
    AND (hidden OR status = 'published')
    AND (unpublish_at IS NULL OR unpublish_at > published_at)
) NOT VALID;
ALTER TABLE articles VALIDATE CONSTRAINT articles_state_check;

ALTER TABLE users DROP CONSTRAINT IF EXISTS users_role_check,
    ADD CONSTRAINT users_role_check CHECK (role IN ('reader', 'author', 'moderator', 'editor', 'admin')) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT users_role_check;

-- What follows is not one transaction, which would keep articles locked for
-- long. It need not be: published_at equals created_at in every row, and only
-- the new version, which waits for the end of the migration, makes others.

CREATE TABLE IF NOT EXISTS draft_slugs (
    slug       text NOT NULL,
    author_id  bigint NOT NULL,
    article_id bigint NOT NULL,
    CONSTRAINT draft_slugs_pkey PRIMARY KEY (slug, author_id),
    CONSTRAINT draft_slugs_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS draft_slugs_article_id_idx ON draft_slugs (article_id);

-- The columns of article_item. They are a view, so that the generated code has
-- one type for the rows of every list. published_at is never NULL in it, since
-- only what is public has a place in these lists.
CREATE OR REPLACE VIEW article_items AS
SELECT a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at,
       COALESCE(a.published_at, a.created_at) AS published_at, a.author_id, u.username, u.bio, u.image, false AS favorited, false AS following, 0::bigint AS total
FROM articles a
JOIN users u ON u.id = a.author_id;

-- The columns of own_article_item.
CREATE OR REPLACE VIEW own_article_items AS
SELECT a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at, a.status, a.published_at,
       a.author_id, u.username, u.bio, u.image, false AS favorited, false AS following
FROM articles a
JOIN users u ON u.id = a.author_id;

-- +goose StatementBegin
-- The rule of who sees an article, for the queries; package visibility has it
-- for the handlers. viewer_level is 2 for editors and 1 for moderators, who see
-- what they have hidden, but no drafts. PostgreSQL inlines the function.
CREATE OR REPLACE FUNCTION article_visible(hidden boolean, status text, author_id bigint, viewer_id bigint, viewer_level integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT NOT $1 OR $3 = $4 OR $5 >= CASE $2 WHEN 'published' THEN 1 ELSE 2 END
$$;

-- The article that a name leads a viewer to, if any: the one that has or had it
-- as its slug, or a draft. Only authors find their drafts, and editors those of
-- all. Nobody else can tell a draft from no article, not even by the time that
-- the look-up takes. PostgreSQL inlines the function.
CREATE OR REPLACE FUNCTION article_named(name text, viewer_id bigint, viewer_level integer) RETURNS TABLE (id bigint) LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT a.id FROM article_slugs s
    JOIN articles a ON a.id = s.article_id AND article_visible(a.hidden, a.status, a.author_id, $2, $3)
    WHERE s.slug = $1
    UNION ALL
    SELECT d.article_id FROM draft_slugs d WHERE d.slug = $1 AND d.author_id = $2 AND $2 <> 0
    UNION ALL
    SELECT e.article_id FROM draft_slugs e WHERE e.slug = $1 AND e.author_id <> $2 AND $3 >= 2
    LIMIT 1
$$;

-- The columns of an article in lists, for a viewer. PostgreSQL inlines the
-- function into the query that calls it (LATERAL), so that it costs as much as
-- the joins would. This is possible only for a single SELECT that is STABLE and
-- neither STRICT nor SECURITY DEFINER.
CREATE OR REPLACE FUNCTION article_item(article_id bigint, viewer_id bigint, total bigint) RETURNS SETOF article_items LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at,
           COALESCE(a.published_at, a.created_at), a.author_id, u.username, u.bio, u.image, f.user_id IS NOT NULL, w.follower_id IS NOT NULL, $3
    FROM articles a
    JOIN users u ON u.id = a.author_id
    LEFT JOIN favorites f ON f.article_id = a.id AND f.user_id = $2
    LEFT JOIN follows w ON w.followee_id = a.author_id AND w.follower_id = $2
    WHERE a.id = $1
$$;

-- The same for a viewer who follows the author, as in a feed. Looking up each
-- author in follows took a seventh of a feed's time in PostgreSQL.
CREATE OR REPLACE FUNCTION followed_article_item(article_id bigint, viewer_id bigint, total bigint) RETURNS SETOF article_items LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at,
           COALESCE(a.published_at, a.created_at), a.author_id, u.username, u.bio, u.image, f.user_id IS NOT NULL, true, $3
    FROM articles a
    JOIN users u ON u.id = a.author_id
    LEFT JOIN favorites f ON f.article_id = a.id AND f.user_id = $2
    WHERE a.id = $1
$$;

-- The columns of an article in the lists of those who may change it, in any
-- state. The favorites of an article that is not public are in
-- hidden_favorites.
CREATE OR REPLACE FUNCTION own_article_item(article_id bigint, viewer_id bigint) RETURNS SETOF own_article_items LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT a.id, a.slug, a.title, a.description, a.tags,
           a.favorites_count + (SELECT count(*) FROM hidden_favorites h WHERE h.article_id = a.id),
           a.version, a.created_at, a.updated_at, a.status, a.published_at, a.author_id, u.username, u.bio, u.image,
           EXISTS (SELECT FROM favorites f WHERE f.article_id = a.id AND f.user_id = $2
                   UNION ALL SELECT FROM hidden_favorites g WHERE g.article_id = a.id AND g.user_id = $2),
           EXISTS (SELECT FROM follows w WHERE w.followee_id = a.author_id AND w.follower_id = $2)
    FROM articles a
    JOIN users u ON u.id = a.author_id
    WHERE a.id = $1
$$;

-- PostgreSQL inlines the function, as the one that it calls.
CREATE OR REPLACE FUNCTION article_bytes(title text, description text, body text, tags text[], details json) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT article_bytes($1, $2, $3, $4) + COALESCE(octet_length($5::text), 0)
$$;

CREATE OR REPLACE FUNCTION store_article() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users SET stored_bytes = stored_bytes + article_bytes(NEW.title, NEW.description, NEW.body, NEW.tags, NEW.details)
                                                 - article_bytes(OLD.title, OLD.description, OLD.body, OLD.tags, OLD.details),
        older_bytes = older_bytes + NEW.older_bytes - OLD.older_bytes
    WHERE id = NEW.author_id;
    RETURN NULL;
END $$;

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
        FROM (SELECT author_id, count(*) FILTER (WHERE NOT hidden) AS n, max(published_at) FILTER (WHERE NOT hidden) AS last_at,
                     sum(article_bytes(title, description, body, tags, details)) AS bytes
              FROM changed GROUP BY author_id) c
        WHERE u.id = c.author_id;
        INSERT INTO article_tags (tag, article_created_at, article_id)
        SELECT unnest(tags), published_at, id FROM changed WHERE NOT hidden;
    ELSE
        -- Locked in a statement before, so that the next one sees the articles
        -- of whoever held the lock.
        PERFORM FROM users WHERE id IN (SELECT author_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
        UPDATE users u SET articles_count = articles_count - c.n,
            last_article_at = (SELECT max(a.published_at) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden),
            stored_bytes = stored_bytes - c.bytes, older_bytes = older_bytes - c.older
        FROM (SELECT author_id, count(*) FILTER (WHERE NOT hidden) AS n, sum(article_bytes(title, description, body, tags, details)) AS bytes,
                     sum(older_bytes) AS older
              FROM changed GROUP BY author_id) c
        WHERE u.id = c.author_id;
        DELETE FROM article_tags t USING changed c
        WHERE t.tag = ANY (c.tags) AND t.article_created_at = c.published_at AND t.article_id = c.id;
    END IF;
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT kind, name, pg_backend_pid() % 16, sign * count(*)
    FROM (SELECT 'articles' AS kind, '' AS name FROM changed WHERE NOT hidden UNION ALL SELECT 'tag', unnest(tags) FROM changed WHERE NOT hidden) k
    GROUP BY kind, name ORDER BY kind, name
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    INSERT INTO changes (keys)
    SELECT array_agg(DISTINCT key) FROM (
        SELECT unnest(ARRAY['l', 'b' || author_id]) AS key FROM changed WHERE NOT hidden
        UNION ALL SELECT 'a' || id FROM changed WHERE TG_OP = 'DELETE'
        UNION ALL SELECT unnest(ARRAY['g', 't' || tag]) FROM changed, unnest(tags) AS tag WHERE NOT hidden) k
    HAVING count(*) > 0;
    RETURN NULL;
END $$;

-- Called for a public article that stays public.
CREATE OR REPLACE FUNCTION derive_from_tags() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved constant boolean := OLD.published_at <> NEW.published_at;
BEGIN
    DELETE FROM article_tags
    WHERE tag = ANY (OLD.tags) AND (moved OR tag <> ALL (NEW.tags)) AND article_created_at = OLD.published_at AND article_id = OLD.id;
    INSERT INTO article_tags (tag, article_created_at, article_id)
    SELECT tag, NEW.published_at, NEW.id FROM unnest(NEW.tags) AS tag WHERE moved OR tag <> ALL (OLD.tags);
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT 'tag', tag, pg_backend_pid() % 16, sum(n)
    FROM (SELECT unnest(NEW.tags) AS tag, 1 AS n UNION ALL SELECT unnest(OLD.tags), -1) k
    GROUP BY tag HAVING sum(n) <> 0 ORDER BY tag
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    INSERT INTO changes (keys) VALUES (ARRAY(
        SELECT 't' || tag FROM unnest(OLD.tags || NEW.tags) AS tag
        UNION ALL SELECT 'g'));
    IF moved THEN
        UPDATE favorites SET article_created_at = NEW.published_at WHERE article_id = NEW.id;
        UPDATE users u SET last_article_at = (SELECT max(a.published_at) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
        WHERE u.id = NEW.author_id;
        INSERT INTO changes (keys) VALUES (ARRAY['l', 'b' || NEW.author_id]);
    END IF;
    RETURN NULL;
END $$;

-- An article that is no longer public is removed from the counts and lists in
-- other tables; one that becomes public is added.
CREATE OR REPLACE FUNCTION derive_from_hiding() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign constant integer := CASE WHEN NEW.hidden THEN -1 ELSE 1 END;
    listed_tags constant text[] := CASE WHEN NEW.hidden THEN OLD.tags ELSE NEW.tags END;
BEGIN
    -- As in derive_from_articles: the next statement sees what the holder of
    -- the lock has done.
    PERFORM FROM users WHERE id = NEW.author_id FOR NO KEY UPDATE;
    UPDATE users u SET articles_count = articles_count + sign,
        last_article_at = (SELECT max(a.published_at) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
    WHERE u.id = NEW.author_id;
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT kind, name, pg_backend_pid() % 16, sign
    FROM (SELECT 'articles' AS kind, '' AS name UNION ALL SELECT 'tag', unnest(listed_tags)) k
    ORDER BY kind, name
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    IF NEW.hidden THEN
        DELETE FROM article_tags WHERE tag = ANY (OLD.tags) AND article_created_at = OLD.published_at AND article_id = OLD.id;
        WITH moved AS (DELETE FROM favorites WHERE article_id = NEW.id RETURNING article_id, user_id, article_created_at, created_at)
        INSERT INTO hidden_favorites (article_id, user_id, article_created_at, created_at) SELECT * FROM moved;
    ELSE
        INSERT INTO article_tags (tag, article_created_at, article_id) SELECT unnest(NEW.tags), NEW.published_at, NEW.id;
        WITH moved AS (DELETE FROM hidden_favorites WHERE article_id = NEW.id RETURNING article_id, user_id, created_at)
        INSERT INTO favorites (article_id, user_id, article_created_at, created_at) SELECT article_id, user_id, NEW.published_at, created_at FROM moved;
    END IF;
    INSERT INTO changes (keys) VALUES (ARRAY(
        SELECT unnest(ARRAY['l', 'b' || NEW.author_id]) UNION ALL SELECT unnest(ARRAY['g', 't' || tag]) FROM unnest(listed_tags) AS tag));
    RETURN NULL;
END $$;

-- A name that becomes public leads to the public article: a draft that had it
-- gets another one, so that its author can still reach it. The other one is
-- random and has up to 100 characters. If its author could foresee it, another
-- draft that has it would keep the public article from its name.
CREATE OR REPLACE FUNCTION rename_drafts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM draft_slugs d WHERE d.slug = NEW.slug AND d.article_id <> NEW.article_id) THEN
        WITH renamed AS (
            UPDATE draft_slugs d SET slug = rtrim(left(d.slug, 87), '-') || '-' || left(replace(gen_random_uuid()::text, '-', ''), 12)
            WHERE d.slug = NEW.slug AND d.article_id <> NEW.article_id
            RETURNING d.slug, d.article_id
        )
        UPDATE articles a SET slug = r.slug, version = a.version + 1 FROM renamed r WHERE a.id = r.article_id AND a.slug = NEW.slug;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION refuse_public_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM article_slugs s WHERE s.slug = NEW.slug AND s.article_id <> NEW.article_id) THEN
        RAISE EXCEPTION 'the slug is public' USING ERRCODE = 'unique_violation', CONSTRAINT = 'draft_slugs_pkey';
    END IF;
    RETURN NEW;
END $$;

-- What is restored is public again only if it is published.
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

CREATE OR REPLACE TRIGGER draft_slugs_refuse_public BEFORE INSERT ON draft_slugs
    FOR EACH ROW EXECUTE FUNCTION refuse_public_slug();
CREATE OR REPLACE TRIGGER article_slugs_insert_rename AFTER INSERT ON article_slugs
    FOR EACH ROW EXECUTE FUNCTION rename_drafts();
CREATE OR REPLACE TRIGGER articles_update_tags AFTER UPDATE ON articles
    FOR EACH ROW WHEN (NOT OLD.hidden AND NOT NEW.hidden AND (OLD.tags IS DISTINCT FROM NEW.tags OR OLD.published_at <> NEW.published_at))
    EXECUTE FUNCTION derive_from_tags();
CREATE OR REPLACE TRIGGER articles_update_store AFTER UPDATE OF title, description, body, tags, details, older_bytes ON articles
    FOR EACH ROW WHEN (OLD.older_bytes <> NEW.older_bytes OR article_bytes(OLD.title, OLD.description, OLD.body, OLD.tags, OLD.details)
                                                          <> article_bytes(NEW.title, NEW.description, NEW.body, NEW.tags, NEW.details))
    EXECUTE FUNCTION store_article();
CREATE OR REPLACE TRIGGER articles_update_note
    AFTER UPDATE OF slug, author_id, title, description, body, tags, favorites_count, hidden, version, created_at, updated_at, status, unpublish_at, details ON articles
    FOR EACH ROW EXECUTE FUNCTION note_row('a');

-- +goose Down

-- Replicas of the previous version may run, those of the new one must not. As
-- above, no step keeps a table locked for long.

-- +goose StatementBegin
-- Makes published_at equal to created_at, and the stored text what it was. The
-- triggers change what is derived from both. One article at a time, because
-- each locks its author. They are read before: the first COMMIT in a loop over a
-- query would read them all with a lock held.
DO $$
DECLARE
    article bigint;
BEGIN
    FOREACH article IN ARRAY ARRAY(SELECT id FROM articles
        WHERE status = 'published' AND published_at <> created_at OR unpublish_at IS NOT NULL OR details IS NOT NULL OR older_bytes > 0)
    LOOP
        UPDATE articles SET published_at = CASE status WHEN 'published' THEN created_at ELSE published_at END,
            unpublish_at = NULL, details = NULL, older_bytes = 0
        WHERE id = article;
        COMMIT;
    END LOOP;
END $$;
-- +goose StatementEnd

UPDATE hidden_favorites f SET article_created_at = a.created_at FROM articles a WHERE a.id = f.article_id AND f.article_created_at <> a.created_at;

-- What is not published stays hidden, as if a moderator had hidden it. Drafts
-- get slugs that no other article has.
INSERT INTO hidden_items (article_id, reason) SELECT id, 'not published' FROM articles WHERE status <> 'published'
ON CONFLICT ON CONSTRAINT hidden_items_article_id_key DO NOTHING;
WITH draft AS (DELETE FROM draft_slugs RETURNING article_id),
renamed AS (
    UPDATE articles a SET slug = a.slug || '-' || a.id FROM draft d
    WHERE a.id = d.article_id AND NOT EXISTS (SELECT FROM article_slugs s WHERE s.slug = a.slug AND s.article_id = a.id)
    RETURNING a.id, a.slug
)
INSERT INTO article_slugs (slug, article_id) SELECT r.slug, r.id FROM renamed r;
DROP TRIGGER IF EXISTS article_slugs_insert_rename ON article_slugs;
DROP FUNCTION IF EXISTS rename_drafts();

-- +goose StatementBegin
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

CREATE OR REPLACE FUNCTION derive_from_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM article_tags
    WHERE tag = ANY (OLD.tags) AND tag <> ALL (NEW.tags) AND article_created_at = OLD.created_at AND article_id = OLD.id;
    INSERT INTO article_tags (tag, article_created_at, article_id)
    SELECT tag, NEW.created_at, NEW.id FROM unnest(NEW.tags) AS tag WHERE tag <> ALL (OLD.tags);
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT 'tag', tag, pg_backend_pid() % 16, sum(n)
    FROM (SELECT unnest(NEW.tags) AS tag, 1 AS n UNION ALL SELECT unnest(OLD.tags), -1) k
    GROUP BY tag HAVING sum(n) <> 0 ORDER BY tag
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    INSERT INTO changes (keys) VALUES (ARRAY(
        SELECT 't' || tag FROM unnest(OLD.tags || NEW.tags) AS tag
        UNION ALL SELECT 'g'));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION derive_from_hiding() RETURNS trigger LANGUAGE plpgsql AS $$
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
    INSERT INTO changes (keys) VALUES (ARRAY(
        SELECT unnest(ARRAY['l', 'b' || NEW.author_id]) UNION ALL SELECT unnest(ARRAY['g', 't' || tag]) FROM unnest(listed_tags) AS tag));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION mark_hidden() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hides constant boolean := TG_OP = 'INSERT';
    item constant hidden_items := CASE WHEN hides THEN NEW ELSE OLD END;
BEGIN
    UPDATE articles SET hidden = hides WHERE id = item.article_id;
    UPDATE comments SET hidden = hides WHERE id = item.comment_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE OR REPLACE TRIGGER articles_update_store AFTER UPDATE OF title, description, body, tags ON articles
    FOR EACH ROW WHEN (article_bytes(OLD.title, OLD.description, OLD.body, OLD.tags) <> article_bytes(NEW.title, NEW.description, NEW.body, NEW.tags))
    EXECUTE FUNCTION store_article();
CREATE OR REPLACE TRIGGER articles_update_note AFTER UPDATE ON articles
    FOR EACH ROW EXECUTE FUNCTION note_row('a');
CREATE OR REPLACE TRIGGER articles_update_tags AFTER UPDATE ON articles
    FOR EACH ROW WHEN (OLD.tags IS DISTINCT FROM NEW.tags AND NOT OLD.hidden AND NOT NEW.hidden) EXECUTE FUNCTION derive_from_tags();
DROP FUNCTION IF EXISTS article_bytes(text, text, text, text[], json);
DROP FUNCTION IF EXISTS article_item(bigint, bigint, bigint);
DROP FUNCTION IF EXISTS followed_article_item(bigint, bigint, bigint);
DROP FUNCTION IF EXISTS article_named(text, bigint, integer);
DROP FUNCTION IF EXISTS article_visible(boolean, text, bigint, bigint, integer);
DROP FUNCTION IF EXISTS own_article_item(bigint, bigint);
DROP VIEW IF EXISTS article_items, own_article_items;

UPDATE users SET role = 'moderator' WHERE role = 'editor';
ALTER TABLE users DROP CONSTRAINT IF EXISTS users_role_check,
    ADD CONSTRAINT users_role_check CHECK (role IN ('reader', 'author', 'moderator', 'admin')) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT users_role_check;

ALTER TABLE articles DROP CONSTRAINT IF EXISTS articles_state_check, DROP CONSTRAINT IF EXISTS articles_favorites_count_check,
    ADD CONSTRAINT articles_favorites_count_check CHECK (favorites_count >= 0) NOT VALID;
ALTER TABLE articles VALIDATE CONSTRAINT articles_favorites_count_check;

-- The steps above can be repeated until these are gone.
BEGIN;
DROP TABLE draft_slugs;
DROP FUNCTION refuse_public_slug();
ALTER TABLE articles DROP COLUMN status, DROP COLUMN published_at, DROP COLUMN unpublish_at, DROP COLUMN details, DROP COLUMN older_bytes;
ALTER TABLE users DROP COLUMN older_bytes;
COMMIT;

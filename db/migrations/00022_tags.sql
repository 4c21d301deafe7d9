-- Tags that are equal whatever their case, and that editors rename, merge and
-- describe.
--
-- articles.tags, article_tags and counters have each tag in one spelling, the
-- first one. This text identifies the tag, and does not change. tag_names has
-- the names that lead to a tag: the folded form of each, and the one that is
-- shown. So renaming a tag changes no article: responses show the name instead
-- of the text (package api/tagnames).
--
-- Merging a tag into another one changes no article either. merged_tags says
-- what the text in articles.tags stands for, and the rows of article_tags are
-- moved, in batches.
--
-- A trigger replaces other spellings in what is written, so that replicas of
-- the previous version can write any. It reads no names of tags that only
-- drafts and hidden articles have: such a tag gets its name when an article
-- with it becomes public, so that nobody can tell that it was there. Writers
-- hold a lock of each tag that they use by its text (tag_lock), or of the name
-- that they use (FOR KEY SHARE), until they commit. Merging waits for them, and
-- deleting the name of a tag that no article has leaves out what they hold.
--
-- Spellings that are there and differ only in case or spaces are merged into
-- the first one. A replica of the previous version then lists these articles
-- under the first spelling only.
--
-- Each step is a transaction of its own, so that no table stays locked for
-- long, and can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

BEGIN;

CREATE TABLE IF NOT EXISTS tag_names (
    id          bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- The order of lists of tags, and of the prefixes in them.
    folded      text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    tag         text NOT NULL,
    -- Whether this is the name that is shown, or an earlier one.
    shown       boolean NOT NULL DEFAULT true,
    description text,
    CONSTRAINT tag_names_pkey PRIMARY KEY (folded),
    CONSTRAINT tag_names_id_key UNIQUE (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS tag_names_tag_key ON tag_names (tag) WHERE shown;
CREATE INDEX IF NOT EXISTS tag_names_earlier_idx ON tag_names (tag) WHERE NOT shown;
CREATE INDEX IF NOT EXISTS tag_names_renamed_idx ON tag_names (tag) WHERE shown AND name <> tag;

CREATE TABLE IF NOT EXISTS merged_tags (
    id   bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- What identified the tag, and what it is part of now.
    name text NOT NULL,
    tag  text NOT NULL,
    CONSTRAINT merged_tags_pkey PRIMARY KEY (name),
    CONSTRAINT merged_tags_id_key UNIQUE (id)
);
CREATE INDEX IF NOT EXISTS merged_tags_tag_idx ON merged_tags (tag);

-- +goose StatementBegin
-- A tag as it is stored: in normalization form C, without spaces around it.
CREATE OR REPLACE FUNCTION clean_tag(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(NULLIF(regexp_replace(normalize($1, NFC), '^\s+|\s+$', '', 'g'), ''), $1)
$$;

-- The form that all spellings of a tag share, which is that of package
-- api/names. The letters of translate are the small ones that share a capital
-- with another small letter and that NFKC leaves apart.
CREATE OR REPLACE FUNCTION fold_tag(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN octet_length($1) = length($1) AND position('  ' IN $1) = 0 AND $1 = btrim($1) THEN lower($1)
        ELSE COALESCE(NULLIF(btrim(regexp_replace(normalize(translate(lower(
            replace(normalize(regexp_replace($1, '[\u200d\ufe0e\ufe0f]', '', 'g'), NFKC), 'İ', 'i̇')),
            'ςᲀᲁᲂᲃᲄᲅᲆᲇᲈ', 'σвдосттъѣꙋ'), NFKC), '\s+', ' ', 'g')), ''), $1) END
$$;

-- The tags that some texts of articles.tags stand for, each once.
CREATE OR REPLACE FUNCTION listed_tags(tags text[]) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT DISTINCT COALESCE(m.tag, t.tag) FROM unnest($1) AS t (tag) LEFT JOIN merged_tags m ON m.name = t.tag)
$$;

-- The names of these tags, each once, in the order of the texts.
CREATE OR REPLACE FUNCTION shown_tags(tags text[]) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(
        SELECT COALESCE(n.name, t.tag)
        FROM unnest($1) WITH ORDINALITY AS t (tag, position)
        LEFT JOIN merged_tags m ON m.name = t.tag
        LEFT JOIN tag_names n ON n.tag = COALESCE(m.tag, t.tag) AND n.shown
        GROUP BY COALESCE(n.name, t.tag) ORDER BY min(t.position))
$$;

-- The tag that a name leads to, or NULL.
CREATE OR REPLACE FUNCTION tag_named(name text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT n.tag FROM tag_names n WHERE n.folded = fold_tag($1)
$$;

-- The advisory lock of the writers that use a tag by the text that identifies
-- it. They share it, which costs less than a lock on its row: a row is written
-- for that, and more than one holder makes another row (MultiXact). There are
-- 256 locks for all tags, because a transaction may use many tags.
CREATE OR REPLACE FUNCTION tag_lock(tag text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtext($1) & 255
$$;

-- Lets one editor change tags at a time, waits for the writers that use the tag
-- to which a name leads, and keeps other writers from using it, until the
-- transaction ends. The names of others are held too, but the tags that they
-- lead to can be used.
CREATE OR REPLACE FUNCTION hold_tag(name text, others text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    held text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('byline tags'));
    held := tag_named(hold_tag.name);
    PERFORM pg_advisory_xact_lock(hashtext('byline tag'), tag_lock(held));
    PERFORM FROM tag_names n
    WHERE n.tag = ANY (held || ARRAY(SELECT tag_named(o.name) FROM unnest(others) AS o (name))) ORDER BY n.folded FOR UPDATE;
END $$;

-- Replaces the tags of an article by the texts that identify them. A tag that
-- no public article has had gets its name from the first public one.
CREATE OR REPLACE FUNCTION identify_tags() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    names text[];
    folds text[];
    found text[];
    tags text[];
    used text;
    known bigint;
BEGIN
    -- Almost always, each tag is there in the spelling that identifies it, and
    -- none is there twice. This takes less than half of the time of what
    -- follows. The order of the locks does not matter: whoever waits to have one
    -- alone holds no other (hold_tag). Trying first is an expression, which
    -- takes a third of the time of a statement.
    IF NOT NEW.hidden THEN
        FOREACH used IN ARRAY NEW.tags LOOP
            IF NOT pg_try_advisory_xact_lock_shared(hashtext('byline tag'), tag_lock(used)) THEN
                PERFORM pg_advisory_xact_lock_shared(hashtext('byline tag'), tag_lock(used));
            END IF;
        END LOOP;
    END IF;
    SELECT count(*) INTO known FROM tag_names n WHERE n.tag = ANY (NEW.tags) AND n.shown;
    IF known = cardinality(NEW.tags) THEN
        RETURN NEW;
    END IF;

    names := ARRAY(SELECT clean_tag(t.name) FROM unnest(NEW.tags) WITH ORDINALITY AS t (name, position) ORDER BY t.position);
    folds := ARRAY(SELECT fold_tag(t.name) FROM unnest(names) WITH ORDINALITY AS t (name, position) ORDER BY t.position);
    LOOP
        IF NEW.hidden THEN
            SELECT array_agg(n.folded), array_agg(n.tag) INTO found, tags FROM tag_names n WHERE n.folded = ANY (folds);
            EXIT;
        END IF;
        SELECT array_agg(k.folded), array_agg(k.tag) INTO found, tags
        FROM (SELECT n.folded, n.tag FROM tag_names n WHERE n.folded = ANY (folds) ORDER BY n.folded FOR KEY SHARE) k;
        EXIT WHEN folds <@ found;
        -- The next round reads what was inserted here or by another writer. A
        -- tag with this text is there if the database folds it otherwise than
        -- the one that it was dumped from: then this name leads to it too.
        INSERT INTO tag_names (folded, name, tag, shown)
        SELECT DISTINCT ON (t.folded) t.folded, t.name, t.name, NOT EXISTS (SELECT FROM tag_names s WHERE s.tag = t.name AND s.shown)
        FROM unnest(folds, names) WITH ORDINALITY AS t (folded, name, position)
        WHERE found IS NULL OR t.folded <> ALL (found)
        ORDER BY t.folded, t.position
        ON CONFLICT DO NOTHING;
    END LOOP;
    NEW.tags := ARRAY(
        SELECT r.tag FROM (
            SELECT DISTINCT ON (COALESCE(f.tag, t.folded)) COALESCE(f.tag, t.name) AS tag, t.position
            FROM unnest(folds, names) WITH ORDINALITY AS t (folded, name, position)
            LEFT JOIN unnest(found, tags) AS f (folded, tag) ON f.folded = t.folded
            ORDER BY COALESCE(f.tag, t.folded), t.position) r
        ORDER BY r.position);
    RETURN NEW;
END $$;

-- Deletes the names of tags that no public article has, and returns how many
-- there were: of those that editors have not changed. It skips names that
-- writers hold. A lock keeps others from using a name until it is deleted, and
-- the second statement sees what those who held it before have written.
CREATE OR REPLACE FUNCTION forget_tags(tags text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    held constant text[] := ARRAY(
        SELECT h.tag FROM (
            SELECT n.tag FROM tag_names n
            WHERE n.tag = ANY (tags) AND n.shown AND n.name = n.tag AND n.description IS NULL
            ORDER BY n.folded FOR UPDATE SKIP LOCKED) h
        WHERE pg_try_advisory_xact_lock(hashtext('byline tag'), tag_lock(h.tag)));
    forgotten text[];
BEGIN
    IF cardinality(held) = 0 THEN
        RETURN 0;
    END IF;
    -- What was merged because of its spelling is forgotten with the tag.
    WITH deleted AS (
        DELETE FROM tag_names n
        WHERE n.tag = ANY (held)
          AND NOT EXISTS (SELECT FROM article_tags t WHERE t.tag = n.tag)
          AND NOT EXISTS (SELECT FROM tag_names e WHERE e.tag = n.tag AND NOT e.shown)
          AND NOT EXISTS (SELECT FROM merged_tags m WHERE m.tag = n.tag
                          AND (fold_tag(m.name) <> n.folded OR EXISTS (SELECT FROM article_tags u WHERE u.tag = m.name)))
        RETURNING n.tag
    )
    SELECT array_agg(d.tag) INTO forgotten FROM deleted d;
    DELETE FROM merged_tags m WHERE m.tag = ANY (forgotten);
    RETURN COALESCE(cardinality(forgotten), 0);
END $$;

CREATE OR REPLACE FUNCTION delete_unused_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The counters of a tag in use are not locked: other writers would wait.
    IF (SELECT sum(c.value) FROM counters c WHERE c.kind = 'tag' AND c.name = NEW.name) = 0 THEN
        PERFORM delete_unused_tags(ARRAY[NEW.name]);
        PERFORM forget_tags(ARRAY[NEW.name]);
    END IF;
    RETURN NULL;
END $$;

-- Moves up to most articles of a merged tag to the tag that it is part of now,
-- and reports whether there are more. It locks the articles in a statement
-- before, so that the next one sees what the holders of the locks have done. It
-- skips articles that are locked: their writers may wait for a name that the
-- next merge holds, which waits for this transaction.
CREATE OR REPLACE FUNCTION move_merged_tag(merged text, most integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    into_tag text;
    ids bigint[];
    times timestamptz[];
BEGIN
    -- Held, so that this tag is not merged into another one meanwhile.
    SELECT m.tag INTO into_tag FROM merged_tags m WHERE m.name = merged FOR SHARE;
    IF into_tag IS NULL THEN
        RETURN false;
    END IF;
    SELECT array_agg(l.article_id), array_agg(l.article_created_at) INTO ids, times
    FROM (SELECT t.article_id, t.article_created_at FROM article_tags t
          JOIN articles a ON a.id = t.article_id
          WHERE t.tag = merged ORDER BY t.article_created_at, t.article_id LIMIT most FOR SHARE OF a SKIP LOCKED) l;
    WITH gone AS (
        DELETE FROM article_tags t USING unnest(times, ids) AS l (at, id)
        WHERE t.tag = merged AND t.article_created_at = l.at AND t.article_id = l.id
        RETURNING t.article_created_at, t.article_id
    ), added AS (
        INSERT INTO article_tags (tag, article_created_at, article_id) SELECT into_tag, g.article_created_at, g.article_id FROM gone g
        ON CONFLICT DO NOTHING
        RETURNING 1
    ), counted AS (
        SELECT merged AS name, -count(*) AS n FROM gone UNION ALL SELECT into_tag, count(*) FROM added
    )
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT 'tag', k.name, pg_backend_pid() % 16, k.n FROM counted k WHERE k.n <> 0 ORDER BY k.name
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    INSERT INTO changes (keys) VALUES (ARRAY['g', 't' || merged, 't' || into_tag]);
    RETURN EXISTS (SELECT FROM article_tags t WHERE t.tag = merged);
END $$;

-- A name is part of many responses, which depend on nothing that says so.
CREATE OR REPLACE FUNCTION note_tag_names() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (keys) VALUES ('{*}');
    RETURN NULL;
END $$;

-- Counters follow the rows of article_tags, because those of a merged tag may
-- not have been moved yet. Counters are changed in the order of their names, so
-- that two transactions which share several lock them in the same order. Hidden
-- articles are neither counted nor listed, but their text is stored.
CREATE OR REPLACE FUNCTION derive_from_articles() RETURNS trigger LANGUAGE plpgsql AS $$
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
        INSERT INTO counters AS c (kind, name, slot, value)
        SELECT kind, name, pg_backend_pid() % 16, count(*)
        FROM (SELECT 'articles' AS kind, '' AS name FROM changed WHERE NOT hidden UNION ALL SELECT 'tag', unnest(tags) FROM changed WHERE NOT hidden) k
        GROUP BY kind, name ORDER BY kind, name
        ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
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
        WITH gone AS (
            DELETE FROM article_tags t USING changed c
            WHERE t.tag = ANY (c.tags || listed_tags(c.tags)) AND t.article_created_at = c.published_at AND t.article_id = c.id
            RETURNING t.tag
        )
        INSERT INTO counters AS c (kind, name, slot, value)
        SELECT kind, name, pg_backend_pid() % 16, -count(*)
        FROM (SELECT 'articles' AS kind, '' AS name FROM changed WHERE NOT hidden UNION ALL SELECT 'tag', tag FROM gone) k
        GROUP BY kind, name ORDER BY kind, name
        ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    END IF;
    INSERT INTO changes (keys)
    SELECT array_agg(DISTINCT key) FROM (
        SELECT unnest(ARRAY['l', 'b' || author_id]) AS key FROM changed WHERE NOT hidden
        UNION ALL SELECT 'a' || id FROM changed WHERE TG_OP = 'DELETE'
        UNION ALL SELECT unnest(ARRAY['g', 't' || tag]) FROM changed, unnest(tags) AS tag WHERE NOT hidden
        UNION ALL SELECT 't' || tag FROM changed, unnest(listed_tags(tags)) AS tag WHERE TG_OP = 'DELETE' AND NOT hidden) k
    HAVING count(*) > 0;
    RETURN NULL;
END $$;

-- Called for a public article that stays public.
CREATE OR REPLACE FUNCTION derive_from_tags() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_tags constant text[] := listed_tags(OLD.tags);
    new_tags constant text[] := listed_tags(NEW.tags);
    moved constant boolean := OLD.published_at <> NEW.published_at;
BEGIN
    WITH gone AS (
        DELETE FROM article_tags
        WHERE tag = ANY (OLD.tags || old_tags) AND (moved OR tag <> ALL (new_tags)) AND article_created_at = OLD.published_at AND article_id = OLD.id
        RETURNING tag
    ), added AS (
        INSERT INTO article_tags (tag, article_created_at, article_id) SELECT tag, NEW.published_at, NEW.id FROM unnest(new_tags) AS tag
        ON CONFLICT DO NOTHING
        RETURNING tag
    )
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT 'tag', tag, pg_backend_pid() % 16, sum(n)
    FROM (SELECT tag, -1 AS n FROM gone UNION ALL SELECT tag, 1 FROM added) k
    GROUP BY tag HAVING sum(n) <> 0 ORDER BY tag
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    INSERT INTO changes (keys) VALUES (ARRAY(
        SELECT 't' || tag FROM unnest(OLD.tags || old_tags || new_tags) AS tag
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
    shown constant text[] := CASE WHEN NEW.hidden THEN OLD.tags || listed_tags(OLD.tags) ELSE NEW.tags END;
BEGIN
    -- As in derive_from_articles: the next statement sees what the holder of
    -- the lock has done.
    PERFORM FROM users WHERE id = NEW.author_id FOR NO KEY UPDATE;
    UPDATE users u SET articles_count = articles_count + sign,
        last_article_at = (SELECT max(a.published_at) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
    WHERE u.id = NEW.author_id;
    WITH gone AS (
        DELETE FROM article_tags WHERE NEW.hidden AND tag = ANY (shown) AND article_created_at = OLD.published_at AND article_id = OLD.id
        RETURNING tag
    ), added AS (
        INSERT INTO article_tags (tag, article_created_at, article_id) SELECT tag, NEW.published_at, NEW.id FROM unnest(shown) AS tag WHERE NOT NEW.hidden
        RETURNING tag
    )
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT kind, name, pg_backend_pid() % 16, sign
    FROM (SELECT 'articles' AS kind, '' AS name UNION ALL SELECT 'tag', tag FROM gone UNION ALL SELECT 'tag', tag FROM added) k
    ORDER BY kind, name
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    IF NEW.hidden THEN
        WITH moved AS (DELETE FROM favorites WHERE article_id = NEW.id RETURNING article_id, user_id, article_created_at, created_at)
        INSERT INTO hidden_favorites (article_id, user_id, article_created_at, created_at) SELECT * FROM moved;
    ELSE
        WITH moved AS (DELETE FROM hidden_favorites WHERE article_id = NEW.id RETURNING article_id, user_id, created_at)
        INSERT INTO favorites (article_id, user_id, article_created_at, created_at) SELECT article_id, user_id, NEW.published_at, created_at FROM moved;
    END IF;
    INSERT INTO changes (keys) VALUES (ARRAY(
        SELECT unnest(ARRAY['l', 'b' || NEW.author_id]) UNION ALL SELECT unnest(ARRAY['g', 't' || tag]) FROM unnest(shown) AS tag));
    RETURN NULL;
END $$;
-- +goose StatementEnd

COMMIT;

-- The first spelling of each tag. It must be there before the triggers are, and
-- once more after them for what was written in between.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION name_tags() RETURNS void LANGUAGE sql AS $$
    INSERT INTO tag_names (folded, name, tag)
    SELECT DISTINCT ON (f.folded) f.folded, f.name, f.name
    FROM (SELECT fold_tag(clean_tag(c.name)) AS folded, clean_tag(c.name) AS name,
                 (SELECT t.article_created_at FROM article_tags t WHERE t.tag = c.name ORDER BY t.article_created_at LIMIT 1) AS first_at
          FROM (SELECT DISTINCT k.name FROM counters k WHERE k.kind = 'tag') c) f
    WHERE f.first_at IS NOT NULL
    ORDER BY f.folded, f.first_at, f.name
    ON CONFLICT DO NOTHING
$$;
-- +goose StatementEnd

SELECT name_tags();

-- These locks wait for all transactions that have written articles. The first
-- trigger for updates has the first name, because those after it compare the
-- tags.
BEGIN;
CREATE OR REPLACE TRIGGER articles_0_insert_tags BEFORE INSERT ON articles
    FOR EACH ROW WHEN (NEW.tags <> '{}') EXECUTE FUNCTION identify_tags();
CREATE OR REPLACE TRIGGER articles_0_update_tags BEFORE UPDATE OF tags, hidden ON articles
    FOR EACH ROW WHEN (NEW.tags <> '{}' AND (NEW.tags IS DISTINCT FROM OLD.tags OR OLD.hidden AND NOT NEW.hidden)) EXECUTE FUNCTION identify_tags();
CREATE OR REPLACE TRIGGER articles_update_store AFTER UPDATE OF title, description, body, tags, details, older_bytes, hidden ON articles
    FOR EACH ROW WHEN (OLD.older_bytes <> NEW.older_bytes OR article_bytes(OLD.title, OLD.description, OLD.body, OLD.tags, OLD.details)
                                                          <> article_bytes(NEW.title, NEW.description, NEW.body, NEW.tags, NEW.details))
    EXECUTE FUNCTION store_article();
COMMIT;

SELECT name_tags();
DROP FUNCTION name_tags();

INSERT INTO merged_tags (name, tag)
SELECT c.name, n.tag
FROM (SELECT DISTINCT k.name FROM counters k WHERE k.kind = 'tag') c
JOIN tag_names n ON n.folded = fold_tag(clean_tag(c.name)) AND n.tag <> c.name
ON CONFLICT DO NOTHING;

CREATE OR REPLACE TRIGGER tag_names_insert_note AFTER INSERT ON tag_names
    FOR EACH ROW WHEN (NEW.name <> NEW.tag) EXECUTE FUNCTION note_tag_names();
CREATE OR REPLACE TRIGGER tag_names_update_note AFTER UPDATE ON tag_names
    FOR EACH ROW EXECUTE FUNCTION note_tag_names();
CREATE OR REPLACE TRIGGER merged_tags_note AFTER INSERT OR UPDATE ON merged_tags
    FOR EACH STATEMENT EXECUTE FUNCTION note_tag_names();
CREATE OR REPLACE TRIGGER merged_tags_delete_note AFTER DELETE ON merged_tags
    FOR EACH ROW EXECUTE FUNCTION note_tag_names();

-- +goose StatementBegin
-- A thousand articles at a time, so that no row stays locked for long.
DO $$
DECLARE
    merged text;
BEGIN
    FOREACH merged IN ARRAY ARRAY(SELECT m.name FROM merged_tags m ORDER BY m.id) LOOP
        WHILE move_merged_tag(merged, 1000) LOOP
            COMMIT;
            PERFORM pg_sleep(0.01); -- for articles that were locked
        END LOOP;
        COMMIT;
    END LOOP;
END $$;
-- +goose StatementEnd

ALTER TABLE audit_log DROP CONSTRAINT IF EXISTS audit_log_subject_kind_check,
    ADD CONSTRAINT audit_log_subject_kind_check CHECK (subject_kind IN ('article', 'comment', 'user', 'invitation', 'series', 'tag')) NOT VALID;
ALTER TABLE audit_log VALIDATE CONSTRAINT audit_log_subject_kind_check;

-- +goose Down

-- The audit log only grows, so that entries about tags stay.
ALTER TABLE audit_log DROP CONSTRAINT IF EXISTS audit_log_subject_kind_check,
    ADD CONSTRAINT audit_log_subject_kind_check CHECK (subject_kind IN ('article', 'comment', 'user', 'invitation', 'series')) NOT VALID;

BEGIN;
-- Articles are listed by the texts that they have, as before.
LOCK TABLE articles IN SHARE ROW EXCLUSIVE MODE;
-- +goose StatementBegin
-- Those with a merged tag are listed under the other one, or still under their
-- own, so that no other articles need to be read: for one merged tag after the
-- other, since PostgreSQL would read all articles for all of them together.
DO $$
DECLARE
    merged merged_tags;
BEGIN
    FOR merged IN SELECT * FROM merged_tags LOOP
        INSERT INTO article_tags (tag, article_created_at, article_id)
        SELECT merged.name, t.article_created_at, t.article_id
        FROM article_tags t JOIN articles a ON a.id = t.article_id AND merged.name = ANY (a.tags)
        WHERE t.tag = merged.tag
        ON CONFLICT DO NOTHING;
    END LOOP;
    FOR merged IN SELECT * FROM merged_tags LOOP
        DELETE FROM article_tags t USING articles a
        WHERE t.tag = merged.tag AND a.id = t.article_id AND merged.name = ANY (a.tags) AND t.tag <> ALL (a.tags);
    END LOOP;
    DELETE FROM counters WHERE kind = 'tag' AND name IN (SELECT name FROM merged_tags UNION ALL SELECT tag FROM merged_tags);
    INSERT INTO counters (kind, name, slot, value)
    SELECT 'tag', k.tag, 0, k.n
    FROM (SELECT name AS tag FROM merged_tags UNION SELECT tag FROM merged_tags) m
    CROSS JOIN LATERAL (SELECT t.tag, count(*) AS n FROM article_tags t WHERE t.tag = m.tag GROUP BY t.tag) k;
    INSERT INTO changes (keys) SELECT '{*}' WHERE EXISTS (SELECT FROM merged_tags);
END $$;

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

CREATE OR REPLACE FUNCTION delete_unused_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The counters of a tag in use are not locked: other writers would wait.
    IF (SELECT sum(c.value) FROM counters c WHERE c.kind = 'tag' AND c.name = NEW.name) = 0 THEN
        PERFORM delete_unused_tags(ARRAY[NEW.name]);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- Last, since nobody can read articles until the end of the transaction.
CREATE OR REPLACE TRIGGER articles_update_store AFTER UPDATE OF title, description, body, tags, details, older_bytes ON articles
    FOR EACH ROW WHEN (OLD.older_bytes <> NEW.older_bytes OR article_bytes(OLD.title, OLD.description, OLD.body, OLD.tags, OLD.details)
                                                          <> article_bytes(NEW.title, NEW.description, NEW.body, NEW.tags, NEW.details))
    EXECUTE FUNCTION store_article();
DROP TRIGGER IF EXISTS articles_0_insert_tags ON articles;
DROP TRIGGER IF EXISTS articles_0_update_tags ON articles;
DROP TABLE merged_tags, tag_names;
DROP FUNCTION IF EXISTS name_tags();
DROP FUNCTION note_tag_names();
DROP FUNCTION move_merged_tag(text, integer);
DROP FUNCTION forget_tags(text[]);
DROP FUNCTION hold_tag(text, text[]);
DROP FUNCTION tag_lock(text);
DROP FUNCTION identify_tags();
DROP FUNCTION tag_named(text);
DROP FUNCTION shown_tags(text[]);
DROP FUNCTION listed_tags(text[]);
DROP FUNCTION fold_tag(text);
DROP FUNCTION clean_tag(text);
COMMIT;

-- Lets a service create the articles or comments of several requests by one
-- statement (ArticleCreateTogether, CommentCreateTogether in db/queries), which
-- does once what the triggers do for each row. The previous version does not set
-- byline.together.

-- +goose Up

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION derive_from_new_article() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('byline.together', true) = 'on' THEN
        RETURN NULL;
    END IF;
    UPDATE users SET stored_bytes = stored_bytes + article_bytes(NEW.title, NEW.description, NEW.body, NEW.tags, NEW.details),
        articles_count = articles_count + CASE WHEN NEW.hidden THEN 0 ELSE 1 END,
        last_article_at = CASE WHEN NEW.hidden THEN last_article_at ELSE GREATEST(last_article_at, NEW.published_at) END
    WHERE id = NEW.author_id;
    IF NEW.series_id IS NOT NULL OR NEW.translation_group IS NOT NULL THEN
        INSERT INTO changes (keys) VALUES (array_remove(ARRAY['e' || NEW.series_id, 'r' || NEW.translation_group], NULL));
    END IF;
    IF NEW.hidden THEN
        RETURN NULL;
    END IF;
    INSERT INTO article_tags (tag, article_created_at, article_id)
    SELECT tag, NEW.published_at, NEW.id FROM unnest(NEW.tags) AS tag;
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT kind, name, pg_backend_pid() % 16, 1
    FROM (SELECT 'articles' AS kind, '' AS name UNION ALL SELECT 'tag', tag FROM unnest(NEW.tags) AS tag) k
    ORDER BY kind, name
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    INSERT INTO changes (keys) VALUES (ARRAY(
        SELECT unnest(ARRAY['l', 'b' || NEW.author_id]) UNION ALL SELECT unnest(ARRAY['g', 't' || tag]) FROM unnest(NEW.tags) AS tag));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION note_new_comment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('byline.account_storage', true) <> '' AND current_setting('byline.together', true) IS DISTINCT FROM 'on' THEN
        UPDATE users SET stored_bytes = stored_bytes + octet_length(NEW.body) WHERE id = NEW.author_id;
        INSERT INTO changes (keys) VALUES (ARRAY['c' || NEW.article_id]);
    END IF;
    -- All that the rule of blocks costs most comments.
    IF EXISTS (SELECT FROM blocks_of(NEW.author_id)) THEN
        PERFORM refuse_blocked(NEW.author_id, NEW.article_id, NEW.parent_id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION note_new_comments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('byline.account_storage', true) <> '' AND current_setting('byline.together', true) IS DISTINCT FROM 'on' THEN
        RETURN NULL;
    END IF;
    PERFORM FROM users WHERE id IN (SELECT author_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
    UPDATE users u SET stored_bytes = stored_bytes + c.bytes
    FROM (SELECT author_id, sum(octet_length(body)) AS bytes FROM changed GROUP BY author_id) c
    WHERE u.id = c.author_id;
    INSERT INTO changes (keys)
    SELECT array_agg(DISTINCT 'c' || article_id) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose Down

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION derive_from_new_article() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users SET stored_bytes = stored_bytes + article_bytes(NEW.title, NEW.description, NEW.body, NEW.tags, NEW.details),
        articles_count = articles_count + CASE WHEN NEW.hidden THEN 0 ELSE 1 END,
        last_article_at = CASE WHEN NEW.hidden THEN last_article_at ELSE GREATEST(last_article_at, NEW.published_at) END
    WHERE id = NEW.author_id;
    IF NEW.series_id IS NOT NULL OR NEW.translation_group IS NOT NULL THEN
        INSERT INTO changes (keys) VALUES (array_remove(ARRAY['e' || NEW.series_id, 'r' || NEW.translation_group], NULL));
    END IF;
    IF NEW.hidden THEN
        RETURN NULL;
    END IF;
    INSERT INTO article_tags (tag, article_created_at, article_id)
    SELECT tag, NEW.published_at, NEW.id FROM unnest(NEW.tags) AS tag;
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT kind, name, pg_backend_pid() % 16, 1
    FROM (SELECT 'articles' AS kind, '' AS name UNION ALL SELECT 'tag', tag FROM unnest(NEW.tags) AS tag) k
    ORDER BY kind, name
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    INSERT INTO changes (keys) VALUES (ARRAY(
        SELECT unnest(ARRAY['l', 'b' || NEW.author_id]) UNION ALL SELECT unnest(ARRAY['g', 't' || tag]) FROM unnest(NEW.tags) AS tag));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION note_new_comment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('byline.account_storage', true) <> '' THEN
        UPDATE users SET stored_bytes = stored_bytes + octet_length(NEW.body) WHERE id = NEW.author_id;
        INSERT INTO changes (keys) VALUES (ARRAY['c' || NEW.article_id]);
    END IF;
    -- All that the rule of blocks costs most comments.
    IF EXISTS (SELECT FROM blocks_of(NEW.author_id)) THEN
        PERFORM refuse_blocked(NEW.author_id, NEW.article_id, NEW.parent_id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION note_new_comments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('byline.account_storage', true) <> '' THEN
        RETURN NULL;
    END IF;
    UPDATE users u SET stored_bytes = stored_bytes + c.bytes
    FROM (SELECT author_id, sum(octet_length(body)) AS bytes FROM changed GROUP BY author_id) c
    WHERE u.id = c.author_id;
    INSERT INTO changes (keys)
    SELECT array_agg(DISTINCT 'c' || article_id) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- Lets a service create several articles by one statement (ArticleCreateTogether
-- in db/queries/articles.sql), which does what the trigger does for each. The
-- previous version does not set byline.together.

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
-- +goose StatementEnd

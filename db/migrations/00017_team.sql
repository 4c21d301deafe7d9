-- Working as a team: articles that get another author.
--
-- Only editors of this version change the author of an article. The trigger
-- applies to the statements of the previous version too, which never do. Each
-- step can be repeated.

-- +goose NO TRANSACTION

-- +goose Up

-- +goose StatementBegin
-- Moves an article from the counts and lists of one author to those of another.
-- It moves what the article had before the statement; the triggers for other
-- columns then change the counts of the new author. This trigger has the first
-- name, so that no count is negative in between. It is not a trigger for each
-- statement, because those cannot be limited to some columns: every favorite
-- would pay for it.
CREATE OR REPLACE FUNCTION derive_from_author() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    listed constant integer := CASE WHEN OLD.hidden THEN 0 ELSE 1 END;
    bytes constant bigint := article_bytes(OLD.title, OLD.description, OLD.body, OLD.tags);
BEGIN
    -- In the order of ids, in which every statement locks users. The next
    -- statement sees what the holders of the locks have done.
    PERFORM FROM users WHERE id IN (OLD.author_id, NEW.author_id) ORDER BY id FOR NO KEY UPDATE;
    UPDATE users u SET articles_count = articles_count + m.sign * listed, stored_bytes = stored_bytes + m.sign * bytes,
        last_article_at = (SELECT max(a.published_at) FROM articles a WHERE a.author_id = u.id AND NOT a.hidden)
    FROM (VALUES (OLD.author_id, -1), (NEW.author_id, 1)) m (id, sign)
    WHERE u.id = m.id;
    INSERT INTO changes (keys) VALUES (ARRAY['b' || OLD.author_id, 'b' || NEW.author_id]);
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE OR REPLACE TRIGGER articles_update_author AFTER UPDATE OF author_id ON articles
    FOR EACH ROW WHEN (OLD.author_id <> NEW.author_id) EXECUTE FUNCTION derive_from_author();

-- +goose Down

DROP TRIGGER IF EXISTS articles_update_author ON articles;
DROP FUNCTION IF EXISTS derive_from_author();

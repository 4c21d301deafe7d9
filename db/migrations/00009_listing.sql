-- The columns of an article in lists, for a viewer: one function replaces the
-- same joins in each query.

-- +goose Up

-- The columns of article_for. They are a view, so that the generated code has
-- one type for the rows of every list.
CREATE VIEW listed_articles AS
SELECT a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at,
       a.author_id, u.username, u.bio, u.image, false AS favorited, false AS following, 0::bigint AS total
FROM articles a
JOIN users u ON u.id = a.author_id;

-- +goose StatementBegin
-- PostgreSQL inlines the function into the query that calls it (LATERAL), so
-- that it costs as much as the joins would. This is possible only for a single
-- SELECT that is STABLE and neither STRICT nor SECURITY DEFINER.
CREATE FUNCTION article_for(article_id bigint, viewer_id bigint, total bigint) RETURNS SETOF listed_articles LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at,
           a.author_id, u.username, u.bio, u.image, f.user_id IS NOT NULL, w.follower_id IS NOT NULL, $3
    FROM articles a
    JOIN users u ON u.id = a.author_id
    LEFT JOIN favorites f ON f.article_id = a.id AND f.user_id = $2
    LEFT JOIN follows w ON w.followee_id = a.author_id AND w.follower_id = $2
    WHERE a.id = $1
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The same for a viewer who follows the author, as in a feed. Looking up each
-- author in follows took a seventh of a feed's time in PostgreSQL.
CREATE FUNCTION followed_article_for(article_id bigint, viewer_id bigint, total bigint) RETURNS SETOF listed_articles LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at,
           a.author_id, u.username, u.bio, u.image, f.user_id IS NOT NULL, true, $3
    FROM articles a
    JOIN users u ON u.id = a.author_id
    LEFT JOIN favorites f ON f.article_id = a.id AND f.user_id = $2
    WHERE a.id = $1
$$;
-- +goose StatementEnd

-- +goose Down

DROP FUNCTION followed_article_for(bigint, bigint, bigint);
DROP FUNCTION article_for(bigint, bigint, bigint);
DROP VIEW listed_articles;

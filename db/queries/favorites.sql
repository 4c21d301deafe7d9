-- name: FavoriteCreate :exec
-- The lock, which the foreign key needs anyway, prevents that the article is
-- hidden meanwhile. The favorites of a hidden article are in hidden_favorites;
-- only its author and moderators can add one.
WITH article AS (
    SELECT a.id, a.author_id, a.created_at, a.hidden
    FROM article_slugs s
    JOIN articles a ON a.id = s.article_id
    WHERE s.slug = @slug
    FOR KEY SHARE OF a
), waiting AS (
    INSERT INTO hidden_favorites (article_id, user_id, article_created_at)
    SELECT h.id, @user_id, h.created_at FROM article h
    WHERE h.hidden AND (h.author_id = @user_id OR @moderates::boolean)
    ON CONFLICT ON CONSTRAINT hidden_favorites_pkey DO NOTHING
)
INSERT INTO favorites (article_id, user_id, article_created_at)
SELECT l.id, @user_id, l.created_at FROM article l WHERE NOT l.hidden
ON CONFLICT ON CONSTRAINT favorites_pkey DO NOTHING;

-- name: FavoriteDelete :exec
WITH article AS (
    SELECT a.id, a.author_id FROM article_slugs s JOIN articles a ON a.id = s.article_id WHERE s.slug = @slug
), waiting AS (
    DELETE FROM hidden_favorites h USING article
    WHERE h.article_id = article.id AND h.user_id = @user_id AND (article.author_id = @user_id OR @moderates::boolean)
)
DELETE FROM favorites f USING article
WHERE f.article_id = article.id AND f.user_id = @user_id;

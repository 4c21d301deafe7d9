-- name: FavoriteCreate :exec
-- The lock, which the foreign key needs anyway, prevents that the article is
-- hidden meanwhile. The favorites of an article that is not public are in
-- hidden_favorites; only those who see it can add one. A draft has no time of
-- publication yet; the trigger that makes it public sets it.
WITH article AS (
    SELECT a.id, a.created_at, a.published_at, a.hidden
    FROM article_named(@slug, @user_id, @viewer_level) n
    JOIN articles a ON a.id = n.id
    FOR KEY SHARE OF a
), waiting AS (
    INSERT INTO hidden_favorites (article_id, user_id, article_created_at)
    SELECT h.id, @user_id, COALESCE(h.published_at, h.created_at) FROM article h
    WHERE h.hidden
    ON CONFLICT ON CONSTRAINT hidden_favorites_pkey DO NOTHING
)
INSERT INTO favorites (article_id, user_id, article_created_at)
SELECT l.id, @user_id, l.published_at FROM article l WHERE NOT l.hidden
ON CONFLICT ON CONSTRAINT favorites_pkey DO NOTHING;

-- name: FavoriteDelete :exec
WITH article AS (
    SELECT a.id FROM article_named(@slug, @user_id, @viewer_level) n JOIN articles a ON a.id = n.id
), waiting AS (
    DELETE FROM hidden_favorites h USING article
    WHERE h.article_id = article.id AND h.user_id = @user_id
)
DELETE FROM favorites f USING article
WHERE f.article_id = article.id AND f.user_id = @user_id;

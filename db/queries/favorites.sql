-- name: FavoriteCreate :exec
INSERT INTO favorites (article_id, user_id, article_created_at)
SELECT a.id, @user_id, a.created_at
FROM article_slugs s
JOIN articles a ON a.id = s.article_id
WHERE s.slug = @slug
ON CONFLICT ON CONSTRAINT favorites_pkey DO NOTHING;

-- name: FavoriteDelete :exec
DELETE FROM favorites f
USING article_slugs s
WHERE s.slug = @slug AND f.article_id = s.article_id AND f.user_id = @user_id;

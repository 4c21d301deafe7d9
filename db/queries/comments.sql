-- name: CommentCreate :one
-- No row when the article does not exist.
WITH created AS (
    INSERT INTO comments (article_id, author_id, body)
    SELECT s.article_id, @author_id, @body FROM article_slugs s WHERE s.slug = @slug
    RETURNING id, article_id, author_id, body, created_at, updated_at
)
SELECT c.id, c.article_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image, false AS following
FROM created c
JOIN users u ON u.id = c.author_id;

-- name: CommentListOldest :many
SELECT c.id, c.article_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image,
       EXISTS (SELECT 1 FROM follows w WHERE w.follower_id = @viewer_id AND w.followee_id = c.author_id) AS following
FROM article_slugs s
JOIN comments c ON c.article_id = s.article_id
JOIN users u ON u.id = c.author_id
WHERE s.slug = @slug AND (c.created_at, c.id) > (@from_created_at::timestamptz, @from_id::bigint)
ORDER BY c.created_at ASC, c.id ASC
LIMIT @page_limit::int;

-- name: CommentListNewest :many
SELECT c.id, c.article_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image,
       EXISTS (SELECT 1 FROM follows w WHERE w.follower_id = @viewer_id AND w.followee_id = c.author_id) AS following
FROM article_slugs s
JOIN comments c ON c.article_id = s.article_id
JOIN users u ON u.id = c.author_id
WHERE s.slug = @slug AND (c.created_at, c.id) < (@from_created_at::timestamptz, @from_id::bigint)
ORDER BY c.created_at DESC, c.id DESC
LIMIT @page_limit::int;

-- name: CommentDelete :one
-- Deletes in the same statement that finds out why it may not.
WITH deleted AS (
    DELETE FROM comments d
    WHERE d.id = @id AND d.author_id = @viewer_id
      AND d.article_id = (SELECT s.article_id FROM article_slugs s WHERE s.slug = @slug)
    RETURNING d.id
)
SELECT EXISTS (SELECT 1 FROM deleted) AS deleted,
       EXISTS (SELECT 1 FROM article_slugs s WHERE s.slug = @slug) AS article_found,
       EXISTS (SELECT 1 FROM comments c JOIN article_slugs s ON s.article_id = c.article_id
               WHERE s.slug = @slug AND c.id = @id AND c.author_id <> @viewer_id) AS foreign_comment;

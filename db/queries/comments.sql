-- name: CommentCreate :one
-- Returns no row if the article does not exist for the author.
WITH created AS (
    INSERT INTO comments (article_id, author_id, body)
    SELECT a.id, @author_id, @body FROM article_slugs s
    JOIN articles a ON a.id = s.article_id AND (NOT a.hidden OR a.author_id = @author_id OR @moderates::boolean)
    WHERE s.slug = @slug
    RETURNING id, article_id, author_id, body, created_at, updated_at
)
SELECT c.id, c.article_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image, false AS following, false AS hidden
FROM created c
JOIN users u ON u.id = c.author_id;

-- name: CommentListOldest :many
SELECT /* shared */ c.id, c.article_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image,
       EXISTS (SELECT 1 FROM follows w WHERE w.follower_id = @viewer_id AND w.followee_id = c.author_id) AS following, c.hidden
FROM article_slugs s
JOIN articles a ON a.id = s.article_id AND (NOT a.hidden OR a.author_id = @viewer_id OR @moderates::boolean)
JOIN comments c ON c.article_id = a.id AND (NOT c.hidden OR c.author_id = @viewer_id OR @moderates::boolean)
JOIN users u ON u.id = c.author_id
WHERE s.slug = @slug AND (c.created_at, c.id) > (@from_created_at::timestamptz, @from_id::bigint)
ORDER BY c.created_at ASC, c.id ASC
LIMIT @page_limit::int;

-- name: CommentListNewest :many
SELECT /* shared */ c.id, c.article_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image,
       EXISTS (SELECT 1 FROM follows w WHERE w.follower_id = @viewer_id AND w.followee_id = c.author_id) AS following, c.hidden
FROM article_slugs s
JOIN articles a ON a.id = s.article_id AND (NOT a.hidden OR a.author_id = @viewer_id OR @moderates::boolean)
JOIN comments c ON c.article_id = a.id AND (NOT c.hidden OR c.author_id = @viewer_id OR @moderates::boolean)
JOIN users u ON u.id = c.author_id
WHERE s.slug = @slug AND (c.created_at, c.id) < (@from_created_at::timestamptz, @from_id::bigint)
ORDER BY c.created_at DESC, c.id DESC
LIMIT @page_limit::int;

-- name: CommentAuthor :one
SELECT c.author_id FROM comments c
WHERE c.id = @id AND c.article_id = @article_id AND (NOT c.hidden OR c.author_id = @viewer_id OR @moderates::boolean);

-- name: CommentDelete :one
-- Deletes the comment, or returns why it must not be deleted.
WITH article AS (
    SELECT a.id FROM article_slugs s
    JOIN articles a ON a.id = s.article_id AND (NOT a.hidden OR a.author_id = @viewer_id OR @moderates::boolean)
    WHERE s.slug = @slug
), deleted AS (
    DELETE FROM comments d USING article
    WHERE d.id = @id AND d.author_id = @viewer_id AND d.article_id = article.id
    RETURNING d.id
)
SELECT EXISTS (SELECT 1 FROM deleted) AS deleted,
       EXISTS (SELECT 1 FROM article) AS article_found,
       EXISTS (SELECT 1 FROM comments c JOIN article ON article.id = c.article_id
               WHERE c.id = @id AND c.author_id <> @viewer_id AND (NOT c.hidden OR @moderates::boolean)) AS foreign_comment;

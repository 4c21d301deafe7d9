-- name: CommentCreate :one
-- Returns no row if the article does not exist for the author. The text of the
-- author is bounded as in ArticleCreate.
WITH created AS (
    INSERT INTO comments (article_id, author_id, body)
    SELECT n.id, @author_id, @body FROM article_named(@slug, @author_id, @viewer_level) n
    WHERE set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL
    RETURNING id, article_id, author_id, body, created_at, updated_at
)
SELECT c.id, c.article_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image, false AS following, false AS hidden
FROM created c
JOIN users u ON u.id = c.author_id;

-- name: CommentListOldest :many
-- A comment is left out if the texts of the comments before it have more than
-- max_bytes together. octet_length does not read a long text. The article is
-- found in a subquery: with a join, PostgreSQL reads and sorts all its comments
-- for each page.
SELECT /* shared */ m.id, m.article_id, m.author_id, m.body, m.created_at, m.updated_at, m.username, m.bio, m.image,
       EXISTS (SELECT 1 FROM follows w WHERE w.follower_id = @viewer_id AND w.followee_id = m.author_id) AS following, m.hidden
FROM (
    SELECT p.*, sum(octet_length(p.body) + COALESCE(octet_length(p.bio), 0) + COALESCE(octet_length(p.image), 0))
        OVER (ORDER BY p.created_at ASC, p.id ASC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
    FROM (
        SELECT c.id, c.article_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image, c.hidden
        FROM comments c
        JOIN users u ON u.id = c.author_id
        WHERE c.article_id = (SELECT n.id FROM article_named(@slug, @viewer_id, @viewer_level) n)
          AND (NOT c.hidden OR c.author_id = @viewer_id OR @viewer_level::int >= 1)
          AND (c.created_at, c.id) > (@from_created_at::timestamptz, @from_id::bigint)
        ORDER BY c.created_at ASC, c.id ASC
        LIMIT @page_limit::int
    ) p
) m
WHERE COALESCE(m.bytes_before, 0) <= @max_bytes::bigint
ORDER BY m.created_at ASC, m.id ASC;

-- name: CommentListNewest :many
SELECT /* shared */ m.id, m.article_id, m.author_id, m.body, m.created_at, m.updated_at, m.username, m.bio, m.image,
       EXISTS (SELECT 1 FROM follows w WHERE w.follower_id = @viewer_id AND w.followee_id = m.author_id) AS following, m.hidden
FROM (
    SELECT p.*, sum(octet_length(p.body) + COALESCE(octet_length(p.bio), 0) + COALESCE(octet_length(p.image), 0))
        OVER (ORDER BY p.created_at DESC, p.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
    FROM (
        SELECT c.id, c.article_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image, c.hidden
        FROM comments c
        JOIN users u ON u.id = c.author_id
        WHERE c.article_id = (SELECT n.id FROM article_named(@slug, @viewer_id, @viewer_level) n)
          AND (NOT c.hidden OR c.author_id = @viewer_id OR @viewer_level::int >= 1)
          AND (c.created_at, c.id) < (@from_created_at::timestamptz, @from_id::bigint)
        ORDER BY c.created_at DESC, c.id DESC
        LIMIT @page_limit::int
    ) p
) m
WHERE COALESCE(m.bytes_before, 0) <= @max_bytes::bigint
ORDER BY m.created_at DESC, m.id DESC;

-- name: CommentAuthor :one
SELECT c.author_id FROM comments c
WHERE c.id = @id AND c.article_id = @article_id AND (NOT c.hidden OR c.author_id = @viewer_id OR @viewer_level::int >= 1);

-- name: CommentDelete :one
-- Deletes the comment, or returns why it must not be deleted.
WITH article AS (
    SELECT a.id FROM article_named(@slug, @viewer_id, @viewer_level) n JOIN articles a ON a.id = n.id
), deleted AS (
    DELETE FROM comments d USING article
    WHERE d.id = @id AND d.author_id = @viewer_id AND d.article_id = article.id
    RETURNING d.id
)
SELECT EXISTS (SELECT 1 FROM deleted) AS deleted,
       EXISTS (SELECT 1 FROM article) AS article_found,
       EXISTS (SELECT 1 FROM comments c JOIN article ON article.id = c.article_id
               WHERE c.id = @id AND c.author_id <> @viewer_id AND (NOT c.hidden OR @viewer_level::int >= 1)) AS foreign_comment;

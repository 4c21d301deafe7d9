-- name: ArticleHide :execrows
-- Changes no row if the article is hidden for that reason already.
INSERT INTO hidden_items AS h (article_id, reason, hidden_by) VALUES (@article_id::bigint, @reason, @hidden_by::bigint)
ON CONFLICT ON CONSTRAINT hidden_items_article_id_key
DO UPDATE SET reason = excluded.reason, hidden_by = excluded.hidden_by WHERE h.reason <> excluded.reason;

-- name: ArticleRestore :execrows
DELETE FROM hidden_items WHERE article_id = @article_id::bigint;

-- name: CommentLock :one
-- Locks a comment of an article against other changes.
SELECT c.id FROM article_named(@slug, @viewer_id, @viewer_level) n
JOIN comments c ON c.article_id = n.id
WHERE c.id = @id AND c.author_id IS NOT NULL
FOR UPDATE OF c;

-- name: CommentHide :execrows
INSERT INTO hidden_items AS h (comment_id, reason, hidden_by) VALUES (@comment_id::bigint, @reason, @hidden_by::bigint)
ON CONFLICT ON CONSTRAINT hidden_items_comment_id_key
DO UPDATE SET reason = excluded.reason, hidden_by = excluded.hidden_by WHERE h.reason <> excluded.reason;

-- name: CommentRestore :execrows
DELETE FROM hidden_items WHERE comment_id = @comment_id::bigint;

-- name: CommentApprove :execrows
UPDATE comments c SET waiting = false, hidden = EXISTS (SELECT 1 FROM hidden_items h WHERE h.comment_id = c.id)
WHERE c.id = @comment_id AND c.waiting;

-- name: WaitingList :many
-- The comments that wait for approval, the oldest first.
SELECT c.id, c.parent_id, c.body, c.created_at, a.slug, a.title, u.username AS author
FROM comments c
JOIN articles a ON a.id = c.article_id
JOIN users u ON u.id = c.author_id
WHERE c.waiting AND c.id > @after_id AND NOT EXISTS (SELECT 1 FROM hidden_items h WHERE h.comment_id = c.id)
ORDER BY c.id
LIMIT @page_limit::int;

-- name: HiddenList :many
-- The hidden articles and comments, the last hidden first.
SELECT h.id, h.comment_id, h.reason, h.created_at, u.username AS hidden_by, a.slug, a.title, y.username AS author
FROM hidden_items h
LEFT JOIN comments c ON c.id = h.comment_id
JOIN articles a ON a.id = COALESCE(h.article_id, c.article_id)
JOIN users y ON y.id = COALESCE(c.author_id, a.author_id)
LEFT JOIN users u ON u.id = h.hidden_by
WHERE h.id < @before_id
ORDER BY h.id DESC
LIMIT @page_limit::int;

-- name: HiddenArticleList :many
-- The additional columns of articles that are not public. Those that no moderator
-- has hidden have no reason.
SELECT a.id, h.reason, h.created_at,
       (SELECT count(*) FROM hidden_favorites f WHERE f.article_id = a.id) AS favorites_count,
       EXISTS (SELECT 1 FROM hidden_favorites f WHERE f.article_id = a.id AND f.user_id = @viewer_id) AS favorited
FROM articles a
LEFT JOIN hidden_items h ON h.article_id = a.id
WHERE a.id = ANY (@article_ids::bigint[]);

-- name: HiddenCommentList :many
SELECT h.comment_id::bigint AS id, h.reason, h.created_at FROM hidden_items h WHERE h.comment_id = ANY (@comment_ids::bigint[]);

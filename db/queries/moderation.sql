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
-- The comments that wait for approval, the oldest first, on the articles that
-- the viewer sees.
SELECT c.id, c.parent_id, c.body, c.created_at, a.slug, a.title, u.username AS author
FROM comments c
JOIN articles a ON a.id = c.article_id
JOIN users u ON u.id = c.author_id
WHERE c.waiting AND c.id > @after_id AND NOT EXISTS (SELECT 1 FROM hidden_items h WHERE h.comment_id = c.id)
  AND article_visible(a.hidden, a.status, a.author_id, @viewer_id, @viewer_level)
ORDER BY c.id
LIMIT @page_limit::int;

-- name: HiddenList :many
-- The hidden articles and comments, the last hidden first. Moderators do not
-- see those of articles that are not published any more.
SELECT h.id, h.comment_id, h.reason, h.created_at, u.username AS hidden_by, a.slug, a.title, y.username AS author
FROM hidden_items h
LEFT JOIN comments c ON c.id = h.comment_id
JOIN articles a ON a.id = COALESCE(h.article_id, c.article_id)
JOIN users y ON y.id = COALESCE(c.author_id, a.author_id)
LEFT JOIN users u ON u.id = h.hidden_by
WHERE h.id < @before_id AND article_visible(a.hidden, a.status, a.author_id, @viewer_id, @viewer_level)
ORDER BY h.id DESC
LIMIT @page_limit::int;

-- name: HiddenArticleList :many
-- The additional columns of articles that are not public. Those that no
-- moderator has hidden have no reason.
SELECT a.id, h.reason, h.created_at,
       (SELECT count(*) FROM hidden_favorites f WHERE f.article_id = a.id) AS favorites_count,
       EXISTS (SELECT 1 FROM hidden_favorites f WHERE f.article_id = a.id AND f.user_id = @viewer_id) AS favorited
FROM articles a
LEFT JOIN hidden_items h ON h.article_id = a.id
WHERE a.id = ANY (@article_ids::bigint[]);

-- name: HiddenCommentList :many
SELECT h.comment_id::bigint AS id, h.reason, h.created_at FROM hidden_items h WHERE h.comment_id = ANY (@comment_ids::bigint[]);

-- name: CommentFind :one
-- A comment of any article, if the viewer sees it.
SELECT c.id, COALESCE(c.author_id, 0)::bigint AS author_id FROM comments c
JOIN articles a ON a.id = c.article_id
WHERE c.id = @id AND c.author_id IS NOT NULL AND article_visible(a.hidden, a.status, a.author_id, @viewer_id, @viewer_level)
  AND comment_visible(c.hidden, c.author_id, @viewer_id, @viewer_level);

-- name: CommentErase :exec
DELETE FROM comments WHERE id = @id;

-- name: ReportCreate :one
-- Returns the first report of the reporter if the same thing was reported
-- before and is not decided. The updates change nothing: they lock and return
-- the row.
WITH item AS (
    INSERT INTO reported_items (kind, subject_id, author_id) VALUES (@kind, @subject_id, @author_id)
    ON CONFLICT (kind, subject_id) WHERE decided_at IS NULL DO UPDATE SET kind = excluded.kind
    RETURNING id
)
INSERT INTO reports AS r (item_id, reporter_id, reason) SELECT item.id, @reporter_id, @reason FROM item
ON CONFLICT ON CONSTRAINT reports_item_id_reporter_id_key DO UPDATE SET item_id = excluded.item_id
RETURNING r.reason, r.created_at;

-- name: ReportedItemList :many
-- What was deleted, or the viewer does not see any more, has no text.
SELECT i.id, i.kind, i.subject_id, a.slug, a.title, u.username AS author,
       COALESCE(left(CASE i.kind WHEN 'article' THEN a.description WHEN 'profile' THEN u.bio ELSE CASE WHEN a.id IS NOT NULL THEN c.body END END, 300), '')::text AS excerpt,
       i.reports_count, i.created_at, i.action, i.note, m.username AS decided_by_name, i.decided_at
FROM reported_items i
JOIN users u ON u.id = i.author_id
LEFT JOIN users m ON m.id = i.decided_by
LEFT JOIN comments c ON i.kind = 'comment' AND c.id = i.subject_id
LEFT JOIN articles a ON a.id = CASE i.kind WHEN 'article' THEN i.subject_id ELSE c.article_id END
    AND article_visible(a.hidden, a.status, a.author_id, @viewer_id, @viewer_level)
WHERE (i.decided_at IS NOT NULL) = @decided::boolean AND i.id < @before_id AND (@kind::text = '' OR i.kind = @kind)
ORDER BY i.id DESC
LIMIT @page_limit::int;

-- name: ReportedItemFind :one
SELECT id FROM reported_items WHERE id = @id;

-- name: ReportedItemLock :one
-- With the slug of the article, or of the article that the comment belongs to.
SELECT i.id, i.kind, i.subject_id, i.author_id, i.decided_by, i.action, i.note,
       COALESCE((SELECT a.slug FROM articles a WHERE a.id = CASE i.kind WHEN 'article' THEN i.subject_id
           WHEN 'comment' THEN (SELECT c.article_id FROM comments c WHERE c.id = i.subject_id) END), '')::text AS slug
FROM reported_items i WHERE i.id = @id FOR NO KEY UPDATE;

-- name: ReportedItemDecide :exec
UPDATE reported_items SET decided_at = now(), decided_by = @decided_by::bigint, action = @action::text, note = sqlc.narg(note) WHERE id = @id;

-- name: ReportListByItems :many
-- The newest reports of each item.
SELECT n.item_id, n.reason, n.created_at, u.username AS reporter
FROM unnest(@item_ids::bigint[]) AS i (id)
CROSS JOIN LATERAL (
    SELECT r.id, r.item_id, r.reporter_id, r.reason, r.created_at FROM reports r WHERE r.item_id = i.id ORDER BY r.id DESC LIMIT 5
) n
JOIN users u ON u.id = n.reporter_id
ORDER BY n.id DESC;

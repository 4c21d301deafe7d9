-- name: ArticlePublish :execrows
-- Publishes an article, at once or at a time. Changes no row if a time is not
-- in the future, or ends before it begins. The clock of the database decides.
UPDATE articles a SET
    slug = @slug,
    status = CASE WHEN sqlc.narg(publish_at)::timestamptz IS NULL THEN 'published' ELSE 'scheduled' END,
    published_at = COALESCE(sqlc.narg(publish_at)::timestamptz, CASE WHEN a.status = 'published' THEN a.published_at END, now()),
    unpublish_at = sqlc.narg(unpublish_at)::timestamptz,
    hidden = sqlc.narg(publish_at)::timestamptz IS NOT NULL OR EXISTS (SELECT FROM hidden_items h WHERE h.article_id = a.id),
    version = a.version + 1
WHERE a.id = @id
  AND (sqlc.narg(publish_at)::timestamptz IS NULL OR sqlc.narg(publish_at)::timestamptz > now())
  AND (sqlc.narg(unpublish_at)::timestamptz IS NULL OR sqlc.narg(unpublish_at)::timestamptz > COALESCE(sqlc.narg(publish_at)::timestamptz, now()));

-- name: ArticleSetDraft :exec
-- Withdraws an article, or submits it for review.
UPDATE articles SET
    status = @status,
    published_at = NULL,
    unpublish_at = NULL,
    hidden = true,
    public_revision = CASE WHEN status = 'published' THEN own_revision ELSE public_revision END,
    version = version + 1
WHERE id = @id;

-- name: ArticleLockDue :one
-- Locks an article that has to be published now, or whose publication ends now,
-- or whose working copy has to be published now. The caller asks again whether
-- that one is due, since this statement may have waited for the lock.
SELECT a.id, a.author_id, a.slug, a.title, a.own_slug, a.status, (a.status = 'published' AND COALESCE(a.unpublish_at <= now(), false))::boolean AS ends
FROM articles a
WHERE a.id = @id AND (a.status = 'scheduled' AND a.published_at <= now()
    OR a.status = 'published' AND (a.unpublish_at <= now() OR EXISTS (SELECT FROM working_copies w WHERE w.article_id = a.id AND w.publish_at <= now())))
FOR UPDATE OF a;

-- name: ArticlePublishDue :exec
-- Makes a scheduled article public. Its time of publication stays the one that
-- it was scheduled for.
UPDATE articles a SET
    slug = @slug,
    status = 'published',
    hidden = EXISTS (SELECT FROM hidden_items h WHERE h.article_id = a.id),
    version = a.version + 1
WHERE a.id = @id;

-- name: ArticleListInAnyState :many
-- The lists below are for those who may change the articles, with the last
-- created first. They have a query for each index, and a part for each status
-- that an index finds: of the parts whose condition a parameter alone decides,
-- only those that apply are executed.
SELECT l.* FROM (
    SELECT a.id FROM articles a
    WHERE a.id < @before_id
    ORDER BY a.id DESC
    LIMIT @page_limit::int
) p
CROSS JOIN LATERAL own_article_item(p.id, @viewer_id) l
ORDER BY l.id DESC;

-- name: ArticleListByStatus :many
-- An article whose working copy is in review is in review too.
SELECT l.* FROM (
    (SELECT a.id FROM articles a
     WHERE a.status = @status AND a.status <> 'published' AND a.id < @before_id
     ORDER BY a.id DESC LIMIT @page_limit::int)
    UNION ALL
    (SELECT b.id FROM articles b
     WHERE @status::text = 'published' AND b.status = 'published' AND b.id < @before_id
     ORDER BY b.id DESC LIMIT @page_limit::int)
    UNION ALL
    (SELECT w.article_id FROM working_copies w
     WHERE @status = 'review' AND w.status = 'review' AND w.article_id < @before_id
     ORDER BY w.article_id DESC LIMIT @page_limit::int)
    ORDER BY id DESC
    LIMIT @page_limit::int
) p
CROSS JOIN LATERAL own_article_item(p.id, @viewer_id) l
ORDER BY l.id DESC;

-- name: ArticleListInAnyStateByAuthor :many
SELECT l.* FROM (
    (SELECT a.id, a.created_at FROM articles a
     WHERE @status::text IN ('', 'published') AND a.author_id = @author_id AND (@status = '' OR a.status = 'published')
       AND (a.created_at, a.id) < (@before_created_at::timestamptz, @before_id::bigint)
     ORDER BY a.created_at DESC, a.id DESC LIMIT @page_limit::int)
    UNION ALL
    (SELECT b.id, b.created_at FROM articles b
     WHERE b.author_id = @author_id AND b.status = @status AND b.status <> 'published'
       AND (b.created_at, b.id) < (@before_created_at, @before_id)
     ORDER BY b.created_at DESC, b.id DESC LIMIT @page_limit)
    UNION ALL
    (SELECT c.id, c.created_at FROM working_copies w JOIN articles c ON c.id = w.article_id
     WHERE @status = 'review' AND w.status = 'review' AND c.author_id = @author_id
       AND (c.created_at, c.id) < (@before_created_at, @before_id)
     ORDER BY c.created_at DESC, c.id DESC LIMIT @page_limit)
    ORDER BY created_at DESC, id DESC
    LIMIT @page_limit
) p
CROSS JOIN LATERAL own_article_item(p.id, @viewer_id) l
ORDER BY l.created_at DESC, l.id DESC;

-- name: ArticleHoldAuthorOf :exec
-- Locks the author of an article, so that the next query counts what others at
-- the same time have scheduled.
SELECT FROM users u WHERE u.id = (SELECT a.author_id FROM articles a WHERE a.id = @article_id) FOR NO KEY UPDATE;

-- name: ArticleCountTimed :one
-- Counts the articles by the author of an article that will be published, and
-- those whose publication will end.
-- A scheduled working copy counts as a scheduled article.
SELECT (count(*) FILTER (WHERE a.status = 'scheduled')
        + (SELECT count(*) FROM working_copies w JOIN articles c ON c.id = w.article_id
           WHERE w.status = 'scheduled' AND c.author_id = (SELECT b.author_id FROM articles b WHERE b.id = @article_id)))::bigint AS scheduled,
       count(*) FILTER (WHERE a.unpublish_at IS NOT NULL) AS ending
FROM articles a
WHERE a.author_id = (SELECT b.author_id FROM articles b WHERE b.id = @article_id) AND (a.status = 'scheduled' OR a.unpublish_at IS NOT NULL);

-- name: CommentCreate :one
-- Returns no row if CommentRefusal has a reason. The text of the author is
-- bounded as in ArticleCreate.
WITH created AS (
    INSERT INTO comments (article_id, author_id, body, hidden, waiting)
    SELECT a.id, @author_id::bigint, @body, @waiting, @waiting
    FROM article_named(@slug, @author_id, @viewer_level) s
    JOIN articles a ON a.id = s.id
    WHERE a.comments_open AND set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL
    RETURNING id, article_id, parent_id, author_id, body, created_at, updated_at, hidden, waiting
)
SELECT c.id, c.article_id, COALESCE(c.parent_id, 0)::bigint AS parent_id, u.id AS author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image,
       false AS following, c.hidden, c.waiting
FROM created c
JOIN users u ON u.id = c.author_id;

-- name: CommentCreateTogether :many
-- CommentCreate for several requests by one statement, as ArticleCreateTogether.
-- There is no row for a request that CommentCreate has none for.
WITH input AS MATERIALIZED (
    SELECT p.position, p.slug, (@author_ids::bigint[])[p.position] AS author_id, (@viewer_levels::int[])[p.position] AS viewer_level
    FROM unnest(@slugs::text[]) WITH ORDINALITY AS p (slug, position)
    WHERE set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL
      AND set_config('byline.together', 'on', true) IS NOT NULL
      AND set_config('lock_timeout', '200ms', true) IS NOT NULL
), found AS MATERIALIZED (
    SELECT i.position, nextval('comments_id_seq') AS id, a.id AS article_id, i.author_id
    FROM input i
    CROSS JOIN LATERAL article_named(i.slug, i.author_id, i.viewer_level) s
    JOIN articles a ON a.id = s.id
    WHERE a.comments_open
), created AS (
    INSERT INTO comments (id, article_id, author_id, body, hidden, waiting)
    OVERRIDING SYSTEM VALUE
    SELECT f.id, f.article_id, f.author_id, (@bodies::text[])[f.position], (@waiting::boolean[])[f.position], (@waiting::boolean[])[f.position]
    FROM found f
    ORDER BY f.id
    RETURNING id, article_id, author_id, body, created_at, updated_at, hidden, waiting
)
SELECT f.position::int AS position, c.id, c.article_id, u.id AS author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image, c.hidden, c.waiting
FROM created c
JOIN found f ON f.id = c.id
JOIN users u ON u.id = c.author_id;

-- name: CommentReply :one
-- CommentCreate for a comment that answers another one, which is locked, so
-- that it is not deleted at the same time (db/migrations, 00020).
WITH parent AS (
    SELECT p.id, p.article_id, p.depth FROM comments p
    WHERE p.id = @parent_id AND p.author_id IS NOT NULL AND NOT p.hidden AND p.depth < 8
      AND p.article_id = (SELECT n.id FROM article_named(@slug, @author_id, @viewer_level) n)
    FOR KEY SHARE
), created AS (
    INSERT INTO comments (article_id, author_id, body, parent_id, depth, hidden, waiting)
    SELECT a.id, @author_id::bigint, @body, p.id, p.depth + 1, @waiting, @waiting
    FROM parent p
    JOIN articles a ON a.id = p.article_id
    WHERE a.comments_open AND set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL
    RETURNING id, article_id, parent_id, author_id, body, created_at, updated_at, hidden, waiting
)
SELECT c.id, c.article_id, COALESCE(c.parent_id, 0)::bigint AS parent_id, u.id AS author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image,
       false AS following, c.hidden, c.waiting
FROM created c
JOIN users u ON u.id = c.author_id;

-- name: CommentMustWait :one
-- Whether the author has no comment that everybody sees.
SELECT NOT EXISTS (SELECT 1 FROM comments WHERE author_id = @author_id::bigint AND NOT hidden);

-- name: CommentRefusal :one
-- What CommentCreate checks. The columns of the parent are NULL if there is no
-- such comment.
SELECT a.comments_open, (p.author_id IS NULL)::boolean AS parent_deleted, p.hidden AS parent_hidden, p.depth AS parent_depth
FROM article_named(@slug, @author_id, @viewer_level) n
JOIN articles a ON a.id = n.id
LEFT JOIN comments p ON p.id = sqlc.narg(parent_id)::bigint AND p.article_id = a.id
                    AND comment_visible(p.hidden, p.author_id, @author_id, @viewer_level);

-- name: CommentListOldest :many
-- A comment is left out if the texts of the comments before it have more than
-- max_bytes together. octet_length does not read a long text. The article is
-- found in a subquery: with a join, PostgreSQL reads and sorts all its comments
-- for each page. What is left of a deleted comment has no author. Ids that are
-- NULL are 0: a pointer would be one more allocation.
SELECT /* shared */ m.id, m.article_id, COALESCE(m.parent_id, 0)::bigint AS parent_id, COALESCE(m.author_id, 0)::bigint AS author_id, m.body, m.created_at, m.updated_at,
       COALESCE(m.username, '')::text AS username, m.bio, m.image,
       (@viewer_id::bigint <> 0 AND EXISTS (SELECT 1 FROM follows w WHERE w.follower_id = @viewer_id AND w.followee_id = m.author_id))::boolean AS following, m.hidden, m.waiting
FROM (
    SELECT p.*, sum(octet_length(p.body) + COALESCE(octet_length(p.bio), 0) + COALESCE(octet_length(p.image), 0))
        OVER (ORDER BY p.created_at ASC, p.id ASC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
    FROM (
        SELECT c.id, c.article_id, c.parent_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image, c.hidden, c.waiting
        FROM comments c
        LEFT JOIN users u ON u.id = c.author_id
        WHERE c.article_id = (SELECT n.id FROM article_named(@slug, @viewer_id, @viewer_level) n)
          AND comment_visible(c.hidden, c.author_id, @viewer_id, @viewer_level)
          AND (@viewer_level::int >= 1 OR @viewer_id = 0 OR NOT EXISTS (SELECT 1 FROM blocks_of(@viewer_id)) OR NOT EXISTS (SELECT 1 FROM blocks_between(@viewer_id, c.author_id)))
          AND (c.created_at, c.id) > (@from_created_at::timestamptz, @from_id::bigint)
        ORDER BY c.created_at ASC, c.id ASC
        LIMIT @page_limit::int
    ) p
) m
WHERE COALESCE(m.bytes_before, 0) <= @max_bytes::bigint
ORDER BY m.created_at ASC, m.id ASC;

-- name: CommentListTogether :many
-- CommentListOldest for the first pages of several articles by one statement,
-- for viewers who are not signed in. Row number "position" is that of the
-- article.
SELECT p.position::int AS position, m.id, m.article_id, COALESCE(m.parent_id, 0)::bigint AS parent_id, COALESCE(m.author_id, 0)::bigint AS author_id,
       m.body, m.created_at, m.updated_at, COALESCE(m.username, '')::text AS username, m.bio, m.image, m.hidden, m.waiting
FROM unnest(@slugs::text[]) WITH ORDINALITY AS p (slug, position)
CROSS JOIN LATERAL article_named(p.slug, 0, 0) n
CROSS JOIN LATERAL (
    SELECT k.*, sum(octet_length(k.body) + COALESCE(octet_length(k.bio), 0) + COALESCE(octet_length(k.image), 0))
        OVER (ORDER BY k.created_at ASC, k.id ASC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
    FROM (
        SELECT c.id, c.article_id, c.parent_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image, c.hidden, c.waiting
        FROM comments c
        LEFT JOIN users u ON u.id = c.author_id
        WHERE c.article_id = n.id AND NOT c.hidden
        ORDER BY c.created_at ASC, c.id ASC
        LIMIT @page_limit::int
    ) k
) m
WHERE COALESCE(m.bytes_before, 0) <= @max_bytes::bigint
ORDER BY p.position, m.created_at ASC, m.id ASC;

-- name: CommentListNewest :many
SELECT /* shared */ m.id, m.article_id, COALESCE(m.parent_id, 0)::bigint AS parent_id, COALESCE(m.author_id, 0)::bigint AS author_id, m.body, m.created_at, m.updated_at,
       COALESCE(m.username, '')::text AS username, m.bio, m.image,
       (@viewer_id::bigint <> 0 AND EXISTS (SELECT 1 FROM follows w WHERE w.follower_id = @viewer_id AND w.followee_id = m.author_id))::boolean AS following, m.hidden, m.waiting
FROM (
    SELECT p.*, sum(octet_length(p.body) + COALESCE(octet_length(p.bio), 0) + COALESCE(octet_length(p.image), 0))
        OVER (ORDER BY p.created_at DESC, p.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
    FROM (
        SELECT c.id, c.article_id, c.parent_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image, c.hidden, c.waiting
        FROM comments c
        LEFT JOIN users u ON u.id = c.author_id
        WHERE c.article_id = (SELECT n.id FROM article_named(@slug, @viewer_id, @viewer_level) n)
          AND comment_visible(c.hidden, c.author_id, @viewer_id, @viewer_level)
          AND (@viewer_level::int >= 1 OR @viewer_id = 0 OR NOT EXISTS (SELECT 1 FROM blocks_of(@viewer_id)) OR NOT EXISTS (SELECT 1 FROM blocks_between(@viewer_id, c.author_id)))
          AND (c.created_at, c.id) < (@from_created_at::timestamptz, @from_id::bigint)
        ORDER BY c.created_at DESC, c.id DESC
        LIMIT @page_limit::int
    ) p
) m
WHERE COALESCE(m.bytes_before, 0) <= @max_bytes::bigint
ORDER BY m.created_at DESC, m.id DESC;

-- name: CommentListUnderOldest :many
-- The comments that answer one, or those that answer none if parent_id is 0.
-- Only one of the two parts is executed, and each reads one range of an index.
SELECT /* shared */ m.id, m.article_id, COALESCE(m.parent_id, 0)::bigint AS parent_id, COALESCE(m.author_id, 0)::bigint AS author_id, m.body, m.created_at, m.updated_at,
       COALESCE(m.username, '')::text AS username, m.bio, m.image,
       (@viewer_id::bigint <> 0 AND EXISTS (SELECT 1 FROM follows w WHERE w.follower_id = @viewer_id AND w.followee_id = m.author_id))::boolean AS following, m.hidden, m.waiting
FROM (
    SELECT p.*, sum(octet_length(p.body) + COALESCE(octet_length(p.bio), 0) + COALESCE(octet_length(p.image), 0))
        OVER (ORDER BY p.created_at ASC, p.id ASC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
    FROM (
        (SELECT c.id, c.article_id, c.parent_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image, c.hidden, c.waiting
         FROM comments c
         LEFT JOIN users u ON u.id = c.author_id
         WHERE c.article_id = (SELECT n.id FROM article_named(@slug, @viewer_id, @viewer_level) n)
           AND @parent_id::bigint = 0 AND c.parent_id IS NULL
           AND comment_visible(c.hidden, c.author_id, @viewer_id, @viewer_level)
           AND (@viewer_level::int >= 1 OR @viewer_id = 0 OR NOT EXISTS (SELECT 1 FROM blocks_of(@viewer_id)) OR NOT EXISTS (SELECT 1 FROM blocks_between(@viewer_id, c.author_id)))
           AND (c.created_at, c.id) > (@from_created_at::timestamptz, @from_id::bigint)
         ORDER BY c.created_at ASC, c.id ASC
         LIMIT @page_limit::int)
        UNION ALL
        (SELECT r.id, r.article_id, r.parent_id, r.author_id, r.body, r.created_at, r.updated_at, v.username, v.bio, v.image, r.hidden, r.waiting
         FROM comments r
         LEFT JOIN users v ON v.id = r.author_id
         WHERE r.article_id = (SELECT s.id FROM article_named(@slug, @viewer_id, @viewer_level) s)
           AND @parent_id::bigint <> 0 AND r.parent_id = @parent_id::bigint
           AND comment_visible(r.hidden, r.author_id, @viewer_id, @viewer_level)
           AND (@viewer_level::int >= 1 OR @viewer_id = 0 OR NOT EXISTS (SELECT 1 FROM blocks_of(@viewer_id)) OR NOT EXISTS (SELECT 1 FROM blocks_between(@viewer_id, r.author_id)))
           AND (r.created_at, r.id) > (@from_created_at::timestamptz, @from_id::bigint)
         ORDER BY r.created_at ASC, r.id ASC
         LIMIT @page_limit::int)
    ) p
) m
WHERE COALESCE(m.bytes_before, 0) <= @max_bytes::bigint
ORDER BY m.created_at ASC, m.id ASC
LIMIT @page_limit::int;

-- name: CommentListUnderNewest :many
SELECT /* shared */ m.id, m.article_id, COALESCE(m.parent_id, 0)::bigint AS parent_id, COALESCE(m.author_id, 0)::bigint AS author_id, m.body, m.created_at, m.updated_at,
       COALESCE(m.username, '')::text AS username, m.bio, m.image,
       (@viewer_id::bigint <> 0 AND EXISTS (SELECT 1 FROM follows w WHERE w.follower_id = @viewer_id AND w.followee_id = m.author_id))::boolean AS following, m.hidden, m.waiting
FROM (
    SELECT p.*, sum(octet_length(p.body) + COALESCE(octet_length(p.bio), 0) + COALESCE(octet_length(p.image), 0))
        OVER (ORDER BY p.created_at DESC, p.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
    FROM (
        (SELECT c.id, c.article_id, c.parent_id, c.author_id, c.body, c.created_at, c.updated_at, u.username, u.bio, u.image, c.hidden, c.waiting
         FROM comments c
         LEFT JOIN users u ON u.id = c.author_id
         WHERE c.article_id = (SELECT n.id FROM article_named(@slug, @viewer_id, @viewer_level) n)
           AND @parent_id::bigint = 0 AND c.parent_id IS NULL
           AND comment_visible(c.hidden, c.author_id, @viewer_id, @viewer_level)
           AND (@viewer_level::int >= 1 OR @viewer_id = 0 OR NOT EXISTS (SELECT 1 FROM blocks_of(@viewer_id)) OR NOT EXISTS (SELECT 1 FROM blocks_between(@viewer_id, c.author_id)))
           AND (c.created_at, c.id) < (@from_created_at::timestamptz, @from_id::bigint)
         ORDER BY c.created_at DESC, c.id DESC
         LIMIT @page_limit::int)
        UNION ALL
        (SELECT r.id, r.article_id, r.parent_id, r.author_id, r.body, r.created_at, r.updated_at, v.username, v.bio, v.image, r.hidden, r.waiting
         FROM comments r
         LEFT JOIN users v ON v.id = r.author_id
         WHERE r.article_id = (SELECT s.id FROM article_named(@slug, @viewer_id, @viewer_level) s)
           AND @parent_id::bigint <> 0 AND r.parent_id = @parent_id::bigint
           AND comment_visible(r.hidden, r.author_id, @viewer_id, @viewer_level)
           AND (@viewer_level::int >= 1 OR @viewer_id = 0 OR NOT EXISTS (SELECT 1 FROM blocks_of(@viewer_id)) OR NOT EXISTS (SELECT 1 FROM blocks_between(@viewer_id, r.author_id)))
           AND (r.created_at, r.id) < (@from_created_at::timestamptz, @from_id::bigint)
         ORDER BY r.created_at DESC, r.id DESC
         LIMIT @page_limit::int)
    ) p
) m
WHERE COALESCE(m.bytes_before, 0) <= @max_bytes::bigint
ORDER BY m.created_at DESC, m.id DESC
LIMIT @page_limit::int;

-- name: CommentAuthor :one
SELECT COALESCE(c.author_id, 0)::bigint AS author_id FROM comments c
WHERE c.id = @id AND c.article_id = @article_id AND c.author_id IS NOT NULL AND comment_visible(c.hidden, c.author_id, @viewer_id, @viewer_level);

-- name: CommentUpdate :one
-- Returns no row if the viewer has no such comment. The text of the author is
-- bounded as in ArticleCreate.
WITH changed AS (
    UPDATE comments c SET body = @body,
        updated_at = CASE WHEN c.body = @body THEN c.updated_at ELSE GREATEST(now(), c.updated_at + interval '1 millisecond') END
    FROM article_named(@slug, @viewer_id, @viewer_level) n
    WHERE c.id = @id AND c.article_id = n.id AND c.author_id = @viewer_id::bigint
      AND set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL
    RETURNING c.id, c.article_id, c.parent_id, c.author_id, c.body, c.created_at, c.updated_at, c.hidden, c.waiting
)
SELECT m.id, m.article_id, COALESCE(m.parent_id, 0)::bigint AS parent_id, u.id AS author_id, m.body, m.created_at, m.updated_at, u.username, u.bio, u.image,
       false AS following, m.hidden, m.waiting
FROM changed m
JOIN users u ON u.id = m.author_id;

-- name: CommentDelete :one
-- Deletes the comment, or returns why it must not be deleted. It is locked
-- first, because a comment that has replies is changed instead of deleted: then
-- the DELETE returns no row.
WITH article AS (
    SELECT a.id FROM article_named(@slug, @viewer_id, @viewer_level) n JOIN articles a ON a.id = n.id
), own AS (
    SELECT c.id FROM article f
    JOIN comments c ON c.article_id = f.id
    WHERE c.id = @id AND c.author_id = @viewer_id::bigint
    FOR UPDATE OF c
), deleted AS (
    DELETE FROM comments d USING own WHERE d.id = own.id
)
SELECT EXISTS (SELECT 1 FROM own) AS deleted,
       EXISTS (SELECT 1 FROM article) AS article_found,
       EXISTS (SELECT 1 FROM comments o JOIN article b ON b.id = o.article_id
               WHERE o.id = @id AND o.author_id <> @viewer_id::bigint AND comment_visible(o.hidden, o.author_id, @viewer_id, @viewer_level)) AS foreign_comment;

-- The parts of the export of an account: a query for each kind of record, which
-- returns a page after the last row of the page before. `record` is a line of the
-- export.

-- name: ExportAccount :one
SELECT json_build_object('type', 'account', 'username', u.username, 'email', u.email, 'bio', u.bio, 'image', u.image,
    'role', u.role, 'articlesCount', u.articles_count, 'favoritesCount', u.favorites_count,
    'createdAt', to_char(u.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'updatedAt', to_char(u.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'suspendedAt', to_char(u.suspended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'suspensionReason', u.suspended_reason,
    'emailVerifiedAt', to_char(u.email_verified_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS record
FROM users u WHERE u.id = @user_id;

-- name: ExportSessions :many
SELECT s.id, json_build_object('type', 'session', 'id', s.id, 'userAgent', s.user_agent,
    'createdAt', to_char(s.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'usedAt', to_char(s.used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'expiresAt', to_char(s.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS record
FROM sessions s WHERE s.user_id = @user_id AND s.id > @after_id ORDER BY s.id LIMIT @page_limit;

-- name: ExportApiKeys :many
-- Without the hashes, which are secrets.
SELECT k.id, json_build_object('type', 'apiKey', 'id', k.id, 'name', k.name, 'prefix', k.prefix, 'scope', k.scope,
    'createdAt', to_char(k.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'expiresAt', to_char(k.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'usedAt', to_char(k.used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS record
FROM api_keys k WHERE k.user_id = @user_id AND k.id > @after_id ORDER BY k.id LIMIT @page_limit;

-- name: ExportArticles :many
-- With every slug that each article has had. An article is left out if the
-- bodies and details of the articles before it have more than max_bytes
-- together.
WITH page AS (
    SELECT x.id, sum(x.bytes) OVER (ORDER BY x.created_at, x.id) - x.bytes AS bytes_before
    FROM (
        SELECT y.id, y.created_at, octet_length(y.body) + COALESCE(octet_length(y.details::text), 0) AS bytes FROM articles y
        WHERE y.author_id = @user_id AND (y.created_at, y.id) > (@after_created_at::timestamptz, @after_id::bigint)
        ORDER BY y.created_at, y.id LIMIT @page_limit
    ) x
)
SELECT a.id, a.created_at, json_build_object('type', 'article', 'slug', a.slug, 'slugs',
    (SELECT array_agg(n.slug ORDER BY n.slug) FROM (SELECT s.slug FROM article_slugs s WHERE s.article_id = a.id UNION SELECT d.slug FROM draft_slugs d WHERE d.article_id = a.id) n),
    'status', a.status, 'publishedAt', to_char(a.published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'unpublishAt', to_char(a.unpublish_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'title', a.title, 'description', a.description, 'body', a.body, 'tagList', shown_tags(a.tags), 'favoritesCount', a.favorites_count,
    'coverImage', a.details -> 'coverImage', 'canonicalUrl', a.details -> 'canonicalUrl', 'metaTitle', a.details -> 'metaTitle',
    'metaDescription', a.details -> 'metaDescription', 'language', a.details -> 'language', 'metadata', COALESCE(a.details -> 'metadata', '{}'),
    'hidden', (SELECT json_build_object('reason', h.reason, 'at', to_char(h.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) FROM hidden_items h WHERE h.article_id = a.id),
    'createdAt', to_char(a.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'updatedAt', to_char(a.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS record
FROM page p JOIN articles a ON a.id = p.id
WHERE p.bytes_before <= @max_bytes::bigint
ORDER BY a.created_at, a.id;

-- name: ExportRevisions :many
-- The older texts and the working copies of the articles of the user.
WITH page AS (
    SELECT x.article_id, x.number, sum(x.bytes) OVER (ORDER BY x.article_id, x.number) - x.bytes AS bytes_before
    FROM (
        SELECT y.article_id, y.number, octet_length(revision_body(y.article_id, y.body_revision)) + COALESCE(octet_length(y.details::text), 0) AS bytes
        FROM (SELECT b.id, b.own_revision FROM articles b WHERE b.author_id = @user_id AND b.id >= @after_article_id::bigint ORDER BY b.id) o
        CROSS JOIN LATERAL (
            SELECT z.article_id, z.number, z.body_revision, z.details FROM revision_items z
            WHERE z.article_id = o.id AND z.number <> o.own_revision AND (o.id > @after_article_id::bigint OR z.number > @after_number::int)
        ) y
        ORDER BY o.id, y.number LIMIT @page_limit
    ) x
)
SELECT r.article_id, r.number, json_build_object('type', 'revision', 'article', a.slug, 'number', r.number,
    'title', r.title, 'description', r.description, 'body', revision_body(r.article_id, r.body_revision), 'tagList', shown_tags(r.tags),
    'coverImage', r.details -> 'coverImage', 'canonicalUrl', r.details -> 'canonicalUrl', 'metaTitle', r.details -> 'metaTitle',
    'metaDescription', r.details -> 'metaDescription', 'language', r.details -> 'language', 'metadata', COALESCE(r.details -> 'metadata', '{}'),
    'published', r.published,
    'createdAt', to_char(r.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS record
FROM page p JOIN revision_items r ON r.article_id = p.article_id AND r.number = p.number JOIN articles a ON a.id = p.article_id
WHERE p.bytes_before <= @max_bytes::bigint
ORDER BY r.article_id, r.number;

-- name: ExportComments :many
-- The article is null if it is not published: its slug may be a new one, which
-- only those who may edit it see.
WITH page AS (
    SELECT x.id, sum(octet_length(x.body)) OVER (ORDER BY x.id) - octet_length(x.body) AS bytes_before
    FROM (SELECT y.id, y.body FROM comments y WHERE y.author_id = @user_id::bigint AND y.id > @after_id ORDER BY y.id LIMIT @page_limit) x
)
SELECT c.id, json_build_object('type', 'comment', 'id', c.id, 'article', CASE WHEN article_visible(a.hidden, a.status, a.author_id, @user_id, 1) THEN a.slug END, 'parentId', c.parent_id, 'body', c.body, 'waiting', c.waiting,
    'hidden', (SELECT json_build_object('reason', h.reason, 'at', to_char(h.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) FROM hidden_items h WHERE h.comment_id = c.id),
    'createdAt', to_char(c.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'updatedAt', to_char(c.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS record
FROM page p JOIN comments c ON c.id = p.id JOIN articles a ON a.id = c.article_id
WHERE p.bytes_before <= @max_bytes::bigint
ORDER BY c.id;

-- name: ExportFavorites :many
SELECT f.article_id AS id, f.article_created_at AS created_at, json_build_object('type', 'favorite', 'article', a.slug,
    'createdAt', to_char(f.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS record
FROM favorites f JOIN articles a ON a.id = f.article_id
WHERE f.user_id = @user_id AND (f.article_created_at, f.article_id) > (@after_created_at::timestamptz, @after_id::bigint)
ORDER BY f.article_created_at, f.article_id LIMIT @page_limit;

-- name: ExportFollowing :many
SELECT f.followee_id AS id, json_build_object('type', 'following', 'username', u.username, 'createdAt', to_char(f.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS record
FROM follows f JOIN users u ON u.id = f.followee_id
WHERE f.follower_id = @user_id AND f.followee_id > @after_id ORDER BY f.followee_id LIMIT @page_limit;

-- name: ExportFollowers :many
SELECT f.follower_id AS id, json_build_object('type', 'follower', 'username', u.username, 'createdAt', to_char(f.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS record
FROM follows f JOIN users u ON u.id = f.follower_id
WHERE f.followee_id = @user_id AND f.follower_id > @after_id ORDER BY f.follower_id LIMIT @page_limit;

-- name: ExportBlocks :many
SELECT b.id, json_build_object('type', 'block', 'username', u.username, 'createdAt', to_char(b.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS record
FROM blocks b JOIN users u ON u.id = b.blocked_id
WHERE b.blocker_id = @user_id AND b.id > @after_id ORDER BY b.id LIMIT @page_limit;

-- name: ExportReports :many
-- The reports that the user has made. Those about the user are none of their
-- data: they would tell who has reported. An article that is not published has
-- no id, as in ExportComments.
SELECT r.id, json_build_object('type', 'report', 'kind', i.kind, 'id', CASE i.kind
        WHEN 'article' THEN (SELECT a.slug FROM articles a WHERE a.id = i.subject_id AND article_visible(a.hidden, a.status, a.author_id, @user_id, 1))
        WHEN 'comment' THEN i.subject_id::text
        ELSE (SELECT u.username FROM users u WHERE u.id = i.subject_id) END,
    'reason', r.reason, 'createdAt', to_char(r.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS record
FROM reports r JOIN reported_items i ON i.id = r.item_id
WHERE r.reporter_id = @user_id AND r.id > @after_id ORDER BY r.id LIMIT @page_limit;

-- name: ExportAuditEntries :many
-- Without the actors, who are other people, and without decisions on reports,
-- which would tell that somebody has reported.
SELECT l.id, json_build_object('type', 'auditEntry', 'id', l.id, 'action', l.action, 'subject', json_build_object('kind', l.subject_kind, 'id', l.subject_id),
    'reason', l.reason, 'from', l.changed_from, 'to', l.changed_to, 'createdAt', to_char(l.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS record
FROM audit_log l WHERE l.about_id = @user_id AND l.action <> 'report.decided' AND l.id > @after_id ORDER BY l.id LIMIT @page_limit;

-- The function newest_revisions and the view revision_items (db/migrations,
-- 00018) have all revisions of an article: its text, its working copy, and what
-- these replaced.

-- name: RevisionList :many
-- The newest first.
SELECT r.number, r.created_at, r.title, r.published, COALESCE(u.username, '')::text AS username, u.bio, u.image,
       EXISTS (SELECT FROM follows f WHERE f.follower_id = @viewer_id AND f.followee_id = r.author_id) AS following
FROM newest_revisions(@article_id, @before::int, @page_limit::int) r
LEFT JOIN users u ON u.id = r.author_id
ORDER BY r.number DESC;

-- name: RevisionGet :one
SELECT r.number, r.created_at, r.title, r.description, r.tags, r.details, r.published, revision_body(r.article_id, r.body_revision) AS body, r.body_revision,
       COALESCE(u.username, '')::text AS username, u.bio, u.image,
       EXISTS (SELECT FROM follows f WHERE f.follower_id = @viewer_id AND f.followee_id = r.author_id) AS following
FROM revision_items r
LEFT JOIN users u ON u.id = r.author_id
WHERE r.article_id = @article_id AND r.number = @number::int;

-- name: RevisionNumberBefore :one
-- The number of the revision before another one.
SELECT r.number FROM newest_revisions(@article_id, @number::int, 1) r;

-- name: RevisionRestore :exec
-- A trigger makes a revision. The body is one that is stored already, so that
-- it keeps its number, unless it is the one that the article has.
UPDATE articles a SET
    slug = COALESCE(sqlc.narg(slug), a.slug),
    title = r.title,
    description = r.description,
    body = revision_body(r.article_id, r.body_revision),
    tags = r.tags,
    details = r.details,
    word_count = @word_count,
    reading_minutes = @reading_minutes,
    body_revision = CASE WHEN a.body = revision_body(r.article_id, r.body_revision) THEN a.body_revision ELSE r.body_revision END,
    counted_version = a.version + 1,
    version = a.version + 1,
    updated_at = GREATEST(now(), a.updated_at + interval '1 millisecond')
FROM revision_items r
WHERE a.id = @article_id AND r.article_id = a.id AND r.number = @number::int
  AND set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL AND revising(@reviser, @max_revisions);

-- name: RevisionFind :one
SELECT r.title, revision_body(r.article_id, r.body_revision) AS body FROM revision_items r WHERE r.article_id = @article_id AND r.number = @number::int;

-- name: RevisionAuthor :one
SELECT r.author_id FROM revision_items r WHERE r.article_id = @article_id AND r.number = @number::int;

-- name: WorkingCopyFind :one
-- For a caller who has locked the article.
SELECT w.revision, w.version, w.status, w.publish_at, w.title, w.tags, w.details, COALESCE(w.publish_at <= now(), false)::boolean AS due
FROM working_copies w WHERE w.article_id = @article_id;

-- name: WorkingCopyGet :one
SELECT w.revision, w.version, w.base_revision, w.title, w.description, w.body, w.tags, w.details, w.word_count, w.reading_minutes, w.status, w.publish_at, w.updated_at, a.own_revision,
       COALESCE(u.username, '')::text AS username, u.bio, u.image,
       EXISTS (SELECT FROM follows f WHERE f.follower_id = @viewer_id AND f.followee_id = w.revised_by) AS following
FROM working_copies w
JOIN articles a ON a.id = w.article_id
LEFT JOIN users u ON u.id = w.revised_by
WHERE w.article_id = @article_id;

-- name: WorkingCopyCreate :exec
-- Begins with the text of the article. A NULL parameter leaves it unchanged,
-- except for details. A trigger gives it its numbers. The text counts for the
-- author of the article, and is bounded as in ArticleCreate.
INSERT INTO working_copies (article_id, title, description, body, tags, details, word_count, reading_minutes, revised_by)
SELECT a.id, COALESCE(sqlc.narg(title), a.title) AS title, COALESCE(sqlc.narg(description), a.description) AS description,
       COALESCE(sqlc.narg(body), a.body) AS body, COALESCE(sqlc.narg(tags)::text[], a.tags) AS tags, sqlc.narg(details)::json AS details,
       COALESCE(sqlc.narg(word_count), a.word_count) AS word_count, COALESCE(sqlc.narg(reading_minutes), a.reading_minutes) AS reading_minutes,
       @reviser::bigint AS reviser
FROM articles a
WHERE a.id = @article_id AND set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL AND revising(@reviser, @max_revisions);

-- name: WorkingCopyUpdate :exec
-- Changes nothing if the text stays the same. A NULL parameter leaves its
-- column unchanged, except for details.
UPDATE working_copies w SET
    title = COALESCE(sqlc.narg(title), w.title),
    description = COALESCE(sqlc.narg(description), w.description),
    body = COALESCE(sqlc.narg(body), w.body),
    tags = COALESCE(sqlc.narg(tags)::text[], w.tags),
    details = sqlc.narg(details)::json,
    word_count = COALESCE(sqlc.narg(word_count), w.word_count),
    reading_minutes = COALESCE(sqlc.narg(reading_minutes), w.reading_minutes),
    revised_by = @reviser::bigint,
    version = w.version + 1,
    updated_at = GREATEST(now(), w.updated_at + interval '1 millisecond')
WHERE w.article_id = @article_id AND set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL AND revising(@reviser, @max_revisions)
  AND (w.title, w.description, w.body, w.tags, w.details::text) IS DISTINCT FROM
      (COALESCE(sqlc.narg(title), w.title), COALESCE(sqlc.narg(description), w.description), COALESCE(sqlc.narg(body), w.body),
       COALESCE(sqlc.narg(tags)::text[], w.tags), (sqlc.narg(details)::json)::text);

-- name: WorkingCopySetState :execrows
-- Schedules a working copy, or submits it for review. Changes no row if the
-- time is not in the future.
UPDATE working_copies w SET status = @status, publish_at = sqlc.narg(publish_at)::timestamptz, version = w.version + 1
WHERE w.article_id = @article_id AND (sqlc.narg(publish_at)::timestamptz IS NULL OR sqlc.narg(publish_at)::timestamptz > now());

-- name: WorkingCopyTake :exec
-- Makes the text of a working copy that of its article. The working copy is
-- deleted afterwards.
UPDATE articles a SET
    slug = COALESCE(sqlc.narg(slug), a.slug),
    title = w.title,
    description = w.description,
    body = w.body,
    tags = w.tags,
    details = w.details,
    word_count = w.word_count,
    reading_minutes = w.reading_minutes,
    own_revision = w.revision,
    body_revision = w.body_revision,
    revised_by = w.revised_by,
    revised_at = w.updated_at,
    counted_version = a.version + 1,
    version = a.version + 1,
    updated_at = GREATEST(now(), a.updated_at + interval '1 millisecond')
FROM working_copies w
WHERE a.id = @article_id AND w.article_id = a.id AND revising(0, @max_revisions);

-- name: WorkingCopyDelete :exec
-- A trigger stores its text, unless that is the text of the article.
DELETE FROM working_copies w WHERE w.article_id = @article_id AND revising(0, @max_revisions);

-- name: WorkingCopyListStates :many
SELECT w.article_id, w.status FROM working_copies w WHERE w.article_id = ANY (@article_ids::bigint[]);

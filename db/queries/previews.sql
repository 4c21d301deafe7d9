-- name: PreviewCreate :one
-- Inserts no row if the article has the maximum of previews already. The caller
-- has locked the article.
INSERT INTO previews (token_hash, article_id, created_by, expires_at)
SELECT @token_hash, @article_id, @created_by, now() + @lifetime::interval
WHERE (SELECT count(*) FROM previews n WHERE n.article_id = @article_id AND n.expires_at > now()) < @maximum::int
RETURNING expires_at;

-- name: PreviewFind :one
SELECT v.article_id FROM valid_previews v WHERE v.token_hash = @token_hash;

-- name: PreviewGet :one
-- Returns the columns of ArticleGetBySlug, for a viewer who is not signed in.
SELECT /* shared */ 1 AS position, a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at, a.published_at,
       a.author_id, u.username, u.bio, u.image, a.hidden, a.status, a.unpublish_at, a.comments_open, a.own_revision,
       COALESCE(a.series_id, 0)::bigint AS series_id, COALESCE(a.translation_group, 0)::bigint AS translation_group, a.body, a.details, a.word_count, a.reading_minutes,
       (octet_length(a.body) + COALESCE(octet_length(a.details::text), 0))::int AS text_bytes,
       false AS favorited,
       false AS following
FROM valid_previews v
JOIN articles a ON a.id = v.article_id
JOIN users u ON u.id = a.author_id
WHERE v.token_hash = @token_hash;

-- name: PreviewDelete :execrows
DELETE FROM previews WHERE article_id = @article_id;

-- name: PreviewExpire :execrows
DELETE FROM previews WHERE expires_at <= now();

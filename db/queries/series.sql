-- Series of articles, and articles that are translations of one another.

-- name: SeriesList :many
-- A page of all series, the newest first.
SELECT /* shared */ s.id, s.slug, s.title, s.description,
       (SELECT count(*) FROM articles a WHERE a.series_id = s.id AND NOT a.hidden)::bigint AS articles_count
FROM series s
WHERE s.id < @before_id
ORDER BY s.id DESC
LIMIT @page_limit::int;

-- name: SeriesGet :one
SELECT /* shared */ s.id, s.slug, s.title, s.description, s.version,
       (SELECT count(*) FROM articles a WHERE a.series_id = s.id AND NOT a.hidden)::bigint AS articles_count
FROM series s
WHERE s.slug = @slug;

-- name: SeriesArticles :many
-- The articles of a series that the viewer sees, in their order.
SELECT a.slug, a.title, COALESCE(a.series_position, 0)::int AS position FROM articles a
WHERE a.series_id = @series_id::bigint AND article_visible(a.hidden, a.status, a.author_id, @viewer_id, @viewer_level)
ORDER BY a.series_position, a.id;

-- name: SeriesCreate :one
INSERT INTO series (slug, title, description) VALUES (@slug, @title, @description) RETURNING id;

-- name: SeriesLock :one
-- Locks a series against other changes, also of what its articles are.
SELECT s.id, s.version FROM series s WHERE s.slug = @slug FOR UPDATE;

-- name: SeriesUpdate :exec
-- A NULL parameter leaves its column unchanged.
UPDATE series SET
    title = COALESCE(sqlc.narg(title), title),
    description = COALESCE(sqlc.narg(description), description),
    version = version + 1,
    updated_at = GREATEST(now(), updated_at + interval '1 millisecond')
WHERE id = @id;

-- name: SeriesOrder :one
-- Gives the articles of a series new positions: those of a list in its order,
-- then the others in the order that they had. Returns how many of the list are
-- in the series.
WITH listed AS (
    SELECT DISTINCT ON (a.id) a.id, n.position
    FROM unnest(@slugs::text[]) WITH ORDINALITY AS n (slug, position)
    CROSS JOIN LATERAL article_named(n.slug, @viewer_id, @viewer_level) x
    JOIN articles a ON a.id = x.id AND a.series_id = @series_id::bigint
    ORDER BY a.id, n.position
), ordered AS (
    SELECT a.id, row_number() OVER (ORDER BY l.position NULLS LAST, a.series_position, a.id) AS position
    FROM articles a
    LEFT JOIN listed l ON l.id = a.id
    WHERE a.series_id = @series_id
), moved AS (
    UPDATE articles a SET series_position = o.position, version = a.version + 1
    FROM ordered o
    WHERE a.id = o.id AND a.series_position <> o.position
)
SELECT count(*)::bigint AS listed FROM listed;

-- name: SeriesEmpty :exec
-- Takes all articles out of a series.
UPDATE articles SET series_id = NULL, series_position = NULL, version = version + 1 WHERE series_id = @series_id::bigint;

-- name: SeriesDelete :exec
DELETE FROM series WHERE id = @id;

-- name: SeriesJoin :one
-- Puts an article into a series that is locked: at a position, or else at its
-- end. Returns no row if the series is full.
UPDATE articles x SET
    series_id = @series_id::bigint,
    series_position = COALESCE(sqlc.narg(position)::int,
        CASE WHEN x.series_id = @series_id THEN x.series_position END,
        (SELECT COALESCE(max(y.series_position), 0) + 1 FROM articles y WHERE y.series_id = @series_id AND y.id <> x.id)),
    version = version + 1
WHERE x.id = @id
  AND (SELECT count(*) FROM articles z WHERE z.series_id = @series_id AND z.id <> x.id) < @maximum::bigint
RETURNING x.id;

-- name: SeriesLeave :exec
UPDATE articles SET series_id = NULL, series_position = NULL, version = version + 1 WHERE id = @id AND series_id IS NOT NULL;

-- name: TranslationLock :exec
-- Locks articles that the viewer may change in the order of their ids, so that
-- two that become translations of each other at the same time do not wait for
-- each other.
SELECT a.id FROM unnest(@slugs::text[]) AS s (slug)
CROSS JOIN LATERAL article_named(s.slug, @viewer_id, @viewer_level) n
JOIN articles a ON a.id = n.id
WHERE a.author_id = @viewer_id OR @viewer_level::int >= 2
ORDER BY a.id
FOR UPDATE OF a;

-- name: TranslationOriginal :one
-- Locks an article that the viewer may change, and returns its group of
-- translations and how many articles that has.
SELECT a.id, COALESCE(a.translation_group, 0)::bigint AS translation_group,
       (SELECT count(*) FROM articles g WHERE g.translation_group = a.translation_group)::bigint AS articles_count
FROM article_named(@slug, @viewer_id, @viewer_level) n
JOIN articles a ON a.id = n.id
WHERE a.author_id = @viewer_id OR @viewer_level::int >= 2
FOR UPDATE OF a;

-- name: TranslationJoin :exec
-- Makes two articles translations of one another: the second joins the group of
-- the first, which is a new one if it has none.
WITH target AS (
    UPDATE articles o SET translation_group = COALESCE(o.translation_group, nextval('translation_groups')) WHERE o.id = @original_id
    RETURNING o.translation_group
)
UPDATE articles a SET translation_group = t.translation_group, version = a.version + 1 FROM target t WHERE a.id = @article_id;

-- name: TranslationLeave :exec
UPDATE articles SET translation_group = NULL, version = version + 1 WHERE id = @id AND translation_group IS NOT NULL;

-- name: RelatedList :many
-- What articles show of their series and of their translations: a row for the
-- series of each, and one for each translation that the viewer sees, which has
-- the position 0.
SELECT a.id AS article_id, COALESCE(a.series_position, 0)::int AS position, s.slug, s.title, ''::text AS language
FROM articles a
JOIN series s ON s.id = a.series_id
WHERE a.id = ANY (@article_ids::bigint[])
UNION ALL
SELECT a.id, 0, t.slug, t.title, COALESCE(t.details ->> 'language', '')
FROM articles a
JOIN articles t ON t.translation_group = a.translation_group AND t.id <> a.id
    AND article_visible(t.hidden, t.status, t.author_id, @viewer_id, @viewer_level)
WHERE a.id = ANY (@article_ids)
ORDER BY 1, 5, 3;

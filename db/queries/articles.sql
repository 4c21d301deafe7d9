-- Lists of articles. Each query below finds the ids of one page, by an index
-- alone, and the number of articles in the whole list. Package cards has the
-- rest of the page, or reads it by ArticleCards and ArticleMarks: the cards of
-- articles are the same for all readers, and change seldom.
--
-- A page starts below (before_published_at, before_id), newest first. The
-- caller passes a time after every article for the first page. The time of an
-- article is that of its publication, which article_tags and favorites call
-- article_created_at (db/migrations, 00015). tag_named finds a tag whatever the
-- case of its name (00022). Articles that are not public have no
-- rows in these two; a query on articles must exclude them (NOT a.hidden).
-- To add a list, add its query here and its entry in api/articles_list.go.

-- name: ArticleList :one
SELECT /* shared */ ARRAY(
    SELECT a.id FROM articles a
    WHERE NOT a.hidden AND (a.published_at, a.id) < (@before_published_at::timestamptz, @before_id::bigint)
    ORDER BY a.published_at DESC, a.id DESC
    LIMIT @page_limit::int OFFSET @page_offset::int
)::bigint[] AS ids,
COALESCE((SELECT sum(value) FROM counters WHERE kind = 'articles' AND name = ''), 0)::bigint AS total;

-- name: ArticleListByTag :one
SELECT /* shared */ ARRAY(
    SELECT t.article_id FROM article_tags t
    WHERE t.tag = (SELECT tag_named(@tag)) AND (t.article_created_at, t.article_id) < (@before_published_at::timestamptz, @before_id::bigint)
    ORDER BY t.article_created_at DESC, t.article_id DESC
    LIMIT @page_limit::int OFFSET @page_offset::int
)::bigint[] AS ids,
COALESCE((SELECT sum(value) FROM counters WHERE kind = 'tag' AND name = (SELECT tag_named(@tag))), 0)::bigint AS total;

-- name: ArticleListByAuthor :one
SELECT /* shared */ ARRAY(
    SELECT a.id FROM articles a
    WHERE a.author_id = (SELECT x.id FROM user_named(@author, @folded_author) x) AND NOT a.hidden
      AND (a.published_at, a.id) < (@before_published_at::timestamptz, @before_id::bigint)
    ORDER BY a.published_at DESC, a.id DESC
    LIMIT @page_limit::int OFFSET @page_offset::int
)::bigint[] AS ids,
COALESCE((SELECT y.articles_count FROM user_named(@author, @folded_author) n JOIN users y ON y.id = n.id), 0)::bigint AS total;

-- name: ArticleListByFavorite :one
SELECT /* shared */ ARRAY(
    SELECT v.article_id FROM favorites v
    WHERE v.user_id = (SELECT x.id FROM user_named(@favorited, @folded_favorited) x)
      AND (v.article_created_at, v.article_id) < (@before_published_at::timestamptz, @before_id::bigint)
    ORDER BY v.article_created_at DESC, v.article_id DESC
    LIMIT @page_limit::int OFFSET @page_offset::int
)::bigint[] AS ids,
COALESCE((SELECT y.favorites_count FROM user_named(@favorited, @folded_favorited) n JOIN users y ON y.id = n.id), 0)::bigint AS total;

-- name: ArticleListByAuthorFiltered :one
-- Combined filters have no counter, so the query counts. It reads no more than
-- the articles of the author.
WITH matching AS (
    SELECT a.id, a.published_at FROM articles a
    WHERE a.author_id = (SELECT x.id FROM user_named(@author, @folded_author) x) AND NOT a.hidden
      AND (@tag::text = '' OR EXISTS (
            SELECT 1 FROM article_tags t
            WHERE t.tag = (SELECT tag_named(@tag)) AND t.article_created_at = a.published_at AND t.article_id = a.id))
      AND (@favorited::text = '' OR EXISTS (
            SELECT 1 FROM favorites v
            WHERE v.article_id = a.id AND v.user_id = (SELECT z.id FROM user_named(@favorited, @folded_favorited) z)))
)
SELECT ARRAY(
    SELECT m.id FROM matching m
    WHERE (m.published_at, m.id) < (@before_published_at::timestamptz, @before_id::bigint)
    ORDER BY m.published_at DESC, m.id DESC
    LIMIT @page_limit::int OFFSET @page_offset::int
)::bigint[] AS ids,
(SELECT count(*) FROM matching)::bigint AS total;

-- name: ArticleListByFavoriteTagged :one
-- Counts as well, and reads no more than the favorites of the user.
WITH matching AS (
    SELECT v.article_id AS id, v.article_created_at AS published_at FROM favorites v
    JOIN article_tags t ON t.tag = (SELECT tag_named(@tag)) AND t.article_created_at = v.article_created_at AND t.article_id = v.article_id
    WHERE v.user_id = (SELECT x.id FROM user_named(@favorited, @folded_favorited) x)
)
SELECT ARRAY(
    SELECT m.id FROM matching m
    WHERE (m.published_at, m.id) < (@before_published_at::timestamptz, @before_id::bigint)
    ORDER BY m.published_at DESC, m.id DESC
    LIMIT @page_limit::int OFFSET @page_offset::int
)::bigint[] AS ids,
(SELECT count(*) FROM matching)::bigint AS total;

-- name: ArticleListFeed :one
-- Merges the newest articles of each followed author. reach is the offset plus
-- the limit of the page. The first reach articles are by those reach authors
-- who published last, so the first page reads no other authors. That is not
-- true for a page below a cursor: there, authors must be larger than the number
-- of followed authors. The query is shared although it reads a row for each
-- followed author, since those are one range of an index. followees is NULL if
-- there are more than max_followees.
WITH /* shared */ followees AS MATERIALIZED (
    SELECT y.id, y.articles_count, y.last_article_at FROM follows x
    JOIN users y ON y.id = x.followee_id
    WHERE x.follower_id = @viewer_id
), recent AS (
    SELECT id FROM followees WHERE last_article_at IS NOT NULL
    ORDER BY last_article_at DESC
    FETCH FIRST (@authors::bigint) ROWS WITH TIES
)
SELECT ARRAY(
    SELECT m.id FROM recent r
    CROSS JOIN LATERAL (
        SELECT a.id, a.published_at FROM articles a
        WHERE a.author_id = r.id AND NOT a.hidden
          AND (a.published_at, a.id) < (@before_published_at::timestamptz, @before_id::bigint)
        ORDER BY a.published_at DESC, a.id DESC
        LIMIT @reach::bigint
    ) m
    ORDER BY m.published_at DESC, m.id DESC
    LIMIT @page_limit::int OFFSET @page_offset::int
)::bigint[] AS ids,
COALESCE((SELECT sum(articles_count) FROM followees), 0)::bigint AS total,
(SELECT CASE WHEN count(*) <= @max_followees::int THEN array_agg(id) END FROM followees)::bigint[] AS followees;

-- name: ArticleCards :many
-- Reads what all readers see of articles in lists. At most as many ids as a page
-- has are passed, and the articles that are no longer public are left out.
SELECT /* shared */ a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.created_at, a.updated_at,
       COALESCE(a.published_at, a.created_at) AS published_at, a.author_id, u.username, u.bio, u.image
FROM articles a
JOIN users u ON u.id = a.author_id
WHERE a.id = ANY(@ids::bigint[]) AND NOT a.hidden
LIMIT @page_limit::int;

-- name: ArticleMarks :one
-- Returns which of some articles a reader favors, and which of some authors the
-- reader follows.
SELECT /* shared */
    ARRAY(SELECT f.article_id FROM favorites f WHERE f.article_id = ANY(@articles::bigint[]) AND f.user_id = @viewer_id)::bigint[] AS favorited,
    ARRAY(SELECT w.followee_id FROM follows w WHERE w.followee_id = ANY(@authors::bigint[]) AND w.follower_id = @viewer_id)::bigint[] AS following;

-- name: ArticleGetBySlug :one
-- Finds an article by a name that is or was public. It leaves out drafts, which
-- article_named finds too, because that would take a tenth more of the time in
-- PostgreSQL. For viewers without an account, nothing is looked up in favorites
-- and follows. Returns the same columns as ArticleListBySlugs, so that one
-- function reads both. Requests at the same time use ArticleGetTogether.
SELECT 1 AS position, a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at, a.published_at,
       a.author_id, u.username, u.bio, u.image, a.hidden, a.status, a.unpublish_at, a.comments_open, a.own_revision,
       COALESCE(a.series_id, 0)::bigint AS series_id, COALESCE(a.translation_group, 0)::bigint AS translation_group, a.body, a.details, a.word_count, a.reading_minutes,
       0 AS text_bytes,
       (@viewer_id::bigint <> 0 AND EXISTS (SELECT FROM favorites f WHERE f.article_id = a.id AND f.user_id = @viewer_id))::boolean AS favorited,
       (@viewer_id <> 0 AND EXISTS (SELECT FROM follows w WHERE w.followee_id = a.author_id AND w.follower_id = @viewer_id))::boolean AS following
FROM article_slugs s
JOIN articles a ON a.id = s.article_id AND article_visible(a.hidden, a.status, a.author_id, @viewer_id, @viewer_level)
JOIN users u ON u.id = a.author_id
WHERE s.slug = @slug;

-- name: ArticleGetTogether :many
-- ArticleGetBySlug for several requests by one statement, which takes a third
-- of the time in PostgreSQL for each. Row number "position" is that of the
-- request; there is none if its viewer sees no such article.
SELECT p.position::int AS position, a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at, a.published_at,
       a.author_id, u.username, u.bio, u.image, a.hidden, a.status, a.unpublish_at, a.comments_open, a.own_revision,
       COALESCE(a.series_id, 0)::bigint AS series_id, COALESCE(a.translation_group, 0)::bigint AS translation_group, a.body, a.details, a.word_count, a.reading_minutes,
       0 AS text_bytes,
       (v.id <> 0 AND EXISTS (SELECT FROM favorites f WHERE f.article_id = a.id AND f.user_id = v.id))::boolean AS favorited,
       (v.id <> 0 AND EXISTS (SELECT FROM follows w WHERE w.followee_id = a.author_id AND w.follower_id = v.id))::boolean AS following
FROM unnest(@slugs::text[]) WITH ORDINALITY AS p (slug, position)
CROSS JOIN LATERAL (SELECT (@viewer_ids::bigint[])[p.position] AS id, (@viewer_levels::int[])[p.position] AS level) v
JOIN article_slugs s ON s.slug = p.slug
JOIN articles a ON a.id = s.article_id AND article_visible(a.hidden, a.status, a.author_id, v.id, v.level)
JOIN users u ON u.id = a.author_id;

-- name: ArticleGet :one
-- Returns the same columns as ArticleGetBySlug, for a viewer who has changed
-- the article.
SELECT 1 AS position, a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at, a.published_at,
       a.author_id, u.username, u.bio, u.image, a.hidden, a.status, a.unpublish_at, a.comments_open, a.own_revision,
       COALESCE(a.series_id, 0)::bigint AS series_id, COALESCE(a.translation_group, 0)::bigint AS translation_group, a.body, a.details, a.word_count, a.reading_minutes,
       (octet_length(a.body) + COALESCE(octet_length(a.details::text), 0))::int AS text_bytes,
       (f.user_id IS NOT NULL)::boolean AS favorited,
       (w.follower_id IS NOT NULL)::boolean AS following
FROM articles a
JOIN users u ON u.id = a.author_id
LEFT JOIN favorites f ON f.article_id = a.id AND f.user_id = @viewer_id
LEFT JOIN follows w ON w.followee_id = a.author_id AND w.follower_id = @viewer_id
WHERE a.id = @id;

-- name: ArticleListBySlugs :many
-- One row for each slug that an article has or had, in the given order. A row
-- lacks its body and details if those up to it have more than max_bytes
-- together.
SELECT n.position::int AS position, a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at, a.published_at,
       a.author_id, u.username, u.bio, u.image, a.hidden, a.status, a.unpublish_at, a.comments_open, a.own_revision,
       COALESCE(a.series_id, 0)::bigint AS series_id, COALESCE(a.translation_group, 0)::bigint AS translation_group,
       COALESCE(CASE WHEN sum(t.bytes) OVER (ORDER BY n.position) <= @max_bytes::bigint THEN a.body END, '')::text AS body,
       (CASE WHEN sum(t.bytes) OVER (ORDER BY n.position) <= @max_bytes THEN a.details END)::json AS details,
       a.word_count, a.reading_minutes,
       t.bytes AS text_bytes,
       (f.user_id IS NOT NULL)::boolean AS favorited,
       (w.follower_id IS NOT NULL)::boolean AS following
FROM unnest(@slugs::text[]) WITH ORDINALITY AS n (slug, position)
CROSS JOIN LATERAL article_named(n.slug, @viewer_id, @viewer_level) s
JOIN articles a ON a.id = s.id
CROSS JOIN LATERAL (SELECT (octet_length(a.body) + COALESCE(octet_length(a.details::text), 0))::int AS bytes) t
JOIN users u ON u.id = a.author_id
LEFT JOIN favorites f ON f.article_id = a.id AND f.user_id = @viewer_id
LEFT JOIN follows w ON w.followee_id = a.author_id AND w.follower_id = @viewer_id
ORDER BY n.position;

-- name: ArticleLock :one
-- Locks an article against other changes, and returns what a change checks:
-- only columns of the article, because those of other tables could be older
-- than the lock.
SELECT a.id, a.author_id, a.slug, a.title, a.tags, a.details, a.own_slug, a.version, a.own_revision, a.hidden, a.status, a.published_at, a.unpublish_at, a.comments_open,
       COALESCE(a.series_id, 0)::bigint AS series_id, COALESCE(a.series_position, 0)::int AS series_position,
       COALESCE(a.translation_group, 0)::bigint AS translation_group
FROM article_named(@slug, @viewer_id, @viewer_level) n
JOIN articles a ON a.id = n.id
FOR UPDATE OF a;

-- name: ArticleHoldAuthors :many
-- Locks authors against changes of their counts, in the order that every
-- statement uses, and returns those that exist.
SELECT u.id FROM users u WHERE u.id = ANY (@author_ids::bigint[]) ORDER BY u.id FOR NO KEY UPDATE;

-- name: ArticleAuthor :one
SELECT a.id, a.author_id FROM article_named(@slug, @viewer_id, @viewer_level) n JOIN articles a ON a.id = n.id;

-- name: ArticleCreate :one
-- Publishes a new article. One statement: one transaction and one round trip. A
-- trigger compares the text of the author with the parameter (db/migrations,
-- 00014), which ends with the transaction. stored_tags is NULL if the tags were
-- stored as they are given.
WITH created AS (
    INSERT INTO articles (slug, own_slug, author_id, title, description, body, tags, details, word_count, reading_minutes, comments_open, revised_by)
    SELECT @slug, @own_slug, @author_id, @title, @description, @body, @tags::text[], sqlc.narg(details)::json, @word_count, @reading_minutes,
           @comments_open::boolean, sqlc.narg(revised_by)::bigint
    WHERE set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL
    RETURNING id, author_id, tags, version, created_at, updated_at
), slugged AS (
    INSERT INTO article_slugs (slug, article_id) SELECT @slug, id FROM created
)
SELECT c.id, (CASE WHEN c.tags <> @tags::text[] THEN c.tags END)::text[] AS stored_tags, c.version, c.created_at, c.updated_at, u.username, u.bio, u.image
FROM created c
JOIN users u ON u.id = c.author_id;

-- name: ArticleCreateTogether :many
-- ArticleCreate for several requests by one statement, which takes less than
-- half of the time in PostgreSQL for each. Row number "position" is that of the
-- request; there is none if its slug is taken. tags are those of all, of which
-- an article has the ones from tags_from to tags_to. derive_from_new_article,
-- which does the rest for a single article, leaves it to this statement: slugs,
-- authors and counters are locked in the order that others lock them in. A
-- statement that still waits for a lock gives up, so that the requests do not
-- wait for one another; each is run alone then.
WITH input AS MATERIALIZED (
    SELECT p.position, p.slug, nextval('articles_id_seq') AS id
    FROM unnest(@slugs::text[]) WITH ORDINALITY AS p (slug, position)
    WHERE set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL
      AND set_config('byline.together', 'on', true) IS NOT NULL
      AND set_config('lock_timeout', '200ms', true) IS NOT NULL
), slugged AS (
    INSERT INTO article_slugs (slug, article_id) SELECT i.slug, i.id FROM input i ORDER BY i.slug
    ON CONFLICT ON CONSTRAINT article_slugs_pkey DO NOTHING
    RETURNING article_id
), created AS (
    INSERT INTO articles (id, slug, own_slug, author_id, title, description, body, tags, details, word_count, reading_minutes, comments_open)
    OVERRIDING SYSTEM VALUE
    SELECT i.id, i.slug, (@own_slugs::boolean[])[i.position], (@author_ids::bigint[])[i.position], (@titles::text[])[i.position],
           (@descriptions::text[])[i.position], (@bodies::text[])[i.position],
           (@tags::text[])[(@tags_from::int[])[i.position]:(@tags_to::int[])[i.position]], NULLIF((@details::text[])[i.position], '')::json,
           (@word_counts::int[])[i.position], (@reading_minutes::int[])[i.position], (@comments_open::boolean[])[i.position]
    FROM slugged s JOIN input i ON i.id = s.article_id
    ORDER BY i.id
    RETURNING id, author_id, title, description, body, tags, details, version, created_at, updated_at, published_at
), tagged AS (
    INSERT INTO article_tags (tag, article_created_at, article_id) SELECT unnest(c.tags), c.published_at, c.id FROM created c
), authors AS (
    SELECT c.author_id, count(*) AS n, max(c.published_at) AS last_at, sum(article_bytes(c.title, c.description, c.body, c.tags, c.details)) AS bytes
    FROM created c GROUP BY c.author_id
), locked AS MATERIALIZED (
    SELECT u.id FROM users u WHERE u.id IN (SELECT a.author_id FROM authors a) ORDER BY u.id FOR NO KEY UPDATE
), stored AS (
    UPDATE users u SET stored_bytes = u.stored_bytes + a.bytes, articles_count = u.articles_count + a.n, last_article_at = GREATEST(u.last_article_at, a.last_at)
    FROM locked l JOIN authors a ON a.author_id = l.id
    WHERE u.id = l.id
), counted AS (
    INSERT INTO counters AS c (kind, name, slot, value)
    SELECT k.kind, k.name, pg_backend_pid() % 16, count(*)
    FROM (SELECT 'articles' AS kind, '' AS name FROM created UNION ALL SELECT 'tag', unnest(tags) FROM created) k
    WHERE EXISTS (SELECT FROM locked) -- first the authors, as the trigger does
    GROUP BY k.kind, k.name ORDER BY k.kind, k.name
    ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value
), noted AS (
    INSERT INTO changes (keys)
    SELECT array_agg(DISTINCT k.key)
    FROM (SELECT unnest(ARRAY['l', 'b' || author_id]) AS key FROM created
          UNION ALL SELECT unnest(ARRAY['g', 't' || tag]) FROM created, unnest(tags) AS tag) k
    HAVING count(*) > 0
)
SELECT i.position::int AS position, c.id, c.tags AS stored_tags, c.version, c.created_at, c.updated_at, u.username, u.bio, u.image
FROM created c
JOIN input i ON i.id = c.id
JOIN users u ON u.id = c.author_id;

-- name: DraftCreate :one
-- As ArticleCreate, for an article that is not public yet. The two are apart,
-- because a statement for both would cost those that are public more. Returns no
-- row if the time of a scheduled article is not in the future.
WITH created AS (
    INSERT INTO articles (slug, own_slug, author_id, title, description, body, tags, details, word_count, reading_minutes, comments_open, revised_by,
                          status, hidden, published_at)
    SELECT @slug, @own_slug, @author_id, @title, @description, @body, @tags::text[], sqlc.narg(details)::json, @word_count, @reading_minutes,
           @comments_open::boolean, sqlc.narg(revised_by)::bigint,
           @status, true, CASE @status WHEN 'scheduled' THEN sqlc.narg(published_at)::timestamptz END
    WHERE set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL
      AND (@status <> 'scheduled' OR sqlc.narg(published_at) > now())
    RETURNING id, author_id, tags, version, created_at, updated_at, published_at
), private AS (
    INSERT INTO draft_slugs (slug, author_id, article_id) SELECT @slug, author_id, id FROM created
)
SELECT c.id, (CASE WHEN c.tags <> @tags::text[] THEN c.tags END)::text[] AS stored_tags, c.version, c.created_at, c.updated_at, u.username, u.bio, u.image,
       c.published_at
FROM created c
JOIN users u ON u.id = c.author_id;

-- name: ArticleSlugClaim :one
-- Gives an article, which the caller has locked, a slug that no other article
-- has or had. It may have had it before; it gets no other one if it has as many
-- as the maximum.
WITH kept AS (
    SELECT count(*) >= @maximum::int AS is_full
    FROM (SELECT FROM article_slugs o WHERE o.article_id = @article_id LIMIT @maximum::int) l
), claimed AS (
    INSERT INTO article_slugs AS s (slug, article_id)
    SELECT @slug, @article_id FROM kept k
    WHERE NOT k.is_full OR EXISTS (SELECT FROM article_slugs p WHERE p.slug = @slug AND p.article_id = @article_id)
    ON CONFLICT ON CONSTRAINT article_slugs_pkey DO UPDATE SET article_id = s.article_id
    WHERE s.article_id = excluded.article_id
    RETURNING s.slug
)
SELECT EXISTS (SELECT FROM claimed) AS is_claimed, is_full FROM kept;

-- name: DraftSlugClaim :one
-- As ArticleSlugClaim. Other articles are those whose slugs are public, and the
-- author's drafts. The public slugs of a withdrawn article are counted too, so
-- that it never has too many to be published again.
WITH kept AS (
    SELECT (SELECT count(*) FROM (SELECT FROM article_slugs o WHERE o.article_id = @article_id LIMIT @maximum::int) l) AS public,
           (SELECT count(*) FROM (SELECT FROM draft_slugs o WHERE o.article_id = @article_id LIMIT @maximum::int) l) AS private
), claimed AS (
    INSERT INTO draft_slugs AS s (slug, author_id, article_id)
    SELECT @slug, @author_id, @article_id FROM kept k
    WHERE NOT EXISTS (SELECT FROM article_slugs p WHERE p.slug = @slug AND p.article_id <> @article_id)
      AND (k.public + k.private < @maximum::int
        OR k.public < @maximum::int AND EXISTS (SELECT FROM draft_slugs p WHERE p.slug = @slug AND p.article_id = @article_id)
        OR EXISTS (SELECT FROM article_slugs p WHERE p.slug = @slug AND p.article_id = @article_id))
    ON CONFLICT ON CONSTRAINT draft_slugs_pkey DO UPDATE SET article_id = s.article_id
    WHERE s.article_id = excluded.article_id
    RETURNING s.slug
)
SELECT EXISTS (SELECT FROM claimed) AS is_claimed, (public + private >= @maximum::int)::boolean AS is_full FROM kept;

-- name: DraftSlugMove :exec
-- Gives the slugs that an article has or had as a draft to another author,
-- except those that a draft of that author has or had.
WITH moved AS (
    DELETE FROM draft_slugs d WHERE d.article_id = @article_id RETURNING d.slug
)
INSERT INTO draft_slugs (slug, author_id, article_id) SELECT m.slug, @author_id::bigint, @article_id FROM moved m
ON CONFLICT ON CONSTRAINT draft_slugs_pkey DO NOTHING;

-- name: ArticleUpdate :exec
-- A NULL parameter leaves its column unchanged, except for details. The text of
-- the author is bounded as in ArticleCreate. A trigger makes a revision
-- (db/migrations, 00018).
UPDATE articles SET
    slug = COALESCE(sqlc.narg(slug), slug),
    own_slug = COALESCE(sqlc.narg(own_slug), own_slug),
    title = COALESCE(sqlc.narg(title), title),
    description = COALESCE(sqlc.narg(description), description),
    body = COALESCE(sqlc.narg(body), body),
    tags = COALESCE(sqlc.narg(tags)::text[], tags),
    details = sqlc.narg(details)::json,
    word_count = COALESCE(sqlc.narg(word_count), word_count),
    reading_minutes = COALESCE(sqlc.narg(reading_minutes), reading_minutes),
    comments_open = COALESCE(sqlc.narg(comments_open)::boolean, comments_open),
    counted_version = version + 1,
    version = version + 1,
    updated_at = GREATEST(now(), updated_at + interval '1 millisecond')
WHERE id = @id AND set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL AND revising(@reviser, @max_revisions);

-- name: ArticleSetAuthor :exec
-- The text of the new author is bounded as in ArticleCreate. Who wrote it, and
-- when, stays the same.
UPDATE articles SET
    author_id = @author_id,
    slug = @slug,
    revised_by = COALESCE(revised_by, author_id),
    revised_at = COALESCE(revised_at, updated_at),
    version = version + 1,
    updated_at = GREATEST(now(), updated_at + interval '1 millisecond')
WHERE id = @id AND set_config('byline.account_storage', (@account_storage::bigint)::text, true) IS NOT NULL;

-- name: ArticleFindAuthor :one
SELECT u.id FROM user_named(@username, @folded_username) n JOIN users u ON u.id = n.id;

-- name: ArticleDelete :exec
DELETE FROM articles WHERE id = @id;

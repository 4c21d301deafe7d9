-- name: TagList :many
-- The most used tags. One that is being merged is left out: its articles are
-- counted for the other tag when they are moved.
WITH used AS (
    SELECT k.name AS tag, sum(k.value)::bigint AS total FROM counters k
    WHERE k.kind = 'tag'
    GROUP BY k.name
    HAVING sum(k.value) > 0
    ORDER BY sum(k.value) DESC, k.name
    LIMIT @most::int
)
SELECT n.name, u.total FROM used u
JOIN tag_names n ON n.tag = u.tag AND n.shown
ORDER BY u.total DESC, n.name;

-- name: TagListByName :many
-- A page of the tags that public articles have, by name. Their number is the
-- sum of a few rows for each.
WITH page AS (
    SELECT n.folded, n.name, n.tag FROM tag_names n
    WHERE n.shown AND n.folded > @after_folded::text
      AND n.folded >= (SELECT fold_tag(@prefix)) AND n.folded < (SELECT fold_tag(@prefix)) || chr(1114111)
      AND EXISTS (SELECT FROM article_tags t WHERE t.tag = n.tag)
    ORDER BY n.folded
    LIMIT @page_limit::int
)
SELECT p.folded::text AS folded, p.name, COALESCE((SELECT sum(c.value) FROM counters c WHERE c.kind = 'tag' AND c.name = p.tag), 0)::bigint AS total
FROM page p ORDER BY p.folded;

-- name: TagFind :one
-- The tag that a name leads to, for a viewer: editors see also tags that no
-- public article has. to_move are the articles of merged tags that are not in
-- the list of this one yet.
SELECT s.id, s.tag, s.folded::text AS folded, s.name, s.description,
       COALESCE((SELECT sum(c.value) FROM counters c WHERE c.kind = 'tag' AND c.name = s.tag), 0)::bigint AS total,
       COALESCE((SELECT sum(k.value) FROM merged_tags m JOIN counters k ON k.kind = 'tag' AND k.name = m.name WHERE m.tag = s.tag), 0)::bigint AS to_move
FROM tag_names n
JOIN tag_names s ON s.tag = n.tag AND s.shown
WHERE n.folded = fold_tag(@name) AND (@edits::boolean OR EXISTS (SELECT FROM article_tags t WHERE t.tag = s.tag));

-- name: TagHold :exec
-- Keeps everybody else from changing or using the tag to which a name leads, and
-- from changing those to which others lead, until the transaction ends.
SELECT hold_tag(@name, @others::text[]);

-- name: TagSetDescription :exec
UPDATE tag_names SET description = sqlc.narg(description) WHERE id = @id;

-- name: TagRetire :exec
-- Makes the name of a tag an earlier one.
UPDATE tag_names SET shown = false, description = NULL WHERE id = @id;

-- name: TagSetName :one
-- Shows a name of a tag that has no other one at the moment. Returns no row if
-- the name leads to another tag.
INSERT INTO tag_names AS n (folded, name, tag, description) VALUES (fold_tag(@name), @name, @tag, sqlc.narg(description))
ON CONFLICT ON CONSTRAINT tag_names_pkey DO UPDATE SET name = excluded.name, shown = true, description = excluded.description
WHERE n.tag = excluded.tag
RETURNING n.id;

-- name: TagMerge :one
-- Makes a tag part of another one: its names lead to it, and the tags that were
-- merged into it earlier do too. Returns the id of the merged tag. TagMove
-- moves its articles.
WITH names AS (
    UPDATE tag_names n SET tag = @into_tag, shown = false, description = NULL WHERE n.tag = @tag
), earlier AS (
    UPDATE merged_tags e SET tag = @into_tag WHERE e.tag = @tag
)
INSERT INTO merged_tags (name, tag) VALUES (@tag, @into_tag) RETURNING id;

-- name: TagMove :one
-- Moves up to most articles of a merged tag, and reports whether there are
-- more.
SELECT move_merged_tag((SELECT m.name FROM merged_tags m WHERE m.id = @id::bigint), @most::int)::boolean AS more;

-- name: TagListChanged :many
-- What responses show instead of the texts in articles.tags, if it is not the
-- same.
SELECT n.tag AS text, n.tag, n.name FROM tag_names n WHERE n.shown AND n.name <> n.tag
UNION ALL
SELECT m.name, m.tag, s.name FROM merged_tags m JOIN tag_names s ON s.tag = m.tag AND s.shown;

-- name: TagDeleteUnused :one
-- Triggers delete the counters and the name of a tag with its last article.
-- They leave them where two transactions delete the last two articles at the
-- same time, or one holds the name.
SELECT (delete_unused_tags(ARRAY(SELECT k.name FROM counters k WHERE k.kind = 'tag' GROUP BY k.name HAVING sum(k.value) = 0))
      + forget_tags(ARRAY(SELECT n.tag FROM tag_names n WHERE NOT EXISTS (SELECT FROM article_tags t WHERE t.tag = n.tag))))::bigint AS deleted;

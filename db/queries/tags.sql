-- name: TagList :many
SELECT name FROM counters
WHERE kind = 'tag'
GROUP BY name
HAVING sum(value) > 0
ORDER BY sum(value) DESC, name
LIMIT @most::int;

-- name: TagDeleteUnused :one
-- Triggers delete the counters of a tag with its last article. They leave them
-- where two transactions delete the last two articles at the same time.
SELECT delete_unused_tags(ARRAY(SELECT name FROM counters WHERE kind = 'tag' GROUP BY name HAVING sum(value) = 0))::bigint AS deleted;

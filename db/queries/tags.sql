-- name: TagList :many
SELECT name FROM counters
WHERE kind = 'tag'
GROUP BY name
HAVING sum(value) > 0
ORDER BY sum(value) DESC, name;

-- name: ProfileGetByUsername :one
SELECT /* shared */ u.id, u.username, u.bio, u.image,
       EXISTS (SELECT 1 FROM follows f WHERE f.follower_id = @viewer_id AND f.followee_id = u.id) AS following
FROM users u
WHERE lower(u.username) = lower(@username);

-- name: ProfileListByUsernames :many
-- One row for each name that exists, in the given order.
SELECT n.name::text AS asked, u.username, u.bio, u.image,
       EXISTS (SELECT 1 FROM follows f WHERE f.follower_id = @viewer_id AND f.followee_id = u.id) AS following
FROM unnest(@usernames::text[]) WITH ORDINALITY AS n (name, position)
JOIN users u ON lower(u.username) = lower(n.name)
ORDER BY n.position;

-- name: FollowCreate :exec
INSERT INTO follows (follower_id, followee_id)
SELECT @follower_id, u.id FROM users u WHERE lower(u.username) = lower(@username)
ON CONFLICT ON CONSTRAINT follows_pkey DO NOTHING;

-- name: FollowDelete :exec
DELETE FROM follows f
USING users u
WHERE f.follower_id = @follower_id AND f.followee_id = u.id AND lower(u.username) = lower(@username);

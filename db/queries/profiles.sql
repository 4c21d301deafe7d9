-- name: ProfileGetByUsername :one
SELECT /* shared */ u.id, u.username, u.bio, u.image,
       EXISTS (SELECT 1 FROM follows f WHERE f.follower_id = @viewer_id AND f.followee_id = u.id) AS following
FROM user_named(@username, @folded_username) n
JOIN users u ON u.id = n.id;

-- name: ProfileListByUsernames :many
-- One row for each name that exists, in the given order.
SELECT n.name::text AS asked, u.username, u.bio, u.image,
       EXISTS (SELECT 1 FROM follows f WHERE f.follower_id = @viewer_id AND f.followee_id = u.id) AS following
FROM unnest(@usernames::text[]) WITH ORDINALITY AS n (name, position)
CROSS JOIN LATERAL user_named(n.name, (@folded_usernames::text[])[n.position]) m
JOIN users u ON u.id = m.id
ORDER BY n.position;

-- name: FollowCreate :exec
INSERT INTO follows (follower_id, followee_id)
SELECT @follower_id, u.id FROM user_named(@username, @folded_username) n JOIN users u ON u.id = n.id
ON CONFLICT ON CONSTRAINT follows_pkey DO NOTHING;

-- name: FollowDelete :exec
DELETE FROM follows f
USING user_named(@username, @folded_username) n
WHERE f.follower_id = @follower_id AND f.followee_id = n.id;

-- name: ProfileGetByUsername :one
SELECT /* shared */ u.id, u.username, u.bio, u.image,
       EXISTS (SELECT 1 FROM follows f WHERE f.follower_id = @viewer_id AND f.followee_id = u.id) AS following,
       EXISTS (SELECT 1 FROM blocks b WHERE b.blocker_id = @viewer_id AND b.blocked_id = u.id) AS blocked
FROM user_named(@username, @folded_username) n
JOIN users u ON u.id = n.id;

-- name: ProfileListByUsernames :many
-- One row for each name that exists, in the given order.
SELECT n.name::text AS asked, u.username, u.bio, u.image,
       EXISTS (SELECT 1 FROM follows f WHERE f.follower_id = @viewer_id AND f.followee_id = u.id) AS following,
       EXISTS (SELECT 1 FROM blocks b WHERE b.blocker_id = @viewer_id AND b.blocked_id = u.id) AS blocked
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

-- name: ProfileLock :one
-- Locks a user, and the one who blocks them, against new follows and comments,
-- until the transaction ends. Both are locked in the order of their ids, so
-- that two who block each other do not wait for each other.
WITH named AS (
    SELECT v.id FROM user_named(@username, @folded_username) n JOIN users v ON v.id = n.id
), locked AS (
    SELECT u.id FROM users u WHERE u.id = @viewer_id OR u.id = (SELECT x.id FROM named x) ORDER BY u.id FOR UPDATE
)
SELECT l.id FROM locked l JOIN named m ON m.id = l.id;

-- name: BlockCreate :exec
WITH ended AS (
    DELETE FROM follows f
    WHERE f.follower_id = @blocker_id AND f.followee_id = @blocked_id OR f.follower_id = @blocked_id AND f.followee_id = @blocker_id
)
INSERT INTO blocks (blocker_id, blocked_id) VALUES (@blocker_id, @blocked_id)
ON CONFLICT ON CONSTRAINT blocks_pkey DO NOTHING;

-- name: BlockDelete :exec
DELETE FROM blocks b
USING user_named(@username, @folded_username) n
WHERE b.blocker_id = @blocker_id AND b.blocked_id = n.id;

-- name: BlockList :many
SELECT /* shared */ b.id, b.created_at, u.username
FROM blocks b
JOIN users u ON u.id = b.blocked_id
WHERE b.blocker_id = @blocker_id AND b.id < @before_id
ORDER BY b.id DESC
LIMIT @page_limit::int;

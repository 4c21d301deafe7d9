-- Indexes to read everything that belongs to a user in pages. An index of an
-- interrupted attempt is not valid, so it is dropped and created again.

-- +goose NO TRANSACTION

-- +goose Up

DROP INDEX CONCURRENTLY IF EXISTS comments_author_id_id_idx;
CREATE INDEX CONCURRENTLY comments_author_id_id_idx ON comments (author_id, id);
DROP INDEX CONCURRENTLY IF EXISTS comments_author_id_idx;
DROP INDEX CONCURRENTLY IF EXISTS follows_followee_id_follower_id_idx;
CREATE INDEX CONCURRENTLY follows_followee_id_follower_id_idx ON follows (followee_id, follower_id);
DROP INDEX CONCURRENTLY IF EXISTS follows_followee_id_idx;

-- +goose Down

DROP INDEX CONCURRENTLY IF EXISTS comments_author_id_idx;
CREATE INDEX CONCURRENTLY comments_author_id_idx ON comments (author_id);
DROP INDEX CONCURRENTLY IF EXISTS comments_author_id_id_idx;
DROP INDEX CONCURRENTLY IF EXISTS follows_followee_id_idx;
CREATE INDEX CONCURRENTLY follows_followee_id_idx ON follows (followee_id);
DROP INDEX CONCURRENTLY IF EXISTS follows_followee_id_follower_id_idx;

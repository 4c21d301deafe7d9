-- Lets a service see whether a standby follows the primary that it writes to.
-- After a failover, a standby that has not noticed can have a later position in
-- the write-ahead log than the new primary, with other contents. Each life of a
-- primary begins with a row here, which only those standbys have that follow it
-- (ChangeSnapshot and ReplicaProgress in db/queries/changes.sql).

-- +goose Up

CREATE TABLE primary_lives (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT primary_lives_pkey PRIMARY KEY,
    life text NOT NULL
);

-- +goose Down

DROP TABLE primary_lives;

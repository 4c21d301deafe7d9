-- Lets replicas take turns to tell caches at the edge what has changed
-- (db/purges). The table is unlogged: after a crash of PostgreSQL, and on a
-- standby that has become the primary, it is empty, and the edge is told that
-- anything may have changed.

-- +goose Up

CREATE UNLOGGED TABLE purge_positions (
    edge text NOT NULL CONSTRAINT purge_positions_pkey PRIMARY KEY, -- a hash of its URL
    -- Up to where the edge knows the changes; both are empty if it knows none.
    life text NOT NULL,
    snapshot text NOT NULL,
    read_at timestamptz NOT NULL, -- a time before the snapshot was taken
    claimed_until timestamptz NOT NULL -- no other replica purges before
) WITH (fillfactor = 50);

-- +goose Down

DROP TABLE purge_positions;

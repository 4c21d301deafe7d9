-- Lets replicas share the quotas of clients (db/quotas). Both tables are
-- unlogged: a crash of PostgreSQL empties them, which gives every client its
-- whole quota once more, and costs no WAL.

-- +goose Up

-- What clients have used of the part of a quota that replicas share. The rows
-- of a quota that is whole again are deleted.
CREATE UNLOGGED TABLE rate_limits (
    key text NOT NULL CONSTRAINT rate_limits_pkey PRIMARY KEY, -- such as read/user/42
    whole timestamptz NOT NULL, -- when the quota will be whole again
    hot_after bigint NOT NULL, -- a quota is hot if it takes longer to be whole, in microseconds
    hot boolean NOT NULL -- whether it was
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);

-- Every replica reads these rows ten times a second. A row stays hot, so that
-- updates do not write to the index.
CREATE INDEX rate_limits_hot_idx ON rate_limits (key) WHERE hot;

-- The replicas that share quotas, and when they were last alive.
CREATE UNLOGGED TABLE rate_limit_replicas (
    id uuid NOT NULL CONSTRAINT rate_limit_replicas_pkey PRIMARY KEY,
    seen timestamptz NOT NULL
);

-- +goose Down

DROP TABLE rate_limit_replicas;
DROP TABLE rate_limits;

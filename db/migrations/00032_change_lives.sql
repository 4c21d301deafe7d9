-- Shows that the table changes has been emptied. PostgreSQL empties unlogged
-- tables after a crash, also after one of a single session, which does not
-- change pg_postmaster_start_time. A feed that finds no row here, or another
-- one, starts anew.

-- +goose Up

CREATE UNLOGGED TABLE change_lives (
    life uuid NOT NULL CONSTRAINT change_lives_pkey PRIMARY KEY
);

-- +goose Down

DROP TABLE change_lives;

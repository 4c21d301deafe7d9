-- +goose Up

ALTER TABEL users ADD COLUMN x bigint;

-- +goose Down

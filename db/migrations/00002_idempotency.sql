-- Responses to requests with an Idempotency-Key, stored for 24 hours.

-- +goose Up

CREATE TABLE idempotency_keys (
    key         bytea NOT NULL,
    fingerprint bytea NOT NULL,
    -- Encrypted with a key that is derived from the client's Idempotency-Key.
    -- Empty only inside the transaction that claims the key.
    answer      bytea NOT NULL DEFAULT '',
    created_at  timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (key)
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

-- +goose Down

DROP TABLE idempotency_keys;

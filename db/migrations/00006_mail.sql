-- Mail: which addresses are verified, what has to be sent, and the tokens that
-- go out by mail. And the counters that keep passwords from being guessed.

-- +goose Up

ALTER TABLE users ADD COLUMN email_verified_at timestamptz(3);

-- The outbox: rows are written with the change that they tell of. They hold no
-- text, since that has a token in it; it is written when it is sent.
CREATE TABLE mails (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    kind       text NOT NULL,
    recipient  text NOT NULL,
    -- NULL until somebody has looked whose address it is: whoever asks for a
    -- reset must not notice whether there is an account.
    user_id    bigint,
    attempts   integer NOT NULL DEFAULT 0,
    -- NULL when it was sent or given up.
    due_at     timestamptz(3) DEFAULT now(),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    sent_at    timestamptz(3),
    error      text,
    CONSTRAINT mails_pkey PRIMARY KEY (id),
    CONSTRAINT mails_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT mails_kind_check CHECK (kind IN ('verify_email', 'reset_password', 'email_changed', 'password_changed'))
);
CREATE INDEX mails_due_at_idx ON mails (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX mails_user_id_kind_idx ON mails (user_id, kind);
-- One reset at a time waits for an address, however often it is asked for.
CREATE UNIQUE INDEX mails_reset_key ON mails (lower(recipient)) WHERE kind = 'reset_password' AND due_at IS NOT NULL AND user_id IS NULL;

CREATE TABLE mail_tokens (
    -- SHA-256 of a token of 130 random bits, which nobody can guess.
    hash       bytea NOT NULL,
    kind       text NOT NULL,
    user_id    bigint NOT NULL,
    -- The token is good only while the account has this address.
    email      text NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    CONSTRAINT mail_tokens_pkey PRIMARY KEY (hash),
    CONSTRAINT mail_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT mail_tokens_kind_check CHECK (kind IN ('verify_email', 'reset_password'))
);
CREATE INDEX mail_tokens_user_id_kind_idx ON mail_tokens (user_id, kind);

-- Failed sign-ins, by a hash of what is counted. A crash of PostgreSQL empties
-- the table, which only begins the count anew.
CREATE UNLOGGED TABLE sign_in_tries (
    key        bytea NOT NULL,
    tries      integer NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    CONSTRAINT sign_in_tries_pkey PRIMARY KEY (key)
) WITH (fillfactor = 50);

-- Where an account was signed in to: strangers cannot lock its owner out there.
CREATE TABLE sign_in_places (
    user_id bigint NOT NULL,
    -- A keyed hash of the network address.
    place   bytea NOT NULL,
    used_at timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT sign_in_places_pkey PRIMARY KEY (user_id, place),
    CONSTRAINT sign_in_places_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- +goose Down

DROP TABLE sign_in_places, sign_in_tries, mail_tokens, mails;
ALTER TABLE users DROP COLUMN email_verified_at;

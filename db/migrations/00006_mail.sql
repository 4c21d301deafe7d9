-- Mail: verified addresses, the mails to send, and the tokens in them. Also the
-- counters that limit attempts to guess a password.

-- +goose Up

ALTER TABLE users ADD COLUMN email_verified_at timestamptz(3);

-- The outbox. A row is inserted in the transaction that makes the mail
-- necessary. It does not store the text, which contains a token; the text is
-- written when the mail is sent.
CREATE TABLE mails (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    kind       text NOT NULL,
    recipient  text NOT NULL,
    -- NULL until the account of the address is looked up, which happens after
    -- the request: a client that asks for a reset must not be able to find out
    -- whether there is an account.
    user_id    bigint,
    attempts   integer NOT NULL DEFAULT 0,
    -- NULL after the mail was sent or given up.
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
-- At most one reset mail is due for an address, whatever the number of
-- requests.
CREATE UNIQUE INDEX mails_reset_key ON mails (lower(recipient)) WHERE kind = 'reset_password' AND due_at IS NOT NULL AND user_id IS NULL;

CREATE TABLE mail_tokens (
    -- SHA-256 of a token of 130 random bits, which nobody can guess.
    hash       bytea NOT NULL,
    kind       text NOT NULL,
    user_id    bigint NOT NULL,
    -- The token is valid only while the account has this address.
    email      text NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    CONSTRAINT mail_tokens_pkey PRIMARY KEY (hash),
    CONSTRAINT mail_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT mail_tokens_kind_check CHECK (kind IN ('verify_email', 'reset_password'))
);
CREATE INDEX mail_tokens_user_id_kind_idx ON mail_tokens (user_id, kind);

-- The counts of failed sign-ins. The key is a hash of what is counted. A crash
-- of PostgreSQL empties the table, which only restarts the counts.
CREATE UNLOGGED TABLE sign_in_tries (
    key        bytea NOT NULL,
    tries      integer NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    CONSTRAINT sign_in_tries_pkey PRIMARY KEY (key)
) WITH (fillfactor = 50);

-- The addresses from which an account was signed in to. Attempts from other
-- addresses do not block sign-ins from these.
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

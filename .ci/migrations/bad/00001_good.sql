-- This one has no fault.

-- +goose Up

CREATE TABLE notes (id bigint NOT NULL CONSTRAINT notes_pkey PRIMARY KEY, text text NOT NULL);
CREATE INDEX notes_text_idx ON notes (text);
INSERT INTO notes (id, text) VALUES (1, 'UPDATE users SET x = 1; DROP TABLE users');

-- +goose StatementBegin
CREATE FUNCTION clear_notes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE notes SET text = '';
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose Down

DROP FUNCTION clear_notes();
DROP TABLE notes;

-- This one has no fault.

-- +goose Up

CREATE TABLE notes (id bigint NOT NULL CONSTRAINT notes_pkey PRIMARY KEY, text text NOT NULL);
CREATE INDEX notes_text_idx ON notes (text);
INSERT INTO notes (id, text) VALUES (1, 'UPDATE users SET x = 1; DROP TABLE users');
UPDATE notes SET text = '' WHERE text IS DISTINCT FROM 'x'; -- UPDATE users
WITH one AS (SELECT id FROM notes) INSERT INTO notes (id, text) SELECT id, text FROM one JOIN notes USING (id) ON CONFLICT DO NOTHING;

-- +goose StatementBegin
DO $$
DECLARE
    done bigint := 0;
BEGIN
    UPDATE notes SET text = '';
    LOOP
        UPDATE users SET bio = '' WHERE id = done;
        COMMIT;
        EXIT;
    END LOOP;
END $$;
-- +goose StatementEnd

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

-- +goose Up

CREATE INDEX users_name_idx ON users (name);
ALTER TABLE users ADD COLUMN age bigint;
CREATE TRIGGER users_note AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note_row('u');

-- +goose Down

DROP TRIGGER users_note ON users;
ALTER TABLE users DROP COLUMN age;

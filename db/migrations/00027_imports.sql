-- What byline import has stored of other systems.

-- +goose Up

-- An import of one old system, by a name that the operator gives it. Its state
-- is the positions up to which its kinds of rows are stored, by which it goes on
-- after an interruption.
CREATE TABLE imports (
    id          integer GENERATED ALWAYS AS IDENTITY,
    name        text NOT NULL,
    source      text NOT NULL, -- what was read, without a password
    state       jsonb NOT NULL DEFAULT '{}',
    -- Whether the keys of users are the ids that the old system gave them. Then
    -- its tokens name users by them. Otherwise they are names, which a user may
    -- have chosen to be the id of somebody else.
    has_ids     boolean NOT NULL,
    started_at  timestamptz(3) NOT NULL DEFAULT now(),
    -- When the last run began that has ended: what the old system has done later
    -- may not be here yet.
    read_at     timestamptz(3),
    -- When all rows were stored for the first time, and when the operator said
    -- that the old system is not read again.
    loaded_at   timestamptz(3),
    finished_at timestamptz(3),
    CONSTRAINT imports_pkey PRIMARY KEY (id),
    CONSTRAINT imports_name_key UNIQUE (name)
);

-- Which row here came from which row there. There are no foreign keys: a row
-- that was deleted here stays known, so that it is not imported again, and its id
-- leads nowhere since ids are never given again. The checksum is that of the
-- row's content there. The account for rows without an author has a kind of its
-- own: any key may be that of a user.
CREATE TABLE imported_rows (
    import_id    integer NOT NULL,
    kind         text NOT NULL, -- users, articles, comments, orphans
    key          text COLLATE "C" NOT NULL,
    row_id       bigint NOT NULL,
    checksum     bigint NOT NULL,
    -- That of a user's password hash there, and NULL for other rows. The hash here
    -- is another one as soon as the user has signed in.
    password     bigint,
    -- When an article was published there, and NULL for a draft: what an import may
    -- change here, if it is the same still.
    published_at timestamptz(3),
    CONSTRAINT imported_rows_pkey PRIMARY KEY (import_id, kind, key),
    CONSTRAINT imported_rows_import_id_fkey FOREIGN KEY (import_id) REFERENCES imports (id) ON DELETE CASCADE
);

-- What the rules of an import did to rows: the report. It is deleted when the
-- import is finished. stored is what the row has here instead, and other the key
-- of another row that is concerned.
CREATE TABLE import_cases (
    import_id integer NOT NULL,
    kind      text NOT NULL,
    key       text COLLATE "C" NOT NULL,
    code      text NOT NULL,
    field     text NOT NULL,
    action    text NOT NULL,
    stored    text NOT NULL,
    other     text NOT NULL,
    CONSTRAINT import_cases_pkey PRIMARY KEY (import_id, kind, key, code, field),
    CONSTRAINT import_cases_import_id_fkey FOREIGN KEY (import_id) REFERENCES imports (id) ON DELETE CASCADE
);

-- +goose Down

DROP TABLE IF EXISTS import_cases, imported_rows, imports;

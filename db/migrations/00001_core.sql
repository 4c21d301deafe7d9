-- The core of the service. Every constraint and index has a name, since
-- handlers translate violations by it. Counters are kept by statement-level
-- triggers in the transaction of what they count, so that no path (handlers,
-- COPY, cascades, psql) can miss them.

-- +goose Up

CREATE TABLE users (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    username        text NOT NULL,
    email           text NOT NULL,
    password_hash   text NOT NULL,
    bio             text,
    image           text,
    articles_count  bigint NOT NULL DEFAULT 0,
    favorites_count bigint NOT NULL DEFAULT 0,
    created_at      timestamptz(3) NOT NULL DEFAULT now(),
    updated_at      timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_articles_count_check CHECK (articles_count >= 0),
    CONSTRAINT users_favorites_count_check CHECK (favorites_count >= 0)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX users_username_key ON users (lower(username));
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

CREATE TABLE articles (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    -- Unique because article_slugs, which has it too, is: one index decides,
    -- since two that are filled in different orders invite deadlocks.
    slug            text NOT NULL,
    author_id       bigint NOT NULL,
    title           text NOT NULL,
    description     text NOT NULL,
    body            text NOT NULL,
    -- In the author's order; article_tags has the same tags for look-ups.
    -- One array costs a third of a subselect in every read.
    tags            text[] NOT NULL DEFAULT '{}',
    favorites_count bigint NOT NULL DEFAULT 0,
    -- Counts edits, not favourites; If-Match compares it.
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz(3) NOT NULL DEFAULT now(),
    updated_at      timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT articles_pkey PRIMARY KEY (id),
    CONSTRAINT articles_author_id_fkey FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT articles_favorites_count_check CHECK (favorites_count >= 0)
) WITH (fillfactor = 90);
CREATE INDEX articles_created_at_id_idx ON articles (created_at, id);
CREATE INDEX articles_author_id_created_at_id_idx ON articles (author_id, created_at, id);

-- Every slug that an article has or had: look-ups, uniqueness and history in one.
CREATE TABLE article_slugs (
    slug       text NOT NULL,
    article_id bigint NOT NULL,
    CONSTRAINT article_slugs_pkey PRIMARY KEY (slug),
    CONSTRAINT article_slugs_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
);
CREATE INDEX article_slugs_article_id_idx ON article_slugs (article_id);

-- The primary key is the keyset of "articles with this tag, newest first".
CREATE TABLE article_tags (
    tag                text NOT NULL,
    article_created_at timestamptz(3) NOT NULL,
    article_id         bigint NOT NULL,
    CONSTRAINT article_tags_pkey PRIMARY KEY (tag, article_created_at, article_id),
    CONSTRAINT article_tags_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
);
CREATE INDEX article_tags_article_id_idx ON article_tags (article_id);

CREATE TABLE follows (
    follower_id bigint NOT NULL,
    followee_id bigint NOT NULL,
    created_at  timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT follows_pkey PRIMARY KEY (follower_id, followee_id),
    CONSTRAINT follows_follower_id_fkey FOREIGN KEY (follower_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT follows_followee_id_fkey FOREIGN KEY (followee_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT follows_self_check CHECK (follower_id <> followee_id)
);
CREATE INDEX follows_followee_id_idx ON follows (followee_id);

-- article_created_at repeats the article's, which never changes, so that
-- "favourites of a user, newest article first" is one index scan.
CREATE TABLE favorites (
    article_id         bigint NOT NULL,
    user_id            bigint NOT NULL,
    article_created_at timestamptz(3) NOT NULL,
    created_at         timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT favorites_pkey PRIMARY KEY (article_id, user_id),
    CONSTRAINT favorites_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE,
    CONSTRAINT favorites_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX favorites_user_id_article_created_at_article_id_idx ON favorites (user_id, article_created_at, article_id);

CREATE TABLE comments (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    article_id bigint NOT NULL,
    author_id  bigint NOT NULL,
    body       text NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT comments_pkey PRIMARY KEY (id),
    CONSTRAINT comments_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE,
    CONSTRAINT comments_author_id_fkey FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX comments_article_id_created_at_id_idx ON comments (article_id, created_at, id);
CREATE INDEX comments_author_id_idx ON comments (author_id);

-- Counts that many transactions change at once: each backend adds to a slot
-- of its own, so that writers do not queue for one row until commit; readers
-- sum the slots.
CREATE TABLE counters (
    kind  text NOT NULL,
    name  text NOT NULL,
    slot  integer NOT NULL,
    value bigint NOT NULL,
    CONSTRAINT counters_pkey PRIMARY KEY (kind, name, slot),
    CONSTRAINT counters_kind_check CHECK (kind IN ('articles', 'tag'))
) WITH (fillfactor = 50);

-- What lists show of an article: all but its body, and its author.
CREATE VIEW article_cards AS
SELECT a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at,
       a.author_id, u.username, u.bio, u.image
FROM articles a
JOIN users u ON u.id = a.author_id;

-- Keys that sign tokens; made at first start, shared by all replicas.
CREATE TABLE signing_keys (
    id         text NOT NULL,
    secret     bytea NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT signing_keys_pkey PRIMARY KEY (id)
);

-- +goose StatementBegin
CREATE FUNCTION count_articles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE users u SET articles_count = articles_count + c.n
        FROM (SELECT author_id, count(*) AS n FROM changed GROUP BY author_id) c
        WHERE u.id = c.author_id;
        INSERT INTO counters AS c (kind, name, slot, value)
        SELECT 'articles', '', pg_backend_pid() % 16, count(*) FROM changed HAVING count(*) > 0
        ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    ELSE
        UPDATE users u SET articles_count = articles_count - c.n
        FROM (SELECT author_id, count(*) AS n FROM changed GROUP BY author_id) c
        WHERE u.id = c.author_id;
        INSERT INTO counters AS c (kind, name, slot, value)
        SELECT 'articles', '', pg_backend_pid() % 16, -count(*) FROM changed HAVING count(*) > 0
        ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    END IF;
    RETURN NULL;
END $$;

-- The rows are sorted so that two transactions which share several counters
-- lock them in the same order.
CREATE FUNCTION count_article_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO counters AS c (kind, name, slot, value)
        SELECT 'tag', tag, pg_backend_pid() % 16, count(*) FROM changed GROUP BY tag ORDER BY tag
        ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    ELSE
        INSERT INTO counters AS c (kind, name, slot, value)
        SELECT 'tag', tag, pg_backend_pid() % 16, -count(*) FROM changed GROUP BY tag ORDER BY tag
        ON CONFLICT (kind, name, slot) DO UPDATE SET value = c.value + excluded.value;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION count_favorites() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE articles a SET favorites_count = favorites_count + c.n
        FROM (SELECT article_id, count(*) AS n FROM changed GROUP BY article_id) c
        WHERE a.id = c.article_id;
        UPDATE users u SET favorites_count = favorites_count + c.n
        FROM (SELECT user_id, count(*) AS n FROM changed GROUP BY user_id) c
        WHERE u.id = c.user_id;
    ELSE
        UPDATE articles a SET favorites_count = favorites_count - c.n
        FROM (SELECT article_id, count(*) AS n FROM changed GROUP BY article_id) c
        WHERE a.id = c.article_id;
        UPDATE users u SET favorites_count = favorites_count - c.n
        FROM (SELECT user_id, count(*) AS n FROM changed GROUP BY user_id) c
        WHERE u.id = c.user_id;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER articles_insert_count AFTER INSERT ON articles
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_articles();
CREATE TRIGGER articles_delete_count AFTER DELETE ON articles
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_articles();
CREATE TRIGGER article_tags_insert_count AFTER INSERT ON article_tags
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_article_tags();
CREATE TRIGGER article_tags_delete_count AFTER DELETE ON article_tags
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_article_tags();
CREATE TRIGGER favorites_insert_count AFTER INSERT ON favorites
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_favorites();
CREATE TRIGGER favorites_delete_count AFTER DELETE ON favorites
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_favorites();

-- +goose Down

DROP VIEW article_cards;
DROP TABLE signing_keys, counters, comments, favorites, follows, article_tags, article_slugs, articles, users;
DROP FUNCTION count_articles();
DROP FUNCTION count_article_tags();
DROP FUNCTION count_favorites();

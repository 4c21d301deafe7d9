-- The core tables. Every constraint and index has a name, since handlers
-- translate violations by it. Triggers maintain the counts here, article_tags
-- and cache_changes; they are in 00003_derived.sql.

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
    -- When the newest article was created, or NULL if there is none. With it, a
    -- feed need not read the articles of every followed user.
    last_article_at timestamptz(3),
    created_at      timestamptz(3) NOT NULL DEFAULT now(),
    updated_at      timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    -- One check instead of two, since every statement parses each: 7 µs.
    CONSTRAINT users_counts_check CHECK (articles_count >= 0 AND favorites_count >= 0)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX users_username_key ON users (lower(username));
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

CREATE TABLE articles (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    -- The primary key of article_slugs makes it unique. A second unique index
    -- here would be filled in another order, which could cause deadlocks.
    slug            text NOT NULL,
    author_id       bigint NOT NULL,
    title           text NOT NULL,
    description     text NOT NULL,
    body            text NOT NULL,
    -- In the author's order, without duplicates. article_tags has the same tags
    -- for look-ups. Reading an array costs a third of a subselect.
    tags            text[] NOT NULL DEFAULT '{}',
    favorites_count bigint NOT NULL DEFAULT 0,
    -- Set by a moderator. A hidden article is neither counted nor listed.
    hidden          boolean NOT NULL DEFAULT false,
    -- Counts edits, not favourites; If-Match compares it.
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz(3) NOT NULL DEFAULT now(),
    updated_at      timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT articles_pkey PRIMARY KEY (id),
    CONSTRAINT articles_author_id_fkey FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT articles_favorites_count_check CHECK (favorites_count >= 0)
) WITH (fillfactor = 90);
-- Lists scan these indexes without reading the articles that they skip. The
-- second includes hidden articles, since the foreign key uses it as well.
CREATE INDEX articles_created_at_id_idx ON articles (created_at, id) WHERE NOT hidden;
CREATE INDEX articles_author_id_created_at_id_idx ON articles (author_id, created_at, id) INCLUDE (hidden);

-- Every slug that an article has or had. It serves look-ups, uniqueness and the
-- history of slugs.
CREATE TABLE article_slugs (
    slug       text NOT NULL,
    article_id bigint NOT NULL,
    CONSTRAINT article_slugs_pkey PRIMARY KEY (slug),
    CONSTRAINT article_slugs_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
);
CREATE INDEX article_slugs_article_id_idx ON article_slugs (article_id);

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

-- article_created_at copies articles.created_at, which never changes, so that
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
    hidden     boolean NOT NULL DEFAULT false,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT comments_pkey PRIMARY KEY (id),
    CONSTRAINT comments_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE,
    CONSTRAINT comments_author_id_fkey FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX comments_article_id_created_at_id_idx ON comments (article_id, created_at, id);
CREATE INDEX comments_author_id_idx ON comments (author_id);

-- The columns of an article in lists: all but its body, and those of its
-- author.
CREATE VIEW article_cards AS
SELECT a.id, a.slug, a.title, a.description, a.tags, a.favorites_count, a.version, a.created_at, a.updated_at,
       a.author_id, u.username, u.bio, u.image
FROM articles a
JOIN users u ON u.id = a.author_id;

-- The keys that sign tokens. The first start creates one; all replicas use it.
CREATE TABLE signing_keys (
    id         text NOT NULL,
    secret     bytea NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT signing_keys_pkey PRIMARY KEY (id)
);

-- +goose Down

DROP VIEW article_cards;
DROP TABLE signing_keys, comments, favorites, follows, article_slugs, articles, users;

-- Rows for the old system. The names of users and slugs follow their ids, so
-- that the load knows them. Ids come from the sequences, as the app takes them.
SELECT setseed(0.15);
INSERT INTO "User" (email, username, password, bio, image)
SELECT 'user' || i || '@example.com', 'user' || i,
    '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy',
    CASE WHEN i % 3 = 0 THEN 'I am user ' || i END,
    CASE WHEN i % 4 = 0 THEN 'https://example.com/' || i || '.png' END
FROM generate_series(1, :users) i;
INSERT INTO "Tag" (name) SELECT 'tag' || i FROM generate_series(1, 60) i;
INSERT INTO "Article" (slug, title, description, body, "createdAt", "updatedAt", "authorId")
SELECT 'article-' || i, 'Article ' || i, 'What article ' || i || ' is about',
    repeat('A sentence of article ' || i || '. ', 20 + i % 60),
    timestamp '2024-01-01' + i * interval '17 min 3.217 s',
    timestamp '2024-01-01' + i * interval '17 min 3.217 s' + (i % 5) * interval '1 h',
    1 + (random() * (:users - 1))::int
FROM generate_series(1, :articles) i;
INSERT INTO "_ArticleToTag"
SELECT i, 1 + (i * 7 + k * k * 11) % 60 FROM generate_series(1, :articles) i, generate_series(1, 4) k WHERE k <= i % 5
ON CONFLICT DO NOTHING;
INSERT INTO "Comment" (body, "articleId", "authorId", "createdAt", "updatedAt")
SELECT 'Comment ' || i, 1 + (random() * (:articles - 1))::int, 1 + (random() * (:users - 1))::int, t, t
FROM generate_series(1, :articles * 4) i, LATERAL (SELECT timestamp '2025-01-01' + i * interval '3 min 0.125 s' AS t) s;
INSERT INTO "_UserFavorites"
SELECT 1 + (random() * (:articles - 1))::int, 1 + (random() * (:users - 1))::int FROM generate_series(1, :articles * 3) i
ON CONFLICT DO NOTHING;
INSERT INTO "_UserFollows"
SELECT a, b FROM (SELECT 1 + (random() * (:users - 1))::int AS a, 1 + (random() * (:users - 1))::int AS b FROM generate_series(1, :users * 8) i) f
WHERE a <> b
ON CONFLICT DO NOTHING;
ANALYZE;

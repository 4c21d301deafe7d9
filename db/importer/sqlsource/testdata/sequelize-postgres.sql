-- The tables as Sequelize makes them, and the rows of the other fixtures.
CREATE TABLE "Users" ("id" SERIAL, "email" VARCHAR(255), "username" VARCHAR(255), "bio" TEXT, "image" TEXT, "password" VARCHAR(255), "createdAt" TIMESTAMP WITH TIME ZONE NOT NULL, "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY ("id"));
CREATE TABLE "Articles" ("id" SERIAL, "slug" VARCHAR(255), "title" VARCHAR(255), "description" TEXT, "body" TEXT, "userId" INTEGER, "createdAt" TIMESTAMP WITH TIME ZONE, "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY ("id"));
CREATE TABLE "Tags" ("name" VARCHAR(255) NOT NULL, "createdAt" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(), "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(), PRIMARY KEY ("name"));
CREATE TABLE "TagLists" ("id" SERIAL, "articleId" INTEGER, "tagName" VARCHAR(255), PRIMARY KEY ("id"));
CREATE TABLE "Comments" ("id" SERIAL, "body" TEXT, "articleId" INTEGER, "userId" INTEGER, "createdAt" TIMESTAMP WITH TIME ZONE NOT NULL, "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY ("id"));
CREATE TABLE "Favorites" ("articleId" INTEGER NOT NULL, "userId" INTEGER NOT NULL, PRIMARY KEY ("articleId", "userId"));
CREATE TABLE "Followers" ("userId" INTEGER NOT NULL, "followerId" INTEGER NOT NULL, PRIMARY KEY ("userId", "followerId"));
INSERT INTO "Users" ("id", "email", "username", "password", "image", "bio", "createdAt", "updatedAt") VALUES
    (2, 'ada@example.com', 'ada', '$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', NULL, '', '2024-01-01', '2024-01-01'),
    (10, 'jürgen@example.com', '日本 🙂', '', '/a.png', NULL, '2024-01-01', '2024-01-01');
INSERT INTO "Articles" ("id", "slug", "title", "description", "body", "createdAt", "updatedAt", "userId") VALUES
    (2, 'two-1', 'Two', '', E'a\r\nb', '2024-02-29 12:00:00.123', '2024-03-01', 10),
    (10, 'ten', 'Ten', 'd', 'body', NULL, '2024-03-02', 2),
    (11, 'orphan', 'O', 'd', 'b', '2024-01-01', '2024-01-01', 99);
INSERT INTO "Tags" ("name") VALUES ('zebra'), ('ant'), ('unused');
INSERT INTO "TagLists" ("articleId", "tagName") VALUES (2, 'zebra'), (2, 'ant'), (10, 'ant');
INSERT INTO "Comments" ("id", "body", "articleId", "userId", "createdAt", "updatedAt") VALUES
    (7, 'Nice.', 2, 2, '2024-02-29 13:00', '2024-02-29 13:00'), (12, 'Why?', 10, 10, '2024-04-29 13:00', '2024-04-29 13:00');
INSERT INTO "Favorites" VALUES (2, 10), (2, 2), (10, 2);
INSERT INTO "Followers" VALUES (10, 2); -- 2 follows 10

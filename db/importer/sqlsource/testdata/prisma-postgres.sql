-- The tables as prisma migrate makes them, and some rows.
CREATE TABLE "Article" (
    "id" SERIAL NOT NULL,
    "slug" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "authorId" INTEGER NOT NULL,
    CONSTRAINT "Article_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "Comment" (
    "id" SERIAL NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "body" TEXT NOT NULL,
    "articleId" INTEGER NOT NULL,
    "authorId" INTEGER NOT NULL,
    CONSTRAINT "Comment_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "Tag" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,
    CONSTRAINT "Tag_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "User" (
    "id" SERIAL NOT NULL,
    "email" TEXT NOT NULL,
    "username" TEXT NOT NULL,
    "password" TEXT NOT NULL,
    "image" TEXT DEFAULT 'https://api.realworld.io/images/smiley-cyrus.jpeg',
    "bio" TEXT,
    "demo" BOOLEAN NOT NULL DEFAULT false,
    CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "_ArticleToTag" ("A" INTEGER NOT NULL, "B" INTEGER NOT NULL);
CREATE TABLE "_UserFavorites" ("A" INTEGER NOT NULL, "B" INTEGER NOT NULL);
CREATE TABLE "_UserFollows" ("A" INTEGER NOT NULL, "B" INTEGER NOT NULL);
CREATE UNIQUE INDEX "_ArticleToTag_AB_unique" ON "_ArticleToTag"("A", "B");
CREATE UNIQUE INDEX "_UserFavorites_AB_unique" ON "_UserFavorites"("A", "B");
CREATE UNIQUE INDEX "_UserFollows_AB_unique" ON "_UserFollows"("A", "B");

INSERT INTO "User" ("id", "email", "username", "password", "image", "bio") VALUES
    (2, 'ada@example.com', 'ada', '$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', NULL, ''),
    (10, 'jürgen@example.com', '日本 🙂', '', '/a.png', NULL);
INSERT INTO "Article" ("id", "slug", "title", "description", "body", "createdAt", "updatedAt", "authorId") VALUES
    (2, 'two-1', 'Two', '', E'a\r\nb', '2024-02-29 12:00:00.123', '2024-03-01', 10),
    (10, 'ten', 'Ten', 'd', 'body', 'infinity', '2024-03-02', 2),
    (11, 'orphan', 'O', 'd', 'b', '2024-01-01', '2024-01-01', 99);
INSERT INTO "Tag" ("id", "name") VALUES (1, 'zebra'), (2, 'ant'), (3, 'unused');
INSERT INTO "_ArticleToTag" VALUES (2, 2), (2, 1), (10, 2);
INSERT INTO "Comment" ("id", "body", "articleId", "authorId", "createdAt", "updatedAt") VALUES
    (7, 'Nice.', 2, 2, '2024-02-29 13:00', '2024-02-29 13:00'), (12, 'Why?', 10, 10, '2024-04-29 13:00', '2024-04-29 13:00');
INSERT INTO "_UserFavorites" VALUES (2, 10), (2, 2), (10, 2); -- A is the article
INSERT INTO "_UserFollows" VALUES (10, 2); -- B follows A

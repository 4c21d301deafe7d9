import { Router } from "express";
import slugifyModule from "slugify";

import { optional, signedIn } from "./auth.js";
import { ApiError, required, taken } from "./errors.js";
import { prisma } from "./prisma.js";
import { author, profile } from "./profiles.js";

const router = Router();
const slugify = slugifyModule.default ?? slugifyModule;

/** What Prisma reads of an article. The order of tags is that of their ids. */
function include(viewer) {
  return {
    tagList: { select: { name: true }, orderBy: { id: "asc" } },
    author: author(viewer),
    favoritedBy: { where: { id: viewer ?? 0 }, select: { id: true } },
    _count: { select: { favoritedBy: true } },
  };
}

function view(article, withBody = true) {
  return {
    slug: article.slug,
    title: article.title,
    description: article.description,
    ...(withBody && { body: article.body }),
    tagList: article.tagList.map((tag) => tag.name),
    createdAt: article.createdAt,
    updatedAt: article.updatedAt,
    favorited: article.favoritedBy.length > 0,
    favoritesCount: article._count.favoritedBy,
    author: profile(article.author),
  };
}

/** Returns an article, or throws a 404. */
export async function find(slug, viewer) {
  const article = await prisma.article.findUnique({ where: { slug }, include: include(viewer) });
  if (!article) {
    throw new ApiError(404, "article", "not found");
  }
  return article;
}

async function owned(slug, viewer) {
  const article = await find(slug, viewer);
  if (article.author.id !== viewer) {
    throw new ApiError(403, "article", "forbidden");
  }
  return article;
}

function tags(names) {
  return [...new Set(names)].map((name) => ({ where: { name }, create: { name } }));
}

async function list(request, response, where) {
  const number = (name, otherwise, least) => {
    if (request.query[name] === undefined) return otherwise;
    const value = Number(request.query[name]);
    if (!Number.isInteger(value) || value < least) throw new ApiError(422, name, `must be ${least} or more`);
    return value;
  };
  const page = { take: number("limit", 20, 1), skip: number("offset", 0, 0) };
  const [articles, articlesCount] = await Promise.all([
    prisma.article.findMany({ where, include: include(request.user?.id), orderBy: [{ createdAt: "desc" }, { id: "desc" }], ...page }),
    prisma.article.count({ where }),
  ]);
  response.json({ articles: articles.map((article) => view(article, false)), articlesCount });
}

router.get("/articles", optional, async (request, response) => {
  const { tag, author: username, favorited } = request.query;
  await list(request, response, {
    ...(tag && { tagList: { some: { name: tag } } }),
    ...(username && { author: { username } }),
    ...(favorited && { favoritedBy: { some: { username: favorited } } }),
  });
});

router.get("/articles/feed", signedIn, async (request, response) => {
  await list(request, response, { author: { followedBy: { some: { id: request.user.id } } } });
});

router.post("/articles", signedIn, async (request, response) => {
  const input = request.body?.article;
  required(input, "title", "description", "body");
  const { title, description, body, tagList = [] } = input;
  const base = slugify(title, { lower: true, strict: true }) || "article";
  const slug = (await prisma.article.findUnique({ where: { slug: base } })) ? `${base}-${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}` : base;
  // Tags are made first: two articles may bring the same new one at once.
  await prisma.tag.createMany({ data: [...new Set(tagList)].map((name) => ({ name })), skipDuplicates: true });
  const article = await prisma.article
    .create({
      data: { slug, title, description, body, authorId: request.user.id, tagList: { connect: [...new Set(tagList)].map((name) => ({ name })) } },
      include: include(request.user.id),
    })
    .catch(taken);
  response.status(201).json({ article: view(article) });
});

router.get("/articles/:slug", optional, async (request, response) => {
  response.json({ article: view(await find(request.params.slug, request.user?.id)) });
});

router.put("/articles/:slug", signedIn, async (request, response) => {
  const input = request.body?.article ?? {};
  const article = await owned(request.params.slug, request.user.id);
  required(input, ...["title", "description", "body"].filter((field) => field in input));
  const data = { updatedAt: new Date() };
  for (const field of ["title", "description", "body"]) {
    if (field in input) data[field] = input[field];
  }
  if (input.tagList) data.tagList = { set: [], connectOrCreate: tags(input.tagList) };
  const updated = await prisma.article.update({ where: { id: article.id }, data, include: include(request.user.id) }).catch(taken);
  response.json({ article: view(updated) });
});

router.delete("/articles/:slug", signedIn, async (request, response) => {
  const { id } = await owned(request.params.slug, request.user.id);
  await prisma.article.delete({ where: { id } });
  response.status(204).end();
});

function favorite(change) {
  return async (request, response) => {
    const { id } = await find(request.params.slug, request.user.id);
    await prisma.article.update({ where: { id }, data: { favoritedBy: { [change]: { id: request.user.id } } } });
    response.json({ article: view(await find(request.params.slug, request.user.id)) });
  };
}

router.post("/articles/:slug/favorite", signedIn, favorite("connect"));
router.delete("/articles/:slug/favorite", signedIn, favorite("disconnect"));

router.get("/tags", async (_request, response) => {
  const found = await prisma.tag.findMany({
    where: { articles: { some: {} } },
    select: { name: true },
    orderBy: [{ articles: { _count: "desc" } }, { name: "asc" }],
  });
  response.json({ tags: found.map((tag) => tag.name) });
});

export default router;

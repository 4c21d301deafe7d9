import { Router } from "express";

import { find } from "./articles.js";
import { optional, signedIn } from "./auth.js";
import { ApiError, required } from "./errors.js";
import { prisma } from "./prisma.js";
import { author, profile } from "./profiles.js";

const router = Router();

function view(comment) {
  return { id: comment.id, createdAt: comment.createdAt, updatedAt: comment.updatedAt, body: comment.body, author: profile(comment.author) };
}

router.get("/articles/:slug/comments", optional, async (request, response) => {
  const { id } = await find(request.params.slug);
  const comments = await prisma.comment.findMany({
    where: { articleId: id },
    include: { author: author(request.user?.id) },
    orderBy: [{ createdAt: "asc" }, { id: "asc" }],
  });
  response.json({ comments: comments.map(view) });
});

router.post("/articles/:slug/comments", signedIn, async (request, response) => {
  const { id } = await find(request.params.slug);
  const input = request.body?.comment;
  required(input, "body");
  const comment = await prisma.comment.create({
    data: { body: input.body, articleId: id, authorId: request.user.id },
    include: { author: author(request.user.id) },
  });
  response.status(201).json({ comment: view(comment) });
});

router.delete("/articles/:slug/comments/:id", signedIn, async (request, response) => {
  const article = await find(request.params.slug);
  const id = Number(request.params.id);
  const comment = Number.isSafeInteger(id) && id < 2 ** 31 ? await prisma.comment.findUnique({ where: { id } }) : null;
  if (!comment || comment.articleId !== article.id) {
    throw new ApiError(404, "comment", "not found");
  }
  if (comment.authorId !== request.user.id) {
    throw new ApiError(403, "comment", "forbidden");
  }
  await prisma.comment.delete({ where: { id } });
  response.status(204).end();
});

export default router;

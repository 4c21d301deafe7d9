import { Router } from "express";

import { optional, signedIn } from "./auth.js";
import { ApiError } from "./errors.js";
import { prisma } from "./prisma.js";

const router = Router();

/** What Prisma reads of an author, with whether a viewer follows them. */
export function author(viewer) {
  return { select: { id: true, username: true, bio: true, image: true, followedBy: { where: { id: viewer ?? 0 }, select: { id: true } } } };
}

export function profile(user) {
  return { username: user.username, bio: user.bio, image: user.image, following: user.followedBy.length > 0 };
}

async function find(username, viewer) {
  const user = await prisma.user.findUnique({ where: { username }, ...author(viewer) });
  if (!user) {
    throw new ApiError(404, "profile", "not found");
  }
  return user;
}

router.get("/profiles/:username", optional, async (request, response) => {
  response.json({ profile: profile(await find(request.params.username, request.user?.id)) });
});

function follow(change) {
  return async (request, response) => {
    const viewer = request.user.id;
    const { username } = request.params;
    const { id } = await find(username, viewer);
    if (id === viewer) {
      throw new ApiError(422, "username", "must not be your own");
    }
    await prisma.user.update({ where: { id }, data: { followedBy: { [change]: { id: viewer } } } });
    response.json({ profile: profile(await find(username, viewer)) });
  };
}

router.post("/profiles/:username/follow", signedIn, follow("connect"));
router.delete("/profiles/:username/follow", signedIn, follow("disconnect"));

export default router;

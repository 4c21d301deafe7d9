import bcrypt from "bcryptjs";
import { Router } from "express";

import { sign, signedIn } from "./auth.js";
import { ApiError, required, taken } from "./errors.js";
import { prisma } from "./prisma.js";

const router = Router();
const cost = 10;

function view(user, token = sign(user.id)) {
  return { user: { email: user.email, username: user.username, bio: user.bio, image: user.image, token } };
}

router.post("/users", async (request, response) => {
  const input = request.body?.user;
  required(input, "username", "email", "password");
  const data = { username: input.username, email: input.email, password: await bcrypt.hash(input.password, cost) };
  response.status(201).json(view(await prisma.user.create({ data }).catch(taken)));
});

router.post("/users/login", async (request, response) => {
  const input = request.body?.user;
  required(input, "email", "password");
  const user = await prisma.user.findUnique({ where: { email: input.email } });
  if (!user || !(await bcrypt.compare(input.password, user.password))) {
    throw new ApiError(401, "credentials", "invalid");
  }
  response.json(view(user));
});

router.get("/user", signedIn, async (request, response) => {
  const user = await prisma.user.findUnique({ where: { id: request.user.id } });
  if (!user) {
    throw new ApiError(401, "token", "is invalid");
  }
  response.json(view(user, request.user.token));
});

router.put("/user", signedIn, async (request, response) => {
  const input = request.body?.user ?? {};
  required(input, ...["username", "email", "password"].filter((field) => field in input));
  const data = {};
  for (const field of ["username", "email"]) {
    if (field in input) data[field] = input[field];
  }
  for (const field of ["bio", "image"]) {
    if (field in input) data[field] = input[field] || null;
  }
  if (input.password) data.password = await bcrypt.hash(input.password, cost);
  const user = await prisma.user.update({ where: { id: request.user.id }, data }).catch(taken);
  response.json(view(user, request.user.token));
});

export default router;

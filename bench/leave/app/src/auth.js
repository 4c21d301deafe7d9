import jwt from "jsonwebtoken";

import { ApiError } from "./errors.js";

const secret = process.env.JWT_SECRET ?? "superSecret";

/** The token of an account, with the claim that this family of backends has. */
export function sign(id) {
  return jwt.sign({ user: { id } }, secret, { expiresIn: "60d" });
}

function identify(request) {
  const [scheme, token] = (request.headers.authorization ?? "").split(" ");
  if ((scheme !== "Token" && scheme !== "Bearer") || !token) {
    return undefined;
  }
  try {
    return { id: jwt.verify(token, secret, { algorithms: ["HS256"] }).user.id, token };
  } catch {
    return undefined;
  }
}

/** Knows the user of a request, if there is one. */
export function optional(request, _response, next) {
  request.user = identify(request);
  next();
}

/** Refuses requests without a user. */
export function signedIn(request, _response, next) {
  request.user = identify(request);
  if (!request.user) {
    throw new ApiError(401, "token", request.headers.authorization ? "is invalid" : "is missing");
  }
  next();
}

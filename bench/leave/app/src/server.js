// A backend of the RealWorld contract with Express and Prisma. It is the old
// system of make leave-node: small, but with what such backends have.
import express from "express";

import articles from "./articles.js";
import comments from "./comments.js";
import { ApiError } from "./errors.js";
import profiles from "./profiles.js";
import users from "./users.js";

const app = express();
app.disable("x-powered-by");
app.use(express.json());
app.use("/api", users, profiles, articles, comments);
app.use("/api", () => {
  throw new ApiError(404, "path", "not found");
});
app.use((error, _request, response, _next) => {
  if (error instanceof ApiError) {
    response.status(error.status).json({ errors: { [error.field]: [error.message] } });
  } else if (error.type === "entity.parse.failed") {
    response.status(400).json({ errors: { body: ["is not JSON"] } });
  } else {
    console.error(error);
    response.status(500).json({ errors: { server: ["failed"] } });
  }
});

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.log("listening on", server.address().port));
server.keepAliveTimeout = 65_000;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => server.close(() => process.exit(0)));
}

// A program with ES modules. test/package compiles and runs it.
import { createRequire } from "node:module";
import { Byline, BylineError, type Article, type Options, type Tokens } from "@byline-api/client";

const refused = JSON.stringify({ code: "not_found", requestId: "R1", detail: "None." });
const options: Options = {
  fetch: async () => new Response(refused, { status: 404 }),
};
const byline = new Byline("http://byline.test", options);
const error = await byline.articles.get("none").catch((error: unknown) => error);
if (!(error instanceof BylineError)) throw new Error("no BylineError");
const { BylineError: required } = createRequire(import.meta.url)(
  "@byline-api/client",
) as typeof import("@byline-api/client");
if (!(error instanceof required)) throw new Error("require and import have different classes");

export async function uses(tokens: Tokens): Promise<Article[]> {
  for await (const article of byline.articles.list({ tag: "a" })) console.log(article.title);
  const page = await byline.articles.list();
  const total: number = page.total;
  console.log(total, tokens.accessToken);
  return (await byline.articles.getMany({ slugs: ["a"] })).articles;
}

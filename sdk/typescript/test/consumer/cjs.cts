// A program with CommonJS modules. test/package compiles and runs it.
import byline = require("@byline-api/client");

const client = new byline.Byline("http://byline.test", {
  fetch: async () => new Response('{"tags":["a"]}'),
});
export const tags: Promise<string[]> = client.tags.list();
tags.then(([tag]) => {
  if (tag !== "a") throw new Error("no tags");
});

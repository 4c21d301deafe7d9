// Whatever a newer service adds, an older client returns what it knows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fails, fake, problem, respond } from "./fake.js";

test("members that are newer than the client are ignored", async () => {
  const author = { username: "tess", badges: ["new"] };
  const article = { slug: "a", poll: { url: "/c" }, author };
  const { byline } = fake([respond(200, { article, related: [1] })]);
  assert.equal((await byline.articles.get("a")).author.username, "tess");
});

test("values that are newer than the client are returned", async () => {
  const subject = { kind: "series", id: 7, name: null };
  const { byline } = fake([
    respond(200, { users: [{ id: 1, username: "tess", role: "owner" }], nextCursor: null }),
    respond(200, { entries: [{ id: 1, action: "series.hidden", subject }], nextCursor: null }),
    respond(200, { apiKeys: [{ id: 1, name: "k", scopes: ["read", "publish"] }] }),
  ]);
  assert.equal((await byline.admin.listUsers()).items[0]!.role, "owner");
  const { items } = await byline.admin.listAuditLog();
  assert.deepEqual([items[0]!.action, items[0]!.subject], ["series.hidden", subject]);
  assert.deepEqual((await byline.apiKeys.list())[0]!.scopes, ["read", "publish"]);
});

test("problems that are newer than the client are errors of the service", async () => {
  const errors = { article: ["is withheld"] };
  const newer = problem(451, "withheld", { errors, help: { url: "/docs" }, attempts: [1] });
  const { byline } = fake([respond(451, newer)]);
  const expected = fails(451, { code: "withheld", detail: "Later.", fields: errors });
  await assert.rejects(byline.articles.get("a"), expected);
});

test("records of an export that are newer than the client are yielded", async () => {
  const lines = [
    { type: "reaction", emoji: "+1" },
    { type: "end", records: 1 },
  ];
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const ndjson = respond(200, text, { "Content-Type": "application/x-ndjson" });
  const records: object[] = [];
  for await (const record of fake([ndjson]).byline.account.export()) records.push(record);
  assert.deepEqual(records, lines.slice(0, 1));
});

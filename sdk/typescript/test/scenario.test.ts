// Runs the same steps as the scenario tests of the other SDKs against a real
// service.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createServer, request as forward, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import {
  Byline,
  BylineConnectionError,
  NotBylineError,
  SessionEndedError,
  type StoredSession,
} from "../src/index.js";
import { newArticle, password, rejection, steps } from "./steps.js";

const base = process.env["BYLINE_URL"];

test("scenario", { skip: !base && "BYLINE_URL is not set: run sdk/scenario" }, async (t) => {
  const statuses: number[] = [];
  const byline = new Byline(base!, {
    hooks: { onResponse: ({ status }) => void statuses.push(status ?? 0) },
  });
  const id = randomUUID().slice(0, 8);
  const newUser = (name: string) => ({
    username: `${name}-${id}`,
    email: `${name}-${id}@example.com`,
    password,
  });
  const email = `author-${id}@example.com`;
  let author = byline;
  let reader = byline;
  let slug = "";
  const step = steps(t);

  await step("register", async () => {
    const user = await byline.users.create(newUser("author"));
    assert.equal(user.bio, null);
    author = byline.withToken(user.token);
    reader = byline.withToken((await byline.users.create(newUser("reader"))).token);
  });
  await step("conflict 409", async () => {
    const error = await rejection(byline.users.create(newUser("author")));
    assert.equal(error.status, 409);
    assert.equal(error.code, "already_taken");
    assert.deepEqual(error.fields["username"], ["has already been taken"]);
  });
  await step("login", async () => {
    const user = await byline.users.login({ email, password });
    assert.equal(user.username, `author-${id}`);
  });
  await step("wrong password", async () => {
    const error = await rejection(byline.users.login({ email, password: "wrong horse" }));
    assert.equal(error.status, 401);
    assert.equal(error.code, "credentials_invalid");
    assert.deepEqual(error.fields["credentials"], ["invalid"]);
    assert.ok(error.requestId);
    assert.equal(error.operation, "users.login");
  });
  await step("publish with tags", async () => {
    for (const title of ["One", "Two", "Three", "Four", "Five"]) {
      const article = await author.articles.create(newArticle(title, id, "sdk"));
      assert.deepEqual(article.tagList, [id, "sdk"]);
      slug = article.slug;
    }
  });
  await step("invalid fields", async () => {
    const error = await rejection(author.articles.create(newArticle("")));
    assert.equal(error.status, 422);
    assert.deepEqual(error.fields["title"], ["can't be blank"]);
  });
  await step("list", async () => {
    const page = await byline.articles.list({ tag: id, limit: 3 });
    assert.equal(page.items.length, 3);
    assert.equal(page.total, 5);
  });
  await step("pages to the end", async () => {
    statuses.length = 0;
    const titles: string[] = [];
    for await (const article of byline.articles.list({ tag: id, limit: 2 })) {
      titles.push(article.title);
    }
    assert.deepEqual(titles, ["Five", "Four", "Three", "Two", "One"]);
    assert.equal(statuses.length, 3);
  });
  await step("feed", async () => {
    const profile = await reader.profiles.follow(`author-${id}`);
    assert.equal(profile.following, true);
    assert.equal((await reader.articles.feed({ limit: 2 }).toArray(100)).length, 5);
  });
  await step("favorite", async () => {
    const article = await reader.articles.favorite(slug);
    assert.equal(article.favorited, true);
    assert.equal(article.favoritesCount, 1);
  });
  await step("comment", async () => {
    for (const body of ["first", "second", "third", "fourth"]) {
      const comment = await reader.comments.create(slug, { body });
      if (body === "fourth") await reader.comments.delete(slug, comment.id);
    }
    const bodies: string[] = [];
    for await (const comment of byline.comments.list(slug, { limit: 2 })) bodies.push(comment.body);
    assert.deepEqual(bodies, ["first", "second", "third"]);
  });
  await step("reply", async () => {
    const [parent] = (await byline.comments.list(slug, { parentId: 0 })).items;
    assert.equal(
      (await reader.comments.update(slug, parent!.id, { body: "changed" })).body,
      "changed",
    );
    const answer = await author.comments.create(slug, { body: "answer", parentId: parent!.id });
    await reader.comments.delete(slug, parent!.id);
    assert.equal(
      (await byline.comments.list(slug, { parentId: parent!.id })).items[0]!.body,
      "answer",
    );
    assert.equal((await byline.comments.list(slug, { parentId: 0 })).items[0]!.deleted, true);
    await author.comments.delete(slug, answer.id);
  });
  await step("batch", async () => {
    const batch = await byline.articles.getMany({ slugs: [slug, "none"], format: "html" });
    assert.match(batch.articles[0]!.bodyHtml!, /^<h1.*>Five<\/h1>/);
    assert.deepEqual(batch.missing, ["none"]);
    const { profiles } = await byline.profiles.getMany({ usernames: [`author-${id}`] });
    assert.equal(profiles.length, 1);
  });
  await step("304", async () => {
    const first = await byline.articles.get(slug);
    statuses.length = 0;
    assert.deepEqual(await byline.articles.get(slug), first);
    assert.deepEqual(statuses, [304]);
  });
  await step("preview of a draft", async () => {
    const draft = await author.articles.create({ ...newArticle("Six", id), status: "draft" });
    const preview = await author.previews.create(draft.slug, { expiresIn: 60 });
    assert.equal((await byline.previews.get(preview.token)).status, "draft");
    await author.previews.delete(draft.slug);
    assert.equal((await rejection(byline.previews.get(preview.token))).status, 404);
    await author.articles.delete(draft.slug);
  });
  await step("412 with If-Match", async () => {
    const { etag, headers } = await author.articles.get(slug).withResponse();
    assert.ok(headers.get("RateLimit"));
    await author.articles.update(slug, { body: "changed" }, { ifMatch: etag });
    const error = await rejection(author.articles.update(slug, { body: "b" }, { ifMatch: etag }));
    assert.equal(error.status, 412);
    assert.equal(error.code, "precondition_failed");
  });
  await step("concurrent edits", async () => {
    statuses.length = 0;
    let calls = 0;
    const edited = await author.articles.edit(slug, async ({ body }) => {
      if (++calls === 1) await author.articles.update(slug, { body: "changed, by another client" });
      return { body: `${body}, by me` };
    });
    assert.equal(edited.body, "changed, by another client, by me");
    assert.equal(calls, 2);
    assert.deepEqual(statuses, [200, 200, 412, 200, 200]);
  });
  await step("working copy", async () => {
    let calls = 0;
    const edited = await author.articles.editWorkingCopy(slug, async ({ body }) => {
      if (++calls === 1) await author.articles.updateWorkingCopy(slug, { body: "not published" });
      return { body: `${body}, by me\n` };
    });
    assert.equal(edited.body, "not published, by me\n");
    assert.equal(calls, 2);
    assert.equal(edited.workingCopy?.status, "draft");
    const before = await byline.articles.get(slug);
    assert.equal(before.body, "changed, by another client, by me");
    const published = await author.articles.publish(slug, {});
    assert.equal(published.body, edited.body);
    const numbers: number[] = [];
    for await (const { number } of author.revisions.list(slug)) numbers.push(number);
    assert.equal(numbers[0], published.revision);
    const diff = await author.revisions.diff(slug, numbers[0]!);
    assert.ok(
      diff.includes("-not published\n\\ No newline at end of file\n+not published, by me\n"),
    );
    const restored = await author.revisions.restore(slug, numbers[2]!);
    assert.equal(restored.body, before.body);
  });
  await step("a lost response creates once", async (t) => {
    const proxy = await losesFirstResponse(t, base!);
    const { token } = await byline.users.login({ email, password });
    const through = new Byline(proxy.url, { token });
    const created = through.articles.create(newArticle("Once", `once-${id}`));
    assert.equal((await created.withResponse()).replayed, true);
    assert.equal(proxy.calls(), 2);
    assert.equal((await byline.articles.list({ tag: `once-${id}` })).total, 1);
  });
  await step("session", async () => {
    let saved: StoredSession | null | undefined;
    const store = {
      load: () => saved,
      save: (session: StoredSession | null) => void (saved = session),
    };
    const own = new Byline(base!, { sessionStore: store });
    await own.signIn(email, password);
    const first = saved!;
    // The service rejects this token, as it does when the token has expired.
    saved = { id: first.id, tokens: { ...first.tokens, accessToken: "expired" } };
    const other = new Byline(base!, { sessionStore: store });
    const [user, list] = await Promise.all([other.account.get(), other.sessions.list()]);
    assert.equal(user.username, `author-${id}`);
    assert.equal(list.filter(({ current }) => current).length, 1);
    assert.notEqual(saved!.tokens.refreshToken, first.tokens.refreshToken);
    await other.signOut();
    assert.equal(saved, null);
    assert.equal((await rejection(other.account.get())).code, "token_missing");
  });
  await step("a change of the password ends the other sessions", async () => {
    const email = `changes-${id}@example.com`;
    await byline.users.create({ username: `changes-${id}`, email, password });
    const [here, elsewhere] = [
      await byline.signIn(email, password),
      await byline.signIn(email, password),
    ];
    await elsewhere.account.update({ password: "another correct horse" });
    assert.ok((await rejection(here.account.get())) instanceof SessionEndedError);
    assert.equal((await elsewhere.account.get()).email, email);
  });
  await step("key", async () => {
    const { apiKey, key } = await author.apiKeys.create({ name: "scenario", scopes: ["read"] });
    const program = byline.withToken(key);
    assert.equal((await program.articles.feed()).total, 0);
    const error = await rejection(program.articles.favorite(slug));
    assert.equal(error.code, "scope_insufficient");
    await author.apiKeys.delete(apiKey.id);
  });
  await step("export", async () => {
    const body = "two\u2028lines";
    await author.comments.create(slug, { body });
    const counts: Record<string, number> = {};
    for await (const record of author.account.export()) {
      if (record.type === "session") continue; // there is one session per sign-in
      counts[record.type] = (counts[record.type] ?? 0) + 1;
      if (record.type === "account") assert.equal(record["email"], email);
      if (record.type === "comment") assert.equal(record["body"], body);
    }
    assert.deepEqual(counts, { account: 1, article: 6, revision: 6, comment: 1, follower: 1 });
    const error = await rejection(byline.account.export().next());
    assert.equal(error.status, 401);
    assert.equal(error.code, "token_missing");
  });
  await step("not a Byline", async (t) => {
    const other = createServer((_, response) => response.end("<h1>It works!</h1>"));
    const error = await rejection(new Byline(await listen(t, other)).tags.list());
    assert.ok(error instanceof NotBylineError, String(error));
    const nowhere = new Byline("http://127.0.0.1:2", { retries: 1, retryDelay: 1 });
    await assert.rejects(nowhere.tags.list(), BylineConnectionError);
  });
  await step("delete", async () => {
    assert.equal((await rejection(reader.articles.delete(slug))).status, 403);
    await author.articles.delete(slug);
    assert.equal((await rejection(byline.articles.get(slug))).code, "not_found");
  });
});

/**
 * Starts a proxy that forwards the first request, but closes the connection
 * instead of returning the response.
 */
async function losesFirstResponse(t: TestContext, target: string) {
  let calls = 0;
  const server = createServer((incoming, outgoing) => {
    const lose = ++calls === 1;
    const { method, headers, url } = incoming;
    const options = { method: method!, headers, agent: false };
    const outward = forward(new URL(url!, target), options, (response) => {
      if (lose) return void response.resume().on("end", () => outgoing.destroy());
      outgoing.writeHead(response.statusCode!, response.headers);
      response.pipe(outgoing);
    });
    incoming.pipe(outward);
  });
  return { url: await listen(t, server), calls: () => calls };
}

/** Returns the address at which a server listens until the test ends. */
async function listen(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

// Runs the same steps as the scenario tests of the other SDKs against a real
// service.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { Byline, BylineError, ifMatch } from "../src/index.js";

const base = process.env["BYLINE_URL"];
const password = "correct horse battery";

test("scenario", { skip: !base && "BYLINE_URL is not set: run sdk/scenario" }, async (t) => {
  const statuses: number[] = [];
  const byline = new Byline(base!, {
    fetch: async (request, init) => {
      const response = await fetch(request, init);
      statuses.push(response.status);
      return response;
    },
  });
  const id = randomUUID().slice(0, 8);
  const newUser = (name: string) => ({
    user: { username: `${name}-${id}`, email: `${name}-${id}@example.com`, password },
  });
  const login = (password: string) => ({ user: { email: `author-${id}@example.com`, password } });
  const newArticle = (title: string, ...tagList: string[]) => ({
    article: { title, description: `About ${title}`, body: `# ${title}`, tagList },
  });
  let author = byline;
  let reader = byline;
  let slug = "";
  // Later steps depend on earlier ones, so they are skipped after a failure.
  let failed = false;
  const step = (name: string, run: (t: TestContext) => Promise<void>) =>
    t.test(name, { skip: failed }, async (t) => {
      failed = true;
      await run(t);
      failed = false;
    });

  await step("register", async () => {
    const { data } = await byline.POST("/users", { body: newUser("author") });
    assert.equal(data.user.bio, null);
    author = byline.withToken(data.user.token);
    const other = await byline.POST("/users", { body: newUser("reader") });
    reader = byline.withToken(other.data.user.token);
  });
  await step("conflict 409", async () => {
    const error = await rejection(byline.POST("/users", { body: newUser("author") }));
    assert.equal(error.status, 409);
    assert.equal(error.code, "already_taken");
    assert.deepEqual(error.fields["username"], ["has already been taken"]);
  });
  await step("login", async () => {
    const { data } = await byline.POST("/users/login", { body: login(password) });
    assert.equal(data.user.username, `author-${id}`);
  });
  await step("wrong password", async () => {
    const error = await rejection(byline.POST("/users/login", { body: login("wrong horse") }));
    assert.equal(error.status, 401);
    assert.equal(error.code, "credentials_invalid");
    assert.deepEqual(error.fields["credentials"], ["invalid"]);
    assert.ok(error.requestId);
  });
  await step("publish with tags", async () => {
    for (const title of ["One", "Two", "Three", "Four", "Five"]) {
      const { data } = await author.POST("/articles", { body: newArticle(title, id, "sdk") });
      assert.deepEqual(data.article.tagList, [id, "sdk"]);
      slug = data.article.slug;
    }
  });
  await step("list", async () => {
    const { data } = await byline.GET("/articles", { params: { query: { tag: id, limit: 3 } } });
    assert.equal(data.articles.length, 3);
    assert.equal(data.articlesCount, 5);
  });
  await step("pages to the end", async () => {
    statuses.length = 0;
    const titles: string[] = [];
    for await (const article of byline.articles({ tag: id, limit: 2 })) titles.push(article.title);
    assert.deepEqual(titles, ["Five", "Four", "Three", "Two", "One"]);
    assert.equal(statuses.length, 3);
  });
  await step("feed", async () => {
    const params = { path: { username: `author-${id}` } };
    await reader.POST("/profiles/{username}/follow", { params });
    let n = 0;
    for await (const _ of reader.feed({ limit: 2 })) n++;
    assert.equal(n, 5);
  });
  await step("favourite", async () => {
    const params = { path: { slug } };
    const { data } = await reader.POST("/articles/{slug}/favorite", { params });
    assert.equal(data.article.favorited, true);
    assert.equal(data.article.favoritesCount, 1);
  });
  await step("comment", async () => {
    for (const body of ["first", "second", "third"]) {
      const params = { path: { slug } };
      await reader.POST("/articles/{slug}/comments", { params, body: { comment: { body } } });
    }
    const bodies: string[] = [];
    for await (const comment of byline.comments(slug, { limit: 2 })) bodies.push(comment.body);
    assert.deepEqual(bodies, ["first", "second", "third"]);
  });
  await step("304", async () => {
    const first = await byline.GET("/articles/{slug}", { params: { path: { slug } } });
    statuses.length = 0;
    const second = await byline.GET("/articles/{slug}", { params: { path: { slug } } });
    assert.deepEqual(statuses, [304]);
    assert.deepEqual(second.data, first.data);
  });
  await step("412 with If-Match", async () => {
    const read = await author.GET("/articles/{slug}", { params: { path: { slug } } });
    const change = {
      params: { path: { slug }, header: ifMatch(read.response) },
      body: { article: { body: "changed" } },
    };
    await author.PUT("/articles/{slug}", change);
    const error = await rejection(author.PUT("/articles/{slug}", change));
    assert.equal(error.status, 412);
    assert.equal(error.code, "precondition_failed");
  });
  await step("concurrent edits", async () => {
    // The edit function cannot be asynchronous, so fetch makes the concurrent
    // edit.
    const fetches: string[] = [];
    const slow = new Byline(base!, {
      token: (await byline.POST("/users/login", { body: login(password) })).data.user.token,
      fetch: async (request, init) => {
        fetches.push(request.method);
        if (request.method === "PUT" && fetches.length === 2) {
          await author.PUT("/articles/{slug}", {
            params: { path: { slug } },
            body: { article: { body: "changed, by another client" } },
          });
        }
        return fetch(request, init);
      },
    });
    const edited = await slow.editArticle(slug, ({ body }) => ({ body: `${body}, by me` }));
    assert.equal(edited.body, "changed, by another client, by me");
    assert.deepEqual(fetches, ["GET", "PUT", "GET", "PUT"]);
  });
  await step("a lost response creates once", async (t) => {
    const proxy = await losesFirstResponse(t, base!);
    const { data } = await byline.POST("/users/login", { body: login(password) });
    const through = new Byline(proxy.url, { token: data.user.token });
    const body = newArticle("Once", `once-${id}`);
    const { response } = await through.POST("/articles", { body });
    assert.equal(response.headers.get("Idempotency-Replayed"), "true");
    assert.equal(proxy.calls(), 2);
    const params = { query: { tag: `once-${id}` } };
    assert.equal((await byline.GET("/articles", { params })).data.articlesCount, 1);
  });
  await step("export", async () => {
    const body = { comment: { body: "two\u2028lines" } };
    await author.POST("/articles/{slug}/comments", { params: { path: { slug } }, body });
    const counts: Record<string, number> = {};
    for await (const record of author.export()) {
      if (record.type === "session") continue; // there is one session per sign-in
      counts[record.type] = (counts[record.type] ?? 0) + 1;
      if (record.type === "account") assert.equal(record["email"], `author-${id}@example.com`);
      if (record.type === "comment") assert.equal(record["body"], body.comment.body);
    }
    assert.deepEqual(counts, { account: 1, article: 6, comment: 1, follower: 1 });
    const error = await rejection(byline.export().next());
    assert.equal(error.status, 401);
    assert.equal(error.code, "token_missing");
  });
  await step("delete", async () => {
    const params = { path: { slug } };
    assert.equal((await rejection(reader.DELETE("/articles/{slug}", { params }))).status, 403);
    await author.DELETE("/articles/{slug}", { params });
    assert.equal((await rejection(byline.GET("/articles/{slug}", { params }))).code, "not_found");
  });
});

async function rejection(call: Promise<unknown>): Promise<BylineError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof BylineError, String(error));
    return error;
  }
  assert.fail("the call must be rejected");
}

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
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, calls: () => calls };
}

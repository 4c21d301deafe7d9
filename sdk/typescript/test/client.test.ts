import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import {
  type Attempt,
  Byline,
  BylineConnectionError,
  BylineError,
  BylineTimeoutError,
  NotBylineError,
  version,
} from "../src/index.js";
import {
  breaks,
  fails,
  fake,
  type Handler,
  newUser,
  problem,
  respond,
  tags,
  user,
} from "./fake.js";

const openapi = parse(
  readFileSync(new URL("../../../../openapi.yaml", import.meta.url), "utf8"),
) as {
  info: { version: string };
  paths: Record<string, Record<string, { "x-sdk": string; parameters?: { $ref: string }[] }>>;
};

test("every operation of openapi.yaml has a method", async () => {
  for (const [path, item] of Object.entries(openapi.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const seen: Attempt[] = [];
      const { byline } = fake([respond(500, problem(500, "internal"))], {
        hooks: { onRequest: (attempt) => void seen.push(attempt) },
      });
      const [resource, name] = operation["x-sdk"].split(".") as [keyof Byline, string];
      const api = byline[resource] as unknown as Record<string, (...args: unknown[]) => unknown>;
      const args = path.match(/\{/g)?.map((_, i) => `p${i}`) ?? [];
      const call = api[name]!(...args, {}) as PromiseLike<unknown> & AsyncIterator<unknown>;
      await assert.rejects(async () => (name === "export" ? call.next() : call), fails(500));
      assert.equal(seen[0]!.operation, operation["x-sdk"]);
      assert.equal(seen[0]!.method, method.toUpperCase());
      let n = 0;
      const sent = path.replace(/\{\w+\}/g, () => `p${n++}`);
      assert.equal(seen[0]!.url, `https://byline.test/api${sent}`);
    }
  }
});

test("the version of the package is that of openapi.yaml", () => {
  const file = new URL("../../package.json", import.meta.url);
  const { version: own } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  assert.equal(own, openapi.info.version);
  assert.equal(version, openapi.info.version);
});

test("the options of a call take precedence", async (t) => {
  await t.test("headers, key and token", async () => {
    const { byline, requests } = fake([user], { token: "client" });
    const options = { idempotencyKey: "mine", headers: { "X-A": "b" }, token: "call" };
    await byline.articles
      .create({ title: "a", description: "b", body: "c" }, options)
      .catch(() => {});
    const { headers } = requests[0]!;
    assert.equal(headers.get("Idempotency-Key"), "mine");
    assert.equal(headers.get("X-A"), "b");
    assert.equal(headers.get("Authorization"), "Token call");
  });
  await t.test("ifMatch", async () => {
    const { byline, requests } = fake([respond(200, { article: {} })]);
    await byline.articles.update("a", { title: "b" }, { ifMatch: '"v1"' });
    assert.equal(requests[0]!.headers.get("If-Match"), '"v1"');
  });
  await t.test("retries", async () => {
    const { byline, requests } = fake([breaks]);
    await assert.rejects(byline.tags.list({ retries: 0 }));
    assert.equal(requests.length, 1);
  });
  await t.test("timeout", async () => {
    const hangs: Handler = (request) =>
      new Promise((_, reject) =>
        request.signal.addEventListener("abort", () => reject(request.signal.reason as Error)),
      );
    const { byline, requests } = fake([hangs]);
    const call = byline.tags.list({ timeout: 20, retries: 1 });
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof BylineTimeoutError);
      assert.ok(error instanceof BylineConnectionError);
      assert.match(error.message, /^tags\.list: GET .*: no response within 20 ms \(2 attempts\)$/);
      return true;
    });
    assert.equal(requests.length, 2);
  });
});

test("a value of a path cannot be another path", async () => {
  const { byline, requests } = fake([user]);
  await byline.profiles.get("a/../b?c").catch(() => {});
  assert.equal(requests[0]!.url, "https://byline.test/api/profiles/a%2F..%2Fb%3Fc");
  for (const slug of ["", ".", "..", undefined as unknown as string]) {
    await assert.rejects(byline.articles.delete(slug), /^TypeError: articles\.delete: slug is/);
  }
  assert.equal(requests.length, 1);
});

test("a response that is not from a Byline is an error", async (t) => {
  const html = { "Content-Type": "text/html" };
  const others: Record<string, [Handler, number]> = {
    "an error page": [respond(403, "<h1>Forbidden</h1>", html), 403],
    "an error of another method": [respond(501, "<h1>No</h1>", html), 501],
    "a page": [respond(200, "<h1>Sign in to this Wi-Fi</h1>", html), 200],
    "JSON of another service": [respond(200, { hello: "world" }), 200],
    "an error of another service": [respond(404, { message: "Not Found" }), 404],
  };
  for (const [name, [handler, status]] of Object.entries(others)) {
    await t.test(name, async () => {
      await assert.rejects(fake([handler]).byline.tags.list(), (error) => {
        assert.ok(error instanceof NotBylineError);
        assert.ok(fails(status, { code: undefined })(error));
        assert.match(
          error.message,
          /^tags\.list: .*https:\/\/byline\.test\/api\/tags did not .*Check/,
        );
        return true;
      });
    });
  }
  await t.test("a page where there should be nothing", async () => {
    const { byline } = fake([respond(200, "<h1>Sign in</h1>", html)]);
    await assert.rejects(byline.articles.delete("a"), NotBylineError);
  });
  await t.test("a redirect that turned POST into GET", async () => {
    const redirected: Handler = async (request) =>
      Object.defineProperties(await user(request), {
        redirected: { value: true },
        url: { value: "https://other.test/api/users" },
      });
    const message = /redirect to https:\/\/other\.test/;
    await assert.rejects(fake([redirected]).byline.users.create(newUser), message);
  });
  await t.test("but that of a proxy during an outage is not", async () => {
    const { byline } = fake([respond(502, "<h1>Bad Gateway</h1>", html)]);
    await assert.rejects(byline.tags.list(), (error) => {
      assert.ok(!(error instanceof NotBylineError));
      return fails(502, { code: undefined })(error);
    });
  });
});

test("the address of the service", async (t) => {
  const addresses = {
    "http://a.test": "http://a.test/api/tags",
    "http://a.test/": "http://a.test/api/tags",
    "http://a.test/api/": "http://a.test/api/tags",
    "https://a.test:8443/blog": "https://a.test:8443/blog/api/tags",
  };
  for (const [address, expected] of Object.entries(addresses)) {
    await t.test(address, async () => {
      let url = "";
      const fetch = async (to: string) => ((url = to), tags(new Request(to)));
      await new Byline(address, { fetch }).tags.list();
      assert.equal(url, expected);
    });
  }
  const refused = {
    "a.test": "a.test",
    "": "",
    "127.0.0.1:8099": "127.0.0.1:8099",
    "localhost:8080": "localhost:8080",
    "http://:8080": "http://:8080",
    "ftp://a.test": "ftp://a.test",
    "https://a.test/?a=b": "https://a.test/?a=b",
    "http://u:secret@a.test": "[hidden]@a.test",
    "u:secret@a.test": "[hidden]@a.test",
    "https://u:secret": "https://u:[hidden]",
  };
  for (const [address, shown] of Object.entries(refused)) {
    await t.test(`cannot be "${address}"`, () => {
      assert.throws(() => new Byline(address), {
        name: "TypeError",
        message: `"${shown}" is not the address of a service, such as https://example.com`,
      });
    });
  }
});

test("the message of an error", async (t) => {
  const messages = [
    [
      "validation_failed",
      { email: ["is empty"], password: ["is short", "is common"] },
      " email is empty; password is short, is common",
    ],
    ["scope_insufficient", { token: ["lacks the scope write"] }, " token lacks the scope write"],
    ["of_a_newer_service", { a: ["b"] }, " a b"],
    ["token_missing", { token: ["is missing"] }, ""],
    ["not_found", { article: ["not found"] }, ""],
  ] as const;
  for (const [code, errors, shown] of messages) {
    await t.test(`says things once: ${code}`, async () => {
      const { byline } = fake([respond(400, problem(400, code, { errors }))]);
      await assert.rejects(
        byline.tags.list(),
        fails(400, { fields: errors, message: `tags.list: 400 ${code}: Later.${shown}` }),
      );
    });
  }
  await t.test("names the address if the path does not exist", async () => {
    const handler = respond(404, problem(404, "route_not_found", { errors: { path: ["?"] } }));
    const fetch = async (url: string) => handler(new Request(url));
    await assert.rejects(new Byline("https://byline.test/docs", { fetch }).tags.list(), {
      message:
        "tags.list: 404 route_not_found: Later. The request was GET " +
        "https://byline.test/docs/api/tags; check the address and the version of the service.",
    });
  });
});

test("the token function is called before each request", async () => {
  let n = 0;
  const { byline, requests } = fake([tags], { token: async () => `t${++n}` });
  await byline.request("GET", "/user");
  await byline.request("GET", "/user");
  await byline.withToken("other").request("GET", "/user");
  const sent = requests.map((request) => request.headers.get("Authorization"));
  assert.deepEqual(sent, ["Token t1", "Token t2", "Token other"]);
});

test("an operation that ignores tokens gets none", async () => {
  const { byline, requests } = fake([user], { token: "secret" });
  await byline.users.create(newUser);
  assert.equal(requests[0]!.headers.get("Authorization"), null);
});

test("a client does not show its token", async () => {
  const { inspect } = await import("node:util");
  const { byline } = fake([tags], { token: "secret" });
  assert.doesNotMatch(inspect(byline, { depth: 9, showHidden: true }), /secret/);
  assert.doesNotMatch(JSON.stringify(byline), /secret/);
});

test("the response is there for who needs it", async (t) => {
  const headers = { ETag: '"v1"', "X-Request-Id": "R1", "Idempotency-Replayed": "true" };
  await t.test("of a value", async () => {
    const call = fake([respond(200, { article: { slug: "a" } }, headers)]).byline.articles.get("a");
    const full = await call.withResponse();
    assert.deepEqual(full.data, { slug: "a" });
    const { etag, replayed, requestId, status } = full;
    assert.deepEqual([status, etag, requestId, replayed], [200, '"v1"', "R1", true]);
    assert.equal(full.headers.get("ETag"), '"v1"');
    assert.deepEqual(await call, full.data); // one request serves both
  });
  await t.test("of a page", async () => {
    const body = { articles: [], articlesCount: 0, nextCursor: null };
    const { byline } = fake([respond(200, body, headers)]);
    const { data, requestId } = await byline.articles.list().withResponse();
    assert.deepEqual(data, { items: [], total: 0, nextCursor: null });
    assert.equal(requestId, "R1");
  });
  await t.test("of an error", async () => {
    const { byline } = fake([respond(422, problem(422, "validation_failed"), headers)]);
    await assert.rejects(byline.articles.get("a").withResponse(), (error) => {
      assert.ok(error instanceof BylineError);
      assert.equal(error.headers.get("X-Request-Id"), "R1");
      return true;
    });
  });
});

test("a call is a promise", async () => {
  const { byline } = fake([tags]);
  assert.ok(byline.tags.list() instanceof Promise);
  assert.deepEqual(await Promise.all([byline.tags.list(), byline.tags.list()]), [["a"], ["a"]]);
  let done = false;
  assert.deepEqual(await byline.tags.list().finally(() => (done = true)), ["a"]);
  assert.ok(done);
  const { byline: failing } = fake([respond(404, problem(404, "not_found"))]);
  assert.equal(await failing.articles.get("a").catch(() => "caught"), "caught");
});

test("a list", async (t) => {
  const page = (items: string[], nextCursor: string | null) =>
    respond(200, { articles: items, articlesCount: 3, nextCursor });
  const pages = [page(["a", "b"], "c1"), page(["c"], null)];
  await t.test("is iterated over", async () => {
    const { byline, requests } = fake(pages);
    const all: unknown[] = [];
    for await (const article of byline.articles.list({ tag: "x", limit: 2 })) all.push(article);
    assert.deepEqual(all, ["a", "b", "c"]);
    const queries = requests.map(({ url }) => new URL(url).search);
    assert.deepEqual(queries, ["?tag=x&limit=2", "?tag=x&limit=2&cursor=c1"]);
  });
  await t.test("requests no page that is not needed", async () => {
    const { byline, requests } = fake(pages);
    const list = byline.articles.list();
    assert.equal(requests.length, 0);
    assert.deepEqual(await list.toArray(2), ["a", "b"]);
    assert.equal(requests.length, 1);
  });
  await t.test("has pages", async () => {
    const { byline } = fake(pages);
    const first = await byline.articles.list();
    assert.deepEqual(first, { items: ["a", "b"], total: 3, nextCursor: "c1" });
    const lengths: number[] = [];
    for await (const { items } of fake(pages).byline.articles.list().pages()) {
      lengths.push(items.length);
    }
    assert.deepEqual(lengths, [2, 1]);
  });
  await t.test("that fails", async () => {
    const { byline } = fake([respond(422, problem(422, "validation_failed"))]);
    await assert.rejects(byline.articles.list().toArray(1), fails(422));
    assert.equal(await byline.articles.list().catch(() => "caught"), "caught");
  });
});

test("an edit", async (t) => {
  const read = (body: string, etag: string) => respond(200, { article: { body } }, { ETag: etag });
  const conflict = respond(412, problem(412, "precondition_failed"));
  await t.test("is repeated after a conflict", async () => {
    const { byline, requests } = fake([
      read("a", '"1"'),
      conflict,
      read("b", '"2"'),
      read("b!", ""),
    ]);
    await byline.articles.edit("slug", async ({ body }) => ({ body: `${body}!` }));
    assert.deepEqual(
      requests.map(({ headers, method }) => [method, headers.get("If-Match")]),
      [
        ["GET", null],
        ["PUT", '"1"'],
        ["GET", null],
        ["PUT", '"2"'],
      ],
    );
    assert.deepEqual(await requests[3]!.json(), { article: { body: "b!" } });
  });
  await t.test("is not unconditional", async () => {
    const { byline } = fake([respond(200, { article: {} })]);
    await assert.rejects(
      byline.articles.edit("slug", () => ({})),
      /no ETag/,
    );
  });
  await t.test("gives up when every attempt is a conflict", async () => {
    const { byline, requests } = fake([
      (request) => (request.method === "GET" ? read("a", '"1"') : conflict)(request),
    ]);
    await assert.rejects(
      byline.articles.edit("slug", () => ({})),
      fails(412),
    );
    assert.equal(requests.length, 10);
  });
});

test("a body that the service does not need is optional", async () => {
  const { byline, requests } = fake([respond(200, { article: { slug: "a" } })]);
  await byline.articles.publish("a");
  assert.deepEqual(await requests[0]!.json(), {});
});

test("the User-Agent names the package, the runtime and the program", async () => {
  const { byline, requests } = fake([tags], { app: "blog/1.2" });
  await byline.tags.list();
  const expected = `byline-typescript/${version} (node ${process.versions.node}; ${process.platform}/${process.arch}) blog/1.2`;
  assert.equal(requests[0]!.headers.get("User-Agent"), expected);
});

// This function is compiled but never called. The compiler must reject calls
// that do not match openapi.yaml.
void ((byline: Byline) => {
  // @ts-expect-error: the operation does not exist
  void byline.articles.nothing();
  // @ts-expect-error: the article is missing
  void byline.articles.create();
  // @ts-expect-error: fields of the article are missing
  void byline.articles.create({ title: "a" });
  // @ts-expect-error: the slug is missing
  void byline.articles.get();
  // @ts-expect-error: the limit is not a number
  void byline.articles.list({ limit: "many" });
  // @ts-expect-error: the operation does not create anything
  void byline.articles.delete("a", { idempotencyKey: "b" });
  // @ts-expect-error: a comment has no version
  void byline.comments.delete("a", 1, { ifMatch: "b" });
});

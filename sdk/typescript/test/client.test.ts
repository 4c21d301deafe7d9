import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import {
  Byline,
  BylineError,
  creating,
  type ExportRecord,
  ifMatch,
  type Options,
} from "../src/index.js";

type Handler = (request: Request) => Response | Promise<Response>;

/**
 * A service that handles the n-th request with the n-th handler, and all
 * further requests with the last one.
 */
function fake(handlers: Handler[], options: Options = {}) {
  const requests: Request[] = [];
  const byline = new Byline("https://byline.test", {
    retry: { attempts: 3, base: 1, max: 2000 },
    fetch: async (request) => {
      requests.push(request);
      return handlers[Math.min(requests.length, handlers.length) - 1]!(request);
    },
    ...options,
  });
  return { byline, requests };
}

const respond =
  (status: number, body: unknown, headers: Record<string, string> = {}): Handler =>
  () =>
    new Response(typeof body === "string" ? body : JSON.stringify(body), {
      status,
      headers: { "Content-Type": "application/json", ...headers },
    });

const tags = respond(200, { tags: ["a"] });
const user = respond(201, { user: { username: "a" } });
const busy = {
  status: 503,
  detail: "Later.",
  code: "overloaded",
  errors: { server: ["is busy"] },
};
const breaks: Handler = () => {
  throw new TypeError("fetch failed");
};
const breaksInside: Handler = () => {
  const body = new ReadableStream({
    start: (stream) => stream.enqueue(new TextEncoder().encode('{"tags":')),
    pull: (stream) => stream.error(new TypeError("terminated")),
  });
  return new Response(body, { headers: { "Content-Type": "application/json" } });
};
const newUser = { body: { user: { username: "a", email: "a@example.com", password: "12345678" } } };

function fails(status: number, more: Partial<BylineError> = {}) {
  return (error: unknown) => {
    assert.ok(error instanceof BylineError);
    for (const [key, value] of Object.entries({ status, ...more })) {
      assert.deepEqual(error[key as keyof BylineError], value);
    }
    return true;
  };
}

test("reads are retried", async (t) => {
  const faults = {
    unavailable: respond(503, busy),
    limited: respond(429, busy),
    gateway: respond(502, ""),
    "no response": breaks,
    "half a response": breaksInside,
  };
  for (const [name, fault] of Object.entries(faults)) {
    await t.test(name, async () => {
      const { byline, requests } = fake([fault, fault, tags]);
      assert.deepEqual((await byline.GET("/tags")).data.tags, ["a"]);
      assert.equal(requests.length, 3);
    });
  }
});

test("a retry keeps the idempotency key", async () => {
  const { byline, requests } = fake([breaks, user]);
  await byline.POST("/users", newUser);
  const keys = requests.map((request) => request.headers.get("Idempotency-Key"));
  assert.match(keys[0]!, /^[0-9a-f]{32}$/);
  assert.equal(keys[1], keys[0]);
  assert.deepEqual(await requests[1]!.json(), newUser.body);
});

test("the idempotency key of the caller takes precedence", async () => {
  const { byline, requests } = fake([user]);
  await byline.POST("/users", { ...newUser, params: { header: { "Idempotency-Key": "mine" } } });
  assert.equal(requests[0]!.headers.get("Idempotency-Key"), "mine");
});

test("openapi.yaml declares the same operations idempotent", () => {
  const text = readFileSync(new URL("../../../../openapi.yaml", import.meta.url), "utf8");
  const paths: Record<string, Record<string, { "x-idempotent"?: boolean }>> = parse(text).paths;
  const found = Object.entries(paths).filter(([, item]) =>
    Object.values(item).some((operation) => operation["x-idempotent"]),
  );
  assert.deepEqual(new Set(found.map(([path]) => path)), creating);
});

test("requests that are not safe to repeat are not retried", async () => {
  const { byline, requests } = fake([respond(503, busy)]);
  const body = { user: { email: "a@example.com", password: "12345678" } };
  await assert.rejects(byline.POST("/users/login", { body }), fails(503));
  const params = { path: { slug: "slug" } };
  await assert.rejects(byline.DELETE("/articles/{slug}", { params }), fails(503));
  assert.equal(requests.length, 2);
});

test("retries end after the last attempt", async () => {
  const { byline, requests } = fake([respond(503, busy)]);
  const message = "503 overloaded: Later. server is busy";
  await assert.rejects(byline.GET("/tags"), fails(503, { code: "overloaded", message }));
  assert.equal(requests.length, 3);
});

test("Retry-After is honoured", async () => {
  const { byline } = fake([respond(429, busy, { "Retry-After": "1" }), tags]);
  const started = performance.now();
  await byline.GET("/tags");
  assert.ok(performance.now() - started >= 999);
});

test("a Retry-After beyond the maximum is returned to the caller", async () => {
  const { byline, requests } = fake([respond(429, busy, { "Retry-After": "3600" })]);
  await assert.rejects(byline.GET("/tags"), fails(429, { retryAfter: 3600 }));
  assert.equal(requests.length, 1);
});

test("a wait can be aborted", async () => {
  const { byline } = fake([respond(429, busy, { "Retry-After": "2" })]);
  const started = performance.now();
  await assert.rejects(byline.GET("/tags", { signal: AbortSignal.timeout(50) }));
  assert.ok(performance.now() - started < 1000);
});

test("a response of a proxy is an error", async () => {
  const html = { "Content-Type": "text/html" };
  const refused = fake([respond(403, "<h1>Forbidden</h1>", html)]);
  await assert.rejects(refused.byline.GET("/tags"), fails(403, { code: undefined }));
  const portal = fake([respond(200, "<h1>Sign in to this Wi-Fi</h1>", html)]);
  await assert.rejects(portal.byline.GET("/tags"), fails(200));
});

test("the token function is called before each request", async () => {
  let n = 0;
  const { byline, requests } = fake([tags], { token: async () => `t${++n}` });
  await byline.GET("/tags");
  await byline.GET("/tags");
  await byline.withToken("other").GET("/tags");
  const sent = requests.map((request) => request.headers.get("Authorization"));
  assert.deepEqual(sent, ["Token t1", "Token t2", "Token other"]);
});

test("responses are cached", async (t) => {
  const statuses: number[] = [];
  const confirming: Handler = async (request) => {
    const confirmed = request.headers.get("If-None-Match") === '"v1"';
    statuses.push(confirmed ? 304 : 200);
    if (!confirmed) return respond(200, { tags: ["a"] }, { ETag: '"v1"', Age: "1" })(request);
    return new Response(null, { status: 304, headers: { ETag: '"v1"', Age: "2" } });
  };
  t.beforeEach(() => (statuses.length = 0));

  await t.test("and returned when they are confirmed", async () => {
    const { byline } = fake([confirming]);
    for (const age of ["1", "2"]) {
      const { data, response } = await byline.GET("/tags");
      assert.deepEqual(data.tags, ["a"]);
      assert.equal(response.headers.get("Age"), age);
    }
    assert.deepEqual(statuses, [200, 304]);
  });
  await t.test("for each user separately", async () => {
    let token = "";
    const { byline } = fake([confirming], { token: () => token });
    for (token of ["a", "b", "a"]) await byline.GET("/tags");
    assert.deepEqual(statuses, [200, 200, 304]);
  });
  await t.test("up to the maximum size", async () => {
    let token = "";
    const cacheBytes = 2 * '{"tags":["a"]}'.length;
    const { byline } = fake([confirming], { token: () => token, cacheBytes });
    for (token of ["a", "b", "a", "c", "a", "b"]) await byline.GET("/tags"); // c evicts b
    assert.deepEqual(statuses, [200, 200, 304, 200, 304, 200]);
  });
  await t.test("unless the cache is disabled", async () => {
    const { byline } = fake([confirming], { cacheBytes: 0 });
    await byline.GET("/tags");
    await byline.GET("/tags");
    assert.deepEqual(statuses, [200, 200]);
  });
});

const account = '{"type":"account","bio":"two\u2028lines"}\n';
const follower = '{"type":"follower"}\n';
const end = '{"type":"end","records":2}\n';

/**
 * A handler that sends each piece when it is requested, and a record of what
 * was sent.
 */
function exporting(pieces: (string | Uint8Array)[], then: (stream: Stream) => void = closes) {
  const seen = { sent: 0, cancelled: false };
  const handler: Handler = () => {
    const source = {
      pull(stream: Stream) {
        const piece = pieces[seen.sent];
        if (piece === undefined) return then(stream);
        seen.sent++;
        stream.enqueue(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
      },
      cancel() {
        seen.cancelled = true;
      },
    };
    const headers = { "Content-Type": "application/x-ndjson", ETag: '"v1"' };
    return new Response(new ReadableStream(source, { highWaterMark: 0 }), { headers });
  };
  return { handler, seen };
}
type Stream = ReadableStreamDefaultController<Uint8Array>;
const closes = (stream: Stream) => stream.close();
const hangs = () => {};

async function collect(byline: Byline): Promise<ExportRecord[]> {
  const records: ExportRecord[] = [];
  for await (const record of byline.export()) records.push(record);
  return records;
}

test("an export", async (t) => {
  const all = [{ type: "account", bio: "two\u2028lines" }, { type: "follower" }];

  for (const size of [1, 7, 1000]) {
    await t.test(`in pieces of ${size} bytes`, async () => {
      const bytes = new TextEncoder().encode(account + follower + end);
      const pieces: Uint8Array[] = [];
      for (let i = 0; i < bytes.length; i += size) pieces.push(bytes.slice(i, i + size));
      const { byline } = fake([exporting(pieces).handler]);
      assert.deepEqual(await collect(byline), all);
    });
  }
  await t.test("is streamed, and can be stopped early", async () => {
    const { handler, seen } = exporting([account, follower, end]);
    for await (const record of fake([handler]).byline.export()) {
      assert.equal(record.type, "account");
      assert.equal(seen.sent, 1);
      break;
    }
    assert.deepEqual(seen, { sent: 1, cancelled: true });
  });
  await t.test("is retried before it begins", async () => {
    const { handler: exports } = exporting([account, follower, end]);
    const { byline, requests } = fake([respond(503, busy), breaks, exports]);
    assert.deepEqual(await collect(byline), all);
    await assert.rejects(collect(byline), TypeError); // all pieces have been sent already
    assert.equal(requests.length, 4);
    assert.equal(requests[3]!.headers.get("If-None-Match"), null); // a stream is not cached
  });
  const broken = {
    visibly: exporting([account, follower], (stream) => stream.error(new TypeError("terminated"))),
    silently: exporting([account, follower]),
    "in a line": exporting([account, follower, end.slice(0, 10)]),
    "with a record missing": exporting([account, end]),
  };
  for (const [name, { handler }] of Object.entries(broken)) {
    await t.test(`that breaks off ${name}`, async () => {
      const { byline, requests } = fake([handler]);
      await assert.rejects(collect(byline), TypeError);
      assert.equal(requests.length, 1); // a retry would yield records twice
    });
  }
  await t.test("that is refused", async () => {
    const { byline } = fake([respond(401, { ...busy, code: "token_missing" })]);
    await assert.rejects(collect(byline), fails(401, { code: "token_missing" }));
  });
  await t.test("that stalls", async () => {
    const { handler, seen } = exporting([account], hangs);
    const { byline } = fake([handler], { retry: { timeout: 50 } });
    await assert.rejects(collect(byline), { name: "TimeoutError" });
    assert.ok(seen.cancelled);
  });
  await t.test("may take longer than the timeout of each wait", async () => {
    const { handler } = exporting([account, follower, end]);
    const fetch: Options["fetch"] = async (request, { signal }) => {
      const response = await handler(request);
      const body = response.body!.pipeThrough(new TransformStream(), { signal: signal! });
      return new Response(body, response); // the signal aborts the body, as in a real fetch
    };
    const { byline } = fake([handler], { retry: { timeout: 500 }, fetch });
    let n = 0;
    for await (const _ of byline.export()) {
      await new Promise((resume) => setTimeout(resume, 300));
      n++;
    }
    assert.equal(n, 2);
  });
});

test("ifMatch rejects a response without an ETag", () => {
  assert.throws(() => ifMatch(new Response()));
});

// This function is compiled but never called. The compiler must reject calls
// that do not match openapi.yaml.
void ((byline: Byline) => {
  // @ts-expect-error: the path does not exist
  void byline.GET("/nothing");
  // @ts-expect-error: the path does not have this method
  void byline.PUT("/tags");
  // @ts-expect-error: the body is missing
  void byline.POST("/articles");
  // @ts-expect-error: fields of the article are missing
  void byline.POST("/articles", { body: { article: { title: "a" } } });
  // @ts-expect-error: the slug is missing
  void byline.GET("/articles/{slug}");
  // @ts-expect-error: the limit is not a number
  void byline.GET("/articles", { params: { query: { limit: "many" } } });
});

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

type Answer = (request: Request) => Response | Promise<Response>;

/** A service that gives the n-th answer to the n-th request, the last one to further ones. */
function fake(answers: Answer[], options: Options = {}) {
  const requests: Request[] = [];
  const byline = new Byline("https://byline.test", {
    retry: { attempts: 3, base: 1, max: 2000 },
    fetch: async (request) => {
      requests.push(request);
      return answers[Math.min(requests.length, answers.length) - 1]!(request);
    },
    ...options,
  });
  return { byline, requests };
}

const answer =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  () =>
    new Response(typeof body === "string" ? body : JSON.stringify(body), {
      status,
      headers: { "Content-Type": "application/json", ...headers },
    });

const tags = answer(200, { tags: ["a"] });
const user = answer(201, { user: { username: "a" } });
const busy = {
  status: 503,
  detail: "Later.",
  code: "overloaded",
  errors: { server: ["is busy"] },
};
const breaks: Answer = () => {
  throw new TypeError("fetch failed");
};
const breaksInside: Answer = () => {
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

test("reads are repeated", async (t) => {
  const faults = {
    unavailable: answer(503, busy),
    limited: answer(429, busy),
    gateway: answer(502, ""),
    "no answer": breaks,
    "half an answer": breaksInside,
  };
  for (const [name, fault] of Object.entries(faults)) {
    await t.test(name, async () => {
      const { byline, requests } = fake([fault, fault, tags]);
      assert.deepEqual((await byline.GET("/tags")).data.tags, ["a"]);
      assert.equal(requests.length, 3);
    });
  }
});

test("a creating call keeps its key", async () => {
  const { byline, requests } = fake([breaks, user]);
  await byline.POST("/users", newUser);
  const keys = requests.map((request) => request.headers.get("Idempotency-Key"));
  assert.match(keys[0]!, /^[0-9a-f]{32}$/);
  assert.equal(keys[1], keys[0]);
  assert.deepEqual(await requests[1]!.json(), newUser.body);
});

test("the caller's key wins", async () => {
  const { byline, requests } = fake([user]);
  await byline.POST("/users", { ...newUser, params: { header: { "Idempotency-Key": "mine" } } });
  assert.equal(requests[0]!.headers.get("Idempotency-Key"), "mine");
});

test("the document says which calls take a key", () => {
  const text = readFileSync(new URL("../../../../openapi.yaml", import.meta.url), "utf8");
  const paths: Record<string, Record<string, { "x-idempotent"?: boolean }>> = parse(text).paths;
  const found = Object.entries(paths).filter(([, item]) =>
    Object.values(item).some((operation) => operation["x-idempotent"]),
  );
  assert.deepEqual(new Set(found.map(([path]) => path)), creating);
});

test("what could do harm twice is not repeated", async () => {
  const { byline, requests } = fake([answer(503, busy)]);
  const body = { user: { email: "a@example.com", password: "12345678" } };
  await assert.rejects(byline.POST("/users/login", { body }), fails(503));
  const params = { path: { slug: "slug" } };
  await assert.rejects(byline.DELETE("/articles/{slug}", { params }), fails(503));
  assert.equal(requests.length, 2);
});

test("it gives up", async () => {
  const { byline, requests } = fake([answer(503, busy)]);
  const message = "503 overloaded: Later. server is busy";
  await assert.rejects(byline.GET("/tags"), fails(503, { code: "overloaded", message }));
  assert.equal(requests.length, 3);
});

test("Retry-After is honoured", async () => {
  const { byline } = fake([answer(429, busy, { "Retry-After": "1" }), tags]);
  const started = performance.now();
  await byline.GET("/tags");
  assert.ok(performance.now() - started >= 999);
});

test("a Retry-After beyond the limit is left to the caller", async () => {
  const { byline, requests } = fake([answer(429, busy, { "Retry-After": "3600" })]);
  await assert.rejects(byline.GET("/tags"), fails(429, { retryAfter: 3600 }));
  assert.equal(requests.length, 1);
});

test("a wait can be aborted", async () => {
  const { byline } = fake([answer(429, busy, { "Retry-After": "2" })]);
  const started = performance.now();
  await assert.rejects(byline.GET("/tags", { signal: AbortSignal.timeout(50) }));
  assert.ok(performance.now() - started < 1000);
});

test("an answer of something in front of the service", async () => {
  const html = { "Content-Type": "text/html" };
  const refused = fake([answer(403, "<h1>Forbidden</h1>", html)]);
  await assert.rejects(refused.byline.GET("/tags"), fails(403, { code: undefined }));
  const portal = fake([answer(200, "<h1>Sign in to this Wi-Fi</h1>", html)]);
  await assert.rejects(portal.byline.GET("/tags"), fails(200));
});

test("the token is asked for at each call", async () => {
  let n = 0;
  const { byline, requests } = fake([tags], { token: async () => `t${++n}` });
  await byline.GET("/tags");
  await byline.GET("/tags");
  await byline.withToken("other").GET("/tags");
  const sent = requests.map((request) => request.headers.get("Authorization"));
  assert.deepEqual(sent, ["Token t1", "Token t2", "Token other"]);
});

test("answers are reused", async (t) => {
  const statuses: number[] = [];
  const confirming: Answer = async (request) => {
    const confirmed = request.headers.get("If-None-Match") === '"v1"';
    statuses.push(confirmed ? 304 : 200);
    if (!confirmed) return answer(200, { tags: ["a"] }, { ETag: '"v1"', Age: "1" })(request);
    return new Response(null, { status: 304, headers: { ETag: '"v1"', Age: "2" } });
  };
  t.beforeEach(() => (statuses.length = 0));

  await t.test("when they are confirmed", async () => {
    const { byline } = fake([confirming]);
    for (const age of ["1", "2"]) {
      const { data, response } = await byline.GET("/tags");
      assert.deepEqual(data.tags, ["a"]);
      assert.equal(response.headers.get("Age"), age);
    }
    assert.deepEqual(statuses, [200, 304]);
  });
  await t.test("by the same user", async () => {
    let token = "";
    const { byline } = fake([confirming], { token: () => token });
    for (token of ["a", "b", "a"]) await byline.GET("/tags");
    assert.deepEqual(statuses, [200, 200, 304]);
  });
  await t.test("as long as there is room", async () => {
    let token = "";
    const cacheBytes = 2 * '{"tags":["a"]}'.length;
    const { byline } = fake([confirming], { token: () => token, cacheBytes });
    for (token of ["a", "b", "a", "c", "a", "b"]) await byline.GET("/tags"); // c displaces b
    assert.deepEqual(statuses, [200, 200, 304, 200, 304, 200]);
  });
  await t.test("unless it is off", async () => {
    const { byline } = fake([confirming], { cacheBytes: 0 });
    await byline.GET("/tags");
    await byline.GET("/tags");
    assert.deepEqual(statuses, [200, 200]);
  });
});

const account = '{"type":"account","bio":"two\u2028lines"}\n';
const follower = '{"type":"follower"}\n';
const end = '{"type":"end","records":2}\n';

/** An answer in pieces, each sent when it is asked for, and what happened to it. */
function exporting(pieces: (string | Uint8Array)[], then: (stream: Stream) => void = closes) {
  const seen = { sent: 0, cancelled: false };
  const answer: Answer = () => {
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
  return { answer, seen };
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
      const { byline } = fake([exporting(pieces).answer]);
      assert.deepEqual(await collect(byline), all);
    });
  }
  await t.test("is read as it comes, and left early", async () => {
    const { answer, seen } = exporting([account, follower, end]);
    for await (const record of fake([answer]).byline.export()) {
      assert.equal(record.type, "account");
      assert.equal(seen.sent, 1);
      break;
    }
    assert.deepEqual(seen, { sent: 1, cancelled: true });
  });
  await t.test("is repeated before it begins", async () => {
    const { answer: exports } = exporting([account, follower, end]);
    const { byline, requests } = fake([answer(503, busy), breaks, exports]);
    assert.deepEqual(await collect(byline), all);
    await assert.rejects(collect(byline), TypeError); // the pieces are used up
    assert.equal(requests.length, 4);
    assert.equal(requests[3]!.headers.get("If-None-Match"), null); // a stream is not kept
  });
  const broken = {
    visibly: exporting([account, follower], (stream) => stream.error(new TypeError("terminated"))),
    silently: exporting([account, follower]),
    "in a line": exporting([account, follower, end.slice(0, 10)]),
    "with a record missing": exporting([account, end]),
  };
  for (const [name, { answer }] of Object.entries(broken)) {
    await t.test(`that breaks off ${name}`, async () => {
      const { byline, requests } = fake([answer]);
      await assert.rejects(collect(byline), TypeError);
      assert.equal(requests.length, 1); // records would come twice
    });
  }
  await t.test("that is refused", async () => {
    const { byline } = fake([answer(401, { ...busy, code: "token_missing" })]);
    await assert.rejects(collect(byline), fails(401, { code: "token_missing" }));
  });
  await t.test("that stalls", async () => {
    const { answer, seen } = exporting([account], hangs);
    const { byline } = fake([answer], { retry: { timeout: 50 } });
    await assert.rejects(collect(byline), { name: "TimeoutError" });
    assert.ok(seen.cancelled);
  });
  await t.test("may take longer than a wait for it", async () => {
    const { answer } = exporting([account, follower, end]);
    const fetch: Options["fetch"] = async (request, { signal }) => {
      const response = await answer(request);
      const body = response.body!.pipeThrough(new TransformStream(), { signal: signal! });
      return new Response(body, response); // ends with the signal, as a real one does
    };
    const { byline } = fake([answer], { retry: { timeout: 500 }, fetch });
    let n = 0;
    for await (const _ of byline.export()) {
      await new Promise((resume) => setTimeout(resume, 300));
      n++;
    }
    assert.equal(n, 2);
  });
});

test("ifMatch never makes a change unconditional", () => {
  assert.throws(() => ifMatch(new Response()));
});

// Compiled, never run: the compiler refuses what the document does not know.
void ((byline: Byline) => {
  // @ts-expect-error: no such path
  void byline.GET("/nothing");
  // @ts-expect-error: not with this method
  void byline.PUT("/tags");
  // @ts-expect-error: the body is missing
  void byline.POST("/articles");
  // @ts-expect-error: its members are missing
  void byline.POST("/articles", { body: { article: { title: "a" } } });
  // @ts-expect-error: so is the slug
  void byline.GET("/articles/{slug}");
  // @ts-expect-error: not a number
  void byline.GET("/articles", { params: { query: { limit: "many" } } });
});

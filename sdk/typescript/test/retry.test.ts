import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  type Attempt,
  Byline,
  BylineConnectionError,
  BylineTimeoutError,
  type Outcome,
} from "../src/index.js";
import { breaks, busy, fails, fake, type Handler, newUser, respond, tags, user } from "./fake.js";

const breaksInside: Handler = () => {
  const body = new ReadableStream({
    start: (stream) => stream.enqueue(new TextEncoder().encode('{"tags":')),
    pull: (stream) => stream.error(new TypeError("terminated")),
  });
  return new Response(body, { headers: { "Content-Type": "application/json" } });
};

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
      assert.deepEqual(await byline.tags.list(), ["a"]);
      assert.equal(requests.length, 3);
    });
  }
  await t.test("also those that are a POST", async () => {
    const { byline, requests } = fake([breaks, respond(200, { articles: [], missing: ["a"] })]);
    assert.deepEqual((await byline.articles.getMany({ slugs: ["a"], format: "html" })).missing, [
      "a",
    ]);
    assert.equal(requests[1]!.url, "https://byline.test/api/batch/articles?format=html");
    assert.deepEqual(await requests[1]!.json(), { slugs: ["a"] });
  });
});

test("a retry keeps the idempotency key", async () => {
  const { byline, requests } = fake([breaks, user]);
  await byline.users.create(newUser);
  const keys = requests.map((request) => request.headers.get("Idempotency-Key"));
  assert.match(keys[0]!, /^[0-9a-f]{32}$/);
  assert.equal(keys[1], keys[0]);
  assert.deepEqual(await requests[1]!.json(), { user: newUser });
});

test("requests that are not safe to repeat are not retried", async () => {
  const { byline, requests } = fake([respond(503, busy)]);
  const body = { email: "a@example.com", password: "12345678" };
  await assert.rejects(byline.users.login(body), fails(503));
  await assert.rejects(byline.articles.delete("slug"), fails(503));
  assert.equal(requests.length, 2);
});

test("the status decides", async (t) => {
  const calls = {
    read: (byline: Byline) => byline.tags.list(),
    keyed: (byline: Byline) => byline.users.create(newUser),
    unkeyed: (byline: Byline) => byline.articles.delete("slug"),
  };
  const attempts: Record<number, Record<keyof typeof calls, number>> = {
    408: { read: 3, keyed: 3, unkeyed: 1 },
    409: { read: 1, keyed: 1, unkeyed: 1 },
    425: { read: 3, keyed: 3, unkeyed: 3 },
    429: { read: 3, keyed: 3, unkeyed: 3 },
    500: { read: 1, keyed: 1, unkeyed: 1 },
    502: { read: 3, keyed: 3, unkeyed: 1 },
    503: { read: 3, keyed: 3, unkeyed: 1 },
    504: { read: 3, keyed: 3, unkeyed: 1 },
  };
  for (const [status, expected] of Object.entries(attempts)) {
    for (const [kind, call] of Object.entries(calls)) {
      await t.test(`${status} ${kind}`, async () => {
        const { byline, requests } = fake([respond(Number(status), busy)]);
        await assert.rejects(async () => call(byline), fails(Number(status)));
        assert.equal(requests.length, expected[kind as keyof typeof calls]);
      });
    }
  }
});

test("without a connection, all requests are retried", async () => {
  const attempts = (number: number) => (error: unknown) => {
    assert.ok(error instanceof BylineConnectionError);
    assert.equal(error.attempts, number, error.message);
    return true;
  };
  const broken = createServer(({ socket }) => void socket.destroy()).listen(0);
  const { port } = broken.address() as AddressInfo;
  const address = `http://127.0.0.1:${port}`;
  const byline = new Byline(address, { retries: 2, retryDelay: 1 });
  await assert.rejects(byline.articles.delete("slug"), attempts(1));
  await assert.rejects(byline.tags.list(), attempts(3));
  await promisify(broken.close.bind(broken))();
  await assert.rejects(byline.articles.delete("slug"), attempts(3));
});

test("retries end after the last attempt", async (t) => {
  await t.test("with the error of the service", async () => {
    const { byline, requests } = fake([respond(503, busy, { "X-Request-Id": "R1" })]);
    const message = "tags.list: 503 overloaded: Later. (request R1)";
    await assert.rejects(byline.tags.list(), fails(503, { code: "overloaded", message }));
    assert.equal(requests.length, 3);
  });
  await t.test("with the error of the connection", async () => {
    await assert.rejects(fake([breaks]).byline.tags.list(), (error) => {
      assert.ok(error instanceof BylineConnectionError);
      assert.ok(!(error instanceof BylineTimeoutError));
      const { attempts, message, method, operation, url } = error;
      assert.deepEqual([operation, method, attempts], ["tags.list", "GET", 3]);
      assert.equal(url, "https://byline.test/api/tags");
      assert.equal((error.cause as Error).message, "fetch failed");
      const expected = "no response: fetch failed: connect ECONNREFUSED (3 attempts)";
      assert.equal(message, `tags.list: GET https://byline.test/api/tags: ${expected}`);
      return true;
    });
  });
});

test("Retry-After is honoured", async () => {
  const waits: number[] = [];
  const { byline } = fake([respond(429, busy, { "Retry-After": "1" }), tags], {
    hooks: { onRetry: ({ delay }) => void waits.push(delay) },
  });
  await byline.tags.list();
  assert.equal(waits.length, 1);
  assert.ok(waits[0]! >= 1000);
});

test("a Retry-After beyond the maximum is returned to the caller", async () => {
  const { byline, requests } = fake([respond(429, busy, { "Retry-After": "3600" })]);
  await assert.rejects(byline.tags.list(), fails(429, { retryAfter: 3600 }));
  assert.equal(requests.length, 1);
});

test("Retry-After has many forms", async (t) => {
  const fields = {
    ...{ "0": 3, "-1": 3, soon: 3, "": 3, "99999999999": 1, ["9".repeat(30)]: 1 },
    [new Date(Date.now() - 3_600_000).toUTCString()]: 3,
    [new Date(Date.now() + 3_600_000).toUTCString()]: 1,
    "Fri, 31 Dec 9999 23:59:59 GMT": 1,
  };
  for (const [field, attempts] of Object.entries(fields)) {
    await t.test(field, async () => {
      const { byline, requests } = fake([respond(429, busy, { "Retry-After": field })]);
      await assert.rejects(byline.tags.list(), fails(429));
      assert.equal(requests.length, attempts);
    });
  }
});

test("a call can be aborted", async () => {
  const reason = new Error("enough");
  const waiting = new AbortController();
  const { byline, requests } = fake([respond(429, busy, { "Retry-After": "2" })], {
    hooks: { onRetry: () => queueMicrotask(() => waiting.abort(reason)) },
  });
  await assert.rejects(byline.tags.list({ signal: waiting.signal }), reason);
  await assert.rejects(byline.tags.list({ signal: AbortSignal.abort(reason) }), reason);
  assert.equal(requests.length, 1);
});

test("hooks", async (t) => {
  await t.test("see each attempt, and add headers", async () => {
    const seen: [string, Outcome | Attempt][] = [];
    const ok = respond(200, { tags: [] }, { "X-Request-Id": "R2" });
    const { byline, requests } = fake([breaks, respond(503, busy), ok], {
      token: "secret",
      hooks: {
        onRequest: async ({ headers, ...attempt }) => {
          assert.equal(headers.get("Authorization"), null);
          headers.set("traceparent", `00-${attempt.attempt}`);
          seen.push(["request", attempt]);
        },
        onResponse: (outcome) => void seen.push(["response", outcome]),
        onRetry: (outcome) => void seen.push(["retry", outcome]),
      },
    });
    await byline.request("GET", "/user");
    const names = seen.map(([name, { attempt }]) => `${name} ${attempt}`);
    assert.deepEqual(names, [
      ...["request 1", "response 1", "retry 1"],
      ...["request 2", "response 2", "retry 2"],
      ...["request 3", "response 3"],
    ]);
    const outcomes = seen.flatMap(([name, one]) => (name === "response" ? [one as Outcome] : []));
    assert.deepEqual(
      outcomes.map(({ requestId, status }) => [status, requestId]),
      [
        [undefined, undefined],
        [503, undefined],
        [200, "R2"],
      ],
    );
    assert.ok(outcomes[0]!.error instanceof TypeError);
    assert.ok(outcomes.every(({ duration }) => duration >= 0));
    const sent = requests.map(({ headers }) => headers.get("traceparent"));
    assert.deepEqual(sent, ["00-1", "00-2", "00-3"]);
    assert.equal(requests[2]!.headers.get("Authorization"), "Token secret");
  });
  await t.test("that throw reject the call", async () => {
    const failure = new Error("hook");
    const { byline } = fake([tags], { hooks: { onRequest: () => Promise.reject(failure) } });
    await assert.rejects(byline.tags.list(), failure);
  });
});

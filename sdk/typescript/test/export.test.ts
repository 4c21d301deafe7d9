import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Byline,
  BylineConnectionError,
  BylineTimeoutError,
  type ExportRecord,
  NotBylineError,
  type Options,
} from "../src/index.js";
import { breaks, busy, fails, fake, type Handler, problem, respond } from "./fake.js";

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
  for await (const record of byline.account.export()) records.push(record);
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
    for await (const record of fake([handler]).byline.account.export()) {
      assert.equal(record.type, "account");
      assert.equal(seen.sent, 1);
      break;
    }
    assert.deepEqual(seen, { sent: 1, cancelled: true });
  });
  await t.test("can be aborted", async () => {
    const { handler, seen } = exporting([account], hangs);
    const stop = new AbortController();
    const reason = new Error("enough");
    const records = fake([handler]).byline.account.export({ signal: stop.signal });
    await records.next();
    const next = records.next();
    stop.abort(reason);
    await assert.rejects(next, reason);
    assert.ok(seen.cancelled);
  });
  await t.test("is retried before it begins", async () => {
    const { handler: exports } = exporting([account, follower, end]);
    const { byline, requests } = fake([respond(503, busy), breaks, exports]);
    assert.deepEqual(await collect(byline), all);
    await assert.rejects(collect(byline), BylineConnectionError); // all pieces have been sent
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
      await assert.rejects(collect(byline), BylineConnectionError);
      assert.equal(requests.length, 1); // a retry would yield records twice
    });
  }
  await t.test("that is refused", async () => {
    const { byline } = fake([respond(401, problem(401, "token_missing"))]);
    await assert.rejects(collect(byline), fails(401, { code: "token_missing" }));
  });
  await t.test("that is a page", async () => {
    const { byline } = fake([respond(200, "<h1>Sign in</h1>", { "Content-Type": "text/html" })]);
    await assert.rejects(collect(byline), NotBylineError);
  });
  await t.test("that stalls", async () => {
    const { handler, seen } = exporting([account], hangs);
    const { byline } = fake([handler], { timeout: 50 });
    await assert.rejects(collect(byline), BylineTimeoutError);
    assert.ok(seen.cancelled);
  });
  await t.test("may take longer than the timeout of each wait", async () => {
    const { handler } = exporting([account, follower, end]);
    const fetch: Options["fetch"] = async (url, { signal }) => {
      const response = await handler(new Request(url));
      const body = response.body!.pipeThrough(new TransformStream(), { signal: signal! });
      return new Response(body, response); // the signal aborts the body, as in a real fetch
    };
    const { byline } = fake([handler], { timeout: 500, fetch });
    let n = 0;
    for await (const _ of byline.account.export()) {
      await new Promise((resume) => setTimeout(resume, 300));
      n++;
    }
    assert.equal(n, 2);
  });
});

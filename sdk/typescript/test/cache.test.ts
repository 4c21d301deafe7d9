import assert from "node:assert/strict";
import { test } from "node:test";
import { NotBylineError } from "../src/index.js";
import { fails, fake, type Handler, respond } from "./fake.js";

test("responses are cached", async (t) => {
  const statuses: number[] = [];
  const confirming: Handler = (request) => {
    const confirmed = request.headers.get("If-None-Match") === '"v1"';
    statuses.push(confirmed ? 304 : 200);
    const profile = { username: "a" };
    if (!confirmed) return respond(200, { profile }, { ETag: '"v1"', Age: "1" })(request);
    return new Response(null, { status: 304, headers: { ETag: '"v1"', Age: "2" } });
  };
  t.beforeEach(() => (statuses.length = 0));

  await t.test("and returned when they are confirmed", async () => {
    const { byline } = fake([confirming]);
    for (const age of ["1", "2"]) {
      const { data, headers } = await byline.profiles.get("a").withResponse();
      assert.equal(data.username, "a");
      assert.equal(headers.get("Age"), age);
    }
    assert.deepEqual(statuses, [200, 304]);
  });
  await t.test("for each user separately", async () => {
    let token = "";
    const { byline } = fake([confirming], { token: () => token });
    for (token of ["a", "b", "a"]) await byline.profiles.get("a");
    assert.deepEqual(statuses, [200, 200, 304]);
  });
  await t.test("up to the maximum size", async () => {
    let token = "";
    const cacheBytes = 2 * '{"profile":{"username":"a"}}'.length;
    const { byline } = fake([confirming], { token: () => token, cacheBytes });
    for (token of ["a", "b", "a", "c", "a", "b"]) await byline.profiles.get("a"); // c evicts b
    assert.deepEqual(statuses, [200, 200, 304, 200, 304, 200]);
  });
  await t.test("unless the caller sets a condition", async () => {
    const { byline } = fake([confirming]);
    const headers = { "If-None-Match": '"v1"' };
    await assert.rejects(byline.profiles.get("a", { headers }), (error) => {
      assert.ok(!(error instanceof NotBylineError));
      return fails(304)(error);
    });
  });
  await t.test("unless the cache is disabled", async () => {
    const { byline } = fake([confirming], { cacheBytes: 0 });
    await byline.profiles.get("a");
    await byline.profiles.get("a");
    assert.deepEqual(statuses, [200, 200]);
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const program = `
  import { busy, fake, respond } from "${new URL("fake.js", import.meta.url)}";
  const ok = respond(200, { tags: [] }, { "X-Request-Id": "r2" });
  await fake([respond(503, busy), ok], { token: "secret" }).byline.tags.list();
`;

/**
 * Returns what a call with a retry writes to the standard error stream.
 * Durations are replaced by N.
 */
function logged(BYLINE_LOG: string): string {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { env: { ...process.env, BYLINE_LOG }, encoding: "utf8" },
  );
  assert.deepEqual([status, stdout], [0, ""], stderr);
  return stderr.replace(/[\d.]+ (m?s)\b/g, "N $1");
}

test("a variable writes the log", () => {
  const first = "byline: tags.list: GET https://byline.test/api/tags: 503 in N ms";
  const retry = `${first}; another attempt in N s`;
  const second =
    "byline: tags.list: GET https://byline.test/api/tags: 200 in N ms, attempt 2 (request r2)";
  assert.equal(logged(""), "");
  assert.equal(logged("debug"), `${first}\n${retry}\n${second}\n`);
  assert.equal(logged("info"), `${retry}\n`);
  assert.equal(logged("all"), 'byline: BYLINE_LOG must be debug or info, not "all"\n');
});

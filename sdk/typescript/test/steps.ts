// What the tests against a real service have in common.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { BylineError } from "../src/index.js";

export const password = "correct horse battery";

/** The content of an article with a title. */
export const newArticle = (title: string, ...tagList: string[]) => ({
  title,
  description: `About ${title}`,
  body: `# ${title}`,
  tagList,
});

/**
 * Returns a function that runs a step of a test. Later steps depend on earlier
 * ones, so they are skipped after a failure.
 */
export function steps(t: TestContext) {
  let failed = false;
  return (name: string, run: (t: TestContext) => Promise<void>) =>
    t.test(name, { skip: failed }, async (t) => {
      failed = true;
      await run(t);
      failed = false;
    });
}

/** Returns the error with which a call fails. */
export async function rejection(call: PromiseLike<unknown>): Promise<BylineError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof BylineError, String(error));
    return error;
  }
  assert.fail("the call must be rejected");
}

/** Checks the status and the code of the error with which a call fails. */
export async function rejects(call: PromiseLike<unknown>, status: number, code: string) {
  const error = await rejection(call);
  assert.deepEqual([error.status, error.code], [status, code]);
  return error;
}

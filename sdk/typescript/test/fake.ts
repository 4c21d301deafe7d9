import assert from "node:assert/strict";
import { Byline, BylineError, type Options } from "../src/index.js";

export type Handler = (request: Request) => Response | Promise<Response>;

/**
 * A service that handles the n-th request with the n-th handler, and all
 * further requests with the last one.
 */
export function fake(handlers: Handler[], options: Options = {}) {
  const requests: Request[] = [];
  const byline = new Byline("https://byline.test", {
    retries: 2,
    retryDelay: 1,
    maxRetryDelay: 2000,
    fetch: async (url, init) => {
      const request = new Request(url, init);
      requests.push(request);
      return handlers[Math.min(requests.length, handlers.length) - 1]!(request);
    },
    ...options,
  });
  return { byline, requests };
}

export const respond =
  (status: number, body: unknown, headers: Record<string, string> = {}): Handler =>
  () =>
    new Response(typeof body === "string" ? body || null : JSON.stringify(body), {
      status,
      headers: { "Content-Type": "application/json", ...headers },
    });

export const newUser = { username: "a", email: "a@example.com", password: "12345678" };
export const tags = respond(200, { tags: ["a"] });
export const user = respond(201, { user: { username: "a" } });
export const problem = (status: number, code: string, more: object = {}) => ({
  ...{ type: `/docs/errors#${code}`, title: "Title", status, detail: "Later.", code },
  ...{ requestId: "R1", errors: {}, ...more },
});
export const busy = problem(503, "overloaded", { errors: { server: ["is busy"] } });
export const breaks: Handler = () => {
  throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
};

export function fails(status: number, more: Partial<BylineError> = {}) {
  return (error: unknown) => {
    assert.ok(error instanceof BylineError, String(error));
    for (const [key, value] of Object.entries({ status, ...more })) {
      assert.deepEqual(error[key as keyof BylineError], value);
    }
    return true;
  };
}

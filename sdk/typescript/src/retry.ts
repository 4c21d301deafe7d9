import { retryAfter } from "./error.js";

/**
 * Configures retries. A request is retried if there is no response or the
 * status is 429, 502, 503 or 504, and only if it is safe to repeat: reads, and
 * requests with an Idempotency-Key, which the client adds to requests that
 * create something.
 */
export interface Retry {
  /** Maximum number of attempts; 1 disables retries. The default is 4. */
  attempts: number;
  /**
   * Maximum wait before the second attempt in ms; doubles with each attempt.
   * The default is 200.
   */
  base: number;
  /**
   * Maximum of each wait in ms. If the service asks for a longer wait, the
   * request is not retried. The default is 30,000.
   */
  max: number;
  /**
   * Timeout of each attempt, and of each wait within a stream, in ms. The
   * default is 30,000.
   */
  timeout: number;
}

const temporary = new Set([429, 502, 503, 504]);

/**
 * Sends a request and retries it if necessary. `read` reads the part of the
 * response body that belongs to the attempt.
 */
export async function withRetry(
  request: Request,
  send: (request: Request, init: RequestInit) => Promise<Response>,
  retry: Retry,
  read: (response: Response) => Promise<Response>,
): Promise<Response> {
  const repeatable =
    request.method === "GET" || request.method === "HEAD" || request.headers.has("Idempotency-Key");
  for (let attempt = 1; ; attempt++) {
    const last = !repeatable || attempt >= retry.attempts;
    // The wait is random, so that clients that failed at the same time do not
    // retry at the same time.
    let wait = Math.random() * Math.min(retry.base * 2 ** (attempt - 1), retry.max);
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(timedOut()), retry.timeout);
    try {
      const signal = AbortSignal.any([request.signal, limit.signal]);
      const response = await read(await send(request.clone(), { signal }));
      const asked = (retryAfter(response.headers) ?? 0) * 1000;
      if (last || !temporary.has(response.status) || asked > retry.max) return response;
      if (asked > 0) wait = asked + Math.min(wait, retry.base);
    } catch (error) {
      if (last || request.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
    await sleep(wait, request.signal);
  }
}

/**
 * Reads the whole response body, so that a response that breaks off is retried.
 */
export async function readWhole(response: Response): Promise<Response> {
  const { status, statusText, headers } = response;
  const body = await response.arrayBuffer();
  // These responses must not have a body, not even an empty one.
  const bodiless = status === 204 || status === 304;
  return new Response(bodiless ? null : body, { status, statusText, headers });
}

/**
 * Returns the same error as AbortSignal.timeout, whose timer cannot be stopped.
 */
export function timedOut(): DOMException {
  return new DOMException("The service did not respond in time", "TimeoutError");
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal.addEventListener("abort", abort, { once: true });
  });
}

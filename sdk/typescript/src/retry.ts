import { retryAfter } from "./error.js";

/**
 * How calls are repeated that got no answer, or 429, 502, 503 or 504. Only
 * calls are that cannot do harm twice: reads, and those that have an
 * Idempotency-Key, which creating calls are given.
 */
export interface Retry {
  /** How often a call is made at most; 1 turns repetition off. Default 4. */
  attempts: number;
  /** The longest wait before the second attempt in ms; doubles with each. Default 200. */
  base: number;
  /** Bounds each wait in ms. A service that asks for more gets no more attempts. Default 30,000. */
  max: number;
  /** The time limit of each attempt in ms, and of each wait within a stream. Default 30,000. */
  timeout: number;
}

const temporary = new Set([429, 502, 503, 504]);

/**
 * Sends a request in as many attempts as it takes. `read` says how much of an
 * answer belongs to the attempt.
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
    // Random, so that clients that failed together come back apart.
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

/** Reads an answer to its end, so that one that breaks off counts as none. */
export async function whole(response: Response): Promise<Response> {
  const { status, statusText, headers } = response;
  const body = await response.arrayBuffer();
  const bodiless = status === 204 || status === 304; // may not even have an empty one
  return new Response(bodiless ? null : body, { status, statusText, headers });
}

/** What AbortSignal.timeout gives, which cannot be stopped. */
export function timedOut(): DOMException {
  return new DOMException("The service has not answered in time", "TimeoutError");
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

import { BylineConnectionError, BylineTimeoutError, retryAfter } from "./error.js";
import { logAttempt, logRetry } from "./log.js";
import type { Hooks, Outcome } from "./options.js";

/** A request, and how it is sent. */
export interface Outgoing {
  operation: string;
  method: string;
  url: string;
  headers: Headers;
  /** The field Authorization, which hooks do not see. */
  authorization: string | undefined;
  /** Whose response it is, for the cache; by default, that of the token. */
  identity?: string;
  body: string | undefined;
  /** Whether the request may be sent again. */
  repeatable: boolean;
  signal: AbortSignal | undefined;
  timeout: number;
  retries: number;
  retryDelay: number;
  maxRetryDelay: number;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  hooks: Hooks;
}

const temporary = new Set([408, 425, 429, 502, 503, 504]);
/** With these statuses, the service has not carried out the request. */
const withoutEffect = new Set([425, 429]);
/**
 * The codes of errors without a connection. Browsers do not tell them apart.
 */
const unconnected = new Set([
  ...["EAI_AGAIN", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND"],
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Reports whether a request with this status can succeed later. */
export const isTemporary = (status: number): boolean => temporary.has(status);

/**
 * Sends a request and retries it if necessary. `read` reads the part of the
 * response body that belongs to the attempt.
 */
export async function sendWithRetry(
  request: Outgoing,
  read: (response: Response) => Promise<Response>,
): Promise<Response> {
  const { hooks, operation, method, signal, url } = request;
  for (let attempt = 1; ; attempt++) {
    const target = { operation, method, url, attempt };
    const headers = new Headers(request.headers);
    await hooks.onRequest?.({ ...target, headers });
    if (request.authorization) headers.set("Authorization", request.authorization);
    const started = performance.now();
    const { response, error } = await sendOnce(request, headers, read);
    const outcome: Outcome = {
      ...target,
      duration: performance.now() - started,
      status: response?.status,
      requestId: response?.headers.get("X-Request-Id") ?? undefined,
      headers: response?.headers,
      error,
    };
    logAttempt(outcome);
    hooks.onResponse?.(outcome);
    signal?.throwIfAborted();
    const wait = delay(request, attempt, response);
    const repeatable =
      request.repeatable || (response ? withoutEffect.has(response.status) : isUnconnected(error));
    if (!repeatable || attempt > request.retries || wait === undefined) {
      if (response) return response;
      if (error instanceof TimedOut) throw new BylineTimeoutError(target, request.timeout);
      throw new BylineConnectionError(target, error);
    }
    logRetry(outcome, wait);
    hooks.onRetry?.({ ...outcome, delay: wait });
    await sleep(wait, signal);
  }
}

/**
 * Returns the wait before another attempt, or undefined if another attempt
 * would not help. The wait is random, so that clients that failed at the same
 * time do not retry at the same time.
 */
function delay(
  { maxRetryDelay, retryDelay }: Outgoing,
  attempt: number,
  response: Response | undefined,
): number | undefined {
  const wait = Math.random() * Math.min(retryDelay * 2 ** (attempt - 1), maxRetryDelay);
  if (!response) return wait;
  const asked = (retryAfter(response.headers) ?? 0) * 1000;
  if (!isTemporary(response.status) || asked > maxRetryDelay) return undefined;
  return asked > 0 ? asked + Math.min(wait, retryDelay) : wait;
}

/** Reports whether there was no connection, so that nothing was sent. */
function isUnconnected(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as { code?: string };
  return code !== undefined && unconnected.has(code);
}

/** Returns the response, or the error if there is none. */
async function sendOnce(
  { body, fetch, method, signal, timeout, url }: Outgoing,
  headers: Headers,
  read: (response: Response) => Promise<Response>,
): Promise<{ response?: Response; error?: unknown }> {
  signal?.throwIfAborted();
  // AbortSignal.any exists from Node 20.3 and Safari 17.4 on only.
  const limit = new AbortController();
  const abort = () => limit.abort(signal?.reason);
  const timer = setTimeout(() => limit.abort(new TimedOut()), timeout);
  signal?.addEventListener("abort", abort);
  try {
    const init: RequestInit = { method, headers, signal: limit.signal };
    if (body !== undefined) init.body = body;
    return { response: await read(await fetch(url, init)) };
  } catch (error) {
    return { error: limit.signal.aborted ? limit.signal.reason : error };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** The reason of an attempt that took too long. */
class TimedOut extends Error {
  override readonly name = "TimedOut";
}

/**
 * Reads the whole response body, so that a response that breaks off is retried.
 */
export async function readWhole(response: Response): Promise<Response> {
  const { status, statusText, headers, url, redirected } = response;
  const body = await response.text();
  // These responses must not have a body, not even an empty one.
  const bodiless = status === 204 || status === 304;
  const whole = new Response(bodiless ? null : body, { status, statusText, headers });
  // A Response that was not made by fetch does not know where it came from.
  return Object.defineProperties(whole, {
    url: { value: url },
    redirected: { value: redirected },
  });
}

/** Waits, or rejects when the signal is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

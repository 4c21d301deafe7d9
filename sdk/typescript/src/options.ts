import type { Tokens } from "./generated/types.js";

/** The options of a client. */
export interface Options {
  /**
   * The token of registration or sign-in, or an API key; or a function that
   * returns it, which is called before each request.
   */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /**
   * The time limit of each attempt in ms, and of each wait within a stream. To
   * limit a whole call, pass the signal `AbortSignal.timeout(ms)` to it.
   *
   * @default 30_000
   */
  timeout?: number | undefined;
  /**
   * How often a request is sent again. Every request is sent again if there was
   * no connection or the status is 425 or 429, because it has had no effect.
   * Reads, and requests with an Idempotency-Key, which the client adds to
   * requests that create something, are also sent again if there is no response
   * or the status is 408, 502, 503 or 504.
   *
   * @default 3
   */
  retries?: number | undefined;
  /**
   * The maximum wait before the first retry in ms; it doubles with each retry.
   *
   * @default 200
   */
  retryDelay?: number | undefined;
  /**
   * The maximum of each wait in ms. If the service asks for a longer wait, the
   * request is not sent again.
   *
   * @default 30_000
   */
  maxRetryDelay?: number | undefined;
  /**
   * The maximum size of the response cache in bytes; 0 disables the cache. A
   * cached response is returned only after the service has confirmed it.
   *
   * @default 8_388_608
   */
  cacheBytes?: number | undefined;
  /**
   * Sends the requests, for example through a proxy. The default is the global
   * `fetch`.
   */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Functions for logs, metrics and traces. */
  hooks?: Hooks | undefined;
  /**
   * The name and version of your program, such as `blog/1.2`, for the
   * User-Agent.
   */
  app?: string | undefined;
  /**
   * Keeps the session of `signIn` outside this process. The client begins with
   * the session that the store has.
   */
  sessionStore?: SessionStore | undefined;
}

/** The options in which a client of `withOptions` can differ. */
export type DerivedOptions = Pick<
  Options,
  "app" | "hooks" | "maxRetryDelay" | "retries" | "retryDelay" | "timeout"
>;

/** The options of a call. They take precedence over those of the client. */
export interface CallOptions {
  /** The time limit of each attempt in ms. */
  timeout?: number | undefined;
  /** How often the request is sent again, if that is safe. */
  retries?: number | undefined;
  /** The token or API key for this call. */
  token?: string | undefined;
  /** More headers. They take precedence over those of the client. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Aborts the call, which then rejects with the reason of the signal. */
  signal?: AbortSignal | undefined;
}

/** The options of a call that creates something. */
export interface CreateOptions extends CallOptions {
  /**
   * A unique string that makes the call safe to repeat: another call with the
   * same key and the same parameters returns the first response again. The
   * default is a random key for each call, which its retries share.
   */
  idempotencyKey?: string | undefined;
}

/** The options of a call that can depend on what the caller has read. */
export interface ConditionalOptions extends CallOptions {
  /**
   * The `etag` of the value as you read it. If somebody else has edited it
   * since, the call rejects with status 412.
   */
  ifMatch?: string | undefined;
}

/** An attempt to carry out a call. */
export interface Attempt {
  /** Such as `articles.create`. */
  operation: string;
  /** The HTTP method, such as `GET`. */
  method: string;
  /** The URL of the request. */
  url: string;
  /** 1 for the first attempt. */
  attempt: number;
}

/** What came of an attempt. */
export interface Outcome extends Attempt {
  /** The duration of the attempt in ms. */
  duration: number;
  /** The status of the response; undefined if there was none. */
  status: number | undefined;
  /** Identifies the request in the log of the service. */
  requestId: string | undefined;
  /** The headers of the response, such as `RateLimit` or `Sunset`. */
  headers: Headers | undefined;
  /** Why there was no response. */
  error: unknown;
}

/**
 * Functions that are called for each attempt. A call rejects with what they
 * throw.
 */
export interface Hooks {
  /**
   * Before each attempt. It may change the headers, for example set
   * `traceparent`. The token is not one of them.
   */
  onRequest?: ((attempt: Attempt & { headers: Headers }) => void | Promise<void>) | undefined;
  /** After each attempt, with or without a response. */
  onResponse?: ((outcome: Outcome) => void) | undefined;
  /** Before the wait for another attempt; `delay` is its duration in ms. */
  onRetry?: ((outcome: Outcome & { delay: number }) => void) | undefined;
}

/** A session as a `SessionStore` keeps it. */
export interface StoredSession {
  /** The id of the session, as in `sessions.list`. */
  id: number;
  /** The tokens of the session. */
  tokens: Tokens;
}

/** Keeps a session outside this process, for example in a file. */
export interface SessionStore {
  /** Returns the session that was saved last, if any. */
  load(): StoredSession | null | undefined | Promise<StoredSession | null | undefined>;
  /**
   * Saves the session, which replaces the one before. `null` means that it has
   * ended.
   */
  save(session: StoredSession | null): void | Promise<void>;
}

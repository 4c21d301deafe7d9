import { Cache } from "./cache.js";
import { Call, type FullResponse } from "./call.js";
import { NotBylineError } from "./error.js";
import { readUnlessLines, records } from "./export.js";
import type {
  CallOptions,
  ConditionalOptions,
  CreateOptions,
  DerivedOptions,
  Options,
} from "./options.js";
import type { CountedPage } from "./pager.js";
import { type Json, refusal, parse } from "./parse.js";
import { type Outgoing, readWhole, sendWithRetry } from "./retry.js";
import type { CurrentSession } from "./session.js";
import { userAgent } from "./useragent.js";

/** What openapi.yaml says about an operation. */
export interface Operation {
  /** Such as `articles.create`. */
  name: string;
  method: string;
  /** A template, such as `/articles/{slug}`. */
  path: string;
  /**
   * The member of the body that contains the parameters, or true if they are
   * the body. Without a body, they are the query.
   */
  body?: string | true;
  /** The parameters of the query, if there is a body too. */
  query?: readonly string[];
  /** Whether the response has no body. */
  empty?: true;
  /** Whether the response is plain text. */
  text?: true;
  /** A member that each response contains. */
  expects?: string;
  /** Whether callers get this member instead of the whole body. */
  unwraps?: true;
  /** The member with the number of items of a list. */
  total?: string;
  /** Whether it accepts an Idempotency-Key. */
  creates?: true;
  /** Whether it changes nothing, although it is no GET. */
  safe?: true;
  /** Whether it ignores tokens. */
  anonymous?: true;
}

type PathParams = readonly (string | number)[];

/** Turns calls into requests, and responses into data or errors. */
export class Transport {
  /** The session whose tokens are sent, unless there is another token. */
  readonly session: CurrentSession | undefined;
  readonly #api: string;
  readonly #options: Options;
  readonly #cache: Cache;

  constructor(api: string, options: Options, session?: CurrentSession, cache?: Cache) {
    this.session = session;
    this.#api = api;
    this.#options = options;
    this.#cache = cache ?? new Cache(options.cacheBytes ?? 8 << 20);
  }

  /** Returns a transport for another user, which shares the cache. */
  as(token: Options["token"], session?: CurrentSession): Transport {
    return new Transport(this.#api, { ...this.#options, token }, session, this.#cache);
  }

  /** Returns a transport with other options, which shares everything else. */
  with(options: DerivedOptions): Transport {
    return new Transport(this.#api, { ...this.#options, ...options }, this.session, this.#cache);
  }

  get store(): Options["sessionStore"] {
    return this.#options.sessionStore;
  }

  call<T>(operation: Operation, path: PathParams, params: object, options: CallOptions): Call<T> {
    return new Call(this.#call(operation, path, params, options));
  }

  page<T>(
    operation: Operation,
    path: PathParams,
    params: object,
    options: CallOptions,
  ): Call<CountedPage<T>> {
    const { expects, total } = operation;
    return new Call(
      this.#call<Json>(operation, path, params, options).then((response) => ({
        ...response,
        data: {
          items: response.data[expects!] as T[],
          nextCursor: response.data["nextCursor"] as string | null,
          ...(total === undefined ? {} : { total: response.data[total] }),
        } as CountedPage<T>,
      })),
    );
  }

  async *stream<T>(
    operation: Operation,
    path: PathParams,
    params: object,
    options: CallOptions,
  ): AsyncGenerator<T, void, undefined> {
    const request = this.#request(operation, ...parts(operation, path, params), options);
    const response = await this.#authorize(operation, request, options, (request) =>
      sendWithRetry(request, readUnlessLines),
    );
    if (!response.ok) throw await refusal(request, response);
    if (!response.headers.get("Content-Type")?.includes("ndjson") || !response.body) {
      throw new NotBylineError(request, response, await response.text());
    }
    yield* records<T>(response.body, request);
  }

  /** Sends a request that no method of a resource sends. */
  raw<T>(method: string, path: string, body: unknown, options: CallOptions): Call<T> {
    const operation: Operation = { name: `${method} ${path.replace(/\?.*/, "")}`, method, path };
    return new Call(this.#send(operation, path, body, options));
  }

  async #call<T>(
    operation: Operation,
    path: PathParams,
    params: object,
    options: CallOptions,
  ): Promise<FullResponse<T>> {
    return this.#send(operation, ...parts(operation, path, params), options);
  }

  async #send<T>(
    operation: Operation,
    path: string,
    body: unknown,
    options: CallOptions,
  ): Promise<FullResponse<T>> {
    const request = this.#request(operation, path, body, options);
    const response = await this.#authorize(operation, request, options, (request) =>
      this.#cache.send(request, (request) => sendWithRetry(request, readWhole)),
    );
    const { headers, status } = response;
    return {
      data: (await parse(operation, request, response)) as T,
      status,
      headers,
      etag: headers.get("ETag") ?? undefined,
      requestId: headers.get("X-Request-Id") ?? undefined,
      replayed: headers.get("Idempotency-Replayed") === "true",
    };
  }

  #request(
    operation: Operation,
    path: string,
    body: unknown,
    options: CreateOptions & ConditionalOptions,
  ): Outgoing {
    const { method, name } = operation;
    const client = this.#options;
    const headers = new Headers(options.headers);
    const set = (header: string, value: string | undefined) => {
      if (value !== undefined && !headers.has(header)) headers.set(header, value);
    };
    set("User-Agent", userAgent(client.app));
    set("If-Match", options.ifMatch);
    set("Idempotency-Key", options.idempotencyKey ?? (operation.creates && randomKey()));
    if (body !== undefined) set("Content-Type", "application/json");
    const reads = method === "GET" || method === "HEAD" || operation.safe === true;
    return {
      operation: name,
      method,
      url: this.#api + path,
      headers,
      authorization: undefined,
      body: body === undefined ? undefined : JSON.stringify(body),
      repeatable: reads || headers.has("Idempotency-Key"),
      signal: options.signal,
      timeout: options.timeout ?? client.timeout ?? 30_000,
      retries: options.retries ?? client.retries ?? 3,
      retryDelay: client.retryDelay ?? 200,
      maxRetryDelay: client.maxRetryDelay ?? 30_000,
      fetch: client.fetch ?? ((url, init) => globalThis.fetch(url, init)),
      hooks: client.hooks ?? {},
    };
  }

  /**
   * Sends a request with a token. If the service rejects the token of a
   * session, renews it and sends the request again: a request with a token that
   * was rejected has changed nothing.
   */
  async #authorize(
    operation: Operation,
    request: Outgoing,
    options: CallOptions,
    send: (request: Outgoing) => Promise<Response>,
  ): Promise<Response> {
    if (operation.anonymous || request.headers.has("Authorization")) return send(request);
    const session = options.token === undefined ? await this.session?.get() : undefined;
    if (!session) return send(authorized(request, options.token ?? (await this.#token())));
    const own = { ...request, identity: session.identity };
    const token = await session.token(operation.name);
    const response = await send(authorized(own, token));
    if (!rejectsToken(response)) return response;
    return send(authorized(own, await session.renew(operation.name, token)));
  }

  async #token(): Promise<string | undefined> {
    const { token } = this.#options;
    return typeof token === "function" ? token() : token;
  }
}

function authorized(request: Outgoing, token: string | undefined): Outgoing {
  return token ? { ...request, authorization: `Token ${token}` } : request;
}

/**
 * Reports whether the service does not accept the token of the request. Where a
 * token is optional, it then responds as to an anonymous caller.
 */
function rejectsToken({ headers, status }: Response): boolean {
  return status === 401 || (headers.get("WWW-Authenticate") ?? "").includes("invalid_token");
}

/** Returns the path with the query, and the body, of a call. */
function parts(operation: Operation, path: PathParams, params: object): [string, unknown] {
  const { body, query } = operation;
  const filled = fill(operation, path);
  if (body === undefined) return [filled + queryString(Object.entries(params)), undefined];
  const entries = Object.entries(params);
  const rest = Object.fromEntries(entries.filter(([name]) => !query?.includes(name)));
  const inQuery = entries.filter(([name]) => query?.includes(name));
  return [filled + queryString(inQuery), body === true ? rest : { [body]: rest }];
}

/** Returns the path of an operation with its parameters. */
function fill({ name, path }: Operation, values: PathParams): string {
  let next = 0;
  return path.replace(/\{(\w+)\}/g, (_, param: string) => {
    const value = values[next++];
    // The path would be that of another operation.
    if (value === undefined || value === null || /^\.{0,2}$/.test(String(value))) {
      throw new TypeError(`${name}: ${param} is ${JSON.stringify(value)}`);
    }
    return encodeURIComponent(value);
  });
}

function queryString(params: [string, unknown][]): string {
  const query = new URLSearchParams();
  for (const [name, value] of params) {
    if (value !== undefined && value !== null) query.set(name, String(value));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/**
 * Returns 128 random bits. `crypto.randomUUID` does not exist on pages without
 * TLS.
 */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

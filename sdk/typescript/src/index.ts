/**
 * The TypeScript client of Byline, a headless publishing API.
 *
 * It uses openapi-fetch with the types of openapi.yaml, and adds
 * authentication, retries that cannot create anything twice, a cache that
 * revalidates responses by their entity tag, typed errors, and iterators over
 * paged lists and exports.
 *
 * @module
 */
import createClient, {
  type FetchResponse,
  type MaybeOptionalInit,
  type Middleware,
} from "openapi-fetch";
import { Cache } from "./cache.js";
import { BylineError, isJSON } from "./error.js";
import { type ExportRecord, readUnlessLines, records } from "./export.js";
import { type Retry, readWhole, withRetry } from "./retry.js";
import type { components, operations, paths } from "./schema.js";

export { BylineError, type ProblemCode } from "./error.js";
export type { ExportRecord } from "./export.js";
export type { Retry } from "./retry.js";
export type { components, operations, paths } from "./schema.js";

export type Schemas = components["schemas"];
export type User = Schemas["User"];
export type Profile = Schemas["Profile"];
export type Article = Schemas["Article"];
export type ArticleSummary = Schemas["ArticleSummary"];
export type Comment = Schemas["Comment"];
export type UpdateArticle = Schemas["UpdateArticle"];

export type ArticlesQuery = Query<"GetArticles">;
export type FeedQuery = Query<"GetArticlesFeed">;
export type CommentsQuery = Query<"GetArticleComments">;
type Query<Id extends keyof operations> = NonNullable<operations[Id]["parameters"]["query"]>;

export interface Options {
  /**
   * The token of registration or sign-in, or a function that is called before
   * each request.
   */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  retry?: Partial<Retry>;
  /**
   * Maximum size of the response cache in bytes; 0 disables the cache. The
   * default is 8 MiB.
   */
  cacheBytes?: number;
  /** Sends the requests. The default is the global fetch. */
  fetch?: (request: Request, init: RequestInit) => Promise<Response>;
}

type Verb = "get" | "put" | "post" | "delete";
type PathsWith<V extends Verb> = {
  [P in keyof paths]: paths[P] extends { [K in V]: object } ? P : never;
}[keyof paths];
type Operation<P extends keyof paths, V extends Verb> = Extract<
  paths[P][V],
  Record<string | number, unknown>
>;
/** A success response. All other responses are thrown as errors. */
type Success<T extends Record<string | number, unknown>, Init> = Extract<
  FetchResponse<T, Init, `${string}/${string}`>,
  { data: unknown }
>;
type Call<V extends Verb> = <P extends PathsWith<V>, Init extends MaybeOptionalInit<paths[P], V>>(
  path: P,
  ...init: undefined extends Init ? [Init?] : [Init]
) => Promise<Success<Operation<P, V>, Init>>;

/** The paths whose POST operation accepts an Idempotency-Key. */
export const creating: ReadonlySet<string> = new Set<PathsWith<"post">>([
  "/users",
  "/sessions",
  "/user/keys",
  "/articles",
  "/articles/{slug}/comments",
]);

/** A client of a Byline service. */
export class Byline {
  /**
   * Sends a GET request. Resolves with typed `data`, or rejects with a
   * BylineError.
   */
  readonly GET: Call<"get">;
  readonly PUT: Call<"put">;
  readonly POST: Call<"post">;
  readonly DELETE: Call<"delete">;

  readonly #baseUrl: string;
  readonly #options: Options;
  #cache: Cache;

  /**
   * @param baseUrl - the URL of the service, such as
   * `https://byline.example.com`
   */
  constructor(baseUrl: string, options: Options = {}) {
    this.#baseUrl = baseUrl.replace(/\/*$/, "").replace(/\/api$/, "");
    this.#options = options;
    this.#cache = new Cache(options.cacheBytes ?? 8 << 20);
    const client = createClient<paths>({
      baseUrl: `${this.#baseUrl}/api`,
      fetch: (request) => this.#send(request),
    });
    client.use(this.#middleware());
    // The middleware throws an error unless the response is a success, so that
    // `data` is always set.
    this.GET = client.GET as Call<"get">;
    this.PUT = client.PUT as Call<"put">;
    this.POST = client.POST as Call<"post">;
    this.DELETE = client.DELETE as Call<"delete">;
  }

  /**
   * Returns a client that differs in its token only. Both clients share the
   * cache. A cached response is only returned to the token that requested it.
   */
  withToken(token: Options["token"]): Byline {
    const other = new Byline(this.#baseUrl, { ...this.#options, token });
    other.#cache = this.#cache;
    return other;
  }

  /**
   * Iterates over the matching articles, newest first. Requests pages as
   * needed.
   */
  articles(query: ArticlesQuery = {}): AsyncGenerator<ArticleSummary, void> {
    return pages(query, async (query) => {
      const { data } = await this.GET("/articles", { params: { query } });
      return [data.articles, data.nextCursor];
    });
  }

  /**
   * Iterates over the articles of the users that the signed-in user follows,
   * newest first.
   */
  feed(query: FeedQuery = {}): AsyncGenerator<ArticleSummary, void> {
    return pages(query, async (query) => {
      const { data } = await this.GET("/articles/feed", { params: { query } });
      return [data.articles, data.nextCursor];
    });
  }

  /** Iterates over the comments of an article in the order of `sort`. */
  comments(slug: string, query: CommentsQuery = {}): AsyncGenerator<Comment, void> {
    return pages(query, async (query) => {
      const params = { path: { slug }, query };
      const { data } = await this.GET("/articles/{slug}/comments", { params });
      return [data.comments, data.nextCursor];
    });
  }

  /**
   * Streams all data of the signed-in user, one record at a time. If the
   * iteration ends, the export is complete. If the connection breaks, it
   * throws. An export is not retried once it has begun.
   */
  async *export({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<ExportRecord, void> {
    const { data } = await this.GET("/user/export", {
      parseAs: "stream",
      fetch: (request) => this.#attempts(request, readUnlessLines),
      ...(signal && { signal }),
    });
    yield* records(data!, this.#retry.timeout);
  }

  /**
   * Reads an article, calls `edit` and writes the returned change. Does not
   * overwrite concurrent edits: if somebody else has edited the article in the
   * meantime, reads the article and calls `edit` again.
   */
  async editArticle(slug: string, edit: (article: Article) => UpdateArticle): Promise<Article> {
    for (let attempt = 1; ; attempt++) {
      const read = await this.GET("/articles/{slug}", { params: { path: { slug } } });
      try {
        const written = await this.PUT("/articles/{slug}", {
          params: { path: { slug }, header: ifMatch(read.response) },
          body: { article: edit(read.data.article) },
        });
        return written.data.article;
      } catch (error) {
        // Five conflicts in a row are not a coincidence but a bug in a client.
        if (!(error instanceof BylineError) || error.status !== 412 || attempt === 5) throw error;
      }
    }
  }

  #middleware(): Middleware {
    return {
      onRequest: async ({ request, schemaPath }) => {
        const { token } = this.#options;
        const value = typeof token === "function" ? await token() : token;
        if (value && !request.headers.has("Authorization")) {
          request.headers.set("Authorization", `Token ${value}`);
        }
        if (request.method === "POST" && creating.has(schemaPath)) {
          if (!request.headers.has("Idempotency-Key")) {
            request.headers.set("Idempotency-Key", randomKey());
          }
        }
      },
      onResponse: async ({ response }) => {
        if (!response.ok) throw await BylineError.from(response);
        if (response.status !== 204 && !isJSON(response)) {
          throw new BylineError(response, { detail: "expected a JSON response" });
        }
      },
    };
  }

  async #send(request: Request): Promise<Response> {
    const cached = this.#cache.addCondition(request);
    return this.#cache.resolve(request, await this.#attempts(request, readWhole), cached);
  }

  #attempts(request: Request, read: (response: Response) => Promise<Response>): Promise<Response> {
    const send = this.#options.fetch ?? globalThis.fetch;
    return withRetry(request, (request, init) => send(request, init), this.#retry, read);
  }

  get #retry(): Retry {
    return { attempts: 4, base: 200, max: 30_000, timeout: 30_000, ...this.#options.retry };
  }
}

/**
 * Makes an update conditional on the version of the article that `read`
 * returned. If somebody else has edited the article since, the update fails
 * with status 412.
 *
 * ```ts
 * params: { path: { slug }, header: ifMatch(read.response) }
 * ```
 */
export function ifMatch(read: Response): { "If-Match": string } {
  const etag = read.headers.get("ETag");
  // Without an entity tag, the update would be unconditional.
  if (etag === null) throw new TypeError("the response has no ETag");
  return { "If-Match": etag };
}

/** Iterates over the items of all pages. */
async function* pages<Item, Q extends { cursor?: string }>(
  query: Q,
  fetch: (query: Q) => Promise<[Item[], string | null]>,
): AsyncGenerator<Item, void> {
  for (;;) {
    const [items, next] = await fetch(query);
    yield* items;
    if (next === null) return;
    query = { ...query, cursor: next };
  }
}

/**
 * Returns 128 random bits. `crypto.randomUUID` does not exist on pages without
 * TLS.
 */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The client of Byline, a headless publishing API: openapi-fetch on the types
 * of the document, plus what a generator does not give: the token, retries
 * that cannot create anything twice, answers reused by their entity tag,
 * errors that are thrown, and iterators over paged lists and exports.
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
import { type ExportRecord, lines, records } from "./export.js";
import { type Retry, whole, withRetry } from "./retry.js";
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
  /** What registration or sign-in gave, or a function that is asked at each call. */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  retry?: Partial<Retry>;
  /** Bounds the bytes of answers that are kept to be reused; 0 keeps none. Default 8 MiB. */
  cacheBytes?: number;
  /** Sends the requests. Default the global fetch. */
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
/** The answer of a success; every other one is thrown. */
type Success<T extends Record<string | number, unknown>, Init> = Extract<
  FetchResponse<T, Init, `${string}/${string}`>,
  { data: unknown }
>;
type Call<V extends Verb> = <P extends PathsWith<V>, Init extends MaybeOptionalInit<paths[P], V>>(
  path: P,
  ...init: undefined extends Init ? [Init?] : [Init]
) => Promise<Success<Operation<P, V>, Init>>;

/** The operations that take an Idempotency-Key, all of them POST. */
export const creating: ReadonlySet<string> = new Set<PathsWith<"post">>([
  "/users",
  "/sessions",
  "/user/keys",
  "/articles",
  "/articles/{slug}/comments",
]);

/** Calls a Byline service. */
export class Byline {
  /** Calls a path of the document; resolves with its typed `data`, rejects with a BylineError. */
  readonly GET: Call<"get">;
  readonly PUT: Call<"put">;
  readonly POST: Call<"post">;
  readonly DELETE: Call<"delete">;

  readonly #baseUrl: string;
  readonly #options: Options;
  #cache: Cache;

  /** @param baseUrl - where the service is, such as `https://byline.example.com` */
  constructor(baseUrl: string, options: Options = {}) {
    this.#baseUrl = baseUrl.replace(/\/*$/, "").replace(/\/api$/, "");
    this.#options = options;
    this.#cache = new Cache(options.cacheBytes ?? 8 << 20);
    const client = createClient<paths>({
      baseUrl: `${this.#baseUrl}/api`,
      fetch: (request) => this.#send(request),
    });
    client.use(this.#middleware());
    // The middleware throws what is no success, so that `data` is always there.
    this.GET = client.GET as Call<"get">;
    this.PUT = client.PUT as Call<"put">;
    this.POST = client.POST as Call<"post">;
    this.DELETE = client.DELETE as Call<"delete">;
  }

  /**
   * Returns a client that differs in its token only. Both share kept answers,
   * each of which only the token that read it gets.
   */
  withToken(token: Options["token"]): Byline {
    const other = new Byline(this.#baseUrl, { ...this.#options, token });
    other.#cache = this.#cache;
    return other;
  }

  /** Yields the articles that match, newest first, fetching pages as they are needed. */
  articles(query: ArticlesQuery = {}): AsyncGenerator<ArticleSummary, void> {
    return pages(query, async (query) => {
      const { data } = await this.GET("/articles", { params: { query } });
      return [data.articles, data.nextCursor];
    });
  }

  /** Yields the articles of the users that the reader follows, newest first. */
  feed(query: FeedQuery = {}): AsyncGenerator<ArticleSummary, void> {
    return pages(query, async (query) => {
      const { data } = await this.GET("/articles/feed", { params: { query } });
      return [data.articles, data.nextCursor];
    });
  }

  /** Yields the comments of an article in the order of `sort`. */
  comments(slug: string, query: CommentsQuery = {}): AsyncGenerator<Comment, void> {
    return pages(query, async (query) => {
      const params = { path: { slug }, query };
      const { data } = await this.GET("/articles/{slug}/comments", { params });
      return [data.comments, data.nextCursor];
    });
  }

  /**
   * Yields all data of the signed-in user, record by record as the service
   * sends them. When it ends, the export is complete; one that breaks off
   * throws, and is not repeated once it has begun.
   */
  async *export({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<ExportRecord, void> {
    const { data } = await this.GET("/user/export", {
      parseAs: "stream",
      fetch: (request) => this.#attempts(request, lines),
      ...(signal && { signal }),
    });
    yield* records(data!, this.#retry.timeout);
  }

  /**
   * Reads an article and changes it as `edit` says, without overwriting what
   * others do at the same time: if somebody was faster, it reads and calls
   * `edit` again.
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
        // Five defeats in a row are no coincidence but a bug in somebody's loop.
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
          throw new BylineError(response, { detail: "the answer is not JSON" });
        }
      },
    };
  }

  async #send(request: Request): Promise<Response> {
    const kept = this.#cache.condition(request);
    return this.#cache.answer(request, await this.#attempts(request, whole), kept);
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
 * Makes a change depend on what was read: when somebody else has edited the
 * article since, it fails with status 412.
 *
 * ```ts
 * params: { path: { slug }, header: ifMatch(read.response) }
 * ```
 */
export function ifMatch(read: Response): { "If-Match": string } {
  const etag = read.headers.get("ETag");
  if (etag === null) throw new TypeError("the answer has no ETag"); // a change would be unconditional
  return { "If-Match": etag };
}

/** Yields the items of page after page. */
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

/** 128 random bits. `crypto.randomUUID` is missing on pages without TLS. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

import type { Call } from "./call.js";
import { BylineError, NotBylineError } from "./error.js";
import { Resources, SessionsResource } from "./generated/resources.js";
import type {
  CallOptions,
  CreateOptions,
  DerivedOptions,
  Options,
  StoredSession,
} from "./options.js";
import { FromStore, Session } from "./session.js";
import { Transport } from "./transport.js";

/** A client of a Byline service. */
export class Byline extends Resources {
  readonly #transport: Transport;

  /**
   * @param address - the address of the service, such as
   * `https://byline.example.com`
   */
  constructor(address: string | URL, options?: Options);
  /** @internal */
  constructor(address: string | URL | Transport, options?: Options);
  constructor(address: string | URL | Transport, options: Options = {}) {
    const transport = address instanceof Transport ? address : connect(address, options);
    super(transport);
    this.#transport = transport;
  }

  /**
   * Returns a client that differs in its token only. Both clients share the
   * cache. A cached response is only returned to the token that requested it.
   */
  withToken(token: Options["token"]): Byline {
    return new Byline(this.#transport.as(token));
  }

  /**
   * Returns a client that differs in these options only. Both clients share the
   * cache and the session.
   *
   * @example
   * ```ts
   * const impatient = byline.withOptions({ timeout: 2_000, retries: 0 });
   * ```
   */
  withOptions(options: DerivedOptions): Byline {
    return new Byline(this.#transport.with(options));
  }

  /**
   * Sign in with e-mail and password
   *
   * Returns a client of this user, whose session renews itself until it is
   * signed out. A client with a `sessionStore` is then signed in itself.
   *
   * @example
   * ```ts
   * const jake = await byline.signIn("jake@example.com", "correct horse");
   * const user = await jake.account.get();
   * ```
   */
  async signIn(email: string, password: string, options: CreateOptions = {}): Promise<Byline> {
    const { session: created, tokens } = await this.sessions.create({ email, password }, options);
    const session = open(this.#transport, { id: created.id, tokens });
    await session.begin();
    const { session: current } = this.#transport;
    if (current instanceof FromStore) current.set(session);
    return new Byline(this.#transport.as(undefined, { get: async () => session }));
  }

  /**
   * Sign out
   *
   * Ends the session of this client, and forgets its tokens. All clients that
   * share the session are signed out.
   */
  async signOut(options: CallOptions = {}): Promise<void> {
    const session = await this.#transport.session?.get();
    try {
      await this.sessions.deleteCurrent(options);
    } catch (error) {
      const ended = error instanceof BylineError && error.status === 401;
      if (!ended || error instanceof NotBylineError) throw error;
    }
    await session?.end();
  }

  /**
   * Send any request
   *
   * For operations that are newer than this package. The path, such as
   * `/articles?tag=dragons`, is that of openapi.yaml. Returns the body of the
   * response as it is.
   *
   * @example
   * ```ts
   * const { tags } = await byline.request<{ tags: string[] }>("GET", "/tags");
   * ```
   */
  request<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    options: CreateOptions = {},
  ): Call<T> {
    return this.#transport.raw(method.toUpperCase(), path, body, options);
  }
}

function connect(address: string | URL, options: Options): Transport {
  const { location } = globalThis as { location?: { href: string } };
  let url: URL;
  try {
    url = new URL(address, location?.href);
  } catch {
    throw notAnAddress(address);
  }
  const { hash, password, protocol, search, username } = url;
  if (!/^https?:$/.test(protocol) || username || password || search || hash) {
    throw notAnAddress(address);
  }
  const api = `${url.origin}${url.pathname.replace(/\/*$/, "").replace(/\/api$/, "")}/api`;
  const transport = new Transport(api, options);
  if (!options.sessionStore) return transport;
  if (options.token !== undefined) throw new TypeError("pass either token or sessionStore");
  const { sessionStore } = options;
  const load = async () => {
    const stored = await sessionStore.load();
    return stored ? open(transport, stored) : undefined;
  };
  return transport.as(undefined, new FromStore(load));
}

/**
 * The message hides what may be a password: all before an @, and a port that is
 * not a number.
 */
function notAnAddress(address: string | URL): TypeError {
  const shown = String(address).replace(/^.*(@)|(:)[^/?#]*[^/?#0-9][^/?#]*/g, "$2[hidden]$1");
  return new TypeError(`"${shown}" is not the address of a service, such as https://example.com`);
}

function open(transport: Transport, stored: StoredSession): Session {
  const sessions = new SessionsResource(transport.as(undefined));
  // A renewal that hangs must leave time for another attempt, which the session
  // makes.
  return new Session(stored, transport.store, async (refreshToken) =>
    sessions.refresh({ refreshToken }, { timeout: 4_000, retries: 0 }),
  );
}

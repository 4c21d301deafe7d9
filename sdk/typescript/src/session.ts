import { BylineConnectionError, BylineError, NotBylineError } from "./error.js";
import type { Tokens } from "./generated/types.js";
import type { SessionStore } from "./options.js";
import { isTemporary, sleep } from "./retry.js";

/** Renew a token this long before it expires, in ms. */
const margin = 30_000;
/**
 * A refresh token can be used once, but for ten seconds its use counts as a
 * retry. After that, another use would end the session.
 */
const retryWindow = 8_000;

/**
 * The tokens of a session, which are renewed by one request at a time however
 * many calls need them.
 */
export class Session {
  readonly #store: SessionStore | undefined;
  readonly #refresh: (refreshToken: string) => Promise<Tokens>;
  #tokens: Promise<Tokens | undefined> | undefined;
  /** When to renew the tokens, by the clock of Date.now. */
  #renewAt = 0;
  #renewal: Promise<string | undefined> | undefined;

  /** `refresh` sends one request, which is not repeated. */
  constructor(store: SessionStore | undefined, refresh: (refreshToken: string) => Promise<Tokens>) {
    this.#store = store;
    this.#refresh = refresh;
  }

  /** Returns the access token, which is renewed if it is about to expire. */
  async token(): Promise<string | undefined> {
    if (this.#renewal) return this.#renewal;
    const tokens = await this.#load();
    if (!tokens || Date.now() < this.#renewAt) return tokens?.accessToken;
    return this.renew(tokens.accessToken);
  }

  /**
   * Replaces an access token that has expired, and returns the new one. Throws
   * the error of the service if it does not renew the session.
   */
  renew(accessToken: string): Promise<string | undefined> {
    this.#renewal ??= this.#renew(accessToken).finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  /** Replaces the tokens. Without tokens, the session has ended. */
  async replace(tokens: Tokens | undefined): Promise<void> {
    this.#hold(tokens);
    // If the clocks of the client and of the service differ that much, a token
    // is renewed when the service rejects it.
    if (this.#renewAt <= Date.now()) this.#renewAt = Infinity;
    await this.#store?.save(tokens ?? null);
  }

  async #renew(accessToken: string): Promise<string | undefined> {
    const held = await this.#load();
    // Another process with the same store may have renewed the session.
    const tokens = this.#store ? ((await this.#store.load()) ?? undefined) : held;
    if (tokens?.accessToken !== accessToken) {
      if (tokens?.accessToken !== held?.accessToken) this.#hold(tokens);
      return tokens?.accessToken;
    }
    const before = this.#tokens;
    try {
      const renewed = await this.#exchange(tokens.refreshToken);
      // The user may have signed out in the meantime.
      if (this.#tokens === before) await this.replace(renewed);
      return renewed.accessToken;
    } catch (error) {
      if (isRefusal(error) && this.#tokens === before) await this.replace(undefined);
      throw error;
    }
  }

  /** Exchanges a refresh token, again while that counts as a retry. */
  async #exchange(refreshToken: string): Promise<Tokens> {
    const started = performance.now();
    for (let wait = 250; ; wait *= 2) {
      try {
        return await this.#refresh(refreshToken);
      } catch (error) {
        const asked = error instanceof BylineError ? (error.retryAfter ?? 0) * 1000 : 0;
        const temporary =
          error instanceof BylineConnectionError ||
          (error instanceof BylineError && isTemporary(error.status));
        const delay = Math.max(asked, wait);
        if (!temporary || performance.now() - started + delay > retryWindow) throw error;
        await sleep(delay);
      }
    }
  }

  #load(): Promise<Tokens | undefined> {
    if (!this.#tokens) {
      const loading = Promise.resolve(this.#store?.load()).then((tokens) => {
        if (this.#tokens === loading) this.#renewAt = renewalTime(tokens);
        return tokens ?? undefined;
      });
      this.#tokens = loading;
      // The next call loads the tokens again.
      loading.catch(() => this.#tokens === loading && (this.#tokens = undefined));
    }
    return this.#tokens;
  }

  #hold(tokens: Tokens | undefined): void {
    this.#tokens = Promise.resolve(tokens);
    this.#renewAt = renewalTime(tokens);
  }
}

/** Reports whether the service has decided not to renew a session. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof BylineError) || error instanceof NotBylineError) return false;
  return error.status < 500 && error.status !== 429;
}

function renewalTime(tokens: Tokens | null | undefined): number {
  return tokens ? Date.parse(tokens.accessTokenExpiresAt) - margin : Infinity;
}

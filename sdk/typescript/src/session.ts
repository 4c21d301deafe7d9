import { BylineConnectionError, BylineError, NotBylineError, SessionEndedError } from "./error.js";
import type { Tokens } from "./generated/types.js";
import type { SessionStore, StoredSession } from "./options.js";
import { isTemporary, sleep } from "./retry.js";

/** Renew a token this long before it expires, in ms. */
const margin = 30_000;
/**
 * A refresh token can be used once, but for ten seconds its use counts as a
 * retry. After that, another use would end the session.
 */
const retryWindow = 8_000;
/**
 * After a renewal has failed, a token that is still valid is used for this
 * long, in ms.
 */
const pause = 10_000;

/** The number of sessions that there have been. */
let sessions = 0;

/**
 * The session of one user, whose tokens are renewed by one request at a time
 * however many calls need them.
 */
export class Session {
  /** The user, for the cache. It stays the same when the token is renewed. */
  readonly identity = `session ${++sessions}`;
  readonly #id: number;
  readonly #store: SessionStore | undefined;
  readonly #refresh: (refreshToken: string) => Promise<Tokens>;
  /** Undefined if the session has ended. */
  #tokens: Tokens | undefined;
  /** When to renew the tokens, by the clock of Date.now. */
  #renewAt: number;
  #renewal: Promise<string> | undefined;

  /** `refresh` sends one request, which is not repeated. */
  constructor(
    { id, tokens }: StoredSession,
    store: SessionStore | undefined,
    refresh: (refreshToken: string) => Promise<Tokens>,
  ) {
    this.#id = id;
    this.#store = store;
    this.#refresh = refresh;
    this.#tokens = tokens;
    this.#renewAt = renewalTime(tokens);
  }

  get ended(): boolean {
    return this.#tokens === undefined;
  }

  /** Writes a session to the store that has just begun. */
  async begin(): Promise<void> {
    this.#hold(this.#tokens!);
    await this.#store?.save({ id: this.#id, tokens: this.#tokens! });
  }

  /** Returns the access token, which is renewed if it is about to expire. */
  async token(operation: string): Promise<string> {
    const tokens = this.#tokens;
    if (!tokens) throw new SessionEndedError(operation);
    if (!this.#renewal && Date.now() < this.#renewAt) return tokens.accessToken;
    try {
      return await this.renew(operation, tokens.accessToken);
    } catch (error) {
      const valid = Date.now() < Date.parse(tokens.accessTokenExpiresAt);
      if (this.#tokens === tokens && valid) return tokens.accessToken;
      throw error;
    }
  }

  /**
   * Replaces an access token that has expired, and returns the new one. Throws
   * the error of the service if it does not renew the session.
   */
  async renew(operation: string, accessToken: string): Promise<string> {
    const tokens = this.#tokens;
    if (!tokens) throw new SessionEndedError(operation);
    if (tokens.accessToken !== accessToken) return tokens.accessToken;
    this.#renewal ??= this.#renew(tokens).finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  /** Forgets the tokens of a session that has ended. */
  async end(): Promise<void> {
    this.#tokens = undefined;
    await this.#save(null);
  }

  async #renew(old: Tokens): Promise<string> {
    this.#renewAt = Date.now() + pause;
    // Another process with the same store may have renewed the session.
    const stored = await this.#renewedElsewhere(old);
    if (stored && Date.now() < renewalTime(stored)) return this.#adopt(old, stored);
    const last = stored ?? old;
    let renewed: Tokens;
    try {
      renewed = await this.#exchange(last.refreshToken);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const stored = await this.#renewedElsewhere(last);
      if (stored) return this.#adopt(old, stored);
      this.#continue(old);
      await this.end();
      throw new SessionEndedError(error.operation, error);
    }
    this.#continue(old);
    this.#hold(renewed);
    await this.#save({ id: this.#id, tokens: renewed });
    return renewed.accessToken;
  }

  /** Throws if the user has signed out during a renewal. */
  #continue(old: Tokens): void {
    if (this.#tokens !== old) throw new SessionEndedError("sessions.refresh");
  }

  #adopt(old: Tokens, stored: Tokens): string {
    this.#continue(old);
    this.#tokens = stored;
    this.#renewAt = renewalTime(stored);
    return stored.accessToken;
  }

  #hold(tokens: Tokens): void {
    this.#tokens = tokens;
    this.#renewAt = renewalTime(tokens);
    // If the clocks of the client and of the service differ that much, a token
    // is renewed when the service rejects it.
    if (this.#renewAt <= Date.now()) this.#renewAt = Infinity;
  }

  /**
   * Returns the tokens in the store if they are newer ones of this session.
   * Older ones are there if the last ones could not be saved.
   */
  async #renewedElsewhere({
    accessTokenExpiresAt,
    refreshToken,
  }: Tokens): Promise<Tokens | undefined> {
    const stored = await this.#store?.load();
    if (stored?.id !== this.#id || stored.tokens.refreshToken === refreshToken) return undefined;
    const older = Date.parse(stored.tokens.accessTokenExpiresAt) < Date.parse(accessTokenExpiresAt);
    return older ? undefined : stored.tokens;
  }

  /**
   * Writes the session to the store, unless somebody else has signed in with
   * it.
   */
  async #save(session: StoredSession | null): Promise<void> {
    const stored = await this.#store?.load();
    if (!stored || stored.id === this.#id) await this.#store?.save(session);
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
}

/** The session that the calls of a client use. */
export interface CurrentSession {
  get(): Promise<Session | undefined>;
}

/**
 * The session of a client with a store: the stored one, until it ends or
 * another user signs in.
 */
export class FromStore implements CurrentSession {
  readonly #load: () => Promise<Session | undefined>;
  #session: Promise<Session | undefined> | undefined;

  constructor(load: () => Promise<Session | undefined>) {
    this.#load = load;
  }

  async get(): Promise<Session | undefined> {
    const loading = (this.#session ??= this.#load());
    // The next call loads the session again.
    loading.catch(() => this.#session === loading && (this.#session = undefined));
    const session = await loading;
    return session?.ended ? undefined : session;
  }

  set(session: Session): void {
    this.#session = Promise.resolve(session);
  }
}

/** Reports whether the service has decided not to renew a session. */
function isRefusal(error: unknown): error is BylineError {
  if (!(error instanceof BylineError) || error instanceof NotBylineError) return false;
  return [401, 403, 422].includes(error.status);
}

function renewalTime({ accessTokenExpiresAt }: Tokens): number {
  return Date.parse(accessTokenExpiresAt) - margin;
}

/** A response with its headers. */
export interface FullResponse<T> {
  /** What the operation returns. */
  data: T;
  /** The HTTP status, such as 200. */
  status: number;
  /** The headers, such as `RateLimit`. */
  headers: Headers;
  /** The version of the value, for the option `ifMatch`. */
  etag: string | undefined;
  /** Identifies the request in the log of the service. */
  requestId: string | undefined;
  /**
   * Whether the value was created by an earlier request with the same
   * Idempotency-Key.
   */
  replayed: boolean;
}

/** A promise of what an operation returns. */
export class Call<T> extends Promise<T> {
  // Methods of Promise return plain promises.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  readonly #full: Promise<FullResponse<T>>;

  /** @internal */
  constructor(full: Promise<FullResponse<T>>) {
    super((resolve) => resolve(undefined as T));
    this.#full = full;
  }

  /** Resolves with the data, the status and the headers of the response. */
  withResponse(): Promise<FullResponse<T>> {
    return this.#full;
  }

  override then<A = T, B = never>(
    resolved?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#full.then(({ data }) => data).then(resolved, rejected);
  }
}

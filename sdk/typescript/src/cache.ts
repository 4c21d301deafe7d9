interface CachedResponse {
  headers: Headers;
  body: ArrayBuffer;
}

/**
 * Stores responses with an entity tag. It only returns a cached response after
 * the service has confirmed it with 304, so that no response is stale.
 */
export class Cache {
  readonly #limit: number;
  #size = 0;
  // A Map iterates in insertion order, and each use inserts an entry again. The
  // first entry is therefore the least recently used one.
  readonly #entries = new Map<string, CachedResponse>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Adds the entity tag of the cached response to the request, unless the
   * caller has set a condition. Returns the cached response.
   */
  addCondition(request: Request): CachedResponse | undefined {
    if (request.method !== "GET" || request.headers.has("If-None-Match")) return undefined;
    const key = keyOf(request);
    const cached = this.#entries.get(key);
    if (!cached) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, cached);
    request.headers.set("If-None-Match", cached.headers.get("ETag")!);
    return cached;
  }

  /**
   * Returns the response for the caller. If the service has confirmed the
   * cached response, that is the cached response with the new header fields
   * (RFC 9111, section 4.3.4). Otherwise stores the response if it can be
   * reused.
   */
  async resolve(
    request: Request,
    response: Response,
    cached: CachedResponse | undefined,
  ): Promise<Response> {
    if (!cached || response.status !== 304) {
      if (request.method === "GET" && response.status === 200) await this.#store(request, response);
      return response;
    }
    const headers = new Headers(cached.headers);
    response.headers.forEach((value, name) => {
      if (!name.startsWith("content-")) headers.set(name, value);
    });
    return new Response(cached.body, { status: 200, statusText: "OK", headers });
  }

  async #store(request: Request, response: Response): Promise<void> {
    const { headers } = response;
    if (!headers.has("ETag") || headers.get("Cache-Control")?.includes("no-store")) return;
    const body = await response.clone().arrayBuffer();
    if (body.byteLength > this.#limit) return;
    const key = keyOf(request);
    this.#remove(key);
    this.#entries.set(key, { headers: new Headers(headers), body });
    this.#size += body.byteLength;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#limit) break;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    this.#size -= this.#entries.get(key)?.body.byteLength ?? 0;
    this.#entries.delete(key);
  }
}

/**
 * The cache key. It contains the token, so that users do not get responses of
 * others.
 */
function keyOf(request: Request): string {
  return `${request.url}\n${request.headers.get("Authorization") ?? ""}`;
}

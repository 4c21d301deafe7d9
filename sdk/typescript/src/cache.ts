import type { Outgoing } from "./retry.js";

interface CachedResponse {
  headers: Headers;
  body: string;
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
   * Sends a request through the cache: adds the entity tag of the cached
   * response, unless the caller has set a condition, and returns that response
   * if the service has confirmed it.
   */
  async send(request: Outgoing, send: (request: Outgoing) => Promise<Response>): Promise<Response> {
    if (request.method !== "GET" || request.headers.has("If-None-Match")) return send(request);
    const key = keyOf(request);
    const cached = this.#entries.get(key);
    if (!cached) return this.#store(key, await send(request));
    this.#entries.delete(key);
    this.#entries.set(key, cached);
    const headers = new Headers(request.headers);
    headers.set("If-None-Match", cached.headers.get("ETag")!);
    const response = await send({ ...request, headers });
    return response.status === 304 ? confirmed(cached, response) : this.#store(key, response);
  }

  /** Stores a response if it can be reused, and returns it. */
  async #store(key: string, response: Response): Promise<Response> {
    const { headers } = response;
    if (response.status !== 200 || !headers.has("ETag")) return response;
    if (headers.get("Cache-Control")?.includes("no-store")) return response;
    const body = await response.clone().text();
    if (body.length > this.#limit) return response;
    this.#remove(key);
    this.#entries.set(key, { headers: new Headers(headers), body });
    this.#size += body.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#limit) break;
      this.#remove(oldest);
    }
    return response;
  }

  #remove(key: string): void {
    this.#size -= this.#entries.get(key)?.body.length ?? 0;
    this.#entries.delete(key);
  }
}

/**
 * Returns the cached response with the new header fields (RFC 9111, section
 * 4.3.4).
 */
function confirmed(cached: CachedResponse, response: Response): Response {
  const headers = new Headers(cached.headers);
  response.headers.forEach((value, name) => {
    if (!name.startsWith("content-")) headers.set(name, value);
  });
  return new Response(cached.body, { status: 200, statusText: "OK", headers });
}

/**
 * The cache key. It contains the session or the token, so that users do not get
 * responses of others.
 */
function keyOf({ authorization, headers, identity, url }: Outgoing): string {
  return `${url}\n${identity ?? authorization ?? headers.get("Authorization") ?? ""}`;
}

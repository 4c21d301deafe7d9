interface Kept {
  headers: Headers;
  body: ArrayBuffer;
}

/**
 * Keeps answers with an entity tag. An answer is never given unasked: the
 * service confirms with 304 that it still holds, and is spared sending it.
 */
export class Cache {
  readonly #limit: number;
  #size = 0;
  // A Map iterates in the order of insertion: the first is the one unused for
  // longest, because using one inserts it anew.
  readonly #entries = new Map<string, Kept>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Makes the request conditional on the answer that is kept for it, unless
   * the caller has set a condition.
   */
  condition(request: Request): Kept | undefined {
    if (request.method !== "GET" || request.headers.has("If-None-Match")) return undefined;
    const key = keyOf(request);
    const kept = this.#entries.get(key);
    if (!kept) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, kept);
    request.headers.set("If-None-Match", kept.headers.get("ETag")!);
    return kept;
  }

  /**
   * Keeps an answer that can be reused, or gives the one that the service has
   * confirmed, with the newer headers (RFC 9111, section 4.3.4).
   */
  async answer(request: Request, response: Response, kept: Kept | undefined): Promise<Response> {
    if (!kept || response.status !== 304) {
      if (request.method === "GET" && response.status === 200) await this.#keep(request, response);
      return response;
    }
    const headers = new Headers(kept.headers);
    response.headers.forEach((value, name) => {
      if (!name.startsWith("content-")) headers.set(name, value);
    });
    return new Response(kept.body, { status: 200, statusText: "OK", headers });
  }

  async #keep(request: Request, response: Response): Promise<void> {
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

/** Tells the answers of different users apart. */
function keyOf(request: Request): string {
  return `${request.url}\n${request.headers.get("Authorization") ?? ""}`;
}

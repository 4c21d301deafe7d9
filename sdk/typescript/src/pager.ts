import { Call, type FullResponse } from "./call.js";

/** A page of a list. */
export interface Page<T> {
  /** The items of this page. */
  items: T[];
  /** The parameter `cursor` of the next page; null on the last page. */
  nextCursor: string | null;
}

/** A page of a list whose length is known. */
export interface CountedPage<T> extends Page<T> {
  /** The number of items of the whole list. */
  total: number;
}

/**
 * A list that is read page by page. `for await` iterates over all items and
 * requests pages as needed; `await` returns the first page.
 */
export class Pager<T, P extends Page<T> = Page<T>> implements PromiseLike<P>, AsyncIterable<T> {
  readonly #request: (cursor: { cursor?: string }) => Call<P>;

  /** @internal */
  constructor(request: (cursor: { cursor?: string }) => Call<P>) {
    this.#request = request;
  }

  /** Iterates over the pages. */
  async *pages(): AsyncGenerator<P, void, undefined> {
    let page = await this.#request({});
    for (;;) {
      yield page;
      if (page.nextCursor === null) return;
      page = await this.#request({ cursor: page.nextCursor });
    }
  }

  /** Iterates over the items of all pages. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) yield* page.items;
  }

  /** Returns the first items, up to `max`. */
  async toArray(max: number): Promise<T[]> {
    const items: T[] = [];
    if (max <= 0) return items;
    for await (const item of this) {
      items.push(item);
      if (items.length >= max) break;
    }
    return items;
  }

  /** Resolves with the first page, and the headers of its response. */
  withResponse(): Promise<FullResponse<P>> {
    return this.#request({}).withResponse();
  }

  /** Resolves with the first page, as `await` does. */
  then<A = P, B = never>(
    resolved?: ((page: P) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#request({}).then(resolved, rejected);
  }

  /** Handles the error of the request for the first page. */
  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<P | B> {
    return this.then(undefined, rejected);
  }

  /** Calls a function when the first page is there, or has failed. */
  finally(done?: (() => void) | null): Promise<P> {
    return this.#request({}).finally(done);
  }
}

import type { Call } from "./call.js";
import { BylineError } from "./error.js";

/**
 * Reads a value and writes it on the condition that nobody has edited it in the
 * meantime. Otherwise reads it again.
 */
export async function edit<T>(
  read: () => Call<T>,
  write: (value: T, etag: string) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const { data, etag } = await read().withResponse();
    // Without an entity tag, the update would be unconditional.
    if (etag === undefined)
      throw new TypeError("the response has no ETag; does a proxy remove it?");
    try {
      return await write(data, etag);
    } catch (error) {
      // Five conflicts in a row are not a coincidence but a bug in a client.
      if (!(error instanceof BylineError) || error.status !== 412 || attempt === 5) throw error;
    }
  }
}

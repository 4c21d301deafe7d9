import { BylineConnectionError, BylineTimeoutError } from "./error.js";
import { type Outgoing, readWhole, sleep } from "./retry.js";

/**
 * Returns a stream of lines unread. Reads any other response, such as a
 * problem, to its end.
 */
export async function readUnlessLines(response: Response): Promise<Response> {
  const isLines = response.ok && response.headers.get("Content-Type")?.includes("ndjson");
  return isLines ? response : readWhole(response);
}

/**
 * Yields the records of an export. Waits for each chunk no longer than the
 * timeout of the request. Throws a BylineConnectionError if the export is
 * incomplete.
 */
export async function* records<T>(
  body: ReadableStream<Uint8Array>,
  request: Outgoing,
): AsyncGenerator<T, void, undefined> {
  const target = { ...request, attempt: 1 };
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  let count = 0;
  let complete = false;
  try {
    for (;;) {
      const { done, value } = await next(reader, request);
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const record = JSON.parse(line) as { type: string; records?: number };
        if (record.type === "end") {
          complete = record.records === count;
          continue;
        }
        count++;
        yield record as T;
      }
    }
  } finally {
    await reader.cancel().catch(() => {}); // the stream may have failed already
  }
  if (!complete) throw new BylineConnectionError(target, undefined, "the export is incomplete");

  /** Returns the next chunk. */
  async function next(reader: ReadableStreamDefaultReader<Uint8Array>, request: Outgoing) {
    const stop = new AbortController();
    const abort = () => stop.abort();
    request.signal?.addEventListener("abort", abort);
    try {
      request.signal?.throwIfAborted();
      const late = sleep(request.timeout, stop.signal).then(() => {
        throw new BylineTimeoutError(target, request.timeout);
      });
      return await Promise.race([reader.read().catch(broken), late]);
    } catch (error) {
      request.signal?.throwIfAborted();
      throw error;
    } finally {
      request.signal?.removeEventListener("abort", abort);
      stop.abort();
    }
  }

  function broken(error: unknown): never {
    throw new BylineConnectionError(target, error, "the connection broke");
  }
}

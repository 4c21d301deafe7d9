import { readWhole, timedOut } from "./retry.js";
import type { components } from "./schema.js";

/** A record of an export. Its fields depend on its `type`. */
export type ExportRecord = components["schemas"]["ExportRecord"];

/**
 * Returns a stream of lines unread. Reads any other response, such as a
 * problem, to its end.
 */
export async function readUnlessLines(response: Response): Promise<Response> {
  const isLines = response.ok && response.headers.get("Content-Type")?.includes("ndjson");
  return isLines ? response : readWhole(response);
}

/**
 * Yields the records of an export. Waits at most `timeout` ms for each chunk.
 * If the export is incomplete, throws a TypeError as `fetch` does when a
 * connection breaks.
 */
export async function* records(
  body: ReadableStream<Uint8Array>,
  timeout: number,
): AsyncGenerator<ExportRecord, void> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  let count = 0;
  let complete = false;
  try {
    for (;;) {
      const { done, value } = await within(timeout, reader.read());
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const record: ExportRecord = JSON.parse(line);
        if (record.type === "end") {
          complete = record["records"] === count;
          continue;
        }
        count++;
        yield record;
      }
    }
  } finally {
    await reader.cancel();
  }
  if (!complete) throw new TypeError("the export is incomplete");
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timedOut()), ms);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

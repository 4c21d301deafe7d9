import { timedOut, whole } from "./retry.js";
import type { components } from "./schema.js";

/** A record of an export; its members depend on its `type`. */
export type ExportRecord = components["schemas"]["ExportRecord"];

/** Leaves an answer of lines to be read as they come; a problem is none. */
export async function lines(response: Response): Promise<Response> {
  const isLines = response.ok && response.headers.get("Content-Type")?.includes("ndjson");
  return isLines ? response : whole(response);
}

/**
 * Yields the records of an export and waits at most `timeout` ms for each
 * piece of it. Throws what `fetch` does when it breaks off, if it does so
 * silently too.
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
  if (!complete) throw new TypeError("the export has broken off");
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timedOut()), ms);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

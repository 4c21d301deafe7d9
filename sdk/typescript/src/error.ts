import type { components } from "./schema.js";

/** What happened, for a program. Newer services may know more codes. */
export type ProblemCode = components["schemas"]["ProblemCode"] | (string & {});

/** An answer that is not a success. */
export class BylineError extends Error {
  override readonly name = "BylineError";
  readonly status: number;
  /** Undefined when something in front of the service has answered. */
  readonly code: ProblemCode | undefined;
  readonly detail: string;
  /** What is wrong with each field. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /** Finds the call in the service's log. */
  readonly requestId: string | undefined;
  /** The seconds that the service asks to wait. */
  readonly retryAfter: number | undefined;

  /** @internal */
  constructor(response: Response, problem: Partial<components["schemas"]["Problem"]>) {
    const fields = problem.errors ?? {};
    const detail = problem.detail ?? (response.statusText || "no success");
    const requestId = response.headers.get("X-Request-Id") ?? undefined;
    const parts = [
      `${response.status}${problem.code ? ` ${problem.code}` : ""}: ${detail}`,
      Object.entries(fields)
        .map(([field, messages]) => `${field} ${messages.join(", ")}`)
        .join("; "),
      requestId && `(request ${requestId})`,
    ];
    super(parts.filter(Boolean).join(" "));
    this.status = response.status;
    this.code = problem.code;
    this.detail = detail;
    this.fields = fields;
    this.requestId = requestId;
    this.retryAfter = retryAfter(response.headers);
  }

  /** Reads an answer as a problem (RFC 9457), if it is one. */
  static async from(response: Response): Promise<BylineError> {
    if (!isJSON(response)) return new BylineError(response, {});
    try {
      return new BylineError(response, (await response.json()) ?? {});
    } catch {
      return new BylineError(response, {}); // says JSON, is none
    }
  }
}

export function isJSON(response: Response): boolean {
  return response.headers.get("Content-Type")?.includes("json") ?? false;
}

/** Reads seconds or a date (RFC 9110, section 10.2.3). */
export function retryAfter(headers: Headers): number | undefined {
  const field = headers.get("Retry-After");
  if (field === null) return undefined;
  const seconds = /^\d+$/.test(field) ? Number(field) : (Date.parse(field) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

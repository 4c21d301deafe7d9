import type { components } from "./schema.js";

/**
 * A machine-readable error code. Newer services may return additional codes.
 */
export type ProblemCode = components["schemas"]["ProblemCode"] | (string & {});

/** A response that is not a success. */
export class BylineError extends Error {
  override readonly name = "BylineError";
  readonly status: number;
  /**
   * The error code. Undefined if the response comes from a proxy instead of the
   * service.
   */
  readonly code: ProblemCode | undefined;
  readonly detail: string;
  /** The messages for each invalid field. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /** Identifies the request in the log of the service. */
  readonly requestId: string | undefined;
  /** The seconds that the service asks to wait before a retry. */
  readonly retryAfter: number | undefined;

  /** @internal */
  constructor(response: Response, problem: Partial<components["schemas"]["Problem"]>) {
    const fields = problem.errors ?? {};
    const detail = problem.detail ?? (response.statusText || "unexpected response");
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

  /** Parses a response as a problem (RFC 9457), if it is one. */
  static async from(response: Response): Promise<BylineError> {
    if (!isJSON(response)) return new BylineError(response, {});
    try {
      return new BylineError(response, (await response.json()) ?? {});
    } catch {
      return new BylineError(response, {}); // the body is not valid JSON
    }
  }
}

export function isJSON(response: Response): boolean {
  return response.headers.get("Content-Type")?.includes("json") ?? false;
}

/**
 * Parses Retry-After, which is a number of seconds or a date (RFC 9110, section
 * 10.2.3).
 */
export function retryAfter(headers: Headers): number | undefined {
  const field = headers.get("Retry-After");
  if (field === null) return undefined;
  const seconds = /^\d+$/.test(field) ? Number(field) : (Date.parse(field) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

import type { Problem, ProblemCode as Known } from "./generated/types.js";

/**
 * A machine-readable error code. Newer services may return additional codes.
 */
export type ProblemCode = Known | (string & {});

/**
 * The codes of errors whose detail says everything, so that the message leaves
 * the fields out.
 */
const selfExplanatory: ReadonlySet<string | undefined> = new Set<Known>([
  "account_suspended",
  "body_too_large",
  "credentials_invalid",
  "database_unavailable",
  "forbidden",
  "idempotency_key_reused",
  "internal",
  "method_not_allowed",
  "not_found",
  "overloaded",
  "precondition_failed",
  "route_not_found",
  "token_expired",
  "token_invalid",
  "token_missing",
]);

/** The service has refused a request, or failed. */
export class BylineError extends Error {
  override readonly name: string = "BylineError";
  /** The operation, such as `articles.create`. */
  readonly operation: string;
  /** The HTTP status, such as 422. */
  readonly status: number;
  /** What happened, for programs. Undefined if a proxy has answered. */
  readonly code: ProblemCode | undefined;
  /** The status in words. */
  readonly title: string;
  /** What happened, in a sentence for people. */
  readonly detail: string;
  /** The messages for each invalid field. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /**
   * The page that explains the error, relative to the address of the service.
   */
  readonly type: string | undefined;
  /** Identifies the request in the log of the service. */
  readonly requestId: string | undefined;
  /** The seconds that the service asks to wait before a retry. */
  readonly retryAfter: number | undefined;
  /** The headers of the response. */
  readonly headers: Headers;

  /** @internal */
  constructor(
    operation: string,
    response: Response,
    problem: Partial<Problem>,
    request?: { method: string; url: string },
  ) {
    const fields = problem.errors ?? {};
    const detail = problem.detail ?? (response.statusText || "no details");
    const requestId = response.headers.get("X-Request-Id") ?? undefined;
    const parts = [
      `${operation}: ${response.status}${problem.code ? ` ${problem.code}` : ""}: ${detail}`,
      problem.code === "route_not_found" &&
        request &&
        `The request was ${request.method} ${request.url}; check the address and the version of the service.`,
      !selfExplanatory.has(problem.code) &&
        Object.entries(fields)
          .map(([field, messages]) => `${field} ${messages.join(", ")}`)
          .join("; "),
      requestId && `(request ${requestId})`,
    ];
    super(parts.filter(Boolean).join(" "));
    this.operation = operation;
    this.status = response.status;
    this.code = problem.code;
    this.title = problem.title ?? response.statusText;
    this.detail = detail;
    this.fields = fields;
    this.type = problem.type;
    this.requestId = requestId;
    this.retryAfter = retryAfter(response.headers);
    this.headers = response.headers;
  }
}

/**
 * The session of the client has ended, so that the user has to sign in again.
 * `cause` is the response of the service, unless the user has signed out.
 */
export class SessionEndedError extends BylineError {
  override readonly name = "SessionEndedError";

  /** @internal */
  constructor(operation: string, refusal?: BylineError) {
    const { code, headers, status = 401 } = refusal ?? {};
    super(operation, new Response(null, { status, headers: headers ?? {} }), {
      ...(code && { code: code as Known }),
      title: "Unauthorized",
      detail: "The session has ended. Sign in again.",
    });
    this.cause = refusal;
  }
}

/**
 * The response is not one of a Byline service: something else has answered at
 * this address, such as a proxy or another service.
 */
export class NotBylineError extends BylineError {
  override readonly name = "NotBylineError";
  /** The URL of the request. */
  readonly url: string;
  /** The beginning of the body. */
  readonly body: string;

  /** @internal */
  constructor(
    { operation, url }: { operation: string; url: string },
    response: Response,
    body: string,
  ) {
    const type = response.headers.get("Content-Type") ?? "no Content-Type";
    const beginning = body.trim().slice(0, 200);
    const redirect = response.redirected ? `, after a redirect to ${response.url}` : "";
    super(operation, response, {
      detail:
        `${url} did not answer as a Byline service does (${type}${redirect}: ${JSON.stringify(beginning)}). ` +
        "Check the address of the service, which does not include /api, and the proxies in front of it.",
    });
    this.url = url;
    this.body = beginning;
  }
}

/**
 * There was no response, or it broke off. `cause` is the error of the last
 * attempt.
 */
export class BylineConnectionError extends Error {
  override readonly name: string = "BylineConnectionError";
  /** The operation, such as `articles.create`. */
  readonly operation: string;
  /** The HTTP method, such as `GET`. */
  readonly method: string;
  /** The URL of the request. */
  readonly url: string;
  /** The number of attempts. */
  readonly attempts: number;

  /** @internal */
  constructor(
    { operation, method, url, attempt }: Target,
    cause: unknown,
    problem = `no response: ${reason(cause)}`,
  ) {
    const attempts = attempt === 1 ? "1 attempt" : `${attempt} attempts`;
    super(`${operation}: ${method} ${url}: ${problem} (${attempts})`, { cause });
    this.operation = operation;
    this.method = method;
    this.url = url;
    this.attempts = attempt;
  }
}

/** There was no response within the time limit. */
export class BylineTimeoutError extends BylineConnectionError {
  override readonly name = "BylineTimeoutError";

  /** @internal */
  constructor(target: Target, timeout: number) {
    super(target, undefined, `no response within ${timeout} ms`);
  }
}

interface Target {
  operation: string;
  method: string;
  url: string;
  attempt: number;
}

/** `fetch` of Node says only "fetch failed", and the reason is in its cause. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, message } = error;
  if (!(cause instanceof Error)) return message;
  const code = (cause as { code?: unknown }).code;
  return `${message}: ${cause.message || String(code ?? cause.name)}`;
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

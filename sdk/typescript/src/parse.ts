import { BylineError, NotBylineError } from "./error.js";
import { isTemporary, type Outgoing } from "./retry.js";
import type { Operation } from "./transport.js";

/** A JSON object. */
export type Json = Record<string, unknown>;

/** Returns what a response contains for the caller, or throws an error. */
export async function parse(
  { empty, expects, text: plain, unwraps }: Operation,
  request: Outgoing,
  response: Response,
): Promise<unknown> {
  if (!response.ok) throw await refusal(request, response);
  const text = await response.text();
  const notByline = () => new NotBylineError(request, response, text);
  // After a redirect, other methods than GET are GET: nothing was changed.
  if (response.redirected && request.method !== "GET") throw notByline();
  if (plain) {
    if (!response.headers.get("Content-Type")?.startsWith("text/plain")) throw notByline();
    return text;
  }
  if (text === "" && expects === undefined) return undefined;
  const body = fromJSON(text);
  if (body === undefined || empty) throw notByline();
  if (expects === undefined) return body;
  if (!isObject(body) || !(expects in body)) throw notByline();
  return unwraps ? body[expects] : body;
}

/** Returns the error that a response without success describes. */
export async function refusal(request: Outgoing, response: Response): Promise<BylineError> {
  const text = await response.text();
  const problem = fromJSON(text);
  if (isObject(problem) && typeof problem["code"] === "string" && "requestId" in problem) {
    return new BylineError(request.operation, response, problem, request);
  }
  // Proxies have responses of their own while a service is not available, and a
  // 304 that the caller has asked for has no body.
  if (isTemporary(response.status) || [304, 500].includes(response.status)) {
    return new BylineError(request.operation, response, {});
  }
  return new NotBylineError(request, response, text);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null;
}

/** Returns undefined if the text is not JSON. */
function fromJSON(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

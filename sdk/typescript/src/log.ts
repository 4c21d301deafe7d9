import { reason } from "./error.js";
import type { Outcome } from "./options.js";

const { console, process } = globalThis as {
  console?: { error(line: string): void };
  process?: { env?: Record<string, string | undefined>; versions?: { deno?: string } };
};
// Deno would ask the user for permission to read a variable.
const level = process?.versions?.deno ? undefined : process?.env?.["BYLINE_LOG"];

if (level && level !== "debug" && level !== "info") {
  console?.error(`byline: BYLINE_LOG must be debug or info, not "${level}"`);
}

/** Writes an attempt to the standard error stream if BYLINE_LOG is debug. */
export function logAttempt(outcome: Outcome): void {
  if (level === "debug") console?.error(`byline: ${line(outcome)}`);
}

/**
 * Writes an attempt that is followed by another to the standard error stream if
 * BYLINE_LOG is debug or info.
 */
export function logRetry(outcome: Outcome, delay: number): void {
  if (level !== "debug" && level !== "info") return;
  console?.error(`byline: ${line(outcome)}; another attempt in ${(delay / 1000).toFixed(1)} s`);
}

/** Describes an attempt, without tokens and bodies. */
function line(outcome: Outcome): string {
  const { attempt, duration, error, method, operation, requestId, status, url } = outcome;
  const result = status ?? reason(error);
  const number = attempt > 1 ? `, attempt ${attempt}` : "";
  const request = requestId ? ` (request ${requestId})` : "";
  return `${operation}: ${method} ${url}: ${result} in ${duration.toFixed(0)} ms${number}${request}`;
}

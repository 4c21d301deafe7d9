/**
 * The TypeScript client of Byline, a headless publishing API.
 *
 * Each resource of the service is a property of the class `Byline`, and each
 * operation is a method of it. The client adds authentication, sessions that
 * renew themselves, retries that cannot create anything twice, a cache that
 * revalidates responses by their entity tag, typed errors, iterators over paged
 * lists and exports, and hooks for logs and traces.
 *
 * @module
 */
export type { Call, FullResponse } from "./call.js";
export { Byline } from "./client.js";
export {
  BylineConnectionError,
  BylineError,
  BylineTimeoutError,
  NotBylineError,
  SessionEndedError,
  type ProblemCode,
} from "./error.js";
export type * from "./generated/resources.js";
export type * from "./generated/types.js";
export { version } from "./generated/version.js";
export type {
  Attempt,
  CallOptions,
  ConditionalOptions,
  CreateOptions,
  DerivedOptions,
  Hooks,
  Options,
  Outcome,
  SessionStore,
  StoredSession,
} from "./options.js";
export type { CountedPage, Page, Pager } from "./pager.js";

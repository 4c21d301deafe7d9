// Generated from openapi.yaml by generator/index.js; `make sdk` replaces it.
import { edit } from "../edit.js";
import { Pager } from "../pager.js";
import type { Call } from "../call.js";
import type { CallOptions, ConditionalOptions, CreateOptions } from "../options.js";
import type { CountedPage, Page } from "../pager.js";
import type { Transport } from "../transport.js";
import type {
  Session,
  Tokens,
  SessionCreatedResponse,
  RefreshSessionRequest,
  NewApiKey,
  ApiKey,
  ApiKeyCreatedResponse,
  PasswordResetRequest,
  PasswordResetConfirmationRequest,
  EmailVerificationConfirmationRequest,
  EmailVerification,
  NewUser,
  LoginUser,
  UpdateUser,
  User,
  DeleteUser,
  ExportRecord,
  Profile,
  Block,
  NewArticle,
  UpdateArticle,
  PublishRequest,
  NewPreviewRequest,
  PreviewResponse,
  RevisionSummary,
  Revision,
  Article,
  ArticleSummary,
  NewSeries,
  UpdateSeries,
  SeriesSummary,
  Series,
  NewComment,
  UpdateComment,
  Comment,
  TagsResponse,
  ManagedTag,
  UpdateTagRequest,
  MergeTagRequest,
  HideRequest,
  HiddenItem,
  WaitingComment,
  NewReportRequest,
  Report,
  DecideReportRequest,
  ReportedItem,
  SetRoleRequest,
  NewAccountRequest,
  NewInvitationRequest,
  Invitation,
  SuspendRequest,
  Account,
  AuditEntry,
  ArticleBatchResponse,
  ProfileBatchRequest,
  ProfileBatchResponse,
  ArticlesFeedParams,
  ArticlesListParams,
  ArticlesGetParams,
  RevisionsListParams,
  RevisionsDiffParams,
  PreviewsGetParams,
  CommentsListParams,
  TagsPageParams,
  SeriesListParams,
  ArticlesListOwnParams,
  ProfilesListBlockedParams,
  ArticlesListEditorialParams,
  ModerationListHiddenParams,
  ModerationListWaitingParams,
  ModerationListReportsParams,
  AdminListUsersParams,
  AdminListInvitationsParams,
  AdminListAuditLogParams,
  ArticlesGetManyParams,
} from "./types.js";
/** Accounts, registration and sign-in */
export class UsersResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Register a new user
   *
   * Creates an account and signs it in. The response contains the token that
   * other requests send as `Authorization: Token <token>`.
   *
   * Usernames and e-mail addresses are unique regardless of letter case; a
   * registration with one that is taken returns 409 and names the field.
   * The service mails a token that verifies the address.
   *
   * Some services are not open to everybody. They return 403
   * `registration_closed`, whatever else the request has. With the token of an
   * `invitation`, the account gets the role of the invitation; the invited
   * address counts as verified, and another address is rejected with 422.
   *
   * @example
   * ```ts
   * const user = await byline.users.create({
   *   username: "jake",
   *   email: "jake@jake.jake",
   *   password: "jakejake",
   * });
   * ```
   */
  create(params: NewUser, options: CreateOptions = {}): Call<User> {
    return this.#transport.call(
      {
        name: "users.create",
        method: "POST",
        path: "/users",
        body: "user",
        expects: "user",
        unwraps: true,
        creates: true,
        anonymous: true,
      },
      [],
      params,
      options,
    );
  }

  /**
   * Sign in with e-mail and password
   *
   * Returns the account with a new token. An unknown address and a wrong
   * password return the same 401, so that the response does not reveal
   * whether an account exists.
   *
   * @example
   * ```ts
   * const user = await byline.users.login({
   *   email: "jake@jake.jake",
   *   password: "jakejake",
   * });
   * ```
   */
  login(params: LoginUser, options: CallOptions = {}): Call<User> {
    return this.#transport.call(
      {
        name: "users.login",
        method: "POST",
        path: "/users/login",
        body: "user",
        expects: "user",
        unwraps: true,
        anonymous: true,
      },
      [],
      params,
      options,
    );
  }
}

/** Accounts, registration and sign-in */
export class AccountResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Get the signed-in user
   *
   * Returns the account that the token belongs to. No cache may store the
   * response, because it contains the token.
   *
   * @example
   * ```ts
   * const user = await byline.account.get();
   * ```
   */
  get(options: CallOptions = {}): Call<User> {
    return this.#transport.call(
      { name: "account.get", method: "GET", path: "/user", expects: "user", unwraps: true },
      [],
      {},
      options,
    );
  }

  /**
   * Change the signed-in user
   *
   * The body is a merge patch (RFC 7396): an absent member stays as it is,
   * `null` clears `bio` and `image` and is rejected for other members, and an
   * empty `bio` or `image` is stored as `null`. A new `password` ends all other
   * sessions. A new `email` has to be verified, and the service notifies the
   * old address of the change. A request with `password` or `email` counts for
   * the quota `auth`, too.
   *
   * @example
   * ```ts
   * const user = await byline.account.update({
   *   bio: "I work at statefarm",
   *   image: null,
   * });
   * ```
   */
  update(params: UpdateUser, options: CallOptions = {}): Call<User> {
    return this.#transport.call(
      {
        name: "account.update",
        method: "PUT",
        path: "/user",
        body: "user",
        expects: "user",
        unwraps: true,
      },
      [],
      params,
      options,
    );
  }

  /**
   * Delete the account of the signed-in user
   *
   * Permanently deletes the account and everything that belongs to it: its
   * articles with their comments and favorites, its comments on other
   * articles, its favorites, follows, sessions and API keys. Its username and
   * address can be registered again. Every replica rejects its tokens and keys
   * within a second. The password confirms the deletion; a wrong password
   * returns 422.
   *
   * @example
   * ```ts
   * await byline.account.delete({ password: "jakejake" });
   * ```
   */
  delete(params: DeleteUser, options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      { name: "account.delete", method: "DELETE", path: "/user", body: "user", empty: true },
      [],
      params,
      options,
    );
  }

  /**
   * Export all data of the signed-in user
   *
   * Returns all data of the account as NDJSON: one JSON object per line, each
   * with a `type`. The last line has the type `end` and the number of lines
   * before it; an export without this line is incomplete. Data that changes
   * while the export runs may appear in its old or in its new state. The export
   * includes what moderators and admins have recorded about the user. An account
   * runs one export at a time; another one returns 429.
   *
   * @example
   * ```ts
   * for await (const record of byline.account.export()) {
   *   console.log(record.type);
   * }
   * ```
   */
  export(options: CallOptions = {}): AsyncGenerator<ExportRecord, void, undefined> {
    return this.#transport.stream(
      { name: "account.export", method: "GET", path: "/user/export" },
      [],
      {},
      options,
    );
  }
}

/** Sign-in with short-lived tokens, and the list of sessions */
export class SessionsResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * List the sessions of the signed-in user
   *
   * Returns all sessions that have not ended, newest first. Registration,
   * `POST /users/login` and `POST /sessions` each create one. `current` marks
   * the session that the token of this request belongs to.
   *
   * @example
   * ```ts
   * const sessions = await byline.sessions.list();
   * ```
   */
  list(options: CallOptions = {}): Call<Session[]> {
    return this.#transport.call(
      {
        name: "sessions.list",
        method: "GET",
        path: "/sessions",
        expects: "sessions",
        unwraps: true,
      },
      [],
      {},
      options,
    );
  }

  /**
   * Sign in with short-lived tokens
   *
   * Creates a session for clients that can renew tokens. The access token
   * expires after minutes; the client then exchanges the refresh token for a
   * new pair with `POST /sessions/refresh`. Front ends of the RealWorld
   * contract use `POST /users/login` instead.
   *
   * @example
   * ```ts
   * const { session, tokens } = await byline.sessions.create({
   *   email: "jake@jake.jake",
   *   password: "jakejake",
   * });
   * ```
   */
  create(params: LoginUser, options: CreateOptions = {}): Call<SessionCreatedResponse> {
    return this.#transport.call(
      {
        name: "sessions.create",
        method: "POST",
        path: "/sessions",
        body: "user",
        expects: "session",
        creates: true,
        anonymous: true,
      },
      [],
      params,
      options,
    );
  }

  /**
   * Sign out everywhere
   *
   * Ends every session of the signed-in user, including the current one. API
   * keys remain valid.
   *
   * @example
   * ```ts
   * await byline.sessions.deleteAll();
   * ```
   */
  deleteAll(options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      { name: "sessions.deleteAll", method: "DELETE", path: "/sessions", empty: true },
      [],
      {},
      options,
    );
  }

  /**
   * Renew the tokens of a session
   *
   * Returns a new pair of tokens. Each refresh token can be used once: using it
   * again ends the session, because two parties then hold the same token. Within
   * the first ten seconds a second use counts as a retry of the same request
   * and returns new tokens.
   *
   * @example
   * ```ts
   * const tokens = await byline.sessions.refresh({
   *   refreshToken: "jwt.refresh.here",
   * });
   * ```
   */
  refresh(params: RefreshSessionRequest, options: CallOptions = {}): Call<Tokens> {
    return this.#transport.call(
      {
        name: "sessions.refresh",
        method: "POST",
        path: "/sessions/refresh",
        body: true,
        expects: "tokens",
        unwraps: true,
        anonymous: true,
      },
      [],
      params,
      options,
    );
  }

  /**
   * Sign out
   *
   * Ends the session that the token of this request belongs to.
   *
   * @example
   * ```ts
   * await byline.sessions.deleteCurrent();
   * ```
   */
  deleteCurrent(options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      { name: "sessions.deleteCurrent", method: "DELETE", path: "/sessions/current", empty: true },
      [],
      {},
      options,
    );
  }

  /**
   * End a session
   *
   * Signs out one device. Every replica rejects the tokens of the session
   * within a second.
   *
   * @param id - The number in `id` of `GET /sessions`
   *
   * @example
   * ```ts
   * await byline.sessions.delete(4);
   * ```
   */
  delete(id: number, options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      { name: "sessions.delete", method: "DELETE", path: "/sessions/{id}", empty: true },
      [id],
      {},
      options,
    );
  }
}

/** API keys for programs, with scopes */
export class ApiKeysResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * List API keys
   *
   * Returns the API keys of the signed-in user, newest first. The keys
   * themselves are not stored; `prefix` holds the first characters of each key.
   *
   * @example
   * ```ts
   * const apiKeys = await byline.apiKeys.list();
   * ```
   */
  list(options: CallOptions = {}): Call<ApiKey[]> {
    return this.#transport.call(
      {
        name: "apiKeys.list",
        method: "GET",
        path: "/user/keys",
        expects: "apiKeys",
        unwraps: true,
      },
      [],
      {},
      options,
    );
  }

  /**
   * Create an API key
   *
   * Creates an API key for a program. The scope `read` permits reading what the
   * key's owner may read. `write` also permits writing articles, comments,
   * favorites and follows. `admin` also permits moderation and administration,
   * as far as the owner's role permits them. A key can never manage the account,
   * its sessions or other keys. Only this response contains the key. If
   * `currentPassword` is sent, it must be the password of the account.
   *
   * @example
   * ```ts
   * const { apiKey, key } = await byline.apiKeys.create({
   *   name: "Nightly export",
   *   scopes: ["read"],
   *   expiresAt: "2099-01-01T00:00:00.000Z",
   * });
   * ```
   */
  create(params: NewApiKey, options: CreateOptions = {}): Call<ApiKeyCreatedResponse> {
    return this.#transport.call(
      {
        name: "apiKeys.create",
        method: "POST",
        path: "/user/keys",
        body: "apiKey",
        expects: "apiKey",
        creates: true,
      },
      [],
      params,
      options,
    );
  }

  /**
   * Revoke an API key
   *
   * Revokes the key. Every replica rejects it within a second.
   *
   * @param id - The number in `id` of `GET /user/keys`
   *
   * @example
   * ```ts
   * await byline.apiKeys.delete(1);
   * ```
   */
  delete(id: number, options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      { name: "apiKeys.delete", method: "DELETE", path: "/user/keys/{id}", empty: true },
      [id],
      {},
      options,
    );
  }
}

/** Password reset and verification of e-mail addresses */
export class RecoveryResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Ask for a mail that resets a password
   *
   * Mails a token to the address if it belongs to an account. The response is
   * the same if it does not, so that it does not reveal whether an account
   * exists. An account gets at most five of these mails per hour, and a token is
   * valid for an hour.
   *
   * @example
   * ```ts
   * await byline.recovery.requestPasswordReset({ email: "jake@jake.jake" });
   * ```
   */
  requestPasswordReset(params: PasswordResetRequest, options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      {
        name: "recovery.requestPasswordReset",
        method: "POST",
        path: "/users/password-reset",
        body: true,
        empty: true,
        anonymous: true,
      },
      [],
      params,
      options,
    );
  }

  /**
   * Set a password with a mailed token
   *
   * Sets a new password and ends every session of the account, and every API key
   * from before the address of the account was verified. This token and all
   * other reset tokens of the account become invalid. If the new password is
   * rejected, the token stays valid.
   *
   * @example
   * ```ts
   * await byline.recovery.confirmPasswordReset({
   *   token: "kz5w3xq2m7r4t6y2u5a3s5d7f6",
   *   password: "correct horse battery",
   * });
   * ```
   */
  confirmPasswordReset(
    params: PasswordResetConfirmationRequest,
    options: CallOptions = {},
  ): Call<void> {
    return this.#transport.call(
      {
        name: "recovery.confirmPasswordReset",
        method: "POST",
        path: "/users/password-reset/confirm",
        body: true,
        empty: true,
        anonymous: true,
      },
      [],
      params,
      options,
    );
  }

  /**
   * Verify an address with a mailed token
   *
   * Marks the address that the token was mailed to as verified, if it is still
   * the address of the account.
   *
   * @example
   * ```ts
   * await byline.recovery.confirmEmailVerification({
   *   token: "kz5w3xq2m7r4t6y2u5a3s5d7f6",
   * });
   * ```
   */
  confirmEmailVerification(
    params: EmailVerificationConfirmationRequest,
    options: CallOptions = {},
  ): Call<void> {
    return this.#transport.call(
      {
        name: "recovery.confirmEmailVerification",
        method: "POST",
        path: "/users/email-verification/confirm",
        body: true,
        empty: true,
        anonymous: true,
      },
      [],
      params,
      options,
    );
  }

  /**
   * Get the verification state of the address
   *
   * Returns the address of the signed-in user and the time when it was verified.
   * After a change of the address, the new address is unverified.
   *
   * @example
   * ```ts
   * const emailVerification = await byline.recovery.getEmailVerification();
   * ```
   */
  getEmailVerification(options: CallOptions = {}): Call<EmailVerification> {
    return this.#transport.call(
      {
        name: "recovery.getEmailVerification",
        method: "GET",
        path: "/user/email-verification",
        expects: "emailVerification",
        unwraps: true,
      },
      [],
      {},
      options,
    );
  }

  /**
   * Ask for a mail that verifies the address
   *
   * Mails the signed-in user another verification token; registration and a
   * change of the address mail one automatically. The service sends no mail if
   * the address is verified already, and at most five mails per hour.
   *
   * @example
   * ```ts
   * await byline.recovery.requestEmailVerification();
   * ```
   */
  requestEmailVerification(options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      {
        name: "recovery.requestEmailVerification",
        method: "POST",
        path: "/user/email-verification",
        empty: true,
      },
      [],
      {},
      options,
    );
  }
}

/** Public profiles of users, following them, and blocking them */
export class ProfilesResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Get a profile
   *
   * Returns the public profile of a user. `following` reports whether the caller
   * follows this user; it is false without a token.
   *
   * @param username - The user's name, in any letter case, width and normalisation
   *
   * @example
   * ```ts
   * const profile = await byline.profiles.get("jake");
   * ```
   */
  get(username: string, options: CallOptions = {}): Call<Profile> {
    return this.#transport.call(
      {
        name: "profiles.get",
        method: "GET",
        path: "/profiles/{username}",
        expects: "profile",
        unwraps: true,
      },
      [username],
      {},
      options,
    );
  }

  /**
   * Follow a user
   *
   * Adds the user's articles to the caller's feed. Following a user again
   * changes nothing. Users cannot follow themselves; this returns 422. If one of
   * the two has blocked the other, this returns 403.
   *
   * @param username - The user's name, in any letter case, width and normalisation
   *
   * @example
   * ```ts
   * const profile = await byline.profiles.follow("jake");
   * ```
   */
  follow(username: string, options: CallOptions = {}): Call<Profile> {
    return this.#transport.call(
      {
        name: "profiles.follow",
        method: "POST",
        path: "/profiles/{username}/follow",
        expects: "profile",
        unwraps: true,
      },
      [username],
      {},
      options,
    );
  }

  /**
   * Stop following a user
   *
   * Removes the user's articles from the caller's feed. Repeating the request
   * changes nothing.
   *
   * @param username - The user's name, in any letter case, width and normalisation
   *
   * @example
   * ```ts
   * const profile = await byline.profiles.unfollow("jake");
   * ```
   */
  unfollow(username: string, options: CallOptions = {}): Call<Profile> {
    return this.#transport.call(
      {
        name: "profiles.unfollow",
        method: "DELETE",
        path: "/profiles/{username}/follow",
        expects: "profile",
        unwraps: true,
      },
      [username],
      {},
      options,
    );
  }

  /**
   * Block a user
   *
   * Keeps a user away: neither of the two can comment on the articles of the other
   * or follow the other, and neither sees the comments of the other. Follows
   * between them end. The other user is not told. Blocking a user again changes
   * nothing. Users cannot block themselves; this returns 422.
   *
   * Moderators see all comments, and a block keeps nobody from reporting.
   *
   * @param username - The user's name, in any letter case, width and normalisation
   *
   * @example
   * ```ts
   * const profile = await byline.profiles.block("jake");
   * ```
   */
  block(username: string, options: CallOptions = {}): Call<Profile> {
    return this.#transport.call(
      {
        name: "profiles.block",
        method: "POST",
        path: "/profiles/{username}/block",
        expects: "profile",
        unwraps: true,
      },
      [username],
      {},
      options,
    );
  }

  /**
   * End a block
   *
   * Ends the block of the caller. Follows that the block has ended stay ended, and
   * a block of the other user stays. Repeating the request changes nothing.
   *
   * @param username - The user's name, in any letter case, width and normalisation
   *
   * @example
   * ```ts
   * const profile = await byline.profiles.unblock("jake");
   * ```
   */
  unblock(username: string, options: CallOptions = {}): Call<Profile> {
    return this.#transport.call(
      {
        name: "profiles.unblock",
        method: "DELETE",
        path: "/profiles/{username}/block",
        expects: "profile",
        unwraps: true,
      },
      [username],
      {},
      options,
    );
  }

  /**
   * List the users whom you have blocked
   *
   * Returns the users whom the caller has blocked, the last blocked first. Nobody
   * else can see this list.
   *
   * @example
   * ```ts
   * for await (const block of byline.profiles.listBlocked()) {
   *   console.log(block);
   * }
   * ```
   */
  listBlocked(
    params: ProfilesListBlockedParams = {},
    options: CallOptions = {},
  ): Pager<Block, Page<Block>> {
    return new Pager((cursor) =>
      this.#transport.page(
        { name: "profiles.listBlocked", method: "GET", path: "/user/blocks", expects: "blocks" },
        [],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * Get many profiles at once
   *
   * Returns up to 100 profiles by username, in the order of the request, with a
   * constant number of queries. `missing` lists unknown names. A name that the
   * request contains twice in the same letter case is returned once. The response
   * contains up to 4 MB of text, and at least one profile. `remaining` is there if
   * it has no room for all: another request with these names returns the next ones.
   *
   * @example
   * ```ts
   * const { profiles, missing } = await byline.profiles.getMany({
   *   usernames: ["jake", "nobody"],
   * });
   * ```
   */
  getMany(params: ProfileBatchRequest, options: CallOptions = {}): Call<ProfileBatchResponse> {
    return this.#transport.call(
      {
        name: "profiles.getMany",
        method: "POST",
        path: "/batch/profiles",
        body: true,
        expects: "profiles",
        safe: true,
      },
      [],
      params,
      options,
    );
  }
}

/** Articles, lists of articles and the personal feed */
export class ArticlesResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * List articles by followed authors
   *
   * Returns the articles of the authors that the caller follows, newest first.
   * Page with `limit` and `offset`, or follow `nextCursor` (also sent as
   * `Link: rel="next"`), which is stable while articles are published and costs
   * the same on every page. A page with more than 4 MB of text ends earlier.
   *
   * @example
   * ```ts
   * for await (const article of byline.articles.feed()) {
   *   console.log(article);
   * }
   * ```
   */
  feed(
    params: ArticlesFeedParams = {},
    options: CallOptions = {},
  ): Pager<ArticleSummary, CountedPage<ArticleSummary>> {
    return new Pager((cursor) =>
      this.#transport.page(
        {
          name: "articles.feed",
          method: "GET",
          path: "/articles/feed",
          expects: "articles",
          total: "articlesCount",
        },
        [],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * List articles
   *
   * Returns articles without their bodies, newest first. Filters can be
   * combined. `articlesCount` is the number of all articles that match the
   * filters, not the length of the page. Page with `limit` and `offset`, or
   * follow `nextCursor`. A page with more than 4 MB of text ends earlier.
   *
   * @example
   * ```ts
   * for await (const article of byline.articles.list({ tag: "dragons" })) {
   *   console.log(article);
   * }
   * ```
   */
  list(
    params: ArticlesListParams = {},
    options: CallOptions = {},
  ): Pager<ArticleSummary, CountedPage<ArticleSummary>> {
    return new Pager((cursor) =>
      this.#transport.page(
        {
          name: "articles.list",
          method: "GET",
          path: "/articles",
          expects: "articles",
          total: "articlesCount",
        },
        [],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * Publish an article
   *
   * Publishes an article. Its slug is derived from the title, unless the request
   * has a `slug`. Two articles may have the same title; the second one gets a
   * different slug. A `slug` that another article has or had returns 409. Editors
   * can publish the article in the name of another user, the `author`.
   *
   * The articles and comments of an account have a maximum size together. If
   * the article would exceed it, the request returns 422 with `storage` in
   * `errors`.
   *
   * @example
   * ```ts
   * const article = await byline.articles.create({
   *   title: "How to train your dragon",
   *   description: "Ever wonder how?",
   *   body: "You have to believe",
   *   tagList: ["reactjs", "angularjs", "dragons"],
   * });
   * ```
   */
  create(params: NewArticle, options: CreateOptions = {}): Call<Article> {
    return this.#transport.call(
      {
        name: "articles.create",
        method: "POST",
        path: "/articles",
        body: "article",
        expects: "article",
        unwraps: true,
        creates: true,
      },
      [],
      params,
      options,
    );
  }

  /**
   * Get an article
   *
   * Returns an article. Slugs that the article had before its title changed work
   * too; the `slug` member of the response is the current one.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * const article = await byline.articles.get("how-to-train-your-dragon");
   * ```
   */
  get(slug: string, params: ArticlesGetParams = {}, options: CallOptions = {}): Call<Article> {
    return this.#transport.call(
      {
        name: "articles.get",
        method: "GET",
        path: "/articles/{slug}",
        expects: "article",
        unwraps: true,
      },
      [slug],
      params,
      options,
    );
  }

  /**
   * Change an article
   *
   * Changes an article; only its author and editors may do this. The body is a
   * merge patch (RFC 7396). A changed title creates a new slug, unless the request
   * or an earlier one has given a `slug`. The old slug continues to work. A `slug`
   * that another article has or had returns 409. An article that has 50 earlier
   * slugs gets no others: a `slug` returns 422, and a changed title keeps the slug.
   * `tagList` replaces the whole list, and `[]` removes all tags.
   * Editors can give the article another `author`, who can then change it.
   *
   * To avoid overwriting somebody else's change, send the `ETag` of the article
   * as you read it in `If-Match`. If the article has changed since, the request
   * returns 412.
   *
   * If the article becomes longer and the account would exceed its maximum size,
   * the request returns 422 with `storage` in `errors`.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * const article = await byline.articles.update("how-to-train-your-dragon", {
   *   title: "Did you train your dragon?",
   * });
   * ```
   */
  update(slug: string, params: UpdateArticle, options: ConditionalOptions = {}): Call<Article> {
    return this.#transport.call(
      {
        name: "articles.update",
        method: "PUT",
        path: "/articles/{slug}",
        body: "article",
        expects: "article",
        unwraps: true,
      },
      [slug],
      params,
      options,
    );
  }

  /**
   * Change what `get` returns, without overwriting the edits of others
   *
   * Reads the article, calls `change`, and writes the change that it
   * returns. If somebody else has edited the article in the meantime, reads it
   * and calls `change` again.
   *
   * @example
   * ```ts
   * const article = await byline.articles.edit(
   *   "how-to-train-your-dragon",
   *   (article) => ({ title: "Did you train your dragon?" }),
   * );
   * ```
   */
  edit(
    slug: string,
    change: (article: Article) => UpdateArticle | Promise<UpdateArticle>,
    options: CallOptions = {},
  ): Promise<Article> {
    return edit(
      () => this.get(slug, {}, options),
      async (value, etag) => this.update(slug, await change(value), { ...options, ifMatch: etag }),
    );
  }

  /**
   * Delete an article
   *
   * Deletes an article with its revisions, comments and favorites; only its author
   * and editors may do this.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * await byline.articles.delete("how-to-train-your-dragon");
   * ```
   */
  delete(slug: string, options: ConditionalOptions = {}): Call<void> {
    return this.#transport.call(
      { name: "articles.delete", method: "DELETE", path: "/articles/{slug}", empty: true },
      [slug],
      {},
      options,
    );
  }

  /**
   * Publish an article
   *
   * Publishes a draft, an article in review or a scheduled one: at once, or at
   * `publishAt`. `unpublishAt` ends the publication. The order of lists is that
   * of publication. An author has up to 100 scheduled articles, and up to 1000
   * whose publication ends.
   *
   * If the article is published and has a working copy, the request publishes
   * that one, at once or at `publishAt`. The working copy of a scheduled article
   * becomes its text at once. `If-Match` compares the `ETag` of what is published:
   * of the working copy if there is one. A scheduled working copy counts as a
   * scheduled article.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * const article = await byline.articles.publish("how-to-train-your-dragon", {
   *   publishAt: "2099-01-01T06:00:00.000Z",
   * });
   * ```
   */
  publish(
    slug: string,
    params: PublishRequest = {},
    options: ConditionalOptions = {},
  ): Call<Article> {
    return this.#transport.call(
      {
        name: "articles.publish",
        method: "POST",
        path: "/articles/{slug}/publish",
        body: true,
        expects: "article",
        unwraps: true,
      },
      [slug],
      params,
      options,
    );
  }

  /**
   * Withdraw an article
   *
   * Makes a published, scheduled or submitted article a draft again. It keeps
   * its slug, comments and favorites, which are shown again when it is
   * published again. Its working copy becomes its text; the text that was public
   * is one of its revisions.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * const article = await byline.articles.unpublish("how-to-train-your-dragon");
   * ```
   */
  unpublish(slug: string, options: ConditionalOptions = {}): Call<Article> {
    return this.#transport.call(
      {
        name: "articles.unpublish",
        method: "POST",
        path: "/articles/{slug}/unpublish",
        expects: "article",
        unwraps: true,
      },
      [slug],
      {},
      options,
    );
  }

  /**
   * Submit an article for review
   *
   * Marks a draft, or the working copy of a published or scheduled article, as
   * ready, so that editors find it in their list. A working copy is no longer
   * scheduled then.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * const article = await byline.articles.submit("how-to-train-your-dragon");
   * ```
   */
  submit(slug: string, options: ConditionalOptions = {}): Call<Article> {
    return this.#transport.call(
      {
        name: "articles.submit",
        method: "POST",
        path: "/articles/{slug}/submit",
        expects: "article",
        unwraps: true,
      },
      [slug],
      {},
      options,
    );
  }

  /**
   * Get a working copy
   *
   * Returns an article as it would be with its unpublished changes. `workingCopy`
   * says how far they are; it is absent if there are none. Only those who may
   * change the article get this response.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * const article = await byline.articles.getWorkingCopy(
   *   "how-to-train-your-dragon",
   * );
   * ```
   */
  getWorkingCopy(slug: string, options: CallOptions = {}): Call<Article> {
    return this.#transport.call(
      {
        name: "articles.getWorkingCopy",
        method: "GET",
        path: "/articles/{slug}/working-copy",
        expects: "article",
        unwraps: true,
      },
      [slug],
      {},
      options,
    );
  }

  /**
   * Change a working copy
   *
   * Changes a published or scheduled article without publishing the change. The
   * body is the same merge patch as that of `PUT /articles/{slug}`; it applies to
   * the working copy, which begins with the text of the article.
   * `POST /articles/{slug}/publish` publishes it, at once or at a time. A draft needs
   * no working copy: the request returns 422 with `status` in `errors`. `author`,
   * `slug`, `commentsOpen`, `series` and `translationOf` are no part of it: they are
   * changed with `PUT /articles/{slug}`.
   *
   * To avoid overwriting somebody else's change, send the `ETag` of
   * `GET /articles/{slug}/working-copy` in `If-Match`. If the working copy or the
   * article has changed since, the request returns 412.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * const article = await byline.articles.updateWorkingCopy(
   *   "how-to-train-your-dragon",
   *   { title: "Did you train your dragon?" },
   * );
   * ```
   */
  updateWorkingCopy(
    slug: string,
    params: UpdateArticle,
    options: ConditionalOptions = {},
  ): Call<Article> {
    return this.#transport.call(
      {
        name: "articles.updateWorkingCopy",
        method: "PUT",
        path: "/articles/{slug}/working-copy",
        body: "article",
        expects: "article",
        unwraps: true,
      },
      [slug],
      params,
      options,
    );
  }

  /**
   * Change what `getWorkingCopy` returns, without overwriting the edits of others
   *
   * Reads the article, calls `change`, and writes the change that it
   * returns. If somebody else has edited the article in the meantime, reads it
   * and calls `change` again.
   *
   * @example
   * ```ts
   * const article = await byline.articles.editWorkingCopy(
   *   "how-to-train-your-dragon",
   *   (article) => ({ title: "Did you train your dragon?" }),
   * );
   * ```
   */
  editWorkingCopy(
    slug: string,
    change: (article: Article) => UpdateArticle | Promise<UpdateArticle>,
    options: CallOptions = {},
  ): Promise<Article> {
    return edit(
      () => this.getWorkingCopy(slug, options),
      async (value, etag) =>
        this.updateWorkingCopy(slug, await change(value), { ...options, ifMatch: etag }),
    );
  }

  /**
   * Discard a working copy
   *
   * Discards the unpublished changes of an article. Their text is still one of its
   * revisions.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * await byline.articles.deleteWorkingCopy("how-to-train-your-dragon");
   * ```
   */
  deleteWorkingCopy(slug: string, options: ConditionalOptions = {}): Call<void> {
    return this.#transport.call(
      {
        name: "articles.deleteWorkingCopy",
        method: "DELETE",
        path: "/articles/{slug}/working-copy",
        empty: true,
      },
      [slug],
      {},
      options,
    );
  }

  /**
   * Favorite an article
   *
   * Adds the article to the caller's favorites. Repeating the request changes
   * nothing.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * const article = await byline.articles.favorite("how-to-train-your-dragon");
   * ```
   */
  favorite(slug: string, options: CallOptions = {}): Call<Article> {
    return this.#transport.call(
      {
        name: "articles.favorite",
        method: "POST",
        path: "/articles/{slug}/favorite",
        expects: "article",
        unwraps: true,
      },
      [slug],
      {},
      options,
    );
  }

  /**
   * Unfavorite an article
   *
   * Removes the article from the caller's favorites. Repeating the request
   * changes nothing.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * const article = await byline.articles.unfavorite("how-to-train-your-dragon");
   * ```
   */
  unfavorite(slug: string, options: CallOptions = {}): Call<Article> {
    return this.#transport.call(
      {
        name: "articles.unfavorite",
        method: "DELETE",
        path: "/articles/{slug}/favorite",
        expects: "article",
        unwraps: true,
      },
      [slug],
      {},
      options,
    );
  }

  /**
   * List your own articles
   *
   * Returns the articles of the caller in any state, the last created first.
   * `status=review` has those whose working copy is in review too.
   *
   * @example
   * ```ts
   * for await (const article of byline.articles.listOwn({ status: "draft" })) {
   *   console.log(article);
   * }
   * ```
   */
  listOwn(
    params: ArticlesListOwnParams = {},
    options: CallOptions = {},
  ): Pager<ArticleSummary, Page<ArticleSummary>> {
    return new Pager((cursor) =>
      this.#transport.page(
        { name: "articles.listOwn", method: "GET", path: "/user/articles", expects: "articles" },
        [],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * List the articles of everybody
   *
   * Returns articles in any state, the last created first. Filters can be
   * combined. `status=review` has the articles whose working copy is in review too.
   *
   * @example
   * ```ts
   * for await (const article of byline.articles.listEditorial({
   *   status: "draft",
   * })) {
   *   console.log(article);
   * }
   * ```
   */
  listEditorial(
    params: ArticlesListEditorialParams = {},
    options: CallOptions = {},
  ): Pager<ArticleSummary, Page<ArticleSummary>> {
    return new Pager((cursor) =>
      this.#transport.page(
        {
          name: "articles.listEditorial",
          method: "GET",
          path: "/editorial/articles",
          expects: "articles",
        },
        [],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * Get many articles at once
   *
   * Returns up to 100 articles by slug, in the order of the request, with a
   * constant number of queries. `missing` lists the slugs that no article has or
   * ever had. A slug that the request contains twice is returned once. With
   * `format=html` a request may contain up to 20 slugs. The response contains up
   * to 4 MB of text, and at least one article. `remaining` is there if it has no
   * room for all: another request with these slugs returns the next ones.
   *
   * @example
   * ```ts
   * const { articles, missing } = await byline.articles.getMany({
   *   slugs: ["how-to-train-your-dragon", "no-such-article"],
   * });
   * ```
   */
  getMany(params: ArticlesGetManyParams, options: CallOptions = {}): Call<ArticleBatchResponse> {
    return this.#transport.call(
      {
        name: "articles.getMany",
        method: "POST",
        path: "/batch/articles",
        body: true,
        query: ["format"],
        expects: "articles",
        safe: true,
      },
      [],
      params,
      options,
    );
  }
}

/** Articles, lists of articles and the personal feed */
export class RevisionsResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * List the revisions of an article
   *
   * Returns the texts that the article and its working copy have had, the newest
   * first. Of those that were never public, the service keeps only the newest, 100
   * unless its operator sets another number. Only those who may change the article
   * find them.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * for await (const revision of byline.revisions.list(
   *   "how-to-train-your-dragon",
   * )) {
   *   console.log(revision);
   * }
   * ```
   */
  list(
    slug: string,
    params: RevisionsListParams = {},
    options: CallOptions = {},
  ): Pager<RevisionSummary, Page<RevisionSummary>> {
    return new Pager((cursor) =>
      this.#transport.page(
        {
          name: "revisions.list",
          method: "GET",
          path: "/articles/{slug}/revisions",
          expects: "revisions",
        },
        [slug],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * Get a revision
   *
   * Returns a text that the article or its working copy has or had.
   *
   * @param slug - The current slug of the article or an earlier one
   * @param n - Identifies the revision among those of the article; the first text is 1
   *
   * @example
   * ```ts
   * const revision = await byline.revisions.get("how-to-train-your-dragon", 2);
   * ```
   */
  get(slug: string, n: number, options: CallOptions = {}): Call<Revision> {
    return this.#transport.call(
      {
        name: "revisions.get",
        method: "GET",
        path: "/articles/{slug}/revisions/{n}",
        expects: "revision",
        unwraps: true,
      },
      [slug, n],
      {},
      options,
    );
  }

  /**
   * Compare two revisions
   *
   * Returns what a revision has changed, as a unified diff of lines. It has a part for
   * each of `title`, `description`, `tagList`, `details` and `body` that differs, and
   * is empty if none does. `patch -p1` applies it to files of these names, exactly.
   *
   * Texts with more than 100,000 lines together are refused with 422.
   *
   * @param slug - The current slug of the article or an earlier one
   * @param n - Identifies the revision among those of the article; the first text is 1
   *
   * @example
   * ```ts
   * const text = await byline.revisions.diff("how-to-train-your-dragon", 2);
   * ```
   */
  diff(
    slug: string,
    n: number,
    params: RevisionsDiffParams = {},
    options: CallOptions = {},
  ): Call<string> {
    return this.#transport.call(
      {
        name: "revisions.diff",
        method: "GET",
        path: "/articles/{slug}/revisions/{n}/diff",
        text: true,
      },
      [slug, n],
      params,
      options,
    );
  }

  /**
   * Restore a revision
   *
   * Gives the article the text of a revision again, as a new revision. If the
   * article is published, the text is public at once. An older title changes the
   * slug as in `PUT /articles/{slug}`.
   *
   * @param slug - The current slug of the article or an earlier one
   * @param n - Identifies the revision among those of the article; the first text is 1
   *
   * @example
   * ```ts
   * const article = await byline.revisions.restore("how-to-train-your-dragon", 2);
   * ```
   */
  restore(slug: string, n: number, options: ConditionalOptions = {}): Call<Article> {
    return this.#transport.call(
      {
        name: "revisions.restore",
        method: "POST",
        path: "/articles/{slug}/revisions/{n}/restore",
        expects: "article",
        unwraps: true,
      },
      [slug, n],
      {},
      options,
    );
  }
}

/** Links that show an article before it is public */
export class PreviewsResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Create a preview link
   *
   * Returns a link with which everybody reads the article as it would be if it
   * were published now, without an account. It works until it expires, until
   * `DELETE` ends it, or until its creator may no longer change the article. It
   * does not work while a moderator hides the article.
   *
   * Only this response contains the link: the service stores a hash of its
   * token. An article has up to 50 links that have not expired.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * const { url, token } = await byline.previews.create(
   *   "how-to-train-your-dragon",
   *   { expiresIn: 86400 },
   * );
   * ```
   */
  create(
    slug: string,
    params: NewPreviewRequest = {},
    options: CallOptions = {},
  ): Call<PreviewResponse> {
    return this.#transport.call(
      {
        name: "previews.create",
        method: "POST",
        path: "/articles/{slug}/previews",
        body: true,
        expects: "url",
      },
      [slug],
      params,
      options,
    );
  }

  /**
   * End all preview links of an article
   *
   * Ends all links of the article, whoever has created them. It succeeds too
   * if there are none.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * await byline.previews.delete("how-to-train-your-dragon");
   * ```
   */
  delete(slug: string, options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      { name: "previews.delete", method: "DELETE", path: "/articles/{slug}/previews", empty: true },
      [slug],
      {},
      options,
    );
  }

  /**
   * Get the article of a preview link
   *
   * Returns the article as it would be if it were published now, with its working
   * copy if there is one. Neither the service nor any cache or search engine keeps
   * the response. A token that is unknown, has expired or was ended returns 404.
   *
   * @param token - The `token` of `POST /articles/{slug}/previews`
   *
   * @example
   * ```ts
   * const article = await byline.previews.get("q7x3m5z2n4k6h8j2w5y7r3t6u4");
   * ```
   */
  get(token: string, params: PreviewsGetParams = {}, options: CallOptions = {}): Call<Article> {
    return this.#transport.call(
      {
        name: "previews.get",
        method: "GET",
        path: "/previews/{token}",
        expects: "article",
        unwraps: true,
        anonymous: true,
      },
      [token],
      params,
      options,
    );
  }
}

/** Reports of articles, comments and profiles, and what moderators do about them */
export class ModerationResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Hide an article
   *
   * Removes the article from all lists, feeds and counts. Reading it returns 404
   * to everybody except its author and moderators, who see it together with the
   * reason. Repeating the request with another reason replaces the reason.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * await byline.moderation.hideArticle("how-to-train-your-dragon", {
   *   reason: "Advertising",
   * });
   * ```
   */
  hideArticle(slug: string, params: HideRequest, options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      {
        name: "moderation.hideArticle",
        method: "PUT",
        path: "/articles/{slug}/hidden",
        body: true,
        empty: true,
      },
      [slug],
      params,
      options,
    );
  }

  /**
   * Restore an article
   *
   * Makes a hidden article visible again, with its comments and favorites. An
   * article that is not hidden stays as it is.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * await byline.moderation.restoreArticle("how-to-train-your-dragon");
   * ```
   */
  restoreArticle(slug: string, options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      {
        name: "moderation.restoreArticle",
        method: "DELETE",
        path: "/articles/{slug}/hidden",
        empty: true,
      },
      [slug],
      {},
      options,
    );
  }

  /**
   * Hide a comment
   *
   * Hides a comment from everybody except its author and moderators, who see it
   * together with the reason. Repeating the request with another reason replaces
   * the reason.
   *
   * @param slug - The current slug of the article or an earlier one
   * @param id - The number in `id` of the comment
   *
   * @example
   * ```ts
   * await byline.moderation.hideComment("how-to-train-your-dragon", 42, {
   *   reason: "Advertising",
   * });
   * ```
   */
  hideComment(
    slug: string,
    id: number,
    params: HideRequest,
    options: CallOptions = {},
  ): Call<void> {
    return this.#transport.call(
      {
        name: "moderation.hideComment",
        method: "PUT",
        path: "/articles/{slug}/comments/{id}/hidden",
        body: true,
        empty: true,
      },
      [slug, id],
      params,
      options,
    );
  }

  /**
   * Restore a comment
   *
   * Makes a hidden comment visible again. If it waits for approval, it still
   * waits. A comment that is not hidden stays as it is.
   *
   * @param slug - The current slug of the article or an earlier one
   * @param id - The number in `id` of the comment
   *
   * @example
   * ```ts
   * await byline.moderation.restoreComment("how-to-train-your-dragon", 42);
   * ```
   */
  restoreComment(slug: string, id: number, options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      {
        name: "moderation.restoreComment",
        method: "DELETE",
        path: "/articles/{slug}/comments/{id}/hidden",
        empty: true,
      },
      [slug, id],
      {},
      options,
    );
  }

  /**
   * Approve a comment
   *
   * Shows a comment that waits to everybody. Further comments of its author do
   * not wait; those that wait already still do. A comment that does not wait
   * stays as it is. To reject one, hide it.
   *
   * @param slug - The current slug of the article or an earlier one
   * @param id - The number in `id` of the comment
   *
   * @example
   * ```ts
   * await byline.moderation.approveComment("how-to-train-your-dragon", 42);
   * ```
   */
  approveComment(slug: string, id: number, options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      {
        name: "moderation.approveComment",
        method: "PUT",
        path: "/articles/{slug}/comments/{id}/approval",
        empty: true,
      },
      [slug, id],
      {},
      options,
    );
  }

  /**
   * List hidden articles and comments
   *
   * Returns hidden articles and comments, the most recently hidden first. Those
   * of articles that are not published any more are shown to editors only.
   *
   * @example
   * ```ts
   * for await (const item of byline.moderation.listHidden()) {
   *   console.log(item);
   * }
   * ```
   */
  listHidden(
    params: ModerationListHiddenParams = {},
    options: CallOptions = {},
  ): Pager<HiddenItem, Page<HiddenItem>> {
    return new Pager((cursor) =>
      this.#transport.page(
        {
          name: "moderation.listHidden",
          method: "GET",
          path: "/moderation/hidden",
          expects: "hidden",
        },
        [],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * List comments that wait for approval
   *
   * Returns the comments that wait for the approval of a moderator, the oldest
   * first. Those that a moderator has hidden are not among them, nor are those on
   * articles that are not published any more, except for editors. A page with
   * more than 4 MB of text ends earlier: follow `nextCursor` instead of counting
   * comments.
   *
   * @example
   * ```ts
   * for await (const comment of byline.moderation.listWaiting()) {
   *   console.log(comment);
   * }
   * ```
   */
  listWaiting(
    params: ModerationListWaitingParams = {},
    options: CallOptions = {},
  ): Pager<WaitingComment, Page<WaitingComment>> {
    return new Pager((cursor) =>
      this.#transport.page(
        {
          name: "moderation.listWaiting",
          method: "GET",
          path: "/moderation/waiting",
          expects: "comments",
        },
        [],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * List what was reported
   *
   * Returns what users have reported and no moderator has decided, or with
   * `status=decided` what was decided. What several users have reported is one
   * item, with their number and the newest five reports. The items are in the order
   * of their first reports, the newest first.
   *
   * @example
   * ```ts
   * for await (const report of byline.moderation.listReports({ status: "open" })) {
   *   console.log(report);
   * }
   * ```
   */
  listReports(
    params: ModerationListReportsParams = {},
    options: CallOptions = {},
  ): Pager<ReportedItem, Page<ReportedItem>> {
    return new Pager((cursor) =>
      this.#transport.page(
        {
          name: "moderation.listReports",
          method: "GET",
          path: "/moderation/reports",
          expects: "reports",
        },
        [],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * Decide what was reported
   *
   * Decides all reports of an article, a comment or a profile at once, and takes
   * the action in the same transaction. `dismiss` changes nothing. `hide` hides
   * the article or comment. `delete` deletes it, which needs the role editor.
   * `suspend` suspends its author, or the user of the profile, which needs the
   * role admin. The note is the reason, which the author of what is hidden sees;
   * all actions but `dismiss` need one.
   *
   * What another moderator has decided before returns 409. Repeating one's own
   * decision changes nothing. Reports that arrive later are a new item.
   *
   * @param id - The number in `id` of `GET /moderation/reports`
   *
   * @example
   * ```ts
   * const report = await byline.moderation.decideReport(42, {
   *   action: "hide",
   *   note: "Advertising",
   * });
   * ```
   */
  decideReport(
    id: number,
    params: DecideReportRequest,
    options: CallOptions = {},
  ): Call<ReportedItem> {
    return this.#transport.call(
      {
        name: "moderation.decideReport",
        method: "PUT",
        path: "/moderation/reports/{id}",
        body: true,
        expects: "report",
        unwraps: true,
      },
      [id],
      params,
      options,
    );
  }
}

/** Comments on articles */
export class CommentsResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * List the comments of an article
   *
   * Returns comments oldest first, or newest first with `sort=-createdAt`.
   * Replies are among them and name the comment that they answer in `parentId`;
   * the parameter `parentId` selects the replies of one comment, or the comments
   * that answer none. A deleted comment that has replies is in the list with
   * `deleted: true`, without its text and author.
   *
   * Without `limit` the response contains up to 1,000 comments; `nextCursor`
   * leads to the rest. With `format=html` it contains up to 100, and a larger
   * `limit` is rejected. A page with more than 4 MB of text ends earlier: follow
   * `nextCursor` instead of counting comments.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * for await (const comment of byline.comments.list("how-to-train-your-dragon")) {
   *   console.log(comment);
   * }
   * ```
   */
  list(
    slug: string,
    params: CommentsListParams = {},
    options: CallOptions = {},
  ): Pager<Comment, Page<Comment>> {
    return new Pager((cursor) =>
      this.#transport.page(
        {
          name: "comments.list",
          method: "GET",
          path: "/articles/{slug}/comments",
          expects: "comments",
        },
        [slug],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * Comment on an article
   *
   * Adds a comment of the signed-in user to the article, or a reply to another
   * comment with `parentId`. A comment that answers none has the depth 1, and a
   * reply to a comment of the depth 8 returns 422. If the account would exceed
   * its maximum size, the request returns 422 with `storage` in `errors`.
   *
   * If the article or the service takes no new comments, the response is 403
   * with the code `comments_closed`. On a service that approves comments, those
   * of an account wait until a moderator has approved one: the response has
   * `waiting: true`, and only the author and moderators see the comment. Up to
   * 20 comments of an account wait.
   *
   * If the author of the article or of the comment that is answered has blocked
   * the user, or the other way round, the response is 403.
   *
   * @param slug - The current slug of the article or an earlier one
   *
   * @example
   * ```ts
   * const comment = await byline.comments.create("how-to-train-your-dragon", {
   *   body: "His name was my name too.",
   * });
   * ```
   */
  create(slug: string, params: NewComment, options: CreateOptions = {}): Call<Comment> {
    return this.#transport.call(
      {
        name: "comments.create",
        method: "POST",
        path: "/articles/{slug}/comments",
        body: "comment",
        expects: "comment",
        unwraps: true,
        creates: true,
      },
      [slug],
      params,
      options,
    );
  }

  /**
   * Change a comment
   *
   * Replaces the text of a comment; only its author may do this. The response
   * shows in `updatedAt` that the comment was changed. Repeating the request
   * changes nothing. A comment that is hidden or waits stays so.
   *
   * @param slug - The current slug of the article or an earlier one
   * @param id - The number in `id` of the comment
   *
   * @example
   * ```ts
   * const comment = await byline.comments.update("how-to-train-your-dragon", 42, {
   *   body: "His name is my name too.",
   * });
   * ```
   */
  update(
    slug: string,
    id: number,
    params: UpdateComment,
    options: CallOptions = {},
  ): Call<Comment> {
    return this.#transport.call(
      {
        name: "comments.update",
        method: "PUT",
        path: "/articles/{slug}/comments/{id}",
        body: "comment",
        expects: "comment",
        unwraps: true,
      },
      [slug, id],
      params,
      options,
    );
  }

  /**
   * Delete a comment
   *
   * Deletes a comment; only its author may do this. Replies stay: if there are
   * any, the comment loses its text and its author, and lists show it with
   * `deleted: true` until the last reply is deleted.
   *
   * @param slug - The current slug of the article or an earlier one
   * @param id - The number in `id` of the comment
   *
   * @example
   * ```ts
   * await byline.comments.delete("how-to-train-your-dragon", 42);
   * ```
   */
  delete(slug: string, id: number, options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      {
        name: "comments.delete",
        method: "DELETE",
        path: "/articles/{slug}/comments/{id}",
        empty: true,
      },
      [slug, id],
      {},
      options,
    );
  }
}

/** The tags in use; editors rename, merge and describe them */
export class TagsResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * List tags
   *
   * Returns the tags that at least one public article has, the most used first,
   * and those that are used equally often by name. Of more than 1,000 tags, it
   * returns the first 1,000.
   *
   * With `limit`, `cursor` or `prefix` it returns pages of all tags instead, by
   * name.
   *
   * @example
   * ```ts
   * const tags = await byline.tags.list();
   * ```
   */
  list(options: CallOptions = {}): Call<string[]> {
    return this.#transport.call(
      {
        name: "tags.list",
        method: "GET",
        path: "/tags",
        expects: "tags",
        unwraps: true,
        anonymous: true,
      },
      [],
      {},
      options,
    );
  }

  /**
   * List tags
   *
   * Returns the tags that at least one public article has, the most used first,
   * and those that are used equally often by name. Of more than 1,000 tags, it
   * returns the first 1,000.
   *
   * With `limit`, `cursor` or `prefix` it returns pages of all tags instead, by
   * name.
   *
   * @example
   * ```ts
   * const { tags, counts } = await byline.tags.page({ prefix: "dra" });
   * ```
   */
  page(params: TagsPageParams = {}, options: CallOptions = {}): Call<TagsResponse> {
    return this.#transport.call(
      { name: "tags.page", method: "GET", path: "/tags", expects: "tags", anonymous: true },
      [],
      params,
      options,
    );
  }

  /**
   * Get a tag
   *
   * Returns a tag that at least one public article has. Editors also get a tag
   * without public articles if it was renamed or described. Earlier names, and
   * those of tags that were merged into this one, lead to it.
   *
   * @param tag - The name of the tag, in any case of its letters, or an earlier name
   *
   * @example
   * ```ts
   * const tag = await byline.tags.get("dragons");
   * ```
   */
  get(tag: string, options: CallOptions = {}): Call<ManagedTag> {
    return this.#transport.call(
      { name: "tags.get", method: "GET", path: "/tags/{tag}", expects: "tag", unwraps: true },
      [tag],
      {},
      options,
    );
  }

  /**
   * Change a tag
   *
   * Changes what is shown of a tag. A name is shown at once in all articles with
   * the tag, which do not change: their `updatedAt` and revisions stay. Earlier
   * names lead to the tag. Two tags cannot have the same name: merge one into
   * the other.
   *
   * @param tag - The name of the tag, in any case of its letters, or an earlier name
   *
   * @example
   * ```ts
   * const tag = await byline.tags.update("dragons", {
   *   name: "dragons",
   *   description: "Training and care",
   * });
   * ```
   */
  update(tag: string, params: UpdateTagRequest, options: CallOptions = {}): Call<ManagedTag> {
    return this.#transport.call(
      {
        name: "tags.update",
        method: "PUT",
        path: "/tags/{tag}",
        body: true,
        expects: "tag",
        unwraps: true,
      },
      [tag],
      params,
      options,
    );
  }

  /**
   * Merge a tag into another one
   *
   * Makes a tag part of another one. Articles show the other tag at once, and
   * its name leads to it, as do earlier names. The lists of both tags become one.
   * If more than some thousand articles have the tag, this takes a few seconds
   * more: `articlesToMove` says how many are not in the list yet. It cannot be
   * undone. Articles do not change: their `updatedAt` and revisions stay. The
   * description of the merged tag is deleted.
   *
   * @param tag - The name of the tag, in any case of its letters, or an earlier name
   *
   * @example
   * ```ts
   * const tag = await byline.tags.merge("dragons", { into: "training" });
   * ```
   */
  merge(tag: string, params: MergeTagRequest, options: CallOptions = {}): Call<ManagedTag> {
    return this.#transport.call(
      {
        name: "tags.merge",
        method: "POST",
        path: "/tags/{tag}/merge",
        body: true,
        expects: "tag",
        unwraps: true,
      },
      [tag],
      params,
      options,
    );
  }
}

/** Articles that belong together, in an order */
export class SeriesResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * List series
   *
   * Returns all series, the newest first, each with the number of its public
   * articles.
   *
   * @example
   * ```ts
   * for await (const serie of byline.series.list()) {
   *   console.log(serie);
   * }
   * ```
   */
  list(
    params: SeriesListParams = {},
    options: CallOptions = {},
  ): Pager<SeriesSummary, Page<SeriesSummary>> {
    return new Pager((cursor) =>
      this.#transport.page(
        { name: "series.list", method: "GET", path: "/series", expects: "series", anonymous: true },
        [],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * Create a series
   *
   * Creates a series, which is empty. It is public at once, so that its title should
   * tell nothing that is not. An article joins it by the member `series`.
   *
   * @example
   * ```ts
   * const series = await byline.series.create({
   *   title: "Dragons for beginners",
   *   description: "From the egg to the first flight",
   * });
   * ```
   */
  create(params: NewSeries, options: CreateOptions = {}): Call<Series> {
    return this.#transport.call(
      {
        name: "series.create",
        method: "POST",
        path: "/series",
        body: "series",
        expects: "series",
        unwraps: true,
        creates: true,
      },
      [],
      params,
      options,
    );
  }

  /**
   * Get a series
   *
   * Returns a series with its articles in their order. Articles that are not public
   * are in it only for those who may see them.
   *
   * @param slug - Identifies the series; it never changes
   *
   * @example
   * ```ts
   * const series = await byline.series.get("dragons-for-beginners");
   * ```
   */
  get(slug: string, options: CallOptions = {}): Call<Series> {
    return this.#transport.call(
      {
        name: "series.get",
        method: "GET",
        path: "/series/{slug}",
        expects: "series",
        unwraps: true,
      },
      [slug],
      {},
      options,
    );
  }

  /**
   * Change a series
   *
   * Applies a merge patch to a series. With `articles`, these articles come first, in
   * this order; the others follow in the order that they had. All get new positions
   * from 1 on.
   *
   * @param slug - Identifies the series; it never changes
   *
   * @example
   * ```ts
   * const series = await byline.series.update("dragons-for-beginners", {
   *   articles: ["how-to-find-a-dragon", "how-to-train-your-dragon"],
   * });
   * ```
   */
  update(slug: string, params: UpdateSeries, options: ConditionalOptions = {}): Call<Series> {
    return this.#transport.call(
      {
        name: "series.update",
        method: "PUT",
        path: "/series/{slug}",
        body: "series",
        expects: "series",
        unwraps: true,
      },
      [slug],
      params,
      options,
    );
  }

  /**
   * Change what `get` returns, without overwriting the edits of others
   *
   * Reads the series, calls `change`, and writes the change that it
   * returns. If somebody else has edited the series in the meantime, reads it
   * and calls `change` again.
   *
   * @example
   * ```ts
   * const series = await byline.series.edit("dragons-for-beginners", (series) => ({
   *   articles: ["how-to-find-a-dragon", "how-to-train-your-dragon"],
   * }));
   * ```
   */
  edit(
    slug: string,
    change: (series: Series) => UpdateSeries | Promise<UpdateSeries>,
    options: CallOptions = {},
  ): Promise<Series> {
    return edit(
      () => this.get(slug, options),
      async (value, etag) => this.update(slug, await change(value), { ...options, ifMatch: etag }),
    );
  }

  /**
   * Delete a series
   *
   * Deletes a series. Its articles stay, in no series.
   *
   * @param slug - Identifies the series; it never changes
   *
   * @example
   * ```ts
   * await byline.series.delete("dragons-for-beginners");
   * ```
   */
  delete(slug: string, options: ConditionalOptions = {}): Call<void> {
    return this.#transport.call(
      { name: "series.delete", method: "DELETE", path: "/series/{slug}", empty: true },
      [slug],
      {},
      options,
    );
  }
}

/** Reports of articles, comments and profiles, and what moderators do about them */
export class ReportsResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Report an article, a comment or a profile
   *
   * Tells the moderators about something that the caller can see. Only they see
   * who has reported it. Reporting the same thing again, before it is decided,
   * returns the first report and changes nothing. An account can have 100 reports
   * that are not decided; a further one returns 422 with `report` in `errors`.
   * Nobody can report what is their own.
   *
   * @example
   * ```ts
   * const report = await byline.reports.create({
   *   kind: "article",
   *   id: "how-to-train-your-dragon",
   *   reason: "Advertising",
   * });
   * ```
   */
  create(params: NewReportRequest, options: CreateOptions = {}): Call<Report> {
    return this.#transport.call(
      {
        name: "reports.create",
        method: "POST",
        path: "/reports",
        body: true,
        expects: "report",
        unwraps: true,
        creates: true,
      },
      [],
      params,
      options,
    );
  }
}

/** Users, their roles and suspensions, and the audit log, for admins */
export class AdminResource {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * List users
   *
   * Returns users, newest first. Filters can be combined.
   *
   * @example
   * ```ts
   * for await (const user of byline.admin.listUsers({ username: "jake" })) {
   *   console.log(user);
   * }
   * ```
   */
  listUsers(
    params: AdminListUsersParams = {},
    options: CallOptions = {},
  ): Pager<Account, Page<Account>> {
    return new Pager((cursor) =>
      this.#transport.page(
        { name: "admin.listUsers", method: "GET", path: "/admin/users", expects: "users" },
        [],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * Create an account for somebody
   *
   * Creates an account without a password, and mails a token with which its
   * owner sets one (`POST /users/password-reset/confirm`) within an hour. After
   * that, `POST /users/password-reset` mails another one.
   *
   * @example
   * ```ts
   * const user = await byline.admin.createUser({
   *   username: "anna",
   *   email: "anna@example.com",
   *   role: "editor",
   * });
   * ```
   */
  createUser(params: NewAccountRequest, options: CreateOptions = {}): Call<Account> {
    return this.#transport.call(
      {
        name: "admin.createUser",
        method: "POST",
        path: "/admin/users",
        body: true,
        expects: "user",
        unwraps: true,
        creates: true,
      },
      [],
      params,
      options,
    );
  }

  /**
   * List invitations
   *
   * Returns the invitations that can still be used, newest first.
   *
   * @example
   * ```ts
   * for await (const invitation of byline.admin.listInvitations()) {
   *   console.log(invitation);
   * }
   * ```
   */
  listInvitations(
    params: AdminListInvitationsParams = {},
    options: CallOptions = {},
  ): Pager<Invitation, Page<Invitation>> {
    return new Pager((cursor) =>
      this.#transport.page(
        {
          name: "admin.listInvitations",
          method: "GET",
          path: "/admin/invitations",
          expects: "invitations",
        },
        [],
        { ...params, ...cursor },
        options,
      ),
    );
  }

  /**
   * Invite somebody to register
   *
   * Mails a token with which the owner of the address can register once, within
   * seven days, and get the role. Registering with the invited address verifies
   * it; the token is of no use with another address. The invitation ends when
   * the account of the admin is suspended or deleted, or loses the role.
   *
   * Inviting an address again replaces its invitation. An address that has an
   * account returns 409.
   *
   * @example
   * ```ts
   * const invitation = await byline.admin.createInvitation({
   *   email: "anna@example.com",
   *   role: "editor",
   * });
   * ```
   */
  createInvitation(params: NewInvitationRequest, options: CreateOptions = {}): Call<Invitation> {
    return this.#transport.call(
      {
        name: "admin.createInvitation",
        method: "POST",
        path: "/admin/invitations",
        body: true,
        expects: "invitation",
        unwraps: true,
        creates: true,
      },
      [],
      params,
      options,
    );
  }

  /**
   * Withdraw an invitation
   *
   * Ends an invitation that has not been used. Its token is of no use any more.
   *
   * @param id - The number in `id` of `GET /admin/invitations`
   *
   * @example
   * ```ts
   * await byline.admin.deleteInvitation(42);
   * ```
   */
  deleteInvitation(id: number, options: CallOptions = {}): Call<void> {
    return this.#transport.call(
      {
        name: "admin.deleteInvitation",
        method: "DELETE",
        path: "/admin/invitations/{id}",
        empty: true,
      },
      [id],
      {},
      options,
    );
  }

  /**
   * Change the role of a user
   *
   * Changes the role of a user. The new role takes effect immediately, and on
   * other replicas within a second. It also applies to the tokens and API keys
   * that the user already has. Admins cannot change their own role, so that
   * there is always an admin.
   *
   * @param username - The name of the user's account, in any letter case, width and normalisation
   *
   * @example
   * ```ts
   * const user = await byline.admin.setUserRole("jake", {
   *   role: "moderator",
   *   reason: "Helps with the comments",
   * });
   * ```
   */
  setUserRole(username: string, params: SetRoleRequest, options: CallOptions = {}): Call<Account> {
    return this.#transport.call(
      {
        name: "admin.setUserRole",
        method: "PUT",
        path: "/admin/users/{username}/role",
        body: true,
        expects: "user",
        unwraps: true,
      },
      [username],
      params,
      options,
    );
  }

  /**
   * Suspend a user
   *
   * Ends every session of the user and rejects their API keys, on other replicas
   * within a second. Signing in returns 403 `account_suspended`. Articles and
   * comments of the user stay visible. Admins cannot suspend themselves.
   * Repeating the request with another reason replaces the reason.
   *
   * @param username - The name of the user's account, in any letter case, width and normalisation
   *
   * @example
   * ```ts
   * const user = await byline.admin.suspendUser("jake", {
   *   reason: "Advertising in comments",
   * });
   * ```
   */
  suspendUser(username: string, params: SuspendRequest, options: CallOptions = {}): Call<Account> {
    return this.#transport.call(
      {
        name: "admin.suspendUser",
        method: "PUT",
        path: "/admin/users/{username}/suspension",
        body: true,
        expects: "user",
        unwraps: true,
      },
      [username],
      params,
      options,
    );
  }

  /**
   * End the suspension of a user
   *
   * Lets the user sign in again and makes their API keys valid again. A user who
   * is not suspended stays as they are.
   *
   * @param username - The name of the user's account, in any letter case, width and normalisation
   *
   * @example
   * ```ts
   * const user = await byline.admin.reinstateUser("jake");
   * ```
   */
  reinstateUser(username: string, options: CallOptions = {}): Call<Account> {
    return this.#transport.call(
      {
        name: "admin.reinstateUser",
        method: "DELETE",
        path: "/admin/users/{username}/suspension",
        expects: "user",
        unwraps: true,
      },
      [username],
      {},
      options,
    );
  }

  /**
   * Read the audit log
   *
   * Returns all actions of moderators, of editors on the articles of others and on
   * tags and series, of admins and of the operator at the command line, newest
   * first. Entries are never deleted, and never changed, except that the reason is
   * erased when the account that it is about is deleted. They store ids; the
   * response contains the current names, or `null` where the subject or the account
   * of the actor no longer exists.
   *
   * @example
   * ```ts
   * for await (const entry of byline.admin.listAuditLog({ actor: "jake" })) {
   *   console.log(entry);
   * }
   * ```
   */
  listAuditLog(
    params: AdminListAuditLogParams = {},
    options: CallOptions = {},
  ): Pager<AuditEntry, Page<AuditEntry>> {
    return new Pager((cursor) =>
      this.#transport.page(
        { name: "admin.listAuditLog", method: "GET", path: "/admin/audit", expects: "entries" },
        [],
        { ...params, ...cursor },
        options,
      ),
    );
  }
}

/** The resources of the service. */
export abstract class Resources {
  /** Accounts, registration and sign-in */
  readonly users: UsersResource;
  /** Accounts, registration and sign-in */
  readonly account: AccountResource;
  /** Sign-in with short-lived tokens, and the list of sessions */
  readonly sessions: SessionsResource;
  /** API keys for programs, with scopes */
  readonly apiKeys: ApiKeysResource;
  /** Password reset and verification of e-mail addresses */
  readonly recovery: RecoveryResource;
  /** Public profiles of users, following them, and blocking them */
  readonly profiles: ProfilesResource;
  /** Articles, lists of articles and the personal feed */
  readonly articles: ArticlesResource;
  /** Articles, lists of articles and the personal feed */
  readonly revisions: RevisionsResource;
  /** Links that show an article before it is public */
  readonly previews: PreviewsResource;
  /** Reports of articles, comments and profiles, and what moderators do about them */
  readonly moderation: ModerationResource;
  /** Comments on articles */
  readonly comments: CommentsResource;
  /** The tags in use; editors rename, merge and describe them */
  readonly tags: TagsResource;
  /** Articles that belong together, in an order */
  readonly series: SeriesResource;
  /** Reports of articles, comments and profiles, and what moderators do about them */
  readonly reports: ReportsResource;
  /** Users, their roles and suspensions, and the audit log, for admins */
  readonly admin: AdminResource;
  /** @internal */
  constructor(transport: Transport) {
    this.users = new UsersResource(transport);
    this.account = new AccountResource(transport);
    this.sessions = new SessionsResource(transport);
    this.apiKeys = new ApiKeysResource(transport);
    this.recovery = new RecoveryResource(transport);
    this.profiles = new ProfilesResource(transport);
    this.articles = new ArticlesResource(transport);
    this.revisions = new RevisionsResource(transport);
    this.previews = new PreviewsResource(transport);
    this.moderation = new ModerationResource(transport);
    this.comments = new CommentsResource(transport);
    this.tags = new TagsResource(transport);
    this.series = new SeriesResource(transport);
    this.reports = new ReportsResource(transport);
    this.admin = new AdminResource(transport);
  }
}

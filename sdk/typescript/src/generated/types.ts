// Generated from openapi.yaml by generator/index.js; `make sdk` replaces it.

/** Whether texts are returned as Markdown only, or as HTML too */
export type TextFormat = "markdown" | "html";

/** A sign-in, and what the service knows about the client that made it */
export interface Session {
  /** Identifies the session in `/sessions/{id}` */
  id: number;
  /** Whether the token of this request belongs to the session */
  current: boolean;
  /** The `User-Agent` of the client at sign-in, shortened */
  userAgent: string | null;
  /** When the user signed in */
  createdAt: string;
  /** When a token of the session was last used, to the minute */
  usedAt: string;
  /** When the session ends, unless its tokens are renewed before */
  expiresAt: string;
}

/** A pair of tokens: one for requests, and one that renews the pair */
export interface Tokens {
  /** Send it in `Authorization`; it is valid for minutes */
  accessToken: string;
  /** When the service begins to reject `accessToken` */
  accessTokenExpiresAt: string;
  /** Send it to `POST /sessions/refresh`; it can be used once */
  refreshToken: string;
  /** When the session ends, unless `refreshToken` is used before */
  refreshTokenExpiresAt: string;
}

/** The session that the request created, with its first tokens */
export interface SessionCreatedResponse {
  /** A sign-in, and what the service knows about the client that made it */
  session: Session;
  /** A pair of tokens: one for requests, and one that renews the pair */
  tokens: Tokens;
}

/** The token that the client exchanges for a new pair */
export interface RefreshSessionRequest {
  /**
   * `refreshToken` of the last response with tokens; it can be used once
   *
   * 1 to 4096 characters.
   */
  refreshToken: string;
}

/** What the key permits; each scope includes those before it */
export type Scope = "read" | "write" | "admin";

/** What an API key is for, and what it may do */
export interface NewApiKey {
  /**
   * A name by which the owner recognises the key
   *
   * 1 to 64 characters.
   */
  name: string;
  /**
   * What the key permits; several scopes mean the widest of them
   *
   * 1 to 3 items.
   */
  scopes: readonly Scope[];
  /** When the key expires; if it is `null` or absent, the key does not expire */
  expiresAt?: string | null | undefined;
  /**
   * Proves that the owner of the account creates the key; some servers require it
   *
   * 1 to 256 characters.
   */
  currentPassword?: string | undefined;
}

/** What the service shows of an API key after its creation; the key itself is not stored */
export interface ApiKey {
  /** Identifies the key in `/user/keys/{id}` */
  id: number;
  /** The name by which the owner recognises the key */
  name: string;
  /** The first characters of the key */
  prefix: string;
  /** What the key permits */
  scopes: Scope[];
  /** When the owner created the key */
  createdAt: string;
  /** When the service begins to reject the key; null if it never does */
  expiresAt: string | null;
  /** When a request last used the key, to the minute; null if none has */
  usedAt: string | null;
}

/** The API key that the request created, and the secret that no other response contains */
export interface ApiKeyCreatedResponse {
  /** What the service shows of an API key after its creation; the key itself is not stored */
  apiKey: ApiKey;
  /** The key itself; send it as `Authorization: Bearer <key>` */
  key: string;
}

/** The account that needs a new password */
export interface PasswordResetRequest {
  /**
   * Unique regardless of letter case
   *
   * 1 to 254 characters.
   */
  email: string;
}

/** The proof from the mail, and the password that replaces the old one */
export interface PasswordResetConfirmationRequest {
  /**
   * A token from a mail; it can be used once
   *
   * 1 to 256 characters.
   */
  token: string;
  /**
   * 8 to 256 characters, with no other rules (NIST SP 800-63B). Passwords are never truncated.
   *
   * 8 to 256 characters.
   */
  password: string;
}

/** The proof from the mail that the address belongs to the user */
export interface EmailVerificationConfirmationRequest {
  /**
   * A token from a mail; it can be used once
   *
   * 1 to 256 characters.
   */
  token: string;
}

/** The address of an account, and whether its owner has proved that it is theirs */
export interface EmailVerification {
  /** The current address of the account */
  email: string;
  /** When the owner proved that the address is theirs; null if they have not yet */
  verifiedAt: string | null;
}

/** The account that the request registers */
export interface NewUser {
  /**
   * Unique regardless of letter case, width, normalisation and white space
   * (RFC 8266), and returned as it was sent. It contains no slashes, control,
   * invisible or unassigned characters, and does not consist of dots only.
   *
   * 1 to 64 characters.
   */
  username: string;
  /**
   * Unique regardless of letter case
   *
   * 1 to 254 characters.
   */
  email: string;
  /**
   * 8 to 256 characters, with no other rules (NIST SP 800-63B). Passwords are never truncated.
   *
   * 8 to 256 characters.
   */
  password: string;
  /**
   * The token of an invitation
   *
   * 1 to 64 characters.
   */
  invitation?: string | undefined;
}

/** The address and the password that identify the account */
export interface LoginUser {
  /**
   * The address of the account, in any letter case
   *
   * 1 to 254 characters.
   */
  email: string;
  /**
   * Exactly as it was set; every character counts
   *
   * 1 to 256 characters.
   */
  password: string;
}

/** A merge patch; absent members stay unchanged */
export interface UpdateUser {
  /**
   * Unique regardless of letter case, width, normalisation and white space
   * (RFC 8266), and returned as it was sent. It contains no slashes, control,
   * invisible or unassigned characters, and does not consist of dots only.
   *
   * 1 to 64 characters.
   */
  username?: string | undefined;
  /**
   * Unique regardless of letter case
   *
   * 1 to 254 characters.
   */
  email?: string | undefined;
  /**
   * 8 to 256 characters, with no other rules (NIST SP 800-63B). Passwords are never truncated.
   *
   * 8 to 256 characters.
   */
  password?: string | undefined;
  /**
   * Proves that the owner of the account changes `email` or `password`; some servers require it
   *
   * 1 to 256 characters.
   */
  currentPassword?: string | undefined;
  /**
   * What users say about themselves, as plain text; `null` and an empty text remove it
   *
   * Up to 10000 characters.
   */
  bio?: string | null | undefined;
  /**
   * The URL of a picture. Without a scheme it is relative to the page that shows it; `data:image/` URLs are accepted too.
   *
   * Up to 2048 characters.
   */
  image?: string | null | undefined;
}

/** The account of the caller, with a token for further requests */
export interface User {
  /** The address that the user signs in with; others do not see it */
  email: string;
  /** Send it as `Authorization: Token <token>` */
  token: string;
  /** The name in the address of the profile, and beside what the user writes */
  username: string;
  /** What users say about themselves; null if they say nothing */
  bio: string | null;
  /** The URL of the picture of the user; null if they have none */
  image: string | null;
}

/** What confirms that the owner wants the deletion */
export interface DeleteUser {
  /**
   * The password of the account, to confirm the deletion
   *
   * 1 to 256 characters.
   */
  password: string;
}

/** One line of an export; its other members depend on `type` */
export interface ExportRecord {
  /** What the line is about; `end` is the last line of a complete export */
  type:
    | "account"
    | "session"
    | "apiKey"
    | "article"
    | "revision"
    | "comment"
    | "favorite"
    | "following"
    | "follower"
    | "block"
    | "report"
    | "auditEntry"
    | "end";
  [member: string]: unknown;
}

/** A user as everybody sees them */
export interface Profile {
  /** The name in the address of the profile, as the user has spelt it */
  username: string;
  /** What users say about themselves; null if they say nothing */
  bio: string | null;
  /** The URL of the picture of the user; null if they have none */
  image: string | null;
  /** Whether the caller follows this user */
  following: boolean;
  /** Present, and true, if the caller has blocked this user; only in responses about profiles */
  blocked?: boolean;
}

/** A user whom the caller has blocked */
export interface Block {
  /** The present name of the user */
  username: string;
  /** When the caller blocked the user */
  blockedAt: string;
}

/** The article that the request publishes */
export interface NewArticle {
  /**
   * What lists and pages show as the headline, as plain text
   *
   * 1 to 256 characters.
   */
  title: string;
  /**
   * The slug of the article, which stays when the title changes. Without it, or
   * if it is null, the slug is derived from the title.
   *
   * Up to 100 characters.
   */
  slug?: string | null | undefined;
  /**
   * A summary of the article for lists, as plain text
   *
   * 1 to 1024 characters.
   */
  description: string;
  /**
   * Markdown, stored and returned exactly as it was sent
   *
   * 1 to 262144 characters.
   */
  body: string;
  /**
   * Tags in the order of the request; duplicates are removed
   *
   * Up to 30 items.
   */
  tagList?: readonly string[] | undefined;
  /** What becomes of the article; without it, it is published at once */
  status?: ArticleStatus | undefined;
  /** When a `scheduled` article is published; only with this status */
  publishedAt?: string | undefined;
  /** The series that the article becomes a part of; null = none */
  series?: NewPlaceInSeries | null | undefined;
  /**
   * The slug of an article that this one translates, or of another translation of it. Only those who may change that article may set it.
   *
   * 1 to 300 characters.
   */
  translationOf?: string | undefined;
  /**
   * Whether the article takes new comments
   *
   * @default true
   */
  commentsOpen?: boolean | undefined;
  /** The picture that represents the article; null if there is none */
  coverImage?: CoverImage | null | undefined;
  /**
   * Where the article was published first, for search engines; null if here
   *
   * Up to 2048 characters.
   */
  canonicalUrl?: string | null | undefined;
  /**
   * The title for search engines and social networks; null if it is that of the article
   *
   * 1 to 256 characters.
   */
  metaTitle?: string | null | undefined;
  /**
   * The summary for search engines and social networks; null if it is that of the article
   *
   * 1 to 1024 characters.
   */
  metaDescription?: string | null | undefined;
  /**
   * The language of the text, as a BCP 47 tag in its canonical form; null if nobody has said
   *
   * 2 to 35 characters.
   */
  language?: string | null | undefined;
  /**
   * Members of the front end's own, as JSON of any kind: up to 50, with names of
   * up to 40 characters, and 16,384 bytes together. Members that are null are
   * left out.
   */
  metadata?: Record<string, unknown> | null | undefined;
  /**
   * The username of the author, if it is not the caller; for editors. An object, as in responses, has no effect.
   *
   * 1 to 64 characters.
   */
  author?: string | undefined;
}

/** The picture that represents the article; null if there is none */
export interface CoverImage {
  /**
   * Where the picture is
   *
   * Up to 2048 characters.
   */
  url: string;
  /**
   * What the picture shows, for those who do not see it; empty if it only decorates
   *
   * Up to 1000 characters.
   */
  alt: string;
  /**
   * In pixels
   *
   * 1 to 100000.
   */
  width?: number | undefined;
  /**
   * In pixels
   *
   * 1 to 100000.
   */
  height?: number | undefined;
}

/** A merge patch of the cover; null removes it. A cover has to have a `url` and an `alt`. */
export interface ChangedCoverImage {
  /**
   * Where the picture is
   *
   * Up to 2048 characters.
   */
  url?: string | undefined;
  /**
   * What the picture shows, for those who do not see it; empty if it only decorates
   *
   * Up to 1000 characters.
   */
  alt?: string | undefined;
  /**
   * In pixels; null removes it
   *
   * 1 to 100000.
   */
  width?: number | null | undefined;
  /**
   * In pixels; null removes it
   *
   * 1 to 100000.
   */
  height?: number | null | undefined;
}

/**
 * How far an article is: a `draft`, in `review`, `scheduled` to be published,
 * or `published`. Only a published one is public.
 */
export type ArticleStatus = "draft" | "review" | "scheduled" | "published";

/** A merge patch; absent members stay unchanged */
export interface UpdateArticle {
  /**
   * What lists and pages show as the headline, as plain text
   *
   * 1 to 256 characters.
   */
  title?: string | undefined;
  /**
   * Another slug, or an earlier one of the article. It stays when the title
   * changes. Null derives the slug from the title again. The slug that the article
   * has is no change; in a request that changes the title too, it keeps the slug.
   * An article that has 50 earlier slugs can only take one of them back.
   *
   * Up to 100 characters.
   */
  slug?: string | null | undefined;
  /**
   * A summary of the article for lists, as plain text
   *
   * 1 to 1024 characters.
   */
  description?: string | undefined;
  /**
   * Markdown, stored and returned exactly as it was sent
   *
   * 1 to 262144 characters.
   */
  body?: string | undefined;
  /**
   * Tags in the order of the request; duplicates are removed. An article that
   * has more than 30 tags, or one of more than 50 characters, from before these
   * limits can keep them, but cannot get others beyond the limits.
   *
   * Up to 50 items.
   */
  tagList?: readonly string[] | undefined;
  /**
   * Has to be what it is, as in an article that is sent back; `POST /articles/{slug}/publish` and `unpublish` change it
   */
  status?: ArticleStatus | undefined;
  /** Has to be what it is */
  publishedAt?: string | null | undefined;
  /** Has to be what it is */
  unpublishAt?: string | null | undefined;
  /** A merge patch of the cover; null removes it. A cover has to have a `url` and an `alt`. */
  coverImage?: ChangedCoverImage | null | undefined;
  /**
   * Where the article was published first, for search engines; null if here
   *
   * Up to 2048 characters.
   */
  canonicalUrl?: string | null | undefined;
  /**
   * The title for search engines and social networks; null if it is that of the article
   *
   * 1 to 256 characters.
   */
  metaTitle?: string | null | undefined;
  /**
   * The summary for search engines and social networks; null if it is that of the article
   *
   * 1 to 1024 characters.
   */
  metaDescription?: string | null | undefined;
  /**
   * The language of the text, as a BCP 47 tag in its canonical form; null if nobody has said
   *
   * 2 to 35 characters.
   */
  language?: string | null | undefined;
  /**
   * A merge patch of the front end's own members: those that are absent stay,
   * those that are null are removed, and objects are merged. Null removes all.
   */
  metadata?: Record<string, unknown> | null | undefined;
  /** The series that the article becomes a part of; null = none */
  series?: NewPlaceInSeries | null | undefined;
  /**
   * The slug of an article that this one translates, or of another translation of it; null ends that. Only those who may change that article may set it.
   *
   * 1 to 300 characters.
   */
  translationOf?: string | null | undefined;
  /** Whether the article takes new comments; existing ones stay */
  commentsOpen?: boolean | undefined;
  /**
   * The username of another author; for editors. An object, as in responses, has no effect.
   *
   * 1 to 64 characters.
   */
  author?: string | undefined;
}

/** When the article is public; without members, from now on */
export interface PublishRequest {
  /** When it is published; without it at once */
  publishAt?: string | undefined;
  /** When it becomes a draft again; without it never */
  unpublishAt?: string | undefined;
}

/** How long the link works; without members, for seven days */
export interface NewPreviewRequest {
  /**
   * After how many seconds the link expires: from a minute to 30 days
   *
   * 60 to 2592000.
   *
   * @default 604800
   */
  expiresIn?: number | undefined;
}

/** A link that shows an article */
export interface PreviewResponse {
  /**
   * The page of the front end that shows previews, if the service has its address (`BYLINE_PREVIEW_URL`); else `GET /previews/{token}` of this API, as a path of this server
   */
  url: string;
  /** What the page sends to `GET /previews/{token}` */
  token: string;
  /** When the link expires */
  expiresAt: string;
}

/** How far the unpublished changes of an article are */
export interface WorkingCopy {
  /** How far unpublished changes are: a `draft`, in `review` or `scheduled` to be published */
  status: WorkingCopyStatus;
  /** When they will be published; null unless they are scheduled */
  publishAt: string | null;
  /**
   * The number of the revision that they began with. If the article has another one, it has changed since.
   */
  basedOn: number;
  /** When they were last changed */
  updatedAt: string;
  /** The user who wrote this; null if the account no longer exists */
  author: RevisionAuthor | null;
}

/** How far unpublished changes are: a `draft`, in `review` or `scheduled` to be published */
export type WorkingCopyStatus = "draft" | "review" | "scheduled";

/** The user who wrote this; null if the account no longer exists */
export interface RevisionAuthor {
  /** The name of the user */
  username: string;
  /** What users say about themselves; null if they say nothing */
  bio: string | null;
  /** The URL of the picture of the user; null if they have none */
  image: string | null;
  /** Whether the caller follows this user */
  following: boolean;
}

/** A revision without its text */
export interface RevisionSummary {
  /** Identifies the revision of the article */
  number: number;
  /** The title that it has */
  title: string;
  /** Whether it was or is the text of a published article; then it is never dropped */
  published: boolean;
  /** When it was written */
  createdAt: string;
  /** The user who wrote this; null if the account no longer exists */
  author: RevisionAuthor | null;
}

/** A text that an article or its working copy has or had */
export interface Revision {
  /** Identifies the revision of the article */
  number: number;
  /** The title that it has */
  title: string;
  /** The summary that it has */
  description: string;
  /** The Markdown that it has, exactly as it was sent */
  body: string;
  /** The tags that it has */
  tagList: string[];
  /** The picture that represents the article; null if there is none */
  coverImage: CoverImage | null;
  /** Where the article was published first, for search engines; null if here */
  canonicalUrl: string | null;
  /** The title for search engines and social networks; null if it is that of the article */
  metaTitle: string | null;
  /** The summary for search engines and social networks; null if it is that of the article */
  metaDescription: string | null;
  /** The language of the text, as a BCP 47 tag in its canonical form; null if nobody has said */
  language: string | null;
  /**
   * Members of the front end's own, as JSON of any kind. They are returned as
   * they were sent: the digits of numbers and the order of members stay.
   */
  metadata: Record<string, unknown>;
  /** Whether it was or is the text of a published article; then it is never dropped */
  published: boolean;
  /** When it was written */
  createdAt: string;
  /** The user who wrote this; null if the account no longer exists */
  author: RevisionAuthor | null;
}

/** A published text with its tags, its author and what the caller has to do with it */
export interface Article {
  /** The picture that represents the article; null if there is none */
  coverImage: CoverImage | null;
  /** Where the article was published first, for search engines; null if here */
  canonicalUrl: string | null;
  /** The title for search engines and social networks; null if it is that of the article */
  metaTitle: string | null;
  /** The summary for search engines and social networks; null if it is that of the article */
  metaDescription: string | null;
  /** The language of the text, as a BCP 47 tag in its canonical form; null if nobody has said */
  language: string | null;
  /**
   * Members of the front end's own, as JSON of any kind. They are returned as
   * they were sent: the digits of numbers and the order of members stay.
   */
  metadata: Record<string, unknown>;
  /**
   * Identifies the article in paths. It is derived from the title, and changes with it, unless a request has given one.
   */
  slug: string;
  /** What lists and pages show as the headline, as plain text */
  title: string;
  /** A summary for lists, as plain text */
  description: string;
  /** The text as Markdown, exactly as the author sent it */
  body: string;
  /** `body` as sanitised HTML; present only with `format=html` */
  bodyHtml?: string;
  /** The headings of `bodyHtml` that have an id, in its order; present only with `format=html` */
  tableOfContents?: Heading[];
  /** In the order of the author; in lenient mode, sorted */
  tagList: string[];
  /** When the article was created */
  createdAt: string;
  /** When the author last changed the article; equal to `createdAt` if never */
  updatedAt: string;
  /**
   * How far an article is: a `draft`, in `review`, `scheduled` to be published,
   * or `published`. Only a published one is public.
   */
  status: ArticleStatus;
  /**
   * When the article was published, or will be; null for a draft and in review. Lists are sorted by it.
   */
  publishedAt: string | null;
  /** When the article becomes a draft again; null if it stays published */
  unpublishAt: string | null;
  /**
   * The number of the revision that this text is; those of the texts that the article has had are lower
   */
  revision: number;
  /**
   * How far the unpublished changes of the article are; only in the responses to requests that concern them
   */
  workingCopy?: WorkingCopy;
  /**
   * The number of words of `body`. In Chinese and Japanese each character counts; for languages of South-East Asia without spaces it is an estimate.
   */
  wordCount: number;
  /**
   * How long `body` takes to read, at 230 words or 500 Chinese or Japanese characters a minute
   */
  readingMinutes: number;
  /** The series that the article is in, and its place there; null if it is in none */
  series: PlaceInSeries | null;
  /** The translations of the article that the caller may see, by language */
  translations: Translation[];
  /** Whether the article takes new comments */
  commentsOpen: boolean;
  /** Whether the article is one of the caller's favorites */
  favorited: boolean;
  /** The number of users who have marked the article as a favorite */
  favoritesCount: number;
  /** The profile of the user who wrote the article */
  author: Profile;
  /**
   * Present when a moderator has hidden the article or comment, which only its author and moderators can then see
   */
  hidden?: Hidden;
}

/** An entry of the table of contents */
export interface Heading {
  /** 2 for an `h2` */
  level: number;
  /** The id of the element, so that `#` and the id lead to it */
  id: string;
  /** The first 200 characters of the heading, as plain text */
  text: string;
}

/** An article without its body */
export interface ArticleSummary {
  /**
   * Identifies the article in paths. It is derived from the title, and changes with it, unless a request has given one.
   */
  slug: string;
  /** What lists and pages show as the headline, as plain text */
  title: string;
  /** A summary for lists, as plain text */
  description: string;
  /** In the order of the author; in lenient mode, sorted */
  tagList: string[];
  /** When the article was created */
  createdAt: string;
  /** When the author last changed the article; equal to `createdAt` if never */
  updatedAt: string;
  /** How far the article is; only for those who may change it */
  status?: ArticleStatus;
  /** When the article was published, or will be; only for those who may change it */
  publishedAt?: string | null;
  /**
   * How far the unpublished changes of the article are; only in the lists of those who may change it
   */
  workingCopy?: WorkingCopyStatus;
  /** Whether the article is one of the caller's favorites */
  favorited: boolean;
  /** The number of users who have marked the article as a favorite */
  favoritesCount: number;
  /** The profile of the user who wrote the article */
  author: Profile;
}

/** The series that the request creates */
export interface NewSeries {
  /**
   * What lists and pages show as the headline, as plain text
   *
   * 1 to 256 characters.
   */
  title: string;
  /**
   * Identifies the series in paths; without it, it is made from the title. It never changes.
   *
   * 1 to 100 characters.
   */
  slug?: string | undefined;
  /**
   * What the series is about, as plain text; empty without it
   *
   * 1 to 1024 characters.
   */
  description?: string | undefined;
}

/** A merge patch; absent members stay unchanged */
export interface UpdateSeries {
  /**
   * What lists and pages show as the headline, as plain text
   *
   * 1 to 256 characters.
   */
  title?: string | undefined;
  /**
   * What the series is about, as plain text
   *
   * 1 to 1024 characters.
   */
  description?: string | undefined;
  /**
   * The slugs of articles of the series, in their new order
   *
   * Up to 500 items.
   */
  articles?: readonly string[] | undefined;
}

/** A series without the list of its articles */
export interface SeriesSummary {
  /** Identifies the series in paths */
  slug: string;
  /** The name of the series, as plain text */
  title: string;
  /** What the series is about, as plain text; empty if nobody has said */
  description: string;
  /** The number of its public articles */
  articlesCount: number;
}

/** Articles that belong together, in an order */
export interface Series {
  /** Identifies the series in paths */
  slug: string;
  /** The name of the series, as plain text */
  title: string;
  /** What the series is about, as plain text; empty if nobody has said */
  description: string;
  /** The number of its public articles */
  articlesCount: number;
  /** The articles that the caller may see, in their order */
  articles: SeriesArticle[];
}

/** An article as its series lists it, with its place there */
export interface SeriesArticle {
  /** Leads to the article, as in `GET /articles/{slug}` */
  slug: string;
  /** Its title, as plain text */
  title: string;
  /** What the articles of the series are sorted by. Numbers may be missing. */
  position: number;
}

/** The series that the article is in, and its place there; null if it is in none */
export interface PlaceInSeries {
  /** Identifies the series in paths */
  slug: string;
  /** The name of the series, as plain text */
  title: string;
  /** What the articles of the series are sorted by. Numbers may be missing. */
  position: number;
}

/** The series that the article becomes a part of; null = none */
export interface NewPlaceInSeries {
  /**
   * The slug of a series that exists
   *
   * 1 to 100 characters.
   */
  slug: string;
  /**
   * The place of the article; without it, where it is or else at the end
   *
   * 1 to 100000.
   */
  position?: number | undefined;
  /**
   * Has no effect, so that a front end can send back what it has got
   *
   * Up to 1000 characters.
   */
  title?: string | undefined;
}

/** An article that is a translation of this one, or the other way round */
export interface Translation {
  /** The language of the translation as a BCP 47 tag; null if nobody has said */
  language: string | null;
  /** Leads to the translation, as in `GET /articles/{slug}` */
  slug: string;
  /** Its title, as plain text */
  title: string;
}

/** The comment that the request adds */
export interface NewComment {
  /**
   * Markdown, stored and returned exactly as it was sent
   *
   * 1 to 16384 characters.
   */
  body: string;
  /** The comment of the same article that this one answers; null or absent if it answers none */
  parentId?: number | null | undefined;
}

/** What replaces the text of the comment */
export interface UpdateComment {
  /**
   * Markdown, stored and returned exactly as it was sent
   *
   * 1 to 16384 characters.
   */
  body: string;
}

/** What a user has written below an article */
export interface Comment {
  /** Identifies the comment among those of all articles. It is always below 2^53. */
  id: number;
  /** The comment that this one answers; null if it answers none */
  parentId: number | null;
  /** When the comment was written */
  createdAt: string;
  /** When the comment was last changed; equal to `createdAt` if never */
  updatedAt: string;
  /** The text as Markdown, exactly as the author sent it; empty if the comment was deleted */
  body: string;
  /** `body` as sanitised HTML; present only with `format=html` */
  bodyHtml?: string;
  /**
   * The profile of the user who wrote the comment; its members are empty if the comment was deleted
   */
  author: Profile;
  /** Present, as `true`, if the comment was deleted and is only shown because it has replies */
  deleted?: boolean;
  /**
   * Present, as `true`, while the comment waits for the approval of a moderator; only its author and moderators see it
   */
  waiting?: boolean;
  /**
   * Present when a moderator has hidden the article or comment, which only its author and moderators can then see
   */
  hidden?: Hidden;
}

/** The tags in use, in the shape of the RealWorld contract */
export interface TagsResponse {
  /** The most used first; in pages, by name */
  tags: string[];
  /** With `counts=true`: each of the tags with the number of its articles */
  counts?: TagCount[];
  /** Only in pages: the `cursor` of the next page, or null on the last page */
  nextCursor?: string | null;
}

/** A tag, and what editors say about it */
export interface ManagedTag {
  /** The name that articles show, which leads to the tag in any case of its letters */
  name: string;
  /** What the tag is about; null if no editor has described it */
  description: string | null;
  /** The number of public articles in the list of the tag */
  articlesCount: number;
  /**
   * The number of public articles with a merged tag that are not in the list yet, see `POST /tags/{tag}/merge`
   */
  articlesToMove: number;
}

/** A merge patch; absent members stay unchanged */
export interface UpdateTagRequest {
  /**
   * The name that articles show from now on
   *
   * 1 to 50 characters.
   */
  name?: string | undefined;
  /**
   * What the tag is about; null deletes it
   *
   * 1 to 1024 characters.
   */
  description?: string | null | undefined;
}

/** The tag that another one becomes part of */
export interface MergeTagRequest {
  /**
   * The name of the other tag, in any case of its letters, or an earlier name
   *
   * 1 to 64 characters.
   */
  into: string;
}

/** How many public articles have a tag */
export interface TagCount {
  /** The name of the tag */
  tag: string;
  /** The number of public articles with the tag */
  articlesCount: number;
}

/**
 * Present when a moderator has hidden the article or comment, which only its author and moderators can then see
 */
export interface Hidden {
  /** What the moderator gave as the reason */
  reason: string;
  /** When the moderator hid it */
  at: string;
}

/** Why the article or comment is hidden */
export interface HideRequest {
  /**
   * The reason for the action, as the audit log shows it; the author of a hidden article or comment sees it too
   *
   * 1 to 500 characters.
   */
  reason: string;
}

/** An article or comment that only its author and moderators can see */
export interface HiddenItem {
  /** Whether this is an article or a comment */
  kind: "article" | "comment";
  /** The slug of the article, or of the article that the comment belongs to */
  slug: string;
  /** The headline of that article */
  title: string;
  /** Identifies a hidden comment; null for an article */
  commentId: number | null;
  /** The username of the author */
  author: string;
  /** What the moderator gave as the reason */
  reason: string;
  /** The username of the moderator; null when their account no longer exists */
  hiddenBy: string | null;
  /** When the moderator hid it */
  hiddenAt: string;
}

/** A comment that only its author and moderators can see until a moderator has approved it */
export interface WaitingComment {
  /** Identifies the comment */
  id: number;
  /** The slug of the article */
  slug: string;
  /** The headline of the article */
  title: string;
  /** The comment that this one answers; null if it answers none */
  parentId: number | null;
  /** The username of the author */
  author: string;
  /** The text as Markdown */
  body: string;
  /** When the comment was written */
  createdAt: string;
}

/** What kind of thing is reported */
export type ReportKind = "article" | "comment" | "profile";

/** What is reported, and why */
export interface NewReportRequest {
  /** What kind of thing is reported */
  kind: ReportKind;
  /**
   * The slug of the article, the `id` of the comment, as a text or a number, or the username
   *
   * 1 to 128 characters.
   */
  id: string;
  /**
   * What is wrong with it, for the moderators
   *
   * 1 to 500 characters.
   */
  reason: string;
}

/** A report as its reporter sees it */
export interface Report {
  /** What kind of thing is reported */
  kind: ReportKind;
  /** The slug, the number of the comment or the username that was sent */
  id: string;
  /** What the caller has said is wrong with it */
  reason: string;
  /** When the caller reported it */
  createdAt: string;
}

/** What the moderator does about what was reported */
export type ReportAction = "dismiss" | "hide" | "delete" | "suspend";

/** What is done about what was reported, and why */
export interface DecideReportRequest {
  /** What the moderator does about what was reported */
  action: ReportAction;
  /**
   * The reason; needed for all actions but `dismiss`
   *
   * 1 to 500 characters.
   */
  note?: string | undefined;
}

/** An article, a comment or a profile that users have reported */
export interface ReportedItem {
  /** Identifies the item among those of all kinds */
  id: number;
  /** What kind of thing is reported */
  kind: ReportKind;
  /**
   * The slug of the article, or of the article that the comment belongs to; null for a profile, and for what was deleted or is not published any more
   */
  slug: string | null;
  /** The headline of that article */
  title: string | null;
  /** Identifies the comment, also after it was deleted; else null */
  commentId: number | null;
  /** The username of the author, or of the profile */
  author: string;
  /**
   * How the comment, the description of the article or the bio of the profile begins, up to 300 characters
   */
  excerpt: string | null;
  /** How many users have reported it */
  reportsCount: number;
  /** The newest reports */
  reports: ReportOfItem[];
  /** When it was reported first */
  createdAt: string;
  /** What a moderator has done about it; null if it is open */
  decision: ReportDecision | null;
}

/** A report as moderators see it */
export interface ReportOfItem {
  /** The username of the user who has reported it */
  reporter: string;
  /** What the reporter says is wrong with it */
  reason: string;
  /** When it was reported */
  createdAt: string;
}

/** What a moderator has done about it; null if it is open */
export interface ReportDecision {
  /** What the moderator does about what was reported */
  action: ReportAction;
  /** What the moderator gave as the reason */
  note: string | null;
  /** The username of the moderator; null when their account no longer exists */
  decidedBy: string | null;
  /** When the moderator decided */
  decidedAt: string;
}

/** What the user may do; each role includes the permissions of those before it */
export type Role = "reader" | "author" | "moderator" | "editor" | "admin";

/** The role that the user gets, and why */
export interface SetRoleRequest {
  /** What the user may do; each role includes the permissions of those before it */
  role: Role;
  /**
   * The reason for the action, as the audit log shows it; the author of a hidden article or comment sees it too
   *
   * 1 to 500 characters.
   */
  reason?: string | undefined;
}

/** The account that an admin creates for somebody */
export interface NewAccountRequest {
  /**
   * Unique regardless of letter case, width, normalisation and white space
   * (RFC 8266), and returned as it was sent. It contains no slashes, control,
   * invisible or unassigned characters, and does not consist of dots only.
   *
   * 1 to 64 characters.
   */
  username: string;
  /**
   * Unique regardless of letter case
   *
   * 1 to 254 characters.
   */
  email: string;
  /** What the user may do; each role includes the permissions of those before it */
  role: Role;
}

/** Who is invited, and with which role */
export interface NewInvitationRequest {
  /**
   * Unique regardless of letter case
   *
   * 1 to 254 characters.
   */
  email: string;
  /** What the user may do; each role includes the permissions of those before it */
  role: Role;
}

/** An invitation that can still be used */
export interface Invitation {
  /** Identifies the invitation in paths and in the audit log */
  id: number;
  /** The address that was invited, and with which its owner registers */
  email: string;
  /** What the user may do; each role includes the permissions of those before it */
  role: Role;
  /** The username of the admin who invited */
  invitedBy: string;
  /** When the admin invited the address */
  createdAt: string;
  /** Until when the invitation can be used */
  expiresAt: string;
}

/** Why the user is suspended */
export interface SuspendRequest {
  /**
   * The reason for the action, as the audit log shows it; the author of a hidden article or comment sees it too
   *
   * 1 to 500 characters.
   */
  reason: string;
}

/** A user as admins see them */
export interface Account {
  /** Identifies the account in the audit log, and never changes */
  id: number;
  /** The name in the address of the profile and in `/admin/users/{username}` */
  username: string;
  /** The address that the user signs in with */
  email: string;
  /** What the user may do; each role includes the permissions of those before it */
  role: Role;
  /** When the user registered, or an admin created the account */
  createdAt: string;
  /** When an admin suspended the user; null if they may sign in */
  suspendedAt: string | null;
  /** What the admin gave as the reason; null if the user may sign in */
  suspensionReason: string | null;
}

/** What was done, as the kind of the object and a verb */
export type AuditAction =
  | "article.created_for"
  | "article.deleted"
  | "article.hidden"
  | "article.preview_created"
  | "article.previews_deleted"
  | "article.published"
  | "article.reattributed"
  | "article.restored"
  | "comment.deleted"
  | "article.submitted"
  | "article.unpublished"
  | "article.updated"
  | "comment.approved"
  | "comment.hidden"
  | "report.decided"
  | "comment.restored"
  | "invitation.accepted"
  | "invitation.created"
  | "invitation.deleted"
  | "series.created"
  | "series.deleted"
  | "series.updated"
  | "tag.described"
  | "tag.merged"
  | "tag.renamed"
  | "user.added"
  | "user.admin_created"
  | "user.reinstated"
  | "user.role_changed"
  | "user.suspended";

/** The user who did it; null for the operator at the command line */
export interface AuditActor {
  /** Identifies the account, also after it was deleted */
  id: number;
  /** The name of the actor; null when the account no longer exists */
  username: string | null;
}

/** The user, article, comment, invitation, series or tag that the action affected */
export interface AuditSubject {
  /** What `id` identifies: an article, a comment, an invitation, a series, a tag or a user */
  kind: "article" | "comment" | "invitation" | "series" | "tag" | "user";
  /** Identifies the object among those of its kind, also after it was deleted */
  id: number;
  /**
   * The username, the slug of the article or of the series, the invited address or the name of the tag; null when the subject no longer exists
   */
  name: string | null;
}

/** One action of a moderator, of an editor, of an admin or of the operator */
export interface AuditEntry {
  /** Identifies the entry; later entries have higher numbers */
  id: number;
  /** When it was done */
  createdAt: string;
  /** What was done, as the kind of the object and a verb */
  action: AuditAction;
  /** The user who did it; null for the operator at the command line */
  actor: AuditActor | null;
  /** The API key that the actor used, if any */
  apiKeyId: number | null;
  /** The user, article, comment, invitation, series or tag that the action affected */
  subject: AuditSubject;
  /** What the actor gave as the reason; null if there is none, or if it was erased */
  reason: string | null;
  /**
   * The role before a change of the role, the status of an article before it was published, submitted or unpublished, the id of the author before the article got another one, or the name of a tag before it was renamed or merged; else null
   */
  from: string | null;
  /**
   * The role after a change of the role, of a new account or of an invitation, the status of an article after it was published, submitted or unpublished, the id of the author after the article got another one, the name that a tag got or that of the tag that it was merged into, or the action of a decision; else null
   */
  to: string | null;
  /** The id of the request in the log of the service; null for the command line */
  requestId: string | null;
}

/** The articles that the caller wants to read */
export interface ArticleBatchRequest {
  /**
   * Current or earlier slugs, in the order in which the articles are wanted
   *
   * 1 to 100 items.
   */
  slugs: readonly string[];
}

/** Those of the requested articles that exist and fit into one response */
export interface ArticleBatchResponse {
  /** In the order of the request */
  articles: Article[];
  /** Slugs of the request that no article has or ever had */
  missing: string[];
  /** Slugs of articles that this response has no room for, if any; request them again */
  remaining?: string[];
}

/** The profiles that the caller wants to read */
export interface ProfileBatchRequest {
  /**
   * Names in any letter case, in the order in which the profiles are wanted
   *
   * 1 to 100 items.
   */
  usernames: readonly string[];
}

/** Those of the requested profiles that exist and fit into one response */
export interface ProfileBatchResponse {
  /** In the order of the request */
  profiles: Profile[];
  /** Names of the request that no user has */
  missing: string[];
  /** Names of profiles that this response has no room for, if any; request them again */
  remaining?: string[];
}

/** An error in the shape of RFC 9457, with the RealWorld `errors` map */
export interface Problem {
  /** The page that explains the error */
  type: string;
  /** The HTTP status in words, such as Not Found */
  title: string;
  /** The same as the HTTP status of the response */
  status: number;
  /** What happened, in a sentence for people */
  detail: string;
  /** What happened, as a stable value for programs */
  code: ProblemCode;
  /** Finds the request in the log of the service; quote it when you report a problem */
  requestId: string;
  /** The invalid fields, each with its messages */
  errors: Record<string, string[]>;
}

/** What happened, as a stable value for programs */
export type ProblemCode =
  | "account_suspended"
  | "already_decided"
  | "already_taken"
  | "body_too_large"
  | "comments_closed"
  | "credentials_invalid"
  | "database_unavailable"
  | "forbidden"
  | "idempotency_key_reused"
  | "internal"
  | "invalid_json"
  | "invalid_request"
  | "method_not_allowed"
  | "not_found"
  | "overloaded"
  | "precondition_failed"
  | "rate_limited"
  | "registration_closed"
  | "role_insufficient"
  | "route_not_found"
  | "scope_insufficient"
  | "token_expired"
  | "token_invalid"
  | "token_missing"
  | "unsupported_media_type"
  | "validation_failed";

/** The parameters of `articles.feed`. */
export interface ArticlesFeedParams {
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * The number of items to skip before the page. It is ignored when `cursor` is sent.
   *
   * @default 0
   */
  offset?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `articles.list`. */
export interface ArticlesListParams {
  /**
   * Only articles with this tag, in any case of its letters; earlier names of a tag lead to it
   *
   * 1 to 64 characters.
   */
  tag?: string | undefined;
  /**
   * Only articles by this user
   *
   * 1 to 64 characters.
   */
  author?: string | undefined;
  /**
   * Only articles that this user has marked as favorites
   *
   * 1 to 64 characters.
   */
  favorited?: string | undefined;
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * The number of items to skip before the page. It is ignored when `cursor` is sent.
   *
   * @default 0
   */
  offset?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `articles.get`. */
export interface ArticlesGetParams {
  /**
   * `html` adds `bodyHtml` next to each `body`: the Markdown as sanitised
   * HTML that a page can insert unchanged. Articles also get `tableOfContents`.
   *
   * @default "markdown"
   */
  format?: TextFormat | undefined;
}

/** The parameters of `revisions.list`. */
export interface RevisionsListParams {
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `revisions.diff`. */
export interface RevisionsDiffParams {
  /**
   * The number of the revision to compare with; without it, the one before, or an empty text if there is none
   */
  against?: number | undefined;
}

/** The parameters of `previews.get`. */
export interface PreviewsGetParams {
  /**
   * `html` adds `bodyHtml` next to each `body`: the Markdown as sanitised
   * HTML that a page can insert unchanged. Articles also get `tableOfContents`.
   *
   * @default "markdown"
   */
  format?: TextFormat | undefined;
}

/** The parameters of `comments.list`. */
export interface CommentsListParams {
  /**
   * The maximum number of items in the page
   *
   * 1 to 1000.
   *
   * @default 1000
   */
  limit?: number | undefined;
  /**
   * `createdAt` sorts oldest first, `-createdAt` newest first
   *
   * @default "createdAt"
   */
  sort?: "createdAt" | "-createdAt" | undefined;
  /** The comment whose replies are listed; `0` lists the comments that answer none */
  parentId?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
  /**
   * `html` adds `bodyHtml` next to each `body`: the Markdown as sanitised
   * HTML that a page can insert unchanged. Articles also get `tableOfContents`.
   *
   * @default "markdown"
   */
  format?: TextFormat | undefined;
}

/** The parameters of `tags.page`. */
export interface TagsPageParams {
  /**
   * The maximum number of tags in the page. Without `limit`, `cursor` and `prefix` there are no pages.
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only with the same `prefix`.
   *
   * 1 to 3000 characters.
   */
  cursor?: string | undefined;
  /**
   * Only tags whose names begin with this text, in any case of its letters
   *
   * 1 to 64 characters.
   */
  prefix?: string | undefined;
  /**
   * Whether to return the number of public articles with each tag
   *
   * @default false
   */
  counts?: boolean | undefined;
}

/** The parameters of `series.list`. */
export interface SeriesListParams {
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `articles.listOwn`. */
export interface ArticlesListOwnParams {
  /** Return only the articles with this status */
  status?: ArticleStatus | undefined;
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `profiles.listBlocked`. */
export interface ProfilesListBlockedParams {
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `articles.listEditorial`. */
export interface ArticlesListEditorialParams {
  /** Return only the articles with this status */
  status?: ArticleStatus | undefined;
  /**
   * Only articles by this user
   *
   * 1 to 64 characters.
   */
  author?: string | undefined;
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `moderation.listHidden`. */
export interface ModerationListHiddenParams {
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `moderation.listWaiting`. */
export interface ModerationListWaitingParams {
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `moderation.listReports`. */
export interface ModerationListReportsParams {
  /**
   * `open` for what no moderator has decided, `decided` for the rest
   *
   * @default "open"
   */
  status?: "open" | "decided" | undefined;
  /** Only reports of this kind of thing */
  kind?: ReportKind | undefined;
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `admin.listUsers`. */
export interface AdminListUsersParams {
  /**
   * Only the user with this name, in any letter case, width and normalisation
   *
   * 1 to 64 characters.
   */
  username?: string | undefined;
  /** Only users with this role */
  role?: Role | undefined;
  /** `true` for suspended users only, `false` for all others only */
  suspended?: boolean | undefined;
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `admin.listInvitations`. */
export interface AdminListInvitationsParams {
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `admin.listAuditLog`. */
export interface AdminListAuditLogParams {
  /**
   * Only actions by this user
   *
   * 1 to 64 characters.
   */
  actor?: string | undefined;
  /** Only actions of this kind */
  action?: AuditAction | undefined;
  /**
   * Only actions that affect this user
   *
   * 1 to 64 characters.
   */
  subject?: string | undefined;
  /**
   * The maximum number of items in the page
   *
   * 1 to 100.
   *
   * @default 20
   */
  limit?: number | undefined;
  /**
   * `nextCursor` of the previous page. It is opaque and valid only for the same list with the same filters.
   *
   * 1 to 128 characters.
   */
  cursor?: string | undefined;
}

/** The parameters of `articles.getMany`. */
export interface ArticlesGetManyParams extends ArticleBatchRequest {
  /**
   * `html` adds `bodyHtml` next to each `body`: the Markdown as sanitised
   * HTML that a page can insert unchanged. Articles also get `tableOfContents`.
   *
   * @default "markdown"
   */
  format?: TextFormat | undefined;
}

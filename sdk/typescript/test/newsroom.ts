// A team that publishes with the second service of sdk/scenario, where only
// editors publish, who registers needs an invitation, and the first comments of
// an account wait for approval.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Byline, type Article, type ArticleSummary, type Role } from "../src/index.js";
import { newArticle, password, steps } from "./steps.js";

const address = process.env["BYLINE_NEWSROOM_URL"];
const skip = !address && "BYLINE_NEWSROOM_URL is not set: run sdk/scenario";

/** Runs the steps of a test in a newsroom. */
export function newsroomTest(
  name: string,
  run: (newsroom: Newsroom, step: ReturnType<typeof steps>, t: TestContext) => Promise<void>,
): void {
  test(name, { skip }, (t) => run(new Newsroom(address!), steps(t), t));
}

export class Newsroom {
  /** Part of all names that a test makes. */
  readonly id = randomUUID().slice(0, 8);
  /** Has no account. */
  readonly visitor: Byline;
  /** The first admin. */
  readonly admin: Byline;

  constructor(address: string) {
    this.visitor = new Byline(address);
    this.admin = this.visitor.withToken(process.env["BYLINE_NEWSROOM_TOKEN"]!);
  }

  /** Returns a username that no other test uses. */
  name(role: string): string {
    return `${role}-${this.id}`;
  }

  newUser(role: string) {
    const username = this.name(role);
    return { username, email: `${username}@example.com`, password };
  }

  /**
   * Invites a user with a role, and returns the client of the user, who has
   * registered with the token from the mail.
   */
  async join(role: Role): Promise<Byline> {
    const user = this.newUser(role);
    await this.admin.admin.createInvitation({ email: user.email, role });
    const invitation = await mailedToken(user.email);
    return this.visitor.withToken((await this.visitor.users.create({ ...user, invitation })).token);
  }

  /** Lets an author write an article, which an editor publishes. */
  async publish(
    author: Byline,
    editor: Byline,
    article: Parameters<Byline["articles"]["create"]>[0],
  ): Promise<Article> {
    const { slug } = await author.articles.create({ ...article, status: "draft" });
    return editor.articles.publish(slug);
  }

  /** The content of an article with the tag of the test. */
  newArticle(title: string) {
    return newArticle(`${title} ${this.id}`, this.id);
  }

  /** Returns the slugs of articles with the tag of the test. */
  async slugs(articles: AsyncIterable<ArticleSummary>): Promise<string[]> {
    const found: string[] = [];
    for await (const { slug, tagList } of articles) if (tagList.includes(this.id)) found.push(slug);
    return found;
  }
}

/**
 * Returns the token in the newest mail to an address. The service shows on a
 * page what it would send.
 */
export async function mailedToken(address: string): Promise<string> {
  const mail = new RegExp(`<p>To ${address},.*?<pre>.*?\\b([a-z2-7]{26})\\b`, "s");
  for (const end = Date.now() + 20_000; Date.now() < end; await setTimeout(50)) {
    const response = await fetch(process.env["BYLINE_NEWSROOM_MAILS"]!);
    const token = mail.exec(await response.text())?.[1];
    if (token) return token;
  }
  assert.fail(`there is no mail to ${address}`);
}

// Runs the same steps as the tests of a discussion of the other SDKs: comments
// and their approval, reports and blocks.
import assert from "node:assert/strict";
import type { Byline, CommentsListParams, ModerationListReportsParams } from "../src/index.js";
import { newsroomTest } from "./newsroom.js";
import { rejects } from "./steps.js";

newsroomTest("discussion", async (newsroom, step) => {
  const { visitor } = newsroom;
  const [author, editor, moderator, reader] = await Promise.all([
    newsroom.join("author"),
    newsroom.join("editor"),
    newsroom.join("moderator"),
    newsroom.join("reader"),
  ]);
  const { slug } = await newsroom.publish(author, editor, newsroom.newArticle("Discussed"));
  const says = (client: Byline, body: string, parentId?: number) =>
    client.comments.create(slug, { body, parentId });
  const reads = async (client: Byline, params: CommentsListParams = {}) => {
    const bodies: string[] = [];
    const comments = client.comments.list(slug, { sort: "createdAt", limit: 1, ...params });
    for await (const { body } of comments) bodies.push(body);
    return bodies;
  };
  let first = 0;

  await step("the first comments of an account wait for approval", async () => {
    const comment = await says(reader, "first");
    assert.equal(comment.waiting, true);
    first = comment.id;
    const second = await says(reader, "second");
    assert.deepEqual(await reads(visitor), []);
    assert.deepEqual(await reads(reader), ["first", "second"]);
    const waiting: number[] = [];
    for await (const item of moderator.moderation.listWaiting({ limit: 1 })) {
      if (item.slug === slug) waiting.push(item.id);
    }
    assert.deepEqual(waiting, [first, second.id]);
    await rejects(author.moderation.approveComment(slug, first), 403, "role_insufficient");
    await moderator.moderation.approveComment(slug, first);
    assert.deepEqual(await reads(visitor), ["first"]);
    await reader.comments.delete(slug, second.id);
    assert.equal((await says(reader, "third")).waiting, undefined);
  });
  await step("replies", async () => {
    const reply = await says(editor, "reply", first);
    assert.equal(reply.parentId, first);
    await says(reader, "reply to the reply", reply.id);
    assert.deepEqual(await reads(visitor, { parentId: 0 }), ["first", "third"]);
    assert.deepEqual(await reads(visitor, { parentId: first }), ["reply"]);
    const newestFirst = ["reply to the reply", "reply", "third", "first"];
    assert.deepEqual(await reads(visitor, { sort: "-createdAt" }), newestFirst);
  });
  await step("edit", async () => {
    const changed = await reader.comments.update(slug, first, { body: "first, edited" });
    assert.ok(changed.updatedAt > changed.createdAt);
    const call = editor.comments.update(slug, first, { body: "not mine" });
    await rejects(call, 403, "forbidden");
  });
  await step("replies outlive a deleted comment", async () => {
    await reader.comments.delete(slug, first);
    const [deleted] = (await visitor.comments.list(slug, { sort: "createdAt" })).items;
    assert.deepEqual([deleted?.deleted, deleted?.author.username], [true, ""]);
    assert.deepEqual(await reads(visitor), ["", "third", "reply", "reply to the reply"]);
  });
  await step("close and open", async () => {
    await editor.articles.update(slug, { commentsOpen: false });
    await rejects(says(reader, "too late"), 403, "comments_closed");
    const opened = await editor.articles.update(slug, { commentsOpen: true });
    assert.equal(opened.commentsOpen, true);
  });
  /** Returns what moderators find about the article and its comments. */
  const reported = async (status: ModerationListReportsParams["status"]) => {
    const items = [];
    for await (const item of moderator.moderation.listReports({ status, limit: 1 })) {
      if (item.slug === slug) items.push(item);
    }
    return items;
  };
  await step("a comment and an article are reported", async () => {
    const spam = await says(reader, "Buy now");
    const report = { kind: "article", id: slug, reason: "Wrong" } as const;
    await rejects(author.reports.create(report), 422, "validation_failed"); // their own
    await reader.reports.create(report);
    const advertises = { kind: "comment", id: String(spam.id), reason: "Advertises" } as const;
    assert.equal((await author.reports.create(advertises)).reason, "Advertises");
    const items = await reported("open");
    assert.equal(items.length, 2);
    const comment = items.find(({ kind }) => kind === "comment")!;
    const article = items.find(({ kind }) => kind === "article")!;
    const [{ reason, reporter } = assert.fail()] = comment.reports;
    assert.deepEqual([reason, reporter], ["Advertises", newsroom.name("author")]);
    assert.equal(comment.commentId, spam.id);
    const decision = { action: "hide", note: "Advertising" } as const;
    const decided = (await moderator.moderation.decideReport(comment.id, decision)).decision!;
    assert.deepEqual([decided.action, decided.decidedBy], ["hide", newsroom.name("moderator")]);
    const again = editor.moderation.decideReport(comment.id, decision);
    await rejects(again, 409, "already_decided");
    await moderator.moderation.decideReport(article.id, { action: "dismiss" });
    assert.deepEqual(await reported("open"), []);
    assert.equal((await reported("decided")).length, 2);
    assert.ok(!(await reads(visitor)).includes("Buy now"));
    assert.ok((await reads(reader)).includes("Buy now"));
    await visitor.articles.get(slug);
  });
  await step("a block keeps two users apart", async () => {
    await reader.profiles.follow(newsroom.name("author"));
    assert.equal((await author.profiles.block(newsroom.name("reader"))).blocked, true);
    await rejects(says(reader, "Let me in"), 403, "forbidden");
    await rejects(reader.profiles.follow(newsroom.name("author")), 403, "forbidden");
    const { following, blocked } = await reader.profiles.get(newsroom.name("author"));
    assert.deepEqual([following, blocked], [false, undefined]);
    assert.ok(!(await reads(author)).includes("third"));
    assert.ok((await reads(visitor)).includes("third"));
    const names: string[] = [];
    for await (const { username } of author.profiles.listBlocked({ limit: 1 }))
      names.push(username);
    assert.deepEqual(names, [newsroom.name("reader")]);
  });
  await step("unblock", async () => {
    assert.equal((await author.profiles.unblock(newsroom.name("reader"))).blocked, undefined);
    assert.equal((await says(reader, "Thank you")).waiting, undefined);
    assert.ok((await reads(author)).includes("third"));
  });
});

// Runs the same steps as the tests of publishing of the other SDKs: the way of an
// article from its first draft to the next version.
import assert from "node:assert/strict";
import type { Article, UpdateArticle } from "../src/index.js";
import { newsroomTest } from "./newsroom.js";
import { rejects } from "./steps.js";

newsroomTest("publishing", async (newsroom, step) => {
  const { admin, visitor, id } = newsroom;
  const [author, editor] = await Promise.all([newsroom.join("author"), newsroom.join("editor")]);
  const name = newsroom.name("author");
  const draftOf = async (title: string) => {
    const draft = { ...newsroom.newArticle(title), body: "one\n", status: "draft" } as const;
    const article = await author.articles.create(draft);
    assert.deepEqual([article.status, article.publishedAt], ["draft", null]);
    return article.slug;
  };
  const isHidden = (slug: string) => rejects(visitor.articles.get(slug), 404, "not_found");
  const body = async (slug: string) => (await visitor.articles.get(slug)).body;
  const inReview = () =>
    newsroom.slugs(editor.articles.listEditorial({ status: "review", author: name, limit: 1 }));
  const etag = async (slug: string) => (await editor.articles.get(slug).withResponse()).etag;
  const isStale = (call: PromiseLike<unknown>) => rejects(call, 412, "precondition_failed");
  /**
   * Returns an edit that adds a line. Another user writes a title before the
   * first attempt.
   */
  const adds = (line: string, other: (change: UpdateArticle) => PromiseLike<Article>) => {
    const edit = async ({ body }: Article) => {
      if (++edit.calls === 1) await other({ title: "By another user" });
      return { body: body + line };
    };
    edit.calls = 0;
    return edit;
  };
  let slug = await draftOf("First");
  const second = await draftOf("Second");

  await step("a draft is there for its author and editors", async () => {
    await isHidden(slug);
    const own = author.articles.listOwn({ status: "draft", limit: 1 });
    assert.deepEqual(await newsroom.slugs(own), [second, slug]);
    const theirs = editor.articles.listEditorial({ status: "draft", author: name });
    assert.deepEqual(await newsroom.slugs(theirs), [second, slug]);
    await rejects(author.articles.listEditorial(), 403, "role_insufficient");
  });
  await step("two users edit a draft", async () => {
    const edit = adds("two\n", (change) => admin.articles.update(slug, change));
    const edited = await author.articles.edit(slug, edit);
    slug = edited.slug;
    assert.deepEqual([edited.title, edited.body], ["By another user", "one\ntwo\n"]);
    assert.equal(edit.calls, 2);
  });
  await step("a stale If-Match loses nothing", async () => {
    const ifMatch = await etag(slug);
    await editor.articles.update(slug, { body: "one\ntwo\nthree\n" });
    await isStale(author.articles.update(slug, { body: "lost" }, { ifMatch }));
    await isStale(editor.articles.publish(slug, {}, { ifMatch }));
    await isStale(author.articles.delete(slug, { ifMatch }));
    assert.equal((await author.articles.get(slug)).body, "one\ntwo\nthree\n");
  });
  await step("submit", async () => {
    await rejects(author.articles.publish(slug), 403, "role_insufficient");
    for (const each of [slug, second]) {
      assert.equal((await author.articles.submit(each)).status, "review");
    }
    assert.deepEqual(await inReview(), [second, slug]);
  });
  await step("an editor publishes", async () => {
    const published = await editor.articles.publish(slug, {}, { ifMatch: await etag(slug) });
    assert.equal(published.status, "published");
    assert.ok(published.publishedAt);
    assert.equal(await body(slug), "one\ntwo\nthree\n");
    assert.deepEqual(await inReview(), [second]);
    assert.deepEqual(await newsroom.slugs(visitor.articles.list({ tag: id })), [slug]);
  });
  await step("two editors edit a working copy", async () => {
    const edit = adds("four\n", (change) => admin.articles.updateWorkingCopy(slug, change));
    const edited = await editor.articles.editWorkingCopy(slug, edit);
    assert.equal(edited.body, "one\ntwo\nthree\nfour\n");
    assert.equal(edited.workingCopy?.status, "draft");
    assert.equal(edited.workingCopy.author?.username, newsroom.name("editor"));
    assert.equal(edit.calls, 2);
    const { etag: ifMatch } = await editor.articles.getWorkingCopy(slug).withResponse();
    await admin.articles.updateWorkingCopy(slug, { description: "By the admin" });
    await isStale(editor.articles.updateWorkingCopy(slug, { body: "lost" }, { ifMatch }));
    await isStale(editor.articles.deleteWorkingCopy(slug, { ifMatch }));
    await isStale(editor.articles.publish(slug, {}, { ifMatch }));
    assert.equal(await body(slug), "one\ntwo\nthree\n");
  });
  await step("a working copy is submitted and published", async () => {
    await editor.articles.submit(slug);
    const submitted = await editor.articles.getWorkingCopy(slug);
    assert.equal(submitted.workingCopy?.status, "review");
    assert.deepEqual(await inReview(), [second, slug]);
    await editor.articles.publish(slug);
    assert.equal(await body(slug), "one\ntwo\nthree\nfour\n");
    await editor.articles.updateWorkingCopy(slug, { body: "dropped" });
    await editor.articles.deleteWorkingCopy(slug);
    const kept = await editor.articles.getWorkingCopy(slug);
    assert.equal(kept.body, "one\ntwo\nthree\nfour\n");
    assert.equal(kept.workingCopy, undefined);
  });
  await step("schedule and take back", async () => {
    const publishAt = "2099-01-01T06:00:00.000Z";
    const scheduled = await editor.articles.publish(second, { publishAt });
    assert.deepEqual([scheduled.status, scheduled.publishedAt], ["scheduled", publishAt]);
    await isHidden(second);
    const back = await editor.articles.unpublish(second);
    assert.deepEqual([back.status, back.publishedAt], ["draft", null]);
    await editor.articles.updateWorkingCopy(slug, { title: "Next year" });
    await editor.articles.publish(slug, { publishAt });
    const later = await editor.articles.getWorkingCopy(slug);
    assert.equal(later.workingCopy?.status, "scheduled");
    assert.equal(later.workingCopy.publishAt, publishAt);
    await editor.articles.deleteWorkingCopy(slug);
  });
  await step("revisions", async () => {
    const numbers: number[] = [];
    for await (const { number } of author.revisions.list(slug, { limit: 2 })) numbers.push(number);
    assert.equal(numbers.at(-1), 1);
    const newestFirst = [...numbers].sort((a, b) => b - a);
    assert.deepEqual(numbers, newestFirst);
    const first = await author.revisions.get(slug, 1);
    assert.deepEqual(
      [first.title, first.body, first.author?.username],
      [`First ${id}`, "one\n", name],
    );
    const diff = await author.revisions.diff(slug, 3, { against: 1 });
    assert.ok(diff.includes("+By another user") && diff.includes(" one\n+two\n"), diff);
  });
  await step("restore", async () => {
    const ifMatch = await etag(slug);
    const { revision } = await editor.articles.update(slug, { description: "Changed since" });
    await isStale(editor.revisions.restore(slug, 1, { ifMatch }));
    const restored = await editor.revisions.restore(slug, 1, { ifMatch: await etag(slug) });
    assert.deepEqual([restored.body, restored.revision], ["one\n", revision + 1]);
    slug = restored.slug; // it has the title of the revision, too
    assert.equal(await body(slug), "one\n");
  });
  await step("unpublish", async () => {
    assert.equal((await editor.articles.unpublish(slug)).status, "draft");
    await isHidden(slug);
    assert.deepEqual(await newsroom.slugs(visitor.articles.list({ tag: id })), []);
  });
  await step("preview", async () => {
    const { token, url, expiresAt } = await author.previews.create(slug, { expiresIn: 3600 });
    assert.ok(url.endsWith(token) && Date.parse(expiresAt) > Date.now());
    await author.articles.update(slug, { body: "newer\n" });
    assert.equal((await visitor.previews.get(token)).body, "newer\n");
    await author.previews.delete(slug);
    await rejects(visitor.previews.get(token), 404, "not_found");
  });
});

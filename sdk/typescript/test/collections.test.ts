// Runs the same steps as the tests of collections of the other SDKs: the members
// of an article, and what joins articles.
import assert from "node:assert/strict";
import type { Series } from "../src/index.js";
import { newsroomTest } from "./newsroom.js";
import { rejects } from "./steps.js";

newsroomTest("collections", async (newsroom, step) => {
  const { admin, visitor, id } = newsroom;
  const [author, editor] = await Promise.all([newsroom.join("author"), newsroom.join("editor")]);
  const parts: string[] = [];
  for (const title of ["One", "Two", "Three"]) {
    const part = await newsroom.publish(author, editor, newsroom.newArticle(title));
    parts.push(part.slug);
  }
  const [one, two, three] = parts as [string, string, string];

  await step("members of a front end", async () => {
    const coverImage = {
      url: "https://cdn.example.com/a.jpg",
      alt: "A press",
      width: 1600,
      height: 900,
    };
    const metadata = { layout: "wide", hero: { loop: true, video: "/a.mp4" } };
    const created = await author.articles.create({
      ...newsroom.newArticle("Members"),
      status: "draft",
      language: "PT-br",
      metaTitle: "For search engines",
      coverImage,
      metadata,
    });
    assert.deepEqual([created.language, created.metaTitle], ["pt-BR", "For search engines"]);
    assert.deepEqual(created.coverImage, coverImage);
    assert.deepEqual(created.metadata, metadata);
    assert.equal(created.readingMinutes, 1);
    let changed = await author.articles.update(created.slug, {
      coverImage: { alt: "An old press", width: null, height: null },
      metaTitle: null,
      metadata: { layout: null, hero: { loop: false } },
    });
    assert.deepEqual(changed.coverImage, { url: coverImage.url, alt: "An old press" });
    assert.equal(changed.metaTitle, null);
    assert.deepEqual(changed.metadata, { hero: { loop: false, video: "/a.mp4" } });
    changed = await author.articles.update(created.slug, { coverImage: null });
    assert.equal(changed.coverImage, null);
  });
  await step("a slug of its own", async () => {
    const [own, next] = [`own-${id}`, `next-${id}`];
    const article = { ...newsroom.newArticle("Named by hand"), slug: own };
    assert.equal((await newsroom.publish(author, editor, article)).slug, own);
    const error = await rejects(editor.articles.create(article), 409, "already_taken");
    assert.ok(error.fields["slug"]);
    assert.equal((await editor.articles.update(own, { slug: next })).slug, next);
    assert.equal((await visitor.articles.get(own)).slug, next);
    const title = `Another title ${id}`;
    assert.equal((await editor.articles.update(next, { title })).slug, next);
    const derived = await editor.articles.update(next, { slug: null });
    assert.equal(derived.slug, `another-title-${id}`);
  });
  const series = `series-${id}`;
  const order = async () => (await visitor.series.get(series)).articles.map(({ slug }) => slug);
  await step("series", async () => {
    const wanted = { title: "A series", slug: series, description: "In three parts" };
    await rejects(author.series.create(wanted), 403, "role_insufficient");
    await editor.series.create(wanted);
    const slugs: string[] = [];
    for await (const { slug } of visitor.series.list({ limit: 1 })) slugs.push(slug);
    assert.ok(slugs.includes(series));
  });
  await step("parts", async () => {
    for (const [i, slug] of parts.entries()) {
      const part = await editor.articles.update(slug, { series: { slug: series } });
      assert.deepEqual(part.series, { slug: series, title: "A series", position: i + 1 });
    }
    const draft = newsroom.newArticle("Four");
    await author.articles.create({ ...draft, status: "draft", series: { slug: series } });
    assert.deepEqual(await order(), parts);
  });
  await step("two editors sort a series", async () => {
    const titles: string[] = [];
    const edited = await editor.series.edit(series, async ({ title }: Series) => {
      if (titles.push(title) === 1) await admin.series.update(series, { title: "By the admin" });
      return { articles: [three, one] };
    });
    assert.deepEqual(titles, ["A series", "By the admin"]);
    assert.equal(edited.title, "By the admin");
    assert.deepEqual(await order(), [three, one, two]);
  });
  await step("a part is removed, and the series", async () => {
    await editor.articles.update(one, { series: null });
    assert.deepEqual(await order(), [three, two]);
    await editor.series.delete(series);
    await rejects(visitor.series.get(series), 404, "not_found");
    assert.equal((await visitor.articles.get(two)).series, null);
  });
  await step("translations", async () => {
    const german = {
      ...newsroom.newArticle("Eins"),
      language: "de",
      translationOf: one,
    };
    const { slug, title, translations } = await newsroom.publish(author, editor, german);
    assert.equal(translations[0]?.slug, one);
    const original = await visitor.articles.get(one);
    assert.deepEqual(original.translations, [{ language: "de", slug, title }]);
    await editor.articles.update(slug, { translationOf: null });
    assert.deepEqual((await visitor.articles.get(one)).translations, []);
  });
  const [alpha, beta, gamma, delta] = [`alpha-${id}`, `beta-${id}`, `gamma-${id}`, `Delta-${id}`];
  await step("pages of tags with counts", async () => {
    await editor.articles.update(one, { tagList: [alpha] });
    await editor.articles.update(two, { tagList: [alpha, beta] });
    await editor.articles.update(three, { tagList: [alpha, beta, gamma] });
    const counts: Record<string, number> = {};
    for (const name of ["ALPHA", "beta", "gamma"]) {
      const page = await visitor.tags.page({ prefix: `${name}-${id}`, limit: 1, counts: true });
      for (const { tag, articlesCount } of page.counts!) counts[tag] = articlesCount;
    }
    assert.deepEqual(counts, { [alpha]: 3, [beta]: 2, [gamma]: 1 });
    const all: string[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await visitor.tags.page({ limit: 1, cursor: cursor ?? undefined });
      all.push(...page.tags);
      cursor = page.nextCursor;
    } while (cursor);
    assert.ok([alpha, beta, gamma].every((tag) => all.includes(tag)));
  });
  await step("a tag is described and renamed", async () => {
    const change = { name: delta, description: "The fourth letter" };
    await rejects(author.tags.update(beta, change), 403, "role_insufficient");
    const renamed = await editor.tags.update(beta, change);
    assert.deepEqual(renamed, { ...change, articlesCount: 2, articlesToMove: 0 });
    assert.deepEqual((await visitor.articles.get(two)).tagList, [alpha, delta]);
    assert.equal((await visitor.articles.list({ tag: beta })).total, 2);
    await rejects(editor.tags.update(gamma, { name: beta }), 409, "already_taken");
  });
  await step("tags are merged", async () => {
    assert.equal((await editor.tags.merge(gamma, { into: alpha })).name, alpha);
    assert.deepEqual((await visitor.articles.get(three)).tagList, [alpha, delta]);
    assert.equal((await visitor.tags.get(gamma)).name, alpha);
  });
});

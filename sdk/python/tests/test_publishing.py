"""Runs the same steps as the tests of publishing of the other SDKs: the way of an
article from its first draft to the next version."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

from clients import Clients, step
from newsroom import Newsroom, needs_newsroom, rejects

from byline_client import models


@needs_newsroom
def test_publishing(clients: Clients) -> None:
    newsroom = Newsroom(clients)
    admin, visitor, other = newsroom.admin, newsroom.visitor, newsroom.other
    author, editor = newsroom.join("author"), newsroom.join("editor")
    name = newsroom.name("author")
    calls: list[str] = []

    def draft_of(title: str) -> str:
        content = newsroom.new_article(title)
        content["body"] = "one\n"
        article = author.articles.create(**content, status="draft")
        assert (article.status, article.published_at) == ("draft", None)
        return article.slug

    def is_hidden(slug: str) -> None:
        with rejects(404, "not_found"):
            visitor.articles.get(slug)

    def body(slug: str) -> str:
        return visitor.articles.get(slug).body

    def in_review() -> list[str]:
        found = editor.articles.list_editorial(status="review", author=name, limit=1)
        return newsroom.slugs(found)

    def etag(slug: str) -> str:
        return editor.with_response.articles.get(slug).etag or ""

    def adds(
        line: str, another: Callable[[], object]
    ) -> Callable[[models.Article], models.UpdateArticle]:
        """Returns an edit that adds a line. Another user writes a title before the
        first attempt."""
        calls.clear()

        def edit(read: models.Article) -> models.UpdateArticle:
            calls.append(read.title)
            if len(calls) == 1:
                another()
            return {"body": read.body + line}

        return edit

    slug, second = draft_of("First"), draft_of("Second")

    step("a draft is there for its author and editors")
    is_hidden(slug)
    assert newsroom.slugs(author.articles.list_own(status="draft", limit=1)) == [second, slug]
    theirs = editor.articles.list_editorial(status="draft", author=name)
    assert newsroom.slugs(theirs) == [second, slug]
    with rejects(403, "role_insufficient"):
        author.articles.list_editorial().first_page()

    step("two users edit a draft")
    title = "By another user"
    edit = adds("two\n", lambda: other.articles.update(slug, title=title))
    edited = author.articles.edit(slug, edit)
    assert (edited.title, edited.body, len(calls)) == (title, "one\ntwo\n", 2)
    slug = edited.slug

    step("a stale If-Match loses nothing")
    stale = etag(slug)
    editor.articles.update(slug, body="one\ntwo\nthree\n")
    with rejects(412, "precondition_failed"):
        author.articles.update(slug, body="lost", options={"if_match": stale})
    with rejects(412, "precondition_failed"):
        editor.articles.publish(slug, options={"if_match": stale})
    with rejects(412, "precondition_failed"):
        author.articles.delete(slug, options={"if_match": stale})
    assert author.articles.get(slug).body == "one\ntwo\nthree\n"

    step("submit")
    with rejects(403, "role_insufficient"):
        author.articles.publish(slug)
    for each in (slug, second):
        assert author.articles.submit(each).status == "review"
    assert in_review() == [second, slug]

    step("an editor publishes")
    published = editor.articles.publish(slug, options={"if_match": etag(slug)})
    assert published.status == "published"
    assert published.published_at
    assert body(slug) == "one\ntwo\nthree\n"
    assert in_review() == [second]
    assert newsroom.slugs(visitor.articles.list(tag=newsroom.id)) == [slug]

    step("two editors edit a working copy")
    edit = adds("four\n", lambda: other.articles.update_working_copy(slug, title=title))
    edited = editor.articles.edit_working_copy(slug, edit)
    assert (edited.body, len(calls)) == ("one\ntwo\nthree\nfour\n", 2)
    assert edited.working_copy and edited.working_copy.author
    assert edited.working_copy.status == "draft"
    assert edited.working_copy.author.username == newsroom.name("editor")
    stale = editor.with_response.articles.get_working_copy(slug).etag or ""
    admin.articles.update_working_copy(slug, description="By the admin")
    with rejects(412, "precondition_failed"):
        editor.articles.update_working_copy(slug, body="lost", options={"if_match": stale})
    with rejects(412, "precondition_failed"):
        editor.articles.delete_working_copy(slug, options={"if_match": stale})
    with rejects(412, "precondition_failed"):
        editor.articles.publish(slug, options={"if_match": stale})
    assert body(slug) == "one\ntwo\nthree\n"

    step("a working copy is submitted and published")
    editor.articles.submit(slug)
    submitted = editor.articles.get_working_copy(slug).working_copy
    assert submitted and submitted.status == "review"
    assert in_review() == [second, slug]
    editor.articles.publish(slug)
    assert body(slug) == "one\ntwo\nthree\nfour\n"
    editor.articles.update_working_copy(slug, body="dropped")
    editor.articles.delete_working_copy(slug)
    kept = editor.articles.get_working_copy(slug)
    assert (kept.body, kept.working_copy) == ("one\ntwo\nthree\nfour\n", None)

    step("schedule and take back")
    at = datetime(2099, 1, 1, 6, tzinfo=timezone.utc)
    scheduled = editor.articles.publish(second, publish_at=at)
    assert (scheduled.status, scheduled.published_at) == ("scheduled", at)
    is_hidden(second)
    back = editor.articles.unpublish(second)
    assert (back.status, back.published_at) == ("draft", None)
    editor.articles.update_working_copy(slug, title="Next year")
    editor.articles.publish(slug, publish_at=at)
    later = editor.articles.get_working_copy(slug).working_copy
    assert later and (later.status, later.publish_at) == ("scheduled", at)
    editor.articles.delete_working_copy(slug)

    step("revisions")
    numbers = [revision.number for revision in author.revisions.list(slug, limit=2)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] == 1
    first = author.revisions.get(slug, 1)
    assert first.author
    assert (first.title, first.body) == (f"First {newsroom.id}", "one\n")
    assert first.author.username == name
    diff = author.revisions.diff(slug, 3, against=1)
    assert "+By another user" in diff and " one\n+two\n" in diff

    step("restore")
    stale = etag(slug)
    before = editor.articles.update(slug, description="Changed since")
    with rejects(412, "precondition_failed"):
        editor.revisions.restore(slug, 1, options={"if_match": stale})
    restored = editor.revisions.restore(slug, 1, options={"if_match": etag(slug)})
    assert (restored.body, restored.revision) == ("one\n", before.revision + 1)
    slug = restored.slug  # it has the title of the revision, too
    assert body(slug) == "one\n"

    step("unpublish")
    assert editor.articles.unpublish(slug).status == "draft"
    is_hidden(slug)
    assert newsroom.slugs(visitor.articles.list(tag=newsroom.id)) == []

    step("preview")
    preview = author.previews.create(slug, expires_in=3600)
    assert preview.url.endswith(preview.token)
    assert preview.expires_at > datetime.now(timezone.utc)
    author.articles.update(slug, body="newer\n")
    assert visitor.previews.get(preview.token).body == "newer\n"
    author.previews.delete(slug)
    with rejects(404, "not_found"):
        visitor.previews.get(preview.token)

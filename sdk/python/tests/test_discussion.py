"""Runs the same steps as the tests of a discussion of the other SDKs: comments and
their approval, reports and blocks."""

from __future__ import annotations

from typing import Literal

from clients import Clients, step
from newsroom import Newsroom, needs_newsroom, rejects

from byline_client import Byline, models


@needs_newsroom
def test_discussion(clients: Clients) -> None:
    newsroom = Newsroom(clients)
    visitor = newsroom.visitor
    author, editor = newsroom.join("author"), newsroom.join("editor")
    moderator, reader = newsroom.join("moderator"), newsroom.join("reader")
    slug = newsroom.publish(author, editor, newsroom.new_article("Discussed")).slug

    def reads(client: Byline, parent_id: int | None = None) -> list[str]:
        found = client.comments.list(slug, sort="createdAt", limit=1, parent_id=parent_id)
        return [comment.body for comment in found]

    step("the first comments of an account wait for approval")
    comment = reader.comments.create(slug, body="first")
    assert comment.waiting
    first = comment.id
    second = reader.comments.create(slug, body="second").id
    assert reads(visitor) == []
    assert reads(reader) == ["first", "second"]
    waiting = [item.id for item in moderator.moderation.list_waiting(limit=1) if item.slug == slug]
    assert waiting == [first, second]
    with rejects(403, "role_insufficient"):
        author.moderation.approve_comment(slug, first)
    moderator.moderation.approve_comment(slug, first)
    assert reads(visitor) == ["first"]
    reader.comments.delete(slug, second)
    assert not reader.comments.create(slug, body="third").waiting

    step("replies")
    reply = editor.comments.create(slug, body="reply", parent_id=first)
    assert reply.parent_id == first
    reader.comments.create(slug, body="reply to the reply", parent_id=reply.id)
    assert reads(visitor, 0) == ["first", "third"]
    assert reads(visitor, first) == ["reply"]
    newest_first = visitor.comments.list(slug, sort="-createdAt", limit=1)
    bodies = [comment.body for comment in newest_first]
    assert bodies == ["reply to the reply", "reply", "third", "first"]

    step("edit")
    changed = reader.comments.update(slug, first, body="first, edited")
    assert changed.updated_at > changed.created_at
    with rejects(403, "forbidden"):
        editor.comments.update(slug, first, body="not mine")

    step("replies outlive a deleted comment")
    reader.comments.delete(slug, first)
    deleted = visitor.comments.list(slug, sort="createdAt").first_page().items[0]
    assert (deleted.deleted, deleted.author.username) == (True, "")
    assert reads(visitor) == ["", "third", "reply", "reply to the reply"]

    step("close and open")
    editor.articles.update(slug, comments_open=False)
    with rejects(403, "comments_closed"):
        reader.comments.create(slug, body="too late")
    assert editor.articles.update(slug, comments_open=True).comments_open

    def reported(status: Literal["open", "decided"]) -> list[models.ReportedItem]:
        """Returns what moderators find about the article and its comments."""
        found = moderator.moderation.list_reports(status=status, limit=1)
        return [item for item in found if item.slug == slug]

    step("a comment and an article are reported")
    spam = reader.comments.create(slug, body="Buy now")
    with rejects(422, "validation_failed"):  # their own
        author.reports.create(kind="article", id=slug, reason="Wrong")
    reader.reports.create(kind="article", id=slug, reason="Wrong")
    made = author.reports.create(kind="comment", id=str(spam.id), reason="Advertises")
    assert made.reason == "Advertises"
    items = {item.kind: item for item in reported("open")}
    assert items.keys() == {"comment", "article"}
    report = items["comment"].reports[0]
    assert (report.reason, report.reporter) == ("Advertises", newsroom.name("author"))
    assert items["comment"].comment_id == spam.id
    number = items["comment"].id
    decided = moderator.moderation.decide_report(number, action="hide", note="Advertising").decision
    assert decided
    assert (decided.action, decided.decided_by) == ("hide", newsroom.name("moderator"))
    with rejects(409, "already_decided"):
        editor.moderation.decide_report(number, action="hide", note="Advertising")
    moderator.moderation.decide_report(items["article"].id, action="dismiss")
    assert reported("open") == []
    assert len(reported("decided")) == 2
    assert "Buy now" not in reads(visitor)
    assert "Buy now" in reads(reader)
    assert visitor.articles.get(slug)

    step("a block keeps two users apart")
    reader.profiles.follow(newsroom.name("author"))
    assert author.profiles.block(newsroom.name("reader")).blocked
    with rejects(403, "forbidden"):
        reader.comments.create(slug, body="Let me in")
    with rejects(403, "forbidden"):
        reader.profiles.follow(newsroom.name("author"))
    profile = reader.profiles.get(newsroom.name("author"))
    assert (profile.following, profile.blocked) == (False, None)
    assert "third" not in reads(author)
    assert "third" in reads(visitor)
    blocked = [block.username for block in author.profiles.list_blocked(limit=1)]
    assert blocked == [newsroom.name("reader")]

    step("unblock")
    assert not author.profiles.unblock(newsroom.name("reader")).blocked
    assert not reader.comments.create(slug, body="Thank you").waiting
    assert "third" in reads(author)

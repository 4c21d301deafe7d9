"""How a program uses the package, for the type checkers: `make sdk-test` checks
this file with mypy and pyright in their strict modes."""

# pyright: strict

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

import httpx
from fake import ARTICLE, PROFILE, TAGS, Fake, respond

from byline_client import (
    AsyncByline,
    AsyncPager,
    Byline,
    CountedPage,
    CreateOptions,
    Page,
    Pager,
    Response,
    StoredSession,
    models,
)

if TYPE_CHECKING:
    from typing_extensions import assert_type
else:

    def assert_type(value, _):
        return value


class Store:
    """Satisfies SessionStore without inheriting from it."""

    def __init__(self) -> None:
        self.session: StoredSession | None = None

    def load(self) -> StoredSession | None:
        return self.session

    def save(self, session: StoredSession | None) -> None:
        self.session = session


def test_synchronous_results() -> None:
    pages = respond(200, {"articles": [], "articlesCount": 0, "nextCursor": None})
    article = respond(200, {"article": ARTICLE}, ETag='"v1"')
    comments = respond(200, {"comments": [], "nextCursor": None})
    fake = Fake(article, article, article, article, pages, pages, comments, TAGS)
    byline = Byline("https://byline.test", http_client=httpx.Client(transport=fake))
    key: CreateOptions = {"idempotency_key": "k", "timeout": 2}
    created = byline.articles.create(title="t", description="d", body="b", options=key)
    assert_type(created, models.Article)
    assert_type(created.created_at, datetime)
    assert_type(created.hidden, models.Hidden | None)
    full = byline.with_response.articles.get("hello")
    assert_type(full, Response[models.Article])
    edited = byline.articles.edit("hello", lambda read: {"body": read.body, "tag_list": ["x"]})
    assert_type(edited, models.Article)
    articles = byline.articles.list(tag="x")
    assert_type(articles, Pager[models.ArticleSummary, CountedPage[models.ArticleSummary]])
    for summary in articles:
        assert_type(summary, models.ArticleSummary)
    assert_type(articles.first_page().total, int)
    page = byline.comments.list("hello").first_page()
    assert_type(page, Page[models.Comment])
    assert_type(byline.tags.list(), list[str])
    assert_type(byline.with_options(timeout=None), Byline)
    Byline("https://byline.test", session_store=Store())


def test_asynchronous_results() -> None:
    async def run() -> None:
        fake = Fake(respond(200, {"profile": PROFILE}), respond(204), TAGS)
        http_client = httpx.AsyncClient(transport=fake)
        async with AsyncByline("https://byline.test", http_client=http_client) as byline:
            assert_type(byline, AsyncByline)
            assert_type(await byline.profiles.get("a"), models.Profile)
            assert_type(await byline.articles.delete("a"), None)
            assert_type((await byline.with_response.tags.list()).data, list[str])
            pager = byline.articles.feed()
            assert_type(
                pager, AsyncPager[models.ArticleSummary, CountedPage[models.ArticleSummary]]
            )

    asyncio.run(run())

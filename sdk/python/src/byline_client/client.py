from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from copy import copy
from typing import Any, Literal, Self, cast

import httpx

from ._export import Records
from ._http import BASE_PATH, AsyncSession, AsyncToken, Policy, Retry, Session, Token
from .errors import BylineError
from .generated.api.articles import get_article
from .generated.client import AuthenticatedClient
from .generated.types import UNSET, Response, Unset
from .models import (
    Article,
    ArticleResponse,
    ArticleSummary,
    Comment,
    UpdateArticle,
    UpdateArticleRequest,
)
from .operations import AsyncOperations, Operations

CACHE_BYTES = 8 << 20
# The generator does not support responses of JSON lines.
EXPORT = "/user/export"
# Five conflicts in a row are not a coincidence but a bug in a client.
EDITS = 5


class Byline(Operations):
    """A synchronous client of a Byline service. It is thread-safe.

    Args:
        base_url: The URL of the service, such as "https://byline.example.com".
        token: The token of registration or sign-in, or a function that is
            called before each request.
        retry: How failed requests are retried.
        cache_bytes: The maximum size of the response cache in bytes; 0 disables
            the cache.
        httpx_args: Arguments of httpx.Client, such as `timeout`, `proxy` or
            `transport`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: Token = None,
        retry: Retry | None = None,
        cache_bytes: int = CACHE_BYTES,
        **httpx_args: Any,
    ) -> None:
        httpx_args = {"timeout": 30.0, **httpx_args, "base_url": _api_url(base_url)}
        policy = Policy(retry or Retry(), cache_bytes)
        self._connect(Session(httpx.Client(**httpx_args), policy, token))

    def _connect(self, session: Session) -> None:
        self._session = session
        #: The client for the generated functions. Their `sync_detailed` also
        #: returns the headers.
        self.api = _api().set_httpx_client(cast(httpx.Client, session))

    def with_token(self, token: Token) -> Self:
        """Returns a client that differs in its token only.

        Both clients share their connections and the cache. A cached response is
        only returned to the token that requested it.
        """
        other = copy(self)
        other._connect(Session(self._session.http, self._session.policy, token))
        return other

    def close(self) -> None:
        self._session.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def articles(
        self,
        *,
        tag: str | Unset = UNSET,
        author: str | Unset = UNSET,
        favorited: str | Unset = UNSET,
        limit: int | Unset = UNSET,
    ) -> Iterator[ArticleSummary]:
        """Iterates over the matching articles, newest first. Requests pages of
        `limit` articles as needed."""
        cursor: str | Unset | None = UNSET
        while cursor is not None:
            page = self.get_articles(
                tag=tag, author=author, favorited=favorited, limit=limit, cursor=cursor
            )
            yield from page.articles
            cursor = page.next_cursor

    def feed(self, *, limit: int | Unset = UNSET) -> Iterator[ArticleSummary]:
        """Iterates over the articles of the users that the signed-in user
        follows, newest first."""
        cursor: str | Unset | None = UNSET
        while cursor is not None:
            page = self.get_articles_feed(limit=limit, cursor=cursor)
            yield from page.articles
            cursor = page.next_cursor

    def comments(
        self,
        slug: str,
        *,
        sort: Literal["createdAt", "-createdAt"] = "createdAt",
        limit: int | Unset = UNSET,
    ) -> Iterator[Comment]:
        """Iterates over the comments of an article, oldest first or newest
        first."""
        cursor: str | Unset | None = UNSET
        while cursor is not None:
            page = self.get_article_comments(slug, sort=sort, limit=limit, cursor=cursor)
            yield from page.comments
            cursor = page.next_cursor

    def export(self) -> Generator[dict[str, Any], None, None]:
        """Streams all data of the signed-in user as records with a `type`.

        If the iteration ends, the export is complete. If the connection breaks,
        it raises `httpx.TransportError`. An export is not retried once it has
        begun.
        """
        response = self._session.request("GET", EXPORT, stream=True)
        try:
            records = Records()
            for chunk in response.iter_bytes():
                yield from records.of(chunk)
            records.end()
        finally:
            response.close()

    def get_article_with_etag(self, slug: str) -> tuple[Article, str]:
        """Returns an article and its entity tag.

        `update_article` and `delete_article` accept the entity tag as
        `if_match`. They fail with status 412 if somebody else has edited the
        article since.
        """
        return _with_etag(get_article.sync_detailed(slug, client=self.api))

    def edit_article(self, slug: str, edit: Callable[[Article], UpdateArticle]) -> Article:
        """Reads an article, calls `edit` and writes the returned change.

        It does not overwrite concurrent edits: if somebody else has edited the
        article in the meantime, it reads the article and calls `edit` again.
        """
        for attempt in range(1, EDITS + 1):
            article, etag = self.get_article_with_etag(slug)
            change = UpdateArticleRequest(edit(article))
            try:
                return self.update_article(slug, change, if_match=etag).article
            except BylineError as error:
                if error.status != 412 or attempt == EDITS:
                    raise
        raise AssertionError("unreachable")


class AsyncByline(AsyncOperations):
    """A client of a Byline service for asyncio.

    It takes the same arguments as `Byline`. A function that returns the token
    may be asynchronous.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: AsyncToken = None,
        retry: Retry | None = None,
        cache_bytes: int = CACHE_BYTES,
        **httpx_args: Any,
    ) -> None:
        httpx_args = {"timeout": 30.0, **httpx_args, "base_url": _api_url(base_url)}
        policy = Policy(retry or Retry(), cache_bytes)
        self._connect(AsyncSession(httpx.AsyncClient(**httpx_args), policy, token))

    def _connect(self, session: AsyncSession) -> None:
        self._session = session
        #: The client for the generated functions. Their `asyncio_detailed` also
        #: returns the headers.
        self.api = _api().set_async_httpx_client(cast(httpx.AsyncClient, session))

    def with_token(self, token: AsyncToken) -> Self:
        """Returns a client that differs in its token only.

        Both clients share their connections and the cache. A cached response is
        only returned to the token that requested it.
        """
        other = copy(self)
        other._connect(AsyncSession(self._session.http, self._session.policy, token))
        return other

    async def aclose(self) -> None:
        await self._session.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def articles(
        self,
        *,
        tag: str | Unset = UNSET,
        author: str | Unset = UNSET,
        favorited: str | Unset = UNSET,
        limit: int | Unset = UNSET,
    ) -> AsyncIterator[ArticleSummary]:
        """Iterates over the matching articles, newest first. Requests pages of
        `limit` articles as needed."""
        cursor: str | Unset | None = UNSET
        while cursor is not None:
            page = await self.get_articles(
                tag=tag, author=author, favorited=favorited, limit=limit, cursor=cursor
            )
            for article in page.articles:
                yield article
            cursor = page.next_cursor

    async def feed(self, *, limit: int | Unset = UNSET) -> AsyncIterator[ArticleSummary]:
        """Iterates over the articles of the users that the signed-in user
        follows, newest first."""
        cursor: str | Unset | None = UNSET
        while cursor is not None:
            page = await self.get_articles_feed(limit=limit, cursor=cursor)
            for article in page.articles:
                yield article
            cursor = page.next_cursor

    async def comments(
        self,
        slug: str,
        *,
        sort: Literal["createdAt", "-createdAt"] = "createdAt",
        limit: int | Unset = UNSET,
    ) -> AsyncIterator[Comment]:
        """Iterates over the comments of an article, oldest first or newest
        first."""
        cursor: str | Unset | None = UNSET
        while cursor is not None:
            page = await self.get_article_comments(slug, sort=sort, limit=limit, cursor=cursor)
            for comment in page.comments:
                yield comment
            cursor = page.next_cursor

    async def export(self) -> AsyncGenerator[dict[str, Any], None]:
        """Streams all data of the signed-in user as records with a `type`.

        If the iteration ends, the export is complete. If the connection breaks,
        it raises `httpx.TransportError`. An export is not retried once it has
        begun.
        To leave the loop early, use `contextlib.aclosing`, which releases the
        connection.
        """
        response = await self._session.request("GET", EXPORT, stream=True)
        try:
            records = Records()
            async for chunk in response.aiter_bytes():
                for record in records.of(chunk):
                    yield record
            records.end()
        finally:
            await response.aclose()

    async def get_article_with_etag(self, slug: str) -> tuple[Article, str]:
        """Returns an article and its entity tag.

        `update_article` and `delete_article` accept the entity tag as
        `if_match`. They fail with status 412 if somebody else has edited the
        article since.
        """
        return _with_etag(await get_article.asyncio_detailed(slug, client=self.api))

    async def edit_article(self, slug: str, edit: Callable[[Article], UpdateArticle]) -> Article:
        """Reads an article, calls `edit` and writes the returned change.

        It does not overwrite concurrent edits: if somebody else has edited the
        article in the meantime, it reads the article and calls `edit` again.
        """
        for attempt in range(1, EDITS + 1):
            article, etag = await self.get_article_with_etag(slug)
            change = UpdateArticleRequest(edit(article))
            try:
                return (await self.update_article(slug, change, if_match=etag)).article
            except BylineError as error:
                if error.status != 412 or attempt == EDITS:
                    raise
        raise AssertionError("unreachable")


def _api_url(base_url: str) -> str:
    return base_url.rstrip("/").removesuffix(BASE_PATH) + BASE_PATH


def _api() -> AuthenticatedClient:
    # The session sets the base URL and the token.
    return AuthenticatedClient(base_url="", token="")


def _with_etag(response: Response[Any]) -> tuple[Article, str]:
    return cast(ArticleResponse, response.parsed).article, response.headers["ETag"]

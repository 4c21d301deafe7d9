"""A service whose responses a test decides."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from byline_client import AsyncByline, Byline

Handler = Callable[[httpx.Request], httpx.Response]

USER: dict[str, Any] = {
    "username": "a",
    "email": "a@example.com",
    "token": "secret",
    "bio": None,
    "image": None,
}
PROFILE: dict[str, Any] = {"username": "a", "bio": None, "image": None, "following": False}
TIME = "2026-02-18T03:22:56.637Z"
ARTICLE: dict[str, Any] = {
    "slug": "hello",
    "title": "Hello",
    "description": "d",
    "body": "b",
    "tagList": ["x"],
    "createdAt": TIME,
    "updatedAt": TIME,
    "status": "published",
    "publishedAt": TIME,
    "unpublishAt": None,
    "coverImage": None,
    "canonicalUrl": None,
    "metaTitle": None,
    "metaDescription": None,
    "language": None,
    "metadata": {},
    "wordCount": 1,
    "readingMinutes": 1,
    "series": None,
    "translations": [],
    "commentsOpen": True,
    "revision": 1,
    "favorited": False,
    "favoritesCount": 0,
    "author": PROFILE,
}


class Fake(httpx.MockTransport):
    """A service that handles the n-th request with the n-th handler, and all
    further requests with the last one."""

    def __init__(self, *handlers: Handler) -> None:
        self.requests: list[httpx.Request] = []
        self._handlers = itertools.chain(handlers, itertools.repeat(handlers[-1]))
        super().__init__(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return next(self._handlers)(request)

    def client(self, **options: Any) -> Byline:
        options = {"retries": 2, "retry_delay": 0.001, "max_retry_delay": 2, **options}
        http_client = httpx.Client(transport=self)
        return Byline("https://byline.test", http_client=http_client, **options)

    def async_client(self, **options: Any) -> AsyncByline:
        options = {"retries": 2, "retry_delay": 0.001, "max_retry_delay": 2, **options}
        http_client = httpx.AsyncClient(transport=self)
        return AsyncByline("https://byline.test", http_client=http_client, **options)

    def sent(self, header: str) -> list[str | None]:
        return [request.headers.get(header) for request in self.requests]

    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]


def respond(status: int, body: Any = None, **headers: str) -> Handler:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, str):
        return lambda _: httpx.Response(status, text=body, headers=names)
    if body is None:
        return lambda _: httpx.Response(status, headers=names)
    return lambda _: httpx.Response(status, json=body, headers=names)


def problem(status: int, code: str, **headers: str) -> Handler:
    body = {
        "type": f"/docs/errors#{code}",
        "title": "Title",
        "status": status,
        "detail": "Later.",
        "code": code,
        "requestId": "r1",
        "errors": {"server": ["is busy"]},
    }
    return respond(status, body, X_Request_Id="r1", **headers)


BUSY = problem(503, "overloaded")
TAGS = respond(200, {"tags": ["a"]})
CREATED = respond(201, {"user": USER})


def breaks(_: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("the connection is broken")


def breaks_inside(_: httpx.Request) -> httpx.Response:
    def body() -> Iterator[bytes]:
        yield b'{"tags":'
        raise httpx.ReadError("the connection is broken")

    return httpx.Response(200, content=body(), headers={"Content-Type": "application/json"})


def times_out(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("timed out", request=request)

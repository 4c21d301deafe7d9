from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from byline_client import AsyncByline, Byline, BylineError, Retry
from byline_client._http import BASE_PATH, CREATING
from byline_client.models import LoginUser, LoginUserRequest, NewUser, NewUserRequest

Handler = Callable[[httpx.Request], httpx.Response]

BUSY = {"status": 503, "detail": "Later.", "code": "overloaded", "errors": {"server": ["is busy"]}}
USER = {"user": {"username": "a", "email": "a", "token": "t", "bio": None, "image": None}}
NEW_USER = NewUserRequest(NewUser("a", "a@example.com", "12345678"))
LOGIN = LoginUserRequest(LoginUser("a@example.com", "12345678"))


class Fake(httpx.MockTransport):
    """A service that handles the n-th request with the n-th handler, and all
    further requests with the last one."""

    def __init__(self, *handlers: Handler) -> None:
        self.requests: list[httpx.Request] = []
        self._handlers = itertools.chain(handlers, itertools.repeat(handlers[-1]))
        super().__init__(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        # Copy the request, because the client changes it for a retry.
        self.requests.append(httpx.Request(request.method, request.url, headers=request.headers))
        return next(self._handlers)(request)

    def client(self, **kwargs: Any) -> Byline:
        retry = Retry(attempts=3, base=0.001, max=2)
        return Byline("https://byline.test", **{"retry": retry, "transport": self, **kwargs})

    def sent(self, header: str) -> list[str | None]:
        return [request.headers.get(header) for request in self.requests]


def respond(status: int, body: Any = None, **headers: str) -> Handler:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, str):
        return lambda _: httpx.Response(status, text=body, headers=names)
    return lambda _: httpx.Response(status, json=body, headers=names)


def breaks(_: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("the connection is broken")


def breaks_inside(_: httpx.Request) -> httpx.Response:
    def body() -> Iterator[bytes]:
        yield b'{"tags":'
        raise httpx.ReadError("the connection is broken")

    return httpx.Response(200, content=body(), headers={"Content-Type": "application/json"})


TAGS = respond(200, {"tags": ["a"]})


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(respond(503, BUSY), id="unavailable"),
        pytest.param(respond(429, BUSY), id="limited"),
        pytest.param(respond(502, ""), id="gateway"),
        pytest.param(breaks, id="no response"),
        pytest.param(breaks_inside, id="half a response"),
    ],
)
def test_reads_are_retried(fault: Handler) -> None:
    fake = Fake(fault, fault, TAGS)
    assert fake.client().get_tags().tags == ["a"]
    assert len(fake.requests) == 3


def test_async_reads_are_retried() -> None:
    fake = Fake(breaks, respond(503, BUSY), TAGS)

    async def token() -> str:
        return "renewed"

    async def read() -> list[str]:
        retry = Retry(base=0.001)
        async with AsyncByline(
            "https://byline.test", token=token, retry=retry, transport=fake
        ) as byline:
            return (await byline.get_tags()).tags

    assert asyncio.run(read()) == ["a"]
    assert fake.sent("Authorization") == ["Token renewed"] * 3


def test_a_retry_keeps_the_idempotency_key() -> None:
    fake = Fake(breaks, respond(201, USER))
    fake.client().create_user(NEW_USER)
    first, second = fake.sent("Idempotency-Key")
    assert first and first == second


def test_the_idempotency_key_of_the_caller_takes_precedence() -> None:
    fake = Fake(respond(201, USER))
    fake.client().create_user(NEW_USER, idempotency_key="mine")
    assert fake.sent("Idempotency-Key") == ["mine"]


def test_openapi_yaml_declares_the_same_operations_idempotent() -> None:
    document = YAML(typ="safe").load(Path(__file__).parents[3] / "openapi.yaml")
    found = 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            takes_key = operation.get("x-idempotent", False)
            creating = method == "post" and bool(CREATING.search((BASE_PATH + path).encode()))
            assert creating == takes_key, (method, path)
            found += takes_key
    assert found


def test_requests_that_are_not_safe_to_repeat_are_not_retried() -> None:
    fake = Fake(respond(503, BUSY))
    with pytest.raises(BylineError):
        fake.client().login(LOGIN)
    with pytest.raises(BylineError):
        fake.client().delete_article("slug")
    assert len(fake.requests) == 2


def test_retries_end_after_the_last_attempt() -> None:
    fake = Fake(respond(503, BUSY))
    with pytest.raises(BylineError) as caught:
        fake.client().get_tags()
    assert str(caught.value) == "503 overloaded: Later. server is busy"
    assert len(fake.requests) == 3
    with pytest.raises(httpx.RemoteProtocolError):
        Fake(breaks).client().get_tags()


def test_retry_after_is_honoured() -> None:
    started = time.monotonic()
    Fake(respond(429, BUSY, Retry_After="1"), TAGS).client().get_tags()
    assert time.monotonic() - started >= 1


def test_a_retry_after_beyond_the_maximum_is_returned_to_the_caller() -> None:
    fake = Fake(respond(429, BUSY, Retry_After="3600"))
    with pytest.raises(BylineError) as caught:
        fake.client().get_tags()
    assert caught.value.retry_after == 3600
    assert len(fake.requests) == 1


def test_a_response_of_a_proxy_is_an_error() -> None:
    with pytest.raises(BylineError) as caught:
        Fake(respond(403, "<h1>Forbidden</h1>")).client().get_tags()
    assert (caught.value.code, str(caught.value)) == (None, "403: Forbidden")
    with pytest.raises(BylineError) as caught:
        Fake(respond(200, "<h1>Sign in to this Wi-Fi</h1>")).client().get_tags()
    assert caught.value.status == 200


def test_the_token_function_is_called_before_each_request() -> None:
    fake = Fake(TAGS)
    tokens = iter(["t1", "t2"])
    byline = fake.client(token=lambda: next(tokens))
    byline.get_tags()
    byline.get_tags()
    byline.with_token("other").get_tags()
    assert fake.sent("Authorization") == ["Token t1", "Token t2", "Token other"]


class Confirming(Fake):
    """A service that confirms its response with 304."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        super().__init__(self._confirm)

    def _confirm(self, request: httpx.Request) -> httpx.Response:
        confirmed = request.headers.get("If-None-Match") == '"v1"'
        self.statuses.append(304 if confirmed else 200)
        if confirmed:
            return httpx.Response(304, headers={"ETag": '"v1"'})
        return httpx.Response(200, json={"tags": ["a"]}, headers={"ETag": '"v1"'})


@pytest.mark.parametrize(
    ("tokens", "cache_bytes", "statuses"),
    [
        pytest.param("aa", 1000, [200, 304], id="confirmed"),
        pytest.param("aba", 1000, [200, 200, 304], id="for each user separately"),
        # The cache holds two responses: c evicts b.
        pytest.param("abacab", 29, [200, 200, 304, 200, 304, 200], id="up to the maximum size"),
        pytest.param("aa", 0, [200, 200], id="off"),
    ],
)
def test_responses_are_cached(tokens: str, cache_bytes: int, statuses: list[int]) -> None:
    fake = Confirming()
    byline = fake.client(cache_bytes=cache_bytes)
    for token in tokens:
        assert byline.with_token(token).get_tags().tags == ["a"]
    assert fake.statuses == statuses


ACCOUNT = b'{"type":"account","bio":"two\xe2\x80\xa8lines"}\n'
EXPORT = [ACCOUNT, b'{"type":"follower"}\n', b'{"type":"end","records":2}\n']


class Exporting:
    """A handler that sends a response in pieces and counts the requested ones.
    If `breaks` is set, the connection breaks after the last piece."""

    def __init__(self, pieces: list[bytes], breaks: bool = False) -> None:
        self.pieces, self.breaks, self.read, self.closed = pieces, breaks, 0, False

    def __call__(self, _: httpx.Request) -> httpx.Response:
        headers = {"Content-Type": "application/x-ndjson", "ETag": '"v1"'}
        return httpx.Response(200, stream=self.stream(), headers=headers)

    def stream(self) -> httpx.AsyncByteStream | httpx.SyncByteStream:
        exporting = self

        class Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
            def __iter__(self) -> Iterator[bytes]:
                for piece in exporting.pieces:
                    exporting.read += 1
                    yield piece
                if exporting.breaks:
                    raise httpx.ReadError("the connection is broken")

            async def __aiter__(self) -> AsyncIterator[bytes]:
                for piece in self:
                    yield piece

            def close(self) -> None:
                exporting.closed = True

            async def aclose(self) -> None:
                self.close()

        return Stream()


def exported(fake: Fake, mode: str) -> list[dict[str, Any]]:
    retry = Retry(attempts=3, base=0.001)

    async def collect() -> list[dict[str, Any]]:
        async with AsyncByline("https://byline.test", retry=retry, transport=fake) as byline:
            return [record async for record in byline.export()]

    return list(fake.client().export()) if mode == "sync" else asyncio.run(collect())


both = pytest.mark.parametrize("mode", ["sync", "async"])


@both
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_export_in_any_pieces(mode: str, size: int) -> None:
    body = b"".join(EXPORT)
    exporting = Exporting([body[i : i + size] for i in range(0, len(body), size)])
    records = exported(Fake(exporting), mode)
    # A line separator in a text must not separate records.
    assert records == [{"type": "account", "bio": "two\u2028lines"}, {"type": "follower"}]
    assert exporting.closed


def test_an_export_is_streamed() -> None:
    exporting = Exporting(EXPORT)
    records = Fake(exporting).client().export()
    assert next(records)["type"] == "account"
    assert exporting.read == 1
    records.close()
    assert (exporting.read, exporting.closed) == (1, True)


def test_an_async_export_is_streamed() -> None:
    exporting = Exporting(EXPORT)

    async def read() -> None:
        async with AsyncByline("https://byline.test", transport=Fake(exporting)) as byline:
            async with aclosing(byline.export()) as records:
                assert (await anext(records))["type"] == "account"
                assert exporting.read == 1
            assert (exporting.read, exporting.closed) == (1, True)

    asyncio.run(read())


@both
@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(Exporting(EXPORT[:2], breaks=True), id="visibly"),
        pytest.param(Exporting(EXPORT[:2]), id="silently"),
        pytest.param(Exporting([*EXPORT[:2], EXPORT[2][:-2]]), id="in a line"),
        pytest.param(Exporting(EXPORT[1:]), id="with a record missing"),
    ],
)
def test_an_export_that_breaks_off(mode: str, broken: Exporting) -> None:
    fake = Fake(broken)
    with pytest.raises(httpx.TransportError):
        exported(fake, mode)
    assert len(fake.requests) == 1  # a retry would yield records twice
    assert broken.closed


@both
def test_an_export_is_retried_before_it_begins(mode: str) -> None:
    fake = Fake(respond(503, BUSY), breaks, Exporting(EXPORT))
    assert len(exported(fake, mode)) == 2
    assert fake.sent("If-None-Match") == [None] * 3


@both
def test_an_export_that_is_refused(mode: str) -> None:
    fake = Fake(respond(401, {**BUSY, "status": 401, "code": "token_missing"}))
    with pytest.raises(BylineError) as caught:
        exported(fake, mode)
    assert (caught.value.status, caught.value.code) == (401, "token_missing")
    assert caught.value.fields == BUSY["errors"]

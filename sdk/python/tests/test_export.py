from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from fake import BUSY, Fake, breaks, problem

from byline_client import BylineConnectionError, BylineError

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
    async def collect() -> list[dict[str, Any]]:
        async with fake.async_client() as byline:
            return [record async for record in byline.account.export()]

    return list(fake.client().account.export()) if mode == "sync" else asyncio.run(collect())


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
    records = Fake(exporting).client().account.export()
    assert next(records)["type"] == "account"
    assert exporting.read == 1
    records.close()
    assert (exporting.read, exporting.closed) == (1, True)


def test_an_async_export_is_streamed() -> None:
    exporting = Exporting(EXPORT)

    async def read() -> None:
        async with Fake(exporting).async_client() as byline:
            async with aclosing(byline.account.export()) as records:
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
    with pytest.raises(BylineConnectionError):
        exported(fake, mode)
    assert len(fake.requests) == 1  # a retry would yield records twice
    assert broken.closed


@both
def test_an_export_is_retried_before_it_begins(mode: str) -> None:
    fake = Fake(BUSY, breaks, Exporting(EXPORT))
    assert len(exported(fake, mode)) == 2
    assert fake.sent("If-None-Match") == [None] * 3


@both
def test_an_export_that_is_refused(mode: str) -> None:
    fake = Fake(problem(401, "token_missing"))
    with pytest.raises(BylineError) as caught:
        exported(fake, mode)
    assert (caught.value.status, caught.value.code) == (401, "token_missing")

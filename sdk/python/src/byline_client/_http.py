"""What stands between the generated functions and httpx."""

from __future__ import annotations

import asyncio
import inspect
import random
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, cast

import httpx

from .errors import BylineError, is_json, retry_after

Token = str | Callable[[], str | None] | None
AsyncToken = str | Callable[[], str | Awaitable[str | None] | None] | None

BASE_PATH = "/api"
# The paths at which POST takes an Idempotency-Key.
CREATING = re.compile(
    BASE_PATH.encode() + rb"/(users|sessions|user/keys|articles|articles/[^/]+/comments)\Z"
)
TEMPORARY = {429, 502, 503, 504}


@dataclass(frozen=True)
class Retry:
    """How calls are repeated that got no answer, or 429, 502, 503 or 504.

    Only calls are that cannot do harm twice: reads, and those that have an
    Idempotency-Key, which creating calls are given.

    Attributes:
        attempts: How often a call is made at most; 1 turns repetition off.
        base: The longest wait before the second attempt in seconds; doubles
            with each.
        max: Bounds each wait in seconds. A service that asks for more gets no
            more attempts.
    """

    attempts: int = 4
    base: float = 0.2
    max: float = 30.0

    def wait(self, attempt: int, outcome: Outcome) -> float | None:
        """How long to wait after an attempt, or None to leave it at that."""
        if attempt >= self.attempts:
            return None
        # Random, so that clients that failed together come back apart.
        jittered = random.uniform(0, min(self.base * 2 ** (attempt - 1), self.max))
        if isinstance(outcome, httpx.TransportError):
            return jittered
        asked = retry_after(outcome.headers) or 0
        if outcome.status_code not in TEMPORARY or asked > self.max:
            return None
        return asked + min(jittered, self.base) if asked else jittered


Outcome = httpx.Response | httpx.TransportError


class Cache:
    """Keeps answers with an entity tag.

    An answer is never given unasked: the service confirms with 304 that it
    still holds, and is spared sending it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str], httpx.Response] = OrderedDict()

    def condition(self, request: httpx.Request) -> httpx.Response | None:
        """Makes the request conditional on the answer that is kept for it,
        unless the caller has set a condition."""
        if request.method != "GET" or "If-None-Match" in request.headers:
            return None
        with self._lock:
            kept = self._entries.get(_key(request))
            if kept is None:
                return None
            self._entries.move_to_end(_key(request))
        request.headers["If-None-Match"] = kept.headers["ETag"]
        return kept

    def answer(
        self, request: httpx.Request, response: httpx.Response, kept: httpx.Response | None
    ) -> httpx.Response:
        """Keeps an answer that can be reused, or gives the one that the service
        has confirmed, with the newer headers (RFC 9111, section 4.3.4)."""
        if kept is None or response.status_code != 304:
            if request.method == "GET" and response.status_code == 200:
                self._keep(request, response)
            return response
        headers = kept.headers.copy()
        # The body has been decoded, so that its coding is no longer true.
        headers.pop("Content-Encoding", None)
        headers.update(
            {k: v for k, v in response.headers.items() if not k.lower().startswith("content-")}
        )
        return httpx.Response(200, headers=headers, content=kept.content, request=request)

    def _keep(self, request: httpx.Request, response: httpx.Response) -> None:
        if not response.is_closed:
            return  # a stream, of which nothing has been read
        headers, size = response.headers, len(response.content)
        if "ETag" not in headers or "no-store" in headers.get("Cache-Control", ""):
            return
        if size > self._limit:
            return
        with self._lock:
            if old := self._entries.pop(_key(request), None):
                self._size -= len(old.content)
            self._entries[_key(request)] = response
            self._size += size
            while self._size > self._limit:
                _, oldest = self._entries.popitem(last=False)
                self._size -= len(oldest.content)


def _key(request: httpx.Request) -> tuple[str, str]:
    """Tells the answers of different users apart."""
    return str(request.url), request.headers.get("Authorization", "")


def _raw_path(request: httpx.Request) -> bytes:
    """The path as it is sent, in which an encoded slash is no separator."""
    return request.url.raw_path.partition(b"?")[0]


class Policy:
    """What a call does apart from input and output, so that the blocking and
    the asynchronous client share it."""

    def __init__(self, retry: Retry, cache_bytes: int) -> None:
        self.retry, self.cache = retry, Cache(cache_bytes)

    def attempts(
        self, request: httpx.Request, token: str | None
    ) -> Generator[float, Outcome, httpx.Response]:
        """Yields the wait before each attempt, wants to be sent its outcome,
        and returns the answer."""
        if token and "Authorization" not in request.headers:
            request.headers["Authorization"] = f"Token {token}"
        if request.method == "POST" and CREATING.search(_raw_path(request)):
            request.headers.setdefault("Idempotency-Key", secrets.token_hex(16))
        kept = self.cache.condition(request)
        repeatable = request.method in ("GET", "HEAD") or "Idempotency-Key" in request.headers
        outcome = yield 0
        attempt = 1
        while repeatable and (wait := self.retry.wait(attempt, outcome)) is not None:
            outcome = yield wait
            attempt += 1
        if isinstance(outcome, httpx.TransportError):
            raise outcome
        response = self.cache.answer(request, outcome, kept)
        if response.status_code in (204, 304):
            return response
        if not response.is_success:
            raise BylineError(response)
        if not is_json(response.headers):
            raise BylineError(response, "the answer is not JSON")
        return response


def _is_lines(response: httpx.Response) -> bool:
    """Whether an answer to a request for a stream is one; a problem is none."""
    return response.is_success and "ndjson" in response.headers.get("Content-Type", "")


class Session:
    """Takes the calls of the generated functions, which only use `request`. An
    answer that is asked for as a `stream` is to be closed by the caller."""

    def __init__(self, http: httpx.Client, policy: Policy, token: Token) -> None:
        self.http, self.policy, self.token = http, policy, token

    def request(
        self, method: str, url: str, *, stream: bool = False, **kwargs: Any
    ) -> httpx.Response:
        request = self.http.build_request(method, url, **kwargs)
        token = self.token() if callable(self.token) else self.token
        attempts = self.policy.attempts(request, token)
        wait = next(attempts)
        while True:
            time.sleep(wait)
            outcome: Outcome
            try:
                outcome = self.http.send(request, stream=stream)
                if stream and not _is_lines(outcome):
                    outcome.read()
            except httpx.TransportError as error:
                outcome = error
            try:
                wait = attempts.send(outcome)
            except StopIteration as done:
                return cast(httpx.Response, done.value)


class AsyncSession:
    """Session for asyncio."""

    def __init__(self, http: httpx.AsyncClient, policy: Policy, token: AsyncToken) -> None:
        self.http, self.policy, self.token = http, policy, token

    async def request(
        self, method: str, url: str, *, stream: bool = False, **kwargs: Any
    ) -> httpx.Response:
        request = self.http.build_request(method, url, **kwargs)
        token = self.token() if callable(self.token) else self.token
        if inspect.isawaitable(token):
            token = await token
        attempts = self.policy.attempts(request, token)
        wait = next(attempts)
        while True:
            await asyncio.sleep(wait)
            outcome: Outcome
            try:
                outcome = await self.http.send(request, stream=stream)
                if stream and not _is_lines(outcome):
                    await outcome.aread()
            except httpx.TransportError as error:
                outcome = error
            try:
                wait = attempts.send(outcome)
            except StopIteration as done:
                return cast(httpx.Response, done.value)

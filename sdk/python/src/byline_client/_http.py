"""Retries, the cache and authentication: the layer between the generated
functions and httpx."""

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
# The paths whose POST operation accepts an Idempotency-Key.
CREATING = re.compile(
    BASE_PATH.encode() + rb"/(users|sessions|user/keys|articles|articles/[^/]+/comments)\Z"
)
TEMPORARY = {429, 502, 503, 504}


@dataclass(frozen=True)
class Retry:
    """Configures retries.

    A request is retried if there is no response or the status is 429, 502, 503
    or 504, and only if it is safe to repeat: reads, and requests with an
    Idempotency-Key, which the client adds to requests that create something.

    Attributes:
        attempts: The maximum number of attempts; 1 disables retries.
        base: The maximum wait before the second attempt in seconds; doubles
            with each attempt.
        max: The maximum of each wait in seconds. If the service asks for a
            longer wait, the request is not retried.
    """

    attempts: int = 4
    base: float = 0.2
    max: float = 30.0

    def wait(self, attempt: int, outcome: Outcome) -> float | None:
        """Returns the wait after an attempt, or None to stop retrying."""
        if attempt >= self.attempts:
            return None
        # The wait is random, so that clients that failed at the same time do
        # not retry at the same time.
        jittered = random.uniform(0, min(self.base * 2 ** (attempt - 1), self.max))
        if isinstance(outcome, httpx.TransportError):
            return jittered
        asked = retry_after(outcome.headers) or 0
        if outcome.status_code not in TEMPORARY or asked > self.max:
            return None
        return asked + min(jittered, self.base) if asked else jittered


Outcome = httpx.Response | httpx.TransportError


class Cache:
    """Stores responses with an entity tag.

    It only returns a cached response after the service has confirmed it with
    304, so that no response is stale.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str], httpx.Response] = OrderedDict()

    def add_condition(self, request: httpx.Request) -> httpx.Response | None:
        """Adds the entity tag of the cached response to the request, unless the
        caller has set a condition. Returns the cached response."""
        if request.method != "GET" or "If-None-Match" in request.headers:
            return None
        with self._lock:
            cached = self._entries.get(_key(request))
            if cached is None:
                return None
            self._entries.move_to_end(_key(request))
        request.headers["If-None-Match"] = cached.headers["ETag"]
        return cached

    def resolve(
        self, request: httpx.Request, response: httpx.Response, cached: httpx.Response | None
    ) -> httpx.Response:
        """Returns the response for the caller.

        If the service has confirmed the cached response, that is the cached
        response with the new header fields (RFC 9111, section 4.3.4). Otherwise
        the response is stored if it can be reused.
        """
        if cached is None or response.status_code != 304:
            if request.method == "GET" and response.status_code == 200:
                self._store(request, response)
            return response
        headers = cached.headers.copy()
        # The cached body is decoded, so Content-Encoding no longer applies.
        headers.pop("Content-Encoding", None)
        headers.update(
            {k: v for k, v in response.headers.items() if not k.lower().startswith("content-")}
        )
        return httpx.Response(200, headers=headers, content=cached.content, request=request)

    def _store(self, request: httpx.Request, response: httpx.Response) -> None:
        if not response.is_closed:
            return  # a stream that has not been read yet
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
    """Returns the cache key. It contains the token, so that users do not get
    the responses of other users."""
    return str(request.url), request.headers.get("Authorization", "")


def _raw_path(request: httpx.Request) -> bytes:
    """Returns the path with encoded slashes, which do not separate segments."""
    return request.url.raw_path.partition(b"?")[0]


class Policy:
    """The part of a request that does no input or output, which the
    synchronous and the asynchronous client share."""

    def __init__(self, retry: Retry, cache_bytes: int) -> None:
        self.retry, self.cache = retry, Cache(cache_bytes)

    def attempts(
        self, request: httpx.Request, token: str | None
    ) -> Generator[float, Outcome, httpx.Response]:
        """Yields the wait before each attempt, receives the outcome of the
        attempt, and returns the response."""
        if token and "Authorization" not in request.headers:
            request.headers["Authorization"] = f"Token {token}"
        if request.method == "POST" and CREATING.search(_raw_path(request)):
            request.headers.setdefault("Idempotency-Key", secrets.token_hex(16))
        cached = self.cache.add_condition(request)
        repeatable = request.method in ("GET", "HEAD") or "Idempotency-Key" in request.headers
        outcome = yield 0
        attempt = 1
        while repeatable and (wait := self.retry.wait(attempt, outcome)) is not None:
            outcome = yield wait
            attempt += 1
        if isinstance(outcome, httpx.TransportError):
            raise outcome
        response = self.cache.resolve(request, outcome, cached)
        if response.status_code in (204, 304):
            return response
        if not response.is_success:
            raise BylineError(response)
        if not is_json(response.headers):
            raise BylineError(response, "expected a JSON response")
        return response


def _is_lines(response: httpx.Response) -> bool:
    """Reports whether the response is a stream of JSON lines, not a problem."""
    return response.is_success and "ndjson" in response.headers.get("Content-Type", "")


class Session:
    """The HTTP client of the generated functions, which only call `request`.

    The caller must close a response that was requested with `stream`.
    """

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
    """The counterpart of Session for asyncio."""

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

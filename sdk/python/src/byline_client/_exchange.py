"""The part of a call that does no input or output, which the synchronous and
the asynchronous client share: retries, the cache, renewal and hooks."""

from __future__ import annotations

import dataclasses
import math
import platform
import random
import re
import secrets
import sys
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from ._cache import IDENTITY, Cache
from ._log import logger
from ._operation import Call
from ._options import Attempt, Outcome, Retry, Settings, Timeout
from ._response import Response
from .errors import is_json, is_text, no_response, not_byline, refused, retry_after
from .generated.version import VERSION

T = TypeVar("T")

BASE_PATH = "/api"
TEMPORARY = {408, 425, 429, 502, 503, 504}


@dataclass(frozen=True)
class Authorize:
    """Asks for the token, for another one if the service has rejected it, and for
    the identity of its session, if it has one."""

    operation: str
    rejected: str | None = None


@dataclass(frozen=True)
class Send:
    """Asks to send a request, and for its response or the error of httpx."""

    request: httpx.Request
    stream: bool


@dataclass(frozen=True)
class Sleep:
    seconds: float


Command = Authorize | Send | Sleep
Steps = Generator[Command, Any, httpx.Response]


@dataclass(frozen=True)
class Service:
    """What all clients that are derived from one another share."""

    url: str
    user_agent: str
    cache: Cache

    @property
    def address(self) -> str:
        return self.url.removesuffix(BASE_PATH)


def api_url(address: str) -> str:
    """Returns the URL of the API at an address, with or without /api."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL()
    unused = url.userinfo or url.query or url.fragment
    if url.scheme not in ("http", "https") or not url.host or unused:
        # The message hides what may be a password: all before an @, and a port
        # that is not a number.
        secret = r"^.*(@)|(:)[^/?#]*[^/?#0-9][^/?#]*"
        shown = re.sub(secret, r"\2[hidden]\1", str(address))
        raise ValueError(
            f'"{shown}" is not the address of a service, such as https://example.com'
        ) from None
    return str(url).rstrip("/").removesuffix(BASE_PATH) + BASE_PATH


def user_agent(app: str | None) -> str:
    """Returns the User-Agent, such as `byline-python/1.2.0 (python 3.14.0;
    linux/x86_64) blog/1.2`."""
    python, machine = platform.python_version(), platform.machine().lower()
    agent = f"byline-python/{VERSION} (python {python}; {sys.platform}/{machine})"
    return f"{agent} {app}" if app else agent


def exchange(
    service: Service, settings: Settings, call: Call[Any], build: Callable[..., httpx.Request]
) -> Steps:
    """Carries out a call, and returns the response if it is a success. `build`
    is `build_request` of the HTTP client, which adds its own headers."""
    operation, options = call.operation, call.options or {}
    retries = options.get("retries", settings.retries)
    headers = _headers(service, settings, call)
    repeatable = operation.safe or "Idempotency-Key" in headers
    url, content = call.url(service.url), call.content()
    timeout = options.get("timeout", settings.timeout)
    end = time.monotonic() + options.get("total_timeout", math.inf)
    token, identity = options.get("token"), None
    renewable = not (token or operation.anonymous or "Authorization" in headers)
    if renewable:
        token, identity = yield Authorize(operation.name)
    attempt = 0
    while True:
        attempt += 1
        request = build(
            operation.method, url, headers=headers, content=content, timeout=_until(end, timeout)
        )
        this = Attempt(
            operation=operation.name,
            method=request.method,
            url=str(url),
            attempt=attempt,
            headers=request.headers,
        )
        if settings.hooks.on_request:
            settings.hooks.on_request(this)
        request.headers = this.headers.copy()
        if token:
            request.headers["Authorization"] = _authorization(token)
        if identity:
            request.extensions[IDENTITY] = identity
        cached = service.cache.add_condition(request)
        started = time.perf_counter()
        response: httpx.Response | httpx.RequestError = yield Send(request, operation.stream)
        outcome = _outcome(this, time.perf_counter() - started, response)
        logger.debug("%s", _Line(outcome))
        if settings.hooks.on_response:
            settings.hooks.on_response(outcome)
        if token and renewable and _rejects_token(response):
            renewable = False
            renewed, _ = yield Authorize(operation.name, rejected=token)
            if renewed != token:
                token = renewed
                continue
        again = repeatable or _without_effect(response)
        delay = _delay(settings, retries, attempt, response) if again else None
        if delay is None or time.monotonic() + delay > end:
            break
        retries -= 1
        logger.info("%s; another attempt in %.1f s", _Line(outcome), delay)
        if settings.hooks.on_retry:
            settings.hooks.on_retry(Retry(**_fields(outcome), delay=delay))
        yield Sleep(delay)
    if isinstance(response, httpx.RequestError):
        raise no_response(operation.name, request, attempt, response) from response
    response = service.cache.resolve(request, response, cached)
    if not response.is_success:
        raise refused(operation.name, response)
    if operation.body and not (is_text if operation.text else is_json)(response.headers):
        raise not_byline(operation.name, response)
    return response


def result(call: Call[T], response: httpx.Response) -> Response[T]:
    """Parses the response of a call."""
    body = None
    try:
        if call.operation.body or (call.operation.body is None and response.content):
            body = response.text if call.operation.text else response.json()
        data = call.operation.parse(body)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise not_byline(call.operation.name, response, error) from error
    return Response(data, response.status_code, response.headers, body)


def is_lines(response: httpx.Response) -> bool:
    """Reports whether the response is a stream of JSON lines, not a problem."""
    return response.is_success and "ndjson" in response.headers.get("Content-Type", "")


def _authorization(token: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        # The message of httpx would contain the token.
        raise ValueError("a token must be printable ASCII without spaces and line breaks")
    return f"Token {token}"


def _headers(service: Service, settings: Settings, call: Call[Any]) -> Mapping[str, str]:
    options: Mapping[str, Any] = call.options or {}
    headers = httpx.Headers({"User-Agent": service.user_agent})
    headers["Accept"] = "application/x-ndjson" if call.operation.stream else "application/json"
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    headers.update(settings.headers)
    headers.update(options.get("headers"))
    if if_match := options.get("if_match"):
        headers["If-Match"] = if_match
    if call.operation.idempotent:
        key = options.get("idempotency_key") or secrets.token_hex(16)
        headers.setdefault("Idempotency-Key", key)
    return headers


def _delay(
    settings: Settings, retries: int, attempt: int, response: httpx.Response | httpx.RequestError
) -> float | None:
    """Returns the wait before another attempt, or None if there is none."""
    if retries <= 0:
        return None
    # The wait is random, so that clients that failed at the same time do not
    # retry at the same time.
    longest = min(settings.retry_delay * 2 ** (attempt - 1), settings.max_retry_delay)
    delay = random.uniform(0, longest)
    if isinstance(response, httpx.RequestError):
        return delay
    asked = retry_after(response.headers) or 0
    if response.status_code not in TEMPORARY or asked > settings.max_retry_delay:
        return None
    return asked + min(delay, settings.retry_delay) if asked else delay


def _until(end: float, timeout: Timeout) -> Timeout:
    """Returns the time limit of an attempt of a call that ends at `end`."""
    if end == math.inf:
        return timeout
    left = max(end - time.monotonic(), 0.001)
    limits = httpx.Timeout(timeout).as_dict().items()
    return httpx.Timeout(**{k: left if v is None else min(v, left) for k, v in limits})


def _without_effect(response: httpx.Response | httpx.RequestError) -> bool:
    """Reports whether the service has certainly not carried out a request."""
    if isinstance(response, httpx.RequestError):
        return isinstance(response, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return response.status_code in (425, 429)


def _rejects_token(response: httpx.Response | httpx.RequestError) -> bool:
    """Reports whether the service has rejected the token. Where a token is
    optional, the response is that for an anonymous caller."""
    if isinstance(response, httpx.RequestError):
        return False
    return "invalid_token" in response.headers.get("WWW-Authenticate", "")


def _outcome(
    this: Attempt, duration: float, response: httpx.Response | httpx.RequestError
) -> Outcome:
    status = request_id = error = None
    if isinstance(response, httpx.RequestError):
        error = response
    else:
        status, request_id = response.status_code, response.headers.get("X-Request-Id")
    return Outcome(
        **_fields(this), duration=duration, status=status, request_id=request_id, error=error
    )


def _fields(event: Attempt) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}


@dataclass(frozen=True)
class _Line:
    """A line for the log, which is only made if it is written."""

    outcome: Outcome

    def __str__(self) -> str:
        o = self.outcome
        came = o.status if o.error is None else repr(o.error)
        line = f"{o.operation}: {o.method} {o.url}: {came} in {o.duration * 1000:.0f} ms"
        line += f", attempt {o.attempt}" if o.attempt > 1 else ""
        return line + (f" (request {o.request_id})" if o.request_id else "")

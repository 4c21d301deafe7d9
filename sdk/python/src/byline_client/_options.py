"""What callers can set: for a client, and for a call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict

import httpx

from ._model import Model
from .generated.models import Tokens

Token = str | Callable[[], str | None] | None
AsyncToken = str | Callable[[], str | Awaitable[str | None] | None] | None
Timeout = float | httpx.Timeout | None


class CallOptions(TypedDict, total=False):
    """The options of a call. They take precedence over those of the client."""

    timeout: Timeout
    """The time limit in seconds to connect, and of each wait for data."""
    total_timeout: float
    """The time limit in seconds of the whole call: no retry begins that would
    exceed it, and no attempt waits longer for data."""
    retries: int
    """How often the request is sent again, if that is safe."""
    token: str
    """The token or API key for this call."""
    headers: Mapping[str, str]
    """More headers."""


class CreateOptions(CallOptions, total=False):
    """The options of a call that creates something."""

    idempotency_key: str
    """A unique string that makes the call safe to repeat: another call with the
    same key and the same arguments returns the first response again. The
    default is a random key for each call, which its retries share."""


class ConditionalOptions(CallOptions, total=False):
    """The options of a call that can depend on what the caller has read."""

    if_match: str
    """The `etag` of the response that the caller has read. If somebody else has
    made an edit since, the call raises `PreconditionFailedError`."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """An attempt to carry out a call."""

    operation: str
    """Such as `articles.create`."""
    method: str
    url: str
    attempt: int
    """1 for the first attempt."""
    headers: httpx.Headers = field(repr=False)
    """The headers of the request without the token. `on_request` may change
    them."""


@dataclass(frozen=True, kw_only=True)
class Outcome(Attempt):
    """What came of an attempt."""

    duration: float
    """The duration of the attempt in seconds."""
    status: int | None
    """The status of the response; None if there was none."""
    request_id: str | None
    """Identifies the request in the log of the service."""
    error: Exception | None
    """Why there was no response."""


@dataclass(frozen=True, kw_only=True)
class Retry(Outcome):
    """An attempt that is followed by another one."""

    delay: float
    """The wait before the next attempt in seconds."""


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """Functions for logs, metrics and traces. A call raises what they raise."""

    on_request: Callable[[Attempt], object] | None = None
    """Is called before each attempt. It may change `headers`, for example set
    `traceparent`."""
    on_response: Callable[[Outcome], object] | None = None
    """Is called after each attempt, with or without a response."""
    on_retry: Callable[[Retry], object] | None = None
    """Is called before the wait for another attempt."""


@dataclass(frozen=True)
class StoredSession(Model):
    """A session as a `SessionStore` keeps it."""

    id: int
    """The id of the session, as in `sessions.list`."""
    tokens: Tokens = field(repr=False)
    """The tokens of the session."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StoredSession:
        return cls(data["id"], Tokens.from_dict(data["tokens"]))


class SessionStore(Protocol):
    """Keeps a session outside this process, for example in a file or a keychain."""

    def load(self) -> StoredSession | None:
        """Returns the session that was saved last, if any."""

    def save(self, session: StoredSession | None, /) -> None:
        """Saves the session, which replaces the one before. None means that it
        has ended."""


class AsyncSessionStore(Protocol):
    """The counterpart of `SessionStore` for `AsyncByline`."""

    async def load(self) -> StoredSession | None:
        """Returns the session that was saved last, if any."""

    async def save(self, session: StoredSession | None, /) -> None:
        """Saves the session, which replaces the one before. None means that it
        has ended."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of a client that a call can override, or that never change."""

    timeout: Timeout
    retries: int
    retry_delay: float
    max_retry_delay: float
    headers: Mapping[str, str]
    hooks: Hooks

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx

T = TypeVar("T")


@dataclass(frozen=True)
class Response(Generic[T]):
    """The result of a call, with the status and the headers of the response."""

    data: T
    """What the call returns without `with_response`."""
    status: int
    """The HTTP status. It is 200 if the service has confirmed a cached response."""
    headers: httpx.Headers = field(repr=False)
    """The headers of the response; names are case-insensitive."""
    json: Any = field(repr=False)
    """The body as the service sent it, with members that are newer than this
    package."""

    @property
    def etag(self) -> str | None:
        """The entity tag, for the option `if_match`."""
        return self._header("ETag")

    @property
    def request_id(self) -> str | None:
        """Identifies the request in the log of the service."""
        return self._header("X-Request-Id")

    @property
    def replayed(self) -> bool:
        """Whether this is the response to an earlier request with the same
        idempotency key."""
        return self._header("Idempotency-Replayed") == "true"

    @property
    def rate_limit(self) -> str | None:
        """The remaining quota, and the seconds until it is fully restored."""
        return self._header("RateLimit")

    def _header(self, name: str) -> str | None:
        value: str | None = self.headers.get(name)
        return value

"""What the generated resources and the transport share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from ._model import NOT_GIVEN, to_json
from ._options import CallOptions, ConditionalOptions

T = TypeVar("T")


@dataclass(frozen=True)
class Operation(Generic[T]):
    """An operation of openapi.yaml."""

    name: str
    method: str
    path: str
    #: Returns the result of the call from the body of the response.
    parse: Callable[[Any], T]
    #: Whether the operation ignores tokens.
    anonymous: bool = False
    #: Whether the request changes nothing.
    safe: bool = False
    #: Whether the service accepts an Idempotency-Key.
    idempotent: bool = False
    #: Whether the service accepts If-Match.
    conditional: bool = False
    #: Whether the response is a stream of JSON lines.
    stream: bool = False
    #: Whether the response is plain text.
    text: bool = False
    #: Whether the response has a body; None if that is unknown.
    body: bool | None = True


@dataclass(frozen=True)
class Call(Generic[T]):
    """An operation with its arguments."""

    operation: Operation[T]
    path: tuple[str | int, ...] = ()
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    options: CallOptions | None = None

    def __post_init__(self) -> None:
        known = set(CallOptions.__optional_keys__)
        known |= {"idempotency_key"} if self.operation.idempotent else set()
        known |= {"if_match"} if self.operation.conditional else set()
        for name in self.options or {}:
            if name not in known:
                raise TypeError(f"{self.operation.name} has no option {name!r}")

    def url(self, base: str) -> httpx.URL:
        values = iter(self.path)
        segments = [
            _segment(segment, next(values)) if segment.startswith("{") else segment
            for segment in self.operation.path.split("/")
        ]
        query = {name: value for name, value in self.query.items() if value is not None}
        url = httpx.URL(base + "/".join(segments))
        return url.copy_merge_params(query) if query else url

    def content(self) -> bytes | None:
        if self.body is None:
            return None
        return json.dumps(_given(self.body), ensure_ascii=False).encode()


def _segment(name: str, value: str | int) -> str:
    # Such a request would reach another operation.
    if str(value) in ("", ".", ".."):
        raise ValueError(f"{name.strip('{}')} must not be {value!r}")
    return quote(str(value), safe="")


def _given(body: Any) -> Any:
    """Returns a body without the members that the caller has not given."""
    if isinstance(body, dict):
        return {name: _given(value) for name, value in body.items() if value is not NOT_GIVEN}
    return to_json(body)


def change_of(operation: str, change: T) -> T:
    """Returns what the function of `edit` has returned, if it is a mapping."""
    if isinstance(change, Mapping):
        return change
    raise TypeError(
        f"{operation}: the function returned {type(change).__name__}, not a mapping of the "
        'members to change, such as {"title": "New"}'
    )


def condition_of(
    operation: str, etag: str | None, options: CallOptions | None
) -> ConditionalOptions:
    """Returns the options with which `edit` writes what it has read with an entity
    tag."""
    if not etag:  # The update would be unconditional.
        raise RuntimeError(f"{operation}: the response has no ETag; does a proxy remove it?")
    return {**(options or {}), "if_match": etag}


def nothing(_: object) -> None:
    """Parses a response without a body."""


def any_call(
    method: str, path: str, json: Any, params: Mapping[str, Any] | None, options: CallOptions | None
) -> Call[Any]:
    """Returns a call of an operation that the package does not know."""
    method = method.upper()
    operation = Operation[Any](
        name=f"{method} {path}",
        method=method,
        path="/" + path.lstrip("/"),
        parse=lambda data: data,
        safe=method in ("GET", "HEAD"),
        # Other requests are only repeated if the caller gives them a key.
        idempotent="idempotency_key" in (options or {}),
        body=None,
    )
    return Call(operation, query=params or {}, body=json, options=options)

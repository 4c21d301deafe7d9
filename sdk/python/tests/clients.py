"""Synchronous and asynchronous clients of a real service for the same test."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any, cast

from byline_client import AsyncByline, Byline

PASSWORD = "correct horse battery"


class Blocking:
    """Adapts AsyncByline to the scenario: waits for each result."""

    def __init__(self, target: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._target, self._loop = target, loop

    def __getattr__(self, name: str) -> Any:
        return self._adapt(getattr(self._target, name))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._adapt(self._target(*args, **kwargs))

    def __iter__(self) -> Iterator[Any]:
        items = aiter(self._target)
        while True:
            try:
                yield self._loop.run_until_complete(anext(items))
            except StopAsyncIteration:
                return

    def _adapt(self, result: Any) -> Any:
        if inspect.isawaitable(result):
            return self._adapt(self._loop.run_until_complete(cast(Any, result)))
        waits = callable(result) or hasattr(result, "__aiter__")
        ours = type(result).__module__.startswith("byline_client.generated.resources")
        return (
            Blocking(result, self._loop)
            if waits or ours or isinstance(result, AsyncByline)
            else result
        )


class Clients:
    """Makes synchronous or asynchronous clients."""

    def __init__(self, mode: str) -> None:
        self.loop = asyncio.new_event_loop() if mode == "async" else None
        self.opened: list[AsyncByline] = []

    def make(self, address: str, **options: Any) -> Byline:
        if self.loop is None:
            return Byline(address, **options)
        client = AsyncByline(address, **options)
        self.opened.append(client)
        return cast(Byline, Blocking(client, self.loop))

    def close(self) -> None:
        if self.loop:
            for client in self.opened:
                self.loop.run_until_complete(client.aclose())
            self.loop.close()


def step(name: str) -> None:
    print(f"  {name}")

"""The input and output of calls."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from ._exchange import Authorize, Send, Service, Sleep, exchange, is_lines, result
from ._export import Records
from ._operation import Call
from ._options import AsyncToken, Settings, Token
from ._response import Response
from ._session import AsyncSession, Session
from .errors import no_response

T = TypeVar("T")


@dataclass(frozen=True)
class Transport:
    """Carries out the calls of a client."""

    service: Service
    settings: Settings
    http: httpx.Client
    token: Token = None
    session: Callable[[], Session | None] | None = None

    def call(self, call: Call[T]) -> T:
        return self.respond(call).data

    def respond(self, call: Call[T]) -> Response[T]:
        return result(call, self._run(call))

    def records(self, call: Call[None]) -> Generator[dict[str, Any], None, None]:
        """Streams the records of an export. It is not retried once it has
        begun, because that would yield records twice."""
        response = self._run(call)
        records = Records()
        try:
            for chunk in response.iter_bytes():
                yield from records.of(chunk)
            records.end()
        except httpx.RequestError as error:
            raise no_response(call.operation.name, response.request, 1, error) from error
        finally:
            response.close()

    def _run(self, call: Call[Any]) -> httpx.Response:
        steps = exchange(self.service, self.settings, call, self.http.build_request)
        outcome: Any = None
        session, current = None, self.session
        while True:
            try:
                command = steps.send(outcome)
            except StopIteration as done:
                response: httpx.Response = done.value
                return response
            match command:
                case Authorize(operation, rejected):
                    # A session that has rejected a token renews it, even if
                    # another user has signed in since.
                    if rejected is None and current:
                        session = current()
                    if session:
                        token = session.token(operation, rejected)
                        outcome = token, session.identity
                    else:
                        outcome = self._token(), None
                case Send(request, stream):
                    outcome = self._send(request, stream)
                case Sleep(seconds):
                    time.sleep(seconds)
                    outcome = None

    def _token(self) -> str | None:
        return self.token() if callable(self.token) else self.token

    def _send(self, request: httpx.Request, stream: bool) -> httpx.Response | httpx.RequestError:
        try:
            response = self.http.send(request, stream=stream)
            if stream and not is_lines(response):
                response.read()
            return response
        except httpx.RequestError as error:
            return error


@dataclass(frozen=True)
class AsyncTransport:
    """The counterpart of Transport for asyncio."""

    service: Service
    settings: Settings
    http: httpx.AsyncClient
    token: AsyncToken = None
    session: Callable[[], Awaitable[AsyncSession | None]] | None = None

    async def call(self, call: Call[T]) -> T:
        return (await self.respond(call)).data

    async def respond(self, call: Call[T]) -> Response[T]:
        return result(call, await self._run(call))

    async def records(self, call: Call[None]) -> AsyncGenerator[dict[str, Any], None]:
        """Streams the records of an export. It is not retried once it has
        begun, because that would yield records twice."""
        response = await self._run(call)
        records = Records()
        try:
            async for chunk in response.aiter_bytes():
                for record in records.of(chunk):
                    yield record
            records.end()
        except httpx.RequestError as error:
            raise no_response(call.operation.name, response.request, 1, error) from error
        finally:
            await response.aclose()

    async def _run(self, call: Call[Any]) -> httpx.Response:
        steps = exchange(self.service, self.settings, call, self.http.build_request)
        outcome: Any = None
        session, current = None, self.session
        while True:
            try:
                command = steps.send(outcome)
            except StopIteration as done:
                response: httpx.Response = done.value
                return response
            match command:
                case Authorize(operation, rejected):
                    # A session that has rejected a token renews it, even if
                    # another user has signed in since.
                    if rejected is None and current:
                        session = await current()
                    if session:
                        token = await session.token(operation, rejected)
                        outcome = token, session.identity
                    else:
                        outcome = await self._token(), None
                case Send(request, stream):
                    outcome = await self._send(request, stream)
                case Sleep(seconds):
                    await asyncio.sleep(seconds)
                    outcome = None

    async def _token(self) -> str | None:
        token = self.token() if callable(self.token) else self.token
        return await token if inspect.isawaitable(token) else token

    async def _send(
        self, request: httpx.Request, stream: bool
    ) -> httpx.Response | httpx.RequestError:
        try:
            response = await self.http.send(request, stream=stream)
            if stream and not is_lines(response):
                await response.aread()
            return response
        except httpx.RequestError as error:
            return error

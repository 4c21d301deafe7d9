from __future__ import annotations

import sys
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any

import httpx

from ._cache import Cache
from ._exchange import Service, api_url, user_agent
from ._model import NOT_GIVEN, NotGiven
from ._open import always, async_from_store, from_store, open_async_session, open_session
from ._operation import any_call
from ._options import (
    AsyncSessionStore,
    AsyncToken,
    CallOptions,
    CreateOptions,
    Hooks,
    SessionStore,
    Settings,
    StoredSession,
    Timeout,
    Token,
)
from ._response import Response
from ._session import AsyncCurrent, Current
from ._transport import AsyncTransport, Transport
from .errors import AuthenticationError
from .generated.resources import AsyncResources, Resources

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self


class Byline(Resources):
    """A client of a Byline service. It is thread-safe.

    Args:
        address: The address of the service, such as "https://byline.example.com".
        token: The token of registration or sign-in, or an API key; or a
            function that returns it, which is called before each call.
        timeout: The time limit in seconds to connect, and of each wait for
            data; an `httpx.Timeout` sets them apart.
        retries: How often a request is sent again. Every request is sent again
            if there was no connection or the status is 425 or 429, because it
            has had no effect. Reads, and requests with an Idempotency-Key, which
            the client adds to requests that create something, are also sent
            again if there is no response or the status is 408, 502, 503 or 504.
        retry_delay: The maximum wait before the first retry in seconds; it
            doubles with each retry.
        max_retry_delay: The maximum of each wait in seconds. If the service
            asks for a longer wait, the request is not sent again.
        headers: More headers for each request.
        cache_bytes: The maximum size of the response cache in bytes; 0 disables
            it. A cached response is returned only after the service has
            confirmed it.
        app: The name and version of your program, such as "blog/1.2", for the
            User-Agent.
        hooks: Functions for logs, metrics and traces.
        session_store: Keeps the session of `sign_in` outside this process. The
            client begins with the session that the store has.
        http_client: Sends the requests, for example through a proxy. The client
            does not close it.
    """

    def __init__(
        self,
        address: str,
        *,
        token: Token = None,
        timeout: Timeout = 30.0,
        retries: int = 3,
        retry_delay: float = 0.2,
        max_retry_delay: float = 30.0,
        headers: Mapping[str, str] | None = None,
        cache_bytes: int = 8 << 20,
        app: str | None = None,
        hooks: Hooks | None = None,
        session_store: SessionStore | None = None,
        http_client: httpx.Client | None = None,
    ) -> None:
        if token is not None and session_store is not None:
            raise ValueError("pass either token or session_store")
        http = httpx.Client() if http_client is None else http_client
        self._owned = http if http_client is None else None
        self._store = session_store
        transport = Transport(
            Service(api_url(address), user_agent(app), Cache(cache_bytes)),
            Settings(
                timeout=timeout,
                retries=retries,
                retry_delay=retry_delay,
                max_retry_delay=max_retry_delay,
                headers=headers or {},
                hooks=hooks or Hooks(),
            ),
            http,
            token,
        )
        if session_store is not None:
            transport = replace(transport, session=from_store(transport, session_store))
        super().__init__(transport)

    def with_token(self, token: Token) -> Self:
        """Returns a client that differs in its token only.

        Both clients share their connections and the cache. A cached response is
        only returned to the token that requested it.
        """
        return self._derive(token=token, session=None)

    def with_options(
        self,
        *,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
    ) -> Self:
        """Returns a client that differs in these options only.

        Both clients share their connections, the cache and the session.
        `headers` are added to those of this client.
        """
        settings = self._transport.settings
        if timeout is not NOT_GIVEN:
            settings = replace(settings, timeout=timeout)
        if retries is not NOT_GIVEN:
            settings = replace(settings, retries=retries)
        if headers is not NOT_GIVEN:
            settings = replace(settings, headers={**settings.headers, **headers})
        return self._derive(settings=settings)

    def sign_in(self, email: str, password: str, *, options: CreateOptions | None = None) -> Self:
        """Sign in with e-mail and password.

        Returns a client of this user, whose session renews itself until it is
        signed out. A client with a `session_store` is then signed in itself.

        Example:
            jake = byline.sign_in("jake@example.com", "correct horse")
            user = jake.account.get()
        """
        created = self.sessions.create(email=email, password=password, options=options)
        stored = StoredSession(created.session.id, created.tokens)
        session = open_session(self._transport, self._store, stored)
        session.begin()
        if isinstance(self._transport.session, Current):
            self._transport.session.set(session)
        return self._derive(token=None, session=lambda: session)

    def sign_out(self, *, options: CallOptions | None = None) -> None:
        """Sign out.

        Ends the session of this client, and forgets its tokens. All clients
        that share the session are signed out.
        """
        current = self._transport.session
        session = current() if current else None
        try:
            self.sessions.delete_current(options=options)
        except AuthenticationError:
            pass  # The session has ended already.
        if session:
            session.end()

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str | int | bool | None] | None = None,
        options: CreateOptions | None = None,
    ) -> Response[Any]:
        """Sends any request, for operations that are newer than this package.

        The path, such as "/tags", is that of openapi.yaml. The `data` of the
        response is its body as it is.

        Example:
            tags = (byline.request("GET", "/tags")).data["tags"]
        """
        return self._transport.respond(any_call(method, path, json, params, options))

    def close(self) -> None:
        """Closes the connections of this client and of those derived from it."""
        if self._owned:
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Byline({self._transport.service.address!r})"

    def _derive(self, **changes: Any) -> Self:
        derived = copy(self)
        Resources.__init__(derived, replace(self._transport, **changes))
        return derived


class AsyncByline(AsyncResources):
    """A client of a Byline service for asyncio.

    Args:
        address: The address of the service, such as "https://byline.example.com".
        token: The token of registration or sign-in, or an API key; or a
            function that returns it, which is called before each call and
            may be asynchronous.
        timeout: The time limit in seconds to connect, and of each wait for
            data; an `httpx.Timeout` sets them apart.
        retries: How often a request is sent again. Every request is sent again
            if there was no connection or the status is 425 or 429, because it
            has had no effect. Reads, and requests with an Idempotency-Key, which
            the client adds to requests that create something, are also sent
            again if there is no response or the status is 408, 502, 503 or 504.
        retry_delay: The maximum wait before the first retry in seconds; it
            doubles with each retry.
        max_retry_delay: The maximum of each wait in seconds. If the service
            asks for a longer wait, the request is not sent again.
        headers: More headers for each request.
        cache_bytes: The maximum size of the response cache in bytes; 0 disables
            it. A cached response is returned only after the service has
            confirmed it.
        app: The name and version of your program, such as "blog/1.2", for the
            User-Agent.
        hooks: Functions for logs, metrics and traces.
        session_store: Keeps the session of `sign_in` outside this process. The
            client begins with the session that the store has.
        http_client: Sends the requests, for example through a proxy. The client
            does not close it.
    """

    def __init__(
        self,
        address: str,
        *,
        token: AsyncToken = None,
        timeout: Timeout = 30.0,
        retries: int = 3,
        retry_delay: float = 0.2,
        max_retry_delay: float = 30.0,
        headers: Mapping[str, str] | None = None,
        cache_bytes: int = 8 << 20,
        app: str | None = None,
        hooks: Hooks | None = None,
        session_store: AsyncSessionStore | None = None,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        if token is not None and session_store is not None:
            raise ValueError("pass either token or session_store")
        http = httpx.AsyncClient() if http_client is None else http_client
        self._owned = http if http_client is None else None
        self._store = session_store
        transport = AsyncTransport(
            Service(api_url(address), user_agent(app), Cache(cache_bytes)),
            Settings(
                timeout=timeout,
                retries=retries,
                retry_delay=retry_delay,
                max_retry_delay=max_retry_delay,
                headers=headers or {},
                hooks=hooks or Hooks(),
            ),
            http,
            token,
        )
        if session_store is not None:
            transport = replace(transport, session=async_from_store(transport, session_store))
        super().__init__(transport)

    def with_token(self, token: AsyncToken) -> Self:
        """Returns a client that differs in its token only.

        Both clients share their connections and the cache. A cached response is
        only returned to the token that requested it.
        """
        return self._derive(token=token, session=None)

    def with_options(
        self,
        *,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
    ) -> Self:
        """Returns a client that differs in these options only.

        Both clients share their connections, the cache and the session.
        `headers` are added to those of this client.
        """
        settings = self._transport.settings
        if timeout is not NOT_GIVEN:
            settings = replace(settings, timeout=timeout)
        if retries is not NOT_GIVEN:
            settings = replace(settings, retries=retries)
        if headers is not NOT_GIVEN:
            settings = replace(settings, headers={**settings.headers, **headers})
        return self._derive(settings=settings)

    async def sign_in(
        self, email: str, password: str, *, options: CreateOptions | None = None
    ) -> Self:
        """Sign in with e-mail and password.

        Returns a client of this user, whose session renews itself until it is
        signed out. A client with a `session_store` is then signed in itself.

        Example:
            jake = await byline.sign_in("jake@example.com", "correct horse")
            user = await jake.account.get()
        """
        created = await self.sessions.create(email=email, password=password, options=options)
        stored = StoredSession(created.session.id, created.tokens)
        session = open_async_session(self._transport, self._store, stored)
        await session.begin()
        if isinstance(self._transport.session, AsyncCurrent):
            self._transport.session.set(session)
        return self._derive(token=None, session=always(session))

    async def sign_out(self, *, options: CallOptions | None = None) -> None:
        """Sign out.

        Ends the session of this client, and forgets its tokens. All clients
        that share the session are signed out.
        """
        current = self._transport.session
        session = await current() if current else None
        try:
            await self.sessions.delete_current(options=options)
        except AuthenticationError:
            pass  # The session has ended already.
        if session:
            await session.end()

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str | int | bool | None] | None = None,
        options: CreateOptions | None = None,
    ) -> Response[Any]:
        """Sends any request, for operations that are newer than this package.

        The path, such as "/tags", is that of openapi.yaml. The `data` of the
        response is its body as it is.

        Example:
            tags = (await byline.request("GET", "/tags")).data["tags"]
        """
        return await self._transport.respond(any_call(method, path, json, params, options))

    async def aclose(self) -> None:
        """Closes the connections of this client and of those derived from it."""
        if self._owned:
            await self._owned.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncByline({self._transport.service.address!r})"

    def _derive(self, **changes: Any) -> Self:
        derived = copy(self)
        AsyncResources.__init__(derived, replace(self._transport, **changes))
        return derived

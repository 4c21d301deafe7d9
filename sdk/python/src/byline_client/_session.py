"""Sessions that renew themselves."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone

from ._exchange import TEMPORARY
from ._options import AsyncSessionStore, SessionStore
from .errors import (
    AuthenticationError,
    BylineConnectionError,
    BylineError,
    PermissionDeniedError,
    ValidationError,
)
from .generated.models import Tokens

#: A token is renewed this long before it expires.
MARGIN = timedelta(seconds=30)
# A refresh token can be used once, but within ten seconds another use counts as
# a retry. After that, it would end the session.
RETRY_WINDOW = 8.0
RETRY_DELAY = 0.25


class _Held:
    """The tokens that a session holds in memory."""

    def __init__(self) -> None:
        self.tokens: Tokens | None = None
        self.loaded = False
        self._skewed = False

    def hold(self, tokens: Tokens | None, renewed: bool = False) -> None:
        self.tokens, self.loaded, self._skewed = tokens, True, False
        # If the clocks of the client and of the service differ that much, new
        # tokens are renewed when the service rejects them.
        self._skewed = renewed and self.expires()

    @property
    def access_token(self) -> str | None:
        return self.tokens.access_token if self.tokens else None

    def expires(self) -> bool:
        """Reports whether the access token is about to expire."""
        if self.tokens is None or self._skewed:
            return False
        return datetime.now(timezone.utc) > self.tokens.access_token_expires_at - MARGIN


def _refused(error: BylineError) -> bool:
    """Reports whether the service has ended the session."""
    return isinstance(error, AuthenticationError | PermissionDeniedError | ValidationError)


class _Patience:
    """The waits between the attempts to exchange a refresh token."""

    def __init__(self) -> None:
        self._started, self._delay = time.monotonic(), RETRY_DELAY

    def next(self, error: BylineError | BylineConnectionError) -> float:
        """Returns the wait after an attempt, or raises its error."""
        asked = 0.0
        if isinstance(error, BylineError):
            asked = error.retry_after or 0.0
            if error.status not in TEMPORARY:
                raise error
        delay, self._delay = max(asked, self._delay), self._delay * 2
        if time.monotonic() - self._started + delay > RETRY_WINDOW:
            raise error
        return delay


class Session:
    """The tokens of a session, which one thread renews however many need them."""

    def __init__(self, store: SessionStore | None, refresh: Callable[[str], Tokens]) -> None:
        self._store, self._refresh = store, refresh
        self._held = _Held()
        self._lock = threading.RLock()

    def token(self, rejected: str | None = None) -> str | None:
        """Returns the access token, which is renewed if the service has rejected
        it or it is about to expire."""
        with self._lock:
            if not self._held.loaded:
                self._held.hold(self._store.load() if self._store else None)
            expired = self._held.expires() or rejected is not None
            if expired and rejected in (None, self._held.access_token):
                self._renew()
            return self._held.access_token

    def replace(self, tokens: Tokens | None) -> None:
        """Replaces the tokens. Without tokens, the session has ended."""
        with self._lock:
            self._held.hold(tokens, renewed=True)
            if self._store:
                self._store.save(tokens)

    def _renew(self) -> None:
        tokens = self._held.tokens
        if self._store and (stored := self._store.load()) != tokens:
            # Another process with the same store has renewed the session.
            self._held.hold(stored)
            return
        if tokens is None:
            return
        try:
            renewed = self._exchange(tokens.refresh_token)
        except BylineError as error:
            if _refused(error):
                self.replace(None)
            raise
        self.replace(renewed)

    def _exchange(self, refresh_token: str) -> Tokens:
        """Exchanges a refresh token, again while that counts as a retry."""
        patience = _Patience()
        while True:
            try:
                return self._refresh(refresh_token)
            except (BylineError, BylineConnectionError) as error:
                time.sleep(patience.next(error))


class AsyncSession:
    """The counterpart of Session for asyncio."""

    def __init__(
        self, store: AsyncSessionStore | None, refresh: Callable[[str], Awaitable[Tokens]]
    ) -> None:
        self._store, self._refresh = store, refresh
        self._held = _Held()
        self._renewal: asyncio.Task[None] | None = None

    async def token(self, rejected: str | None = None) -> str | None:
        """Returns the access token, which is renewed if the service has rejected
        it or it is about to expire."""
        if not self._held.loaded:
            stored = await self._store.load() if self._store else None
            if not self._held.loaded:
                self._held.hold(stored)
        expired = self._held.expires() or rejected is not None
        if expired and rejected in (None, self._held.access_token):
            if self._renewal is None or self._renewal.done():
                self._renewal = asyncio.create_task(self._renew())
            # A caller that is cancelled does not cancel the renewal, whose
            # refresh token would be lost.
            await asyncio.shield(self._renewal)
        return self._held.access_token

    async def replace(self, tokens: Tokens | None) -> None:
        """Replaces the tokens. Without tokens, the session has ended."""
        self._held.hold(tokens, renewed=True)
        if self._store:
            await self._store.save(tokens)

    async def _renew(self) -> None:
        tokens = self._held.tokens
        if self._store and (stored := await self._store.load()) != tokens:
            # Another process with the same store has renewed the session.
            self._held.hold(stored)
            return
        if tokens is None:
            return
        try:
            renewed: Tokens | None = await self._exchange(tokens.refresh_token)
        except BylineError as error:
            if _refused(error) and self._held.tokens is tokens:
                await self.replace(None)
            raise
        # The user may have signed out in the meantime.
        if self._held.tokens is tokens:
            await self.replace(renewed)

    async def _exchange(self, refresh_token: str) -> Tokens:
        """Exchanges a refresh token, again while that counts as a retry."""
        patience = _Patience()
        while True:
            try:
                return await self._refresh(refresh_token)
            except (BylineError, BylineConnectionError) as error:
                await asyncio.sleep(patience.next(error))

"""Sessions that renew themselves."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any, TypeVar

from ._exchange import TEMPORARY
from ._options import AsyncSessionStore, SessionStore, StoredSession
from .errors import BylineConnectionError, BylineError, NotBylineError, session_ended
from .generated.models import Tokens

T = TypeVar("T")

#: A token is renewed this long before it expires.
MARGIN = timedelta(seconds=30)
#: After a renewal has failed, a token that is still valid is used for this long.
PAUSE = timedelta(seconds=10)
# A refresh token can be used once, but within ten seconds another use counts as
# a retry. After that, it would end the session.
RETRY_WINDOW = 8.0
RETRY_DELAY = 0.25

#: Functions to call, whose results, or errors, are sent back. AsyncSession
#: awaits them.
Steps = Generator[Callable[[], Any], Any, T]


_numbers = itertools.count()


def _now() -> datetime:
    return datetime.now(timezone.utc)


def load(store: SessionStore | AsyncSessionStore) -> Steps[StoredSession | None]:
    """Returns the session in the store, if any."""
    expected = "it must return the StoredSession that save was called with, or None"
    try:
        stored: object = yield store.load
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # What is stored has another shape than load expects.
        problem = f"raised {type(error).__name__}: {error}"
        raise TypeError(f"load of the session store {problem}; {expected}") from error
    if not stored:
        return None
    if not isinstance(stored, StoredSession):
        returned = type(stored).__name__
        raise TypeError(f"load of the session store returned {returned}; {expected}")
    return stored


class _Session:
    """What Session and AsyncSession share: the rules of a session, which do no
    input or output."""

    def __init__(
        self,
        stored: StoredSession,
        store: SessionStore | AsyncSessionStore | None,
        refresh: Callable[[str], Tokens | Awaitable[Tokens]],
    ) -> None:
        #: The user, for the cache.
        self.identity = f"session {next(_numbers)}"
        self._id, self._store, self._refresh = stored.id, store, refresh
        #: None if the session has ended.
        self._tokens: Tokens | None = stored.tokens
        self._renew_at = stored.tokens.access_token_expires_at - MARGIN

    @property
    def ended(self) -> bool:
        return self._tokens is None

    @property
    def _renewing(self) -> bool:
        return False

    def _hold(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._renew_at = tokens.access_token_expires_at - MARGIN
        if self._renew_at <= _now():
            # The clocks of the client and of the service differ, so that the
            # token is renewed when the service rejects it.
            self._renew_at = datetime.max.replace(tzinfo=timezone.utc)

    def _begin(self) -> Steps[None]:
        """Writes a session to the store that has just begun."""
        assert self._tokens
        self._hold(self._tokens)
        if self._store:
            yield partial(self._store.save, StoredSession(self._id, self._tokens))

    def _end(self) -> Steps[None]:
        """Forgets the tokens of a session that has ended."""
        self._tokens = None
        yield from self._save(None)

    def _token(
        self, operation: str, rejected: str | None, renew: Callable[[Tokens], Any]
    ) -> Steps[str]:
        """Returns the access token, which is renewed if the service has rejected
        it or it is about to expire."""
        tokens = self._tokens
        if tokens is None:
            raise session_ended(operation)
        if rejected is None:
            expired = self._renewing or _now() >= self._renew_at
        else:
            expired = rejected == tokens.access_token
        if expired:
            try:
                yield partial(renew, tokens)
            except Exception:
                valid = rejected is None and _now() < tokens.access_token_expires_at
                if not valid or self._tokens is not tokens:
                    raise
        return self._held(operation).access_token

    def _held(self, operation: str = "sessions.refresh", old: Tokens | None = None) -> Tokens:
        """Returns the tokens, which must be `old` unless the user has signed out
        during a renewal."""
        if self._tokens is None or old not in (None, self._tokens):
            raise session_ended(operation)
        return self._tokens

    def _renewal(self, old: Tokens) -> Steps[None]:
        self._renew_at = _now() + PAUSE
        # Another process with the same store may have renewed the session.
        stored = yield from self._renewed_elsewhere(old)
        if stored and _now() < stored.access_token_expires_at - MARGIN:
            self._adopt(old, stored)
            return
        last = stored or old
        try:
            renewed = yield from self._exchange(last.refresh_token)
        except BylineError as error:
            if isinstance(error, NotBylineError) or error.status not in (401, 403, 422):
                raise
            if stored := (yield from self._renewed_elsewhere(last)):
                self._adopt(old, stored)
                return
            self._held(old=old)
            yield from self._end()
            raise session_ended(error.operation, error) from error
        self._held(old=old)
        self._hold(renewed)
        yield from self._save(StoredSession(self._id, renewed))

    def _adopt(self, old: Tokens, stored: Tokens) -> None:
        self._held(old=old)
        self._tokens, self._renew_at = stored, stored.access_token_expires_at - MARGIN

    def _renewed_elsewhere(self, old: Tokens) -> Steps[Tokens | None]:
        """Returns the tokens in the store if they are newer ones of this session.
        Older ones are there if the last ones could not be saved."""
        stored = (yield from load(self._store)) if self._store else None
        if not stored or stored.id != self._id:
            return None
        tokens = stored.tokens
        older = tokens.access_token_expires_at < old.access_token_expires_at
        return None if older or tokens.refresh_token == old.refresh_token else tokens

    def _save(self, session: StoredSession | None) -> Steps[None]:
        """Writes the session to the store, unless somebody else has signed in
        with it."""
        if self._store:
            stored = yield from load(self._store)
            if stored is None or stored.id == self._id:
                yield partial(self._store.save, session)

    def _exchange(self, refresh_token: str) -> Steps[Tokens]:
        """Exchanges a refresh token, again while that counts as a retry."""
        started, wait = time.monotonic(), RETRY_DELAY
        while True:
            asked = 0.0
            try:
                tokens: Tokens = yield partial(self._refresh, refresh_token)
                return tokens
            except BylineConnectionError as error:
                failure: Exception = error
            except BylineError as error:
                failure, asked = error, error.retry_after or 0.0
                if error.status not in TEMPORARY:
                    raise
            delay, wait = max(asked, wait), wait * 2
            if time.monotonic() - started + delay > RETRY_WINDOW:
                raise failure
            yield partial(self._sleep, delay)

    def _sleep(self, seconds: float) -> Any:
        raise NotImplementedError


def run(steps: Steps[T]) -> T:
    call: Callable[[], Any] = partial(steps.send, None)
    while True:
        try:
            step = call()
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            call = partial(steps.send, step())
        except Exception as error:  # noqa: BLE001, the steps handle it
            call = partial(steps.throw, error)


async def run_async(steps: Steps[T]) -> T:
    call: Callable[[], Any] = partial(steps.send, None)
    while True:
        try:
            step = call()
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            call = partial(steps.send, await step())
        except Exception as error:  # noqa: BLE001, the steps handle it
            call = partial(steps.throw, error)


class Session(_Session):
    """The session of one user, which one thread renews however many need it."""

    def __init__(
        self, stored: StoredSession, store: SessionStore | None, refresh: Callable[[str], Tokens]
    ) -> None:
        super().__init__(stored, store, refresh)
        self._lock = threading.RLock()

    def begin(self) -> None:
        run(self._begin())

    def token(self, operation: str, rejected: str | None) -> str:
        with self._lock:
            return run(self._token(operation, rejected, self._renew))

    def end(self) -> None:
        with self._lock:
            run(self._end())

    def _renew(self, old: Tokens) -> None:
        run(self._renewal(old))

    def _sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class AsyncSession(_Session):
    """The counterpart of Session for asyncio."""

    def __init__(
        self,
        stored: StoredSession,
        store: AsyncSessionStore | None,
        refresh: Callable[[str], Awaitable[Tokens]],
    ) -> None:
        super().__init__(stored, store, refresh)
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        await run_async(self._begin())

    async def token(self, operation: str, rejected: str | None) -> str:
        return await run_async(self._token(operation, rejected, self._renew))

    async def end(self) -> None:
        await run_async(self._end())

    @property
    def _renewing(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _renew(self, old: Tokens) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(run_async(self._renewal(old)))
        # A caller that is cancelled does not cancel the renewal, whose refresh
        # token would be lost.
        await asyncio.shield(self._task)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Current:
    """The session that the calls of a client use. That of a client with a store
    is the stored one, until it ends or another user signs in."""

    def __init__(self, load: Callable[[], Session | None]) -> None:
        self._load, self._loaded = load, False
        self._session: Session | None = None
        self._lock = threading.RLock()

    def __call__(self) -> Session | None:
        with self._lock:
            if not self._loaded:
                self.set(self._load())
            return None if self._session and self._session.ended else self._session

    def set(self, session: Session | None) -> None:
        self._session, self._loaded = session, True


class AsyncCurrent:
    """The counterpart of Current for asyncio."""

    def __init__(self, load: Callable[[], Awaitable[AsyncSession | None]]) -> None:
        self._load, self._loaded = load, False
        self._session: AsyncSession | None = None

    async def __call__(self) -> AsyncSession | None:
        if not self._loaded:
            session = await self._load()
            if not self._loaded:
                self.set(session)
        return None if self._session and self._session.ended else self._session

    def set(self, session: AsyncSession | None) -> None:
        self._session, self._loaded = session, True

"""Opens sessions that renew themselves by the operation sessions.refresh."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ._options import AsyncSessionStore, CallOptions, SessionStore, StoredSession
from ._session import AsyncCurrent, AsyncSession, Current, Session, load, run, run_async
from ._transport import AsyncTransport, Transport
from .generated.models import Tokens
from .generated.resources.sessions import AsyncSessions, Sessions

# A renewal that hangs must leave time for another attempt, which the session
# makes.
REFRESH: CallOptions = {"timeout": 4.0, "retries": 0}


def open_session(
    transport: Transport, store: SessionStore | None, stored: StoredSession
) -> Session:
    sessions = Sessions(transport)

    def refresh(refresh_token: str) -> Tokens:
        return sessions.refresh(refresh_token=refresh_token, options=REFRESH)

    return Session(stored, store, refresh)


def from_store(transport: Transport, store: SessionStore) -> Current:
    def get() -> Session | None:
        stored = run(load(store))
        return open_session(transport, store, stored) if stored else None

    return Current(get)


def open_async_session(
    transport: AsyncTransport, store: AsyncSessionStore | None, stored: StoredSession
) -> AsyncSession:
    sessions = AsyncSessions(transport)

    async def refresh(refresh_token: str) -> Tokens:
        return await sessions.refresh(refresh_token=refresh_token, options=REFRESH)

    return AsyncSession(stored, store, refresh)


def always(session: AsyncSession) -> Callable[[], Awaitable[AsyncSession]]:
    async def get() -> AsyncSession:
        return session

    return get


def async_from_store(transport: AsyncTransport, store: AsyncSessionStore) -> AsyncCurrent:
    async def get() -> AsyncSession | None:
        stored = await run_async(load(store))
        return open_async_session(transport, store, stored) if stored else None

    return AsyncCurrent(get)

"""Sessions that are kept outside of the process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sessions import AsyncMemory, Memory, Service, sign_in

from byline_client import (
    AuthenticationError,
    Byline,
    SessionEndedError,
    StoredSession,
    Tokens,
)


def test_signing_in_again_does_not_need_the_old_session() -> None:
    service = Service(valid=1)
    store = Memory()
    sign_in(service, session_store=store)
    service.number = 7  # the refresh token is not valid any more
    byline = service.client(session_store=store)
    byline.sign_in("a@example.com", "12345678")
    assert service.refreshes == []
    assert byline.account.get().username == "a"


def test_another_process_has_renewed_the_session() -> None:
    service = Service()
    store = Memory()
    first = sign_in(service, session_store=store)
    second = service.client(session_store=store)
    assert second.account.get().username == "a"
    service.expired.add("access-1")
    first.account.get()
    second.account.get()
    assert service.refreshes == ["refresh-1"]


def test_another_process_is_faster() -> None:
    service = Service()
    store = Memory()
    jake = sign_in(service, session_store=store)

    def renew() -> None:
        store.saved.append(StoredSession(1, Tokens.from_dict(service.tokens())))

    service.expired.add("access-1")
    service.on_refresh = renew
    jake.account.get()
    assert service.refreshes == ["refresh-1"]
    assert store.refresh_tokens() == ["refresh-1", "refresh-2"]


def test_the_session_of_somebody_else_is_left_alone() -> None:
    service = Service()
    store = Memory()
    jake = sign_in(service, session_store=store)
    [stored] = store.saved
    assert stored
    other = StoredSession(7, Tokens.from_dict({**stored.tokens.to_dict(), "refreshToken": "r7"}))
    store.save(other)
    service.expired.add("access-1")
    jake.account.get()
    assert service.refreshes == ["refresh-1"]
    jake.sign_out()
    assert store.saved[1:] == [other]


def test_two_users_of_one_store() -> None:
    service = Service()
    store = Memory()
    byline = service.client(session_store=store)
    jake = byline.sign_in("a@example.com", "12345678")
    anna = byline.sign_in("b@example.com", "12345678")
    names = [client.profiles.get("a").username for client in (jake, anna, byline)]
    assert names == ["access-1", "access-2", "access-2"]
    with pytest.raises(SessionEndedError):
        jake.account.get()  # the fake has one session
    assert store.refresh_tokens() == ["refresh-1", "refresh-2"]


def test_two_users_of_one_asynchronous_store() -> None:
    service = Service()
    store = AsyncMemory()

    async def run() -> list[str]:
        async with service.async_client(session_store=store) as byline:
            jake = await byline.sign_in("a@example.com", "12345678")
            anna = await byline.sign_in("b@example.com", "12345678")
            return [(await c.profiles.get("a")).username for c in (jake, anna, byline)]

    assert asyncio.run(run()) == ["access-1", "access-2", "access-2"]


def test_tokens_that_cannot_be_saved() -> None:
    service = Service()

    class Full(Memory):
        full = False

        def save(self, session: StoredSession | None) -> None:
            if self.full:
                raise OSError("disk full")
            super().save(session)

    store = Full()
    jake = sign_in(service, session_store=store)
    service.expired.add("access-1")
    store.full = True
    with pytest.raises(OSError, match="disk full"):
        jake.account.get()
    jake.account.get()
    store.full = False
    service.expired.add("access-2")
    jake.account.get()  # the tokens in the store are older
    assert service.refreshes == ["refresh-1", "refresh-2"]
    assert store.refresh_tokens() == ["refresh-1", "refresh-3"]


def test_a_sign_in_that_cannot_be_saved() -> None:
    class Full(Memory):
        def save(self, session: StoredSession | None) -> None:
            raise OSError("disk full")

    byline = Service().client(session_store=Full())
    with pytest.raises(OSError, match="disk full"):
        byline.sign_in("a@example.com", "12345678")
    with pytest.raises(AuthenticationError) as caught:
        byline.account.get()
    assert caught.value.code == "token_missing"


def test_a_store_that_cannot_be_read_is_asked_again() -> None:
    service = Service()

    class Locked(Memory):
        locked = True

        def load(self) -> StoredSession | None:
            if self.locked:
                raise OSError("locked")
            return super().load()

    store = Locked()
    byline = service.client(session_store=store)
    with pytest.raises(OSError, match="locked"):
        byline.account.get()
    store.locked = False
    with pytest.raises(AuthenticationError):
        byline.account.get()


def test_a_token_and_a_store_contradict_each_other() -> None:
    with pytest.raises(ValueError, match="either token or session_store"):
        Byline("https://byline.test", token="t", session_store=Memory())


class Broken:
    """A store that returns something else, or raises."""

    def __init__(self, stored: object) -> None:
        self.stored = stored

    def load(self) -> StoredSession | None:
        if isinstance(self.stored, Exception):
            raise self.stored
        return self.stored  # type: ignore[return-value]

    def save(self, session: StoredSession | None) -> None:
        pass


class AsyncBroken(Broken):
    async def load(self) -> StoredSession | None:  # type: ignore[override]
        return super().load()

    async def save(self, session: StoredSession | None) -> None:  # type: ignore[override]
        pass


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (Tokens.from_dict(Service().tokens()), "returned Tokens"),
        ({"id": 1, "tokens": Service().tokens()}, "returned dict"),
        (KeyError("accessToken"), "raised KeyError: 'accessToken'"),
        (ValueError("Expecting value"), "raised ValueError: Expecting value"),
    ],
)
def test_a_store_of_another_shape(stored: object, message: str) -> None:
    service = Service()
    expected = f"^load of the session store {message}; it must return the StoredSession"
    with pytest.raises(TypeError, match=expected) as raised:
        service.client(session_store=Broken(stored)).account.get()
    assert (raised.value.__cause__ is stored) == isinstance(stored, Exception)
    with pytest.raises(TypeError, match=expected):
        sign_in(service, session_store=Broken(stored)).sign_out()

    async def run() -> None:
        async with service.async_client(session_store=AsyncBroken(stored)) as byline:
            await byline.account.get()

    with pytest.raises(TypeError, match=expected):
        asyncio.run(run())


def test_a_synchronous_store_for_asyncio() -> None:
    async def run() -> None:
        store: Any = Broken(None)
        async with Service().async_client(session_store=store) as byline:
            await byline.account.get()

    with pytest.raises(TypeError, match=r"^load of the session store raised TypeError: "):
        asyncio.run(run())


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_an_asynchronous_store_for_threads() -> None:
    store: Any = AsyncMemory()
    with pytest.raises(TypeError, match=r"^load of the session store returned coroutine; "):
        Service().client(session_store=store).account.get()

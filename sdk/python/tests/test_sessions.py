"""Sessions that renew themselves, against a service that keeps their rules."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from fake import PROFILE, TIME, USER, Fake, breaks, problem, respond

from byline_client import (
    AuthenticationError,
    Byline,
    BylineConnectionError,
    NotBylineError,
    SessionEndedError,
    StoredSession,
    Tokens,
    _session,
)

SESSION = {
    "id": 1,
    "current": True,
    "userAgent": None,
    "createdAt": TIME,
    "usedAt": TIME,
    "expiresAt": TIME,
}


class Service(Fake):
    """A service whose access tokens are valid for `valid` seconds, and whose
    refresh tokens can be used once."""

    def __init__(self, valid: float = 900) -> None:
        self.valid = valid
        self.number = 0
        self.sessions = 0
        self.on_refresh: Callable[[], object] | None = None
        self.expired: set[str] = set()
        self.refreshes: list[str] = []
        self.faults: list[Any] = []
        self.lock = threading.Lock()
        super().__init__(self.respond)

    def tokens(self) -> dict[str, str]:
        self.number += 1
        # The time has grown, even if the clock has not.
        valid = timedelta(seconds=self.valid, milliseconds=self.number)
        expires = datetime.now(timezone.utc) + valid
        time = expires.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "accessToken": f"access-{self.number}",
            "accessTokenExpiresAt": time,
            "refreshToken": f"refresh-{self.number}",
            "refreshTokenExpiresAt": time,
        }

    def respond(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            path = request.url.path.removeprefix("/api")
            token = request.headers.get("Authorization", "").removeprefix("Token ")
            if path == "/sessions":
                assert not token
                self.sessions += 1
                session = {**SESSION, "id": self.sessions}
                return httpx.Response(201, json={"session": session, "tokens": self.tokens()})
            if path == "/sessions/refresh":
                assert not token
                if self.faults:
                    response: httpx.Response = self.faults.pop(0)(request)
                    return response
                sent = json.loads(request.content)["refreshToken"]
                if self.on_refresh:
                    self.on_refresh()
                self.refreshes.append(sent)
                if sent != f"refresh-{self.number}":
                    return problem(401, "token_invalid")(request)
                return httpx.Response(200, json={"tokens": self.tokens()})
            if path.startswith("/profiles/"):
                rejected = {"WWW-Authenticate": 'Token error="invalid_token"'}
                headers = rejected if token in self.expired else {}
                profile = {**PROFILE, "username": token}
                return httpx.Response(200, json={"profile": profile}, headers=headers)
            if token in self.expired or token not in ("", f"access-{self.number}"):
                challenge = {"WWW_Authenticate": 'Token error="invalid_token"'}
                return problem(401, "token_expired", **challenge)(request)
            if not token:
                return problem(401, "token_missing")(request)
            if path == "/sessions/current":
                return httpx.Response(204)
            return httpx.Response(200, json={"user": USER})


class Memory:
    """A store that remembers what was saved."""

    def __init__(self) -> None:
        self.saved: list[StoredSession | None] = []

    def load(self) -> StoredSession | None:
        return self.saved[-1] if self.saved else None

    def save(self, session: StoredSession | None) -> None:
        self.saved.append(session)

    def refresh_tokens(self) -> list[str | None]:
        return [one.tokens.refresh_token if one else None for one in self.saved]


class AsyncMemory(Memory):
    async def load(self) -> StoredSession | None:  # type: ignore[override]
        return super().load()

    async def save(self, session: StoredSession | None) -> None:  # type: ignore[override]
        super().save(session)


def sign_in(service: Service, **options: Any) -> Byline:
    return service.client(**options).sign_in("a@example.com", "12345678")


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_session, "RETRY_DELAY", 0.001)
    monkeypatch.setattr(_session, "RETRY_WINDOW", 0.1)


def test_an_expired_token_is_renewed_and_the_call_repeated() -> None:
    service = Service()
    jake = sign_in(service)
    service.expired.add("access-1")
    assert jake.account.get().username == "a"
    # Where a token is optional, the service responds as to an anonymous caller.
    service.expired.add("access-2")
    assert jake.profiles.get("a").username == "access-3"
    assert service.refreshes == ["refresh-1", "refresh-2"]


def test_a_token_is_renewed_before_it_expires() -> None:
    service = Service()
    store = Memory()
    sign_in(service, session_store=store)
    [stored] = store.saved
    assert stored is not None
    tokens = stored.tokens
    soon = datetime.now(timezone.utc) + timedelta(seconds=10)
    data = {**tokens.to_dict(), "accessTokenExpiresAt": soon.isoformat(timespec="milliseconds")}
    data["accessTokenExpiresAt"] = data["accessTokenExpiresAt"].replace("+00:00", "Z")
    store.saved = [StoredSession(1, Tokens.from_dict(data))]
    service.client(session_store=store).account.get()
    assert service.sent("Authorization")[-1] == "Token access-2"
    assert service.refreshes == ["refresh-1"]


def test_clocks_that_differ_do_not_renew_at_each_call() -> None:
    service = Service(valid=-3600)
    jake = sign_in(service)
    for _ in range(3):
        jake.account.get()
    assert service.refreshes == []


@pytest.mark.parametrize("derived", [False, True])
def test_one_thread_renews_for_all(derived: bool) -> None:
    service = Service()
    jake = sign_in(service)
    service.expired.add("access-1")
    with ThreadPoolExecutor(8) as pool:
        clients = [jake.with_options(retries=1) if derived else jake for _ in range(20)]
        names = list(pool.map(lambda client: client.account.get().username, clients))
    assert names == ["a"] * 20
    assert service.refreshes == ["refresh-1"]


def test_one_task_renews_for_all() -> None:
    service = Service()

    async def run() -> list[str]:
        async with service.async_client() as byline:
            jake = await byline.sign_in("a@example.com", "12345678")
            service.expired.add("access-1")
            cancelled = asyncio.create_task(jake.account.get())
            await asyncio.sleep(0)
            tasks = [asyncio.create_task(jake.account.get()) for _ in range(20)]
            await asyncio.sleep(0)
            cancelled.cancel()
            return [user.username for user in await asyncio.gather(*tasks)]

    assert asyncio.run(run()) == ["a"] * 20
    assert service.refreshes == ["refresh-1"]


def test_a_lost_response_is_asked_for_again() -> None:
    service = Service()
    jake = sign_in(service)
    service.expired.add("access-1")
    service.faults = [breaks, problem(503, "overloaded")]
    jake.account.get()
    assert service.refreshes == ["refresh-1"]


@pytest.mark.parametrize(
    ("fault", "cls"),
    [
        pytest.param(breaks, BylineConnectionError, id="no response"),
        pytest.param(respond(403, "<h1>"), NotBylineError, id="proxy"),
    ],
)
def test_a_renewal_that_fails_does_not_end_the_session(fault: Any, cls: type[Exception]) -> None:
    service = Service()
    store = Memory()
    jake = sign_in(service, session_store=store)
    service.expired.add("access-1")
    service.faults = [fault] * 20
    with pytest.raises(cls):
        jake.account.get()
    service.faults = []
    jake.account.get()
    assert None not in store.saved


def test_a_refused_renewal_ends_the_session() -> None:
    service = Service()
    store = Memory()
    jake = sign_in(service, session_store=store)
    service.number = 7  # the refresh token is not valid any more
    for operation, code in (("sessions.refresh", "token_invalid"), ("account.get", None)):
        with pytest.raises(SessionEndedError) as caught:
            jake.account.get()
        assert (caught.value.operation, caught.value.code) == (operation, code)
    assert str(caught.value) == "account.get: 401: The session has ended. Sign in again."
    assert service.refreshes == ["refresh-1"]
    assert store.saved[-1] is None


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


def test_an_early_renewal_that_fails_leaves_the_call_its_token() -> None:
    service = Service(valid=10)
    store = Memory()
    sign_in(service, session_store=store)
    jake = service.client(session_store=store)
    service.faults = [problem(500, "internal")]
    jake.account.get()
    jake.account.get()
    assert service.refreshes == service.faults == []


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


def test_sign_out() -> None:
    service = Service()
    store = Memory()
    byline = service.client(session_store=store)
    jake = byline.sign_in("a@example.com", "12345678")
    assert byline.account.get() == jake.account.get()
    jake.sign_out()
    assert service.requests[-1].url.path == "/api/sessions/current"
    assert store.saved[-1] is None
    with pytest.raises(AuthenticationError) as caught:
        byline.account.get()
    assert caught.value.code == "token_missing"
    with pytest.raises(SessionEndedError):
        jake.profiles.get("a")
    assert byline.profiles.get("a").username == ""  # as an anonymous caller
    jake.sign_out()  # The session has ended already.


def test_an_asynchronous_session() -> None:
    service = Service()
    store = AsyncMemory()

    async def run() -> None:
        async with service.async_client(session_store=store) as byline:
            jake = await byline.sign_in("a@example.com", "12345678")
            service.expired.add("access-1")
            service.faults = [breaks]
            assert (await byline.account.get()).username == "a"
            assert (await jake.profiles.get("a")).username == "access-2"
            await jake.sign_out()
            service.number += 1

    asyncio.run(run())
    assert service.refreshes == ["refresh-1"]
    assert store.refresh_tokens() == ["refresh-1", "refresh-2", None]


def test_an_asynchronous_renewal_that_is_refused() -> None:
    service = Service()
    store = AsyncMemory()

    async def run() -> None:
        async with service.async_client(session_store=store) as byline:
            jake = await byline.sign_in("a@example.com", "12345678")
            service.number = 7
            for code in ("token_invalid", None):
                with pytest.raises(SessionEndedError) as caught:
                    await jake.account.get()
                assert caught.value.code == code

    asyncio.run(run())
    assert store.saved[-1] is None


def test_a_token_and_a_store_contradict_each_other() -> None:
    with pytest.raises(ValueError, match="either token or session_store"):
        Byline("https://byline.test", token="t", session_store=Memory())

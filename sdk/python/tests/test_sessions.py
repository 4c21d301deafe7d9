"""Sessions that renew themselves, against a service that keeps their rules."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from fake import breaks, problem, respond
from sessions import AsyncMemory, Memory, Service, sign_in

from byline_client import (
    AuthenticationError,
    BylineConnectionError,
    NotBylineError,
    SessionEndedError,
    StoredSession,
    Tokens,
    _session,
)


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


def test_what_is_cached_survives_a_renewal() -> None:
    service = Service()
    byline = service.client()
    jake = byline.sign_in("a@example.com", "12345678")
    jake.profiles.get("a")
    service.expired.add("access-1")
    jake.account.get()
    jake.profiles.get("a")
    byline.sign_in("b@example.com", "12345678").profiles.get("a")
    conditions = [
        (request.headers["Authorization"], request.headers.get("If-None-Match"))
        for request in service.requests
        if "profiles" in request.url.path
    ]
    assert conditions == [
        ("Token access-1", None),
        ("Token access-2", '"v1"'),
        ("Token access-3", None),
    ]


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


def test_an_early_renewal_that_fails_leaves_the_call_its_token() -> None:
    service = Service(valid=10)
    store = Memory()
    sign_in(service, session_store=store)
    jake = service.client(session_store=store)
    service.faults = [problem(500, "internal")]
    jake.account.get()
    jake.account.get()
    assert service.refreshes == service.faults == []


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

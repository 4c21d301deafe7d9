from __future__ import annotations

import asyncio
import time
from email.utils import formatdate

import pytest
from fake import (
    BUSY,
    CREATED,
    PROFILE,
    TAGS,
    Fake,
    Handler,
    breaks,
    breaks_inside,
    problem,
    respond,
)

from byline_client import (
    Byline,
    BylineConnectionError,
    BylineError,
    Hooks,
    RateLimitError,
)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(BUSY, id="unavailable"),
        pytest.param(problem(429, "rate_limited"), id="limited"),
        pytest.param(respond(502, ""), id="gateway"),
        pytest.param(breaks, id="no response"),
        pytest.param(breaks_inside, id="half a response"),
    ],
)
def test_reads_are_retried(fault: Handler) -> None:
    fake = Fake(fault, fault, TAGS)
    assert fake.client().tags.list() == ["a"]
    assert len(fake.requests) == 3


def test_async_reads_are_retried() -> None:
    fake = Fake(breaks, BUSY, respond(200, {"profile": PROFILE}))

    async def token() -> str:
        return "renewed"

    async def read() -> str:
        async with fake.async_client(token=token) as byline:
            return (await byline.profiles.get("a")).username

    assert asyncio.run(read()) == "a"
    assert fake.sent("Authorization") == ["Token renewed"] * 3


def test_batches_are_reads() -> None:
    fake = Fake(BUSY, respond(200, {"profiles": [], "missing": ["a"]}))
    assert fake.client().profiles.get_many(usernames=["a"]).missing == ["a"]
    assert len(fake.requests) == 2
    assert fake.bodies()[0] == {"usernames": ["a"]}


def test_a_retry_keeps_the_idempotency_key() -> None:
    fake = Fake(breaks, CREATED, CREATED)
    byline = fake.client()
    byline.users.create(username="a", email="a@example.com", password="12345678")
    byline.users.create(username="a", email="a@example.com", password="12345678")
    first, second, third = fake.sent("Idempotency-Key")
    assert first and first == second != third


def test_the_idempotency_key_of_the_caller_takes_precedence() -> None:
    fake = Fake(CREATED)
    fake.client().users.create(
        username="a",
        email="a@example.com",
        password="12345678",
        options={"idempotency_key": "mine"},
    )
    assert fake.sent("Idempotency-Key") == ["mine"]


def test_requests_that_are_not_safe_to_repeat_are_not_retried() -> None:
    fake = Fake(BUSY)
    with pytest.raises(BylineError):
        fake.client().users.login(email="a@example.com", password="12345678")
    with pytest.raises(BylineError):
        fake.client().articles.delete("slug")
    with pytest.raises(BylineError):
        fake.client().request("POST", "/new", json={})
    assert len(fake.requests) == 3


ATTEMPTS = {
    408: (3, 3, 1),
    409: (1, 1, 1),
    425: (3, 3, 3),
    429: (3, 3, 3),
    500: (1, 1, 1),
    502: (3, 3, 1),
    503: (3, 3, 1),
    504: (3, 3, 1),
}


@pytest.mark.parametrize("status", ATTEMPTS)
def test_the_status_decides(status: int) -> None:
    read, keyed, unkeyed = (Fake(problem(status, "overloaded")) for _ in range(3))
    with pytest.raises(BylineError):
        read.client().tags.list()
    with pytest.raises(BylineError):
        keyed.client().users.create(username="a", email="a@example.com", password="12345678")
    with pytest.raises(BylineError):
        unkeyed.client().articles.delete("slug")
    assert tuple(len(fake.requests) for fake in (read, keyed, unkeyed)) == ATTEMPTS[status]


def test_without_a_connection_all_requests_are_retried() -> None:
    nowhere = Byline("http://127.0.0.1:1", retries=2, retry_delay=0.001)
    with pytest.raises(BylineConnectionError) as caught:
        nowhere.articles.delete("slug")
    assert caught.value.attempts == 3
    with pytest.raises(BylineConnectionError) as caught:
        Fake(breaks).client().articles.delete("slug")
    assert caught.value.attempts == 1


def test_retries_end_after_the_last_attempt() -> None:
    fake = Fake(BUSY)
    with pytest.raises(BylineError) as caught:
        fake.client().tags.list()
    assert str(caught.value) == "tags.list: 503 overloaded: Later. (request r1)"
    assert len(fake.requests) == 3
    with pytest.raises(BylineConnectionError):
        Fake(breaks).client().tags.list()


def test_retry_after_is_honoured() -> None:
    delays: list[float] = []
    hooks = Hooks(on_retry=lambda retry: delays.append(retry.delay))
    limited = problem(429, "rate_limited", Retry_After="1")
    Fake(limited, TAGS).client(hooks=hooks).tags.list()
    assert delays[0] >= 1


def test_a_retry_after_beyond_the_maximum_is_returned_to_the_caller() -> None:
    fake = Fake(problem(429, "rate_limited", Retry_After="3600"))
    with pytest.raises(RateLimitError) as caught:
        fake.client().tags.list()
    assert caught.value.retry_after == 3600
    assert len(fake.requests) == 1


def http_date(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("field", "attempts"),
    [
        *(("0", 3), ("-1", 3), ("soon", 3), ("", 3), ("99999999999", 1), ("9" * 30, 1)),
        (http_date(-3600), 3),
        (http_date(3600), 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1),
    ],
)
def test_retry_after_has_many_forms(field: str, attempts: int) -> None:
    fake = Fake(problem(429, "rate_limited", Retry_After=field))
    with pytest.raises(RateLimitError):
        fake.client().tags.list()
    assert len(fake.requests) == attempts


def test_the_time_limit_of_a_whole_call() -> None:
    fake = Fake(problem(429, "rate_limited", Retry_After="1"))
    with pytest.raises(RateLimitError):
        fake.client().tags.list(options={"total_timeout": 0.9})
    [request] = fake.requests
    assert all(0 < limit <= 0.9 for limit in request.extensions["timeout"].values())

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import platform
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, cast

import httpx
import pytest
from fake import (
    ARTICLE,
    BUSY,
    PROFILE,
    TAGS,
    USER,
    Fake,
    breaks,
    problem,
    respond,
)

import byline_client
from byline_client import (
    NOT_GIVEN,
    Attempt,
    Byline,
    BylineError,
    Hooks,
    Outcome,
    Retry,
    models,
)


def test_the_options_of_a_call_take_precedence() -> None:
    fake = Fake(BUSY)
    byline = fake.client(token="client", headers={"X-A": "client", "X-B": "client"})
    with pytest.raises(BylineError):
        byline.tags.list(
            options={"retries": 0, "timeout": 1.5, "token": "call", "headers": {"X-A": "call"}}
        )
    [request] = fake.requests
    assert request.extensions["timeout"] == dict.fromkeys(("connect", "read", "write", "pool"), 1.5)
    headers = [request.headers[name] for name in ("Authorization", "X-A", "X-B")]
    assert headers == ["Token call", "call", "client"]


def test_unknown_options_are_refused() -> None:
    byline = Fake(TAGS).client()
    with pytest.raises(TypeError, match=r"tags.list has no option 'time_limit'"):
        byline.tags.list(options=cast(Any, {"time_limit": 1}))
    with pytest.raises(TypeError, match=r"articles.get has no option 'if_match'"):
        byline.articles.get("a", options=cast(Any, {"if_match": '"v1"'}))


@pytest.mark.parametrize("token", ["secret\n", "secret secret", "sécret"])
def test_a_token_that_a_header_cannot_hold(token: str) -> None:
    fake = Fake(TAGS)
    with pytest.raises(ValueError, match="line break") as caught:
        fake.client(token=token).articles.get("a")
    assert "cret" not in str(caught.value)
    assert not fake.requests


def test_operations_without_a_caller_get_no_token() -> None:
    fake = Fake(respond(200, {"user": USER}))
    fake.client(token="t").users.login(email="a@example.com", password="12345678")
    assert fake.sent("Authorization") == [None]


def test_with_options_derives_a_client() -> None:
    fake = Fake(BUSY)
    byline = fake.client(headers={"X-A": "a"})
    derived = byline.with_options(timeout=None, retries=1, headers={"X-B": "b"})
    for client, attempts in ((derived, 2), (byline, 3)):
        fake.requests.clear()
        with pytest.raises(BylineError):
            client.tags.list()
        assert len(fake.requests) == attempts
        assert fake.sent("X-A") == ["a"] * attempts
        assert fake.sent("X-B") == ["b" if client is derived else None] * attempts
    assert fake.requests[0].extensions["timeout"]["read"] == 30


def test_the_token_function_is_called_before_each_call() -> None:
    fake = Fake(respond(200, {"profile": PROFILE}))
    tokens = iter(["t1", "t2"])
    byline = fake.client(token=lambda: next(tokens))
    byline.profiles.get("a")
    byline.profiles.get("a")
    byline.with_token("other").profiles.get("a")
    assert fake.sent("Authorization") == ["Token t1", "Token t2", "Token other"]


def test_the_response_of_a_success() -> None:
    headers = {
        "ETag": '"v1"',
        "X_Request_Id": "r2",
        "RateLimit": "9",
        "Idempotency_Replayed": "true",
    }
    fake = Fake(respond(201, {"article": ARTICLE, "new": 1}, **headers))
    response = fake.client().with_response.articles.create(title="t", description="d", body="b")
    assert response.data.slug == "hello"
    assert (response.status, response.etag, response.request_id) == (201, '"v1"', "r2")
    assert (response.rate_limit, response.replayed) == ("9", True)
    assert response.json["new"] == 1


def test_a_change_tells_null_from_absent() -> None:
    fake = Fake(respond(200, {"user": USER}))
    fake.client().account.update(bio=None, username="b")
    fake.client().account.update(image=NOT_GIVEN)
    assert fake.bodies() == [{"user": {"bio": None, "username": "b"}}, {"user": {}}]
    assert repr(NOT_GIVEN) == "NOT_GIVEN"
    assert pickle.loads(pickle.dumps(NOT_GIVEN)) is copy.deepcopy(NOT_GIVEN) is NOT_GIVEN


def test_arguments_are_encoded() -> None:
    fake = Fake(respond(200, {"users": [], "nextCursor": None}))
    byline = fake.client()
    byline.admin.list_users(username="a/b&c", suspended=False).first_page()
    with pytest.raises(BylineError):
        byline.profiles.get("a/b ä")
    urls = [request.url.raw_path.decode() for request in fake.requests]
    assert urls == [
        "/api/admin/users?username=a%2Fb%26c&suspended=false",
        "/api/profiles/a%2Fb%20%C3%A4",
    ]
    for name in ("", ".", ".."):
        with pytest.raises(ValueError, match="username must not be"):
            byline.profiles.get(name)


def test_times_need_a_time_zone() -> None:
    fake = Fake(problem(422, "validation_failed"))
    keys = fake.client().api_keys
    with pytest.raises(BylineError):
        keys.create(name="k", scopes=["read"], expires_at=datetime(2099, 1, 1, tzinfo=timezone.utc))
    assert fake.bodies()[0]["apiKey"]["expiresAt"] == "2099-01-01T00:00:00.000Z"
    with pytest.raises(ValueError, match="time zone"):
        keys.create(name="k", scopes=["read"], expires_at=datetime(2099, 1, 1))


def test_pages() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        after = int(request.url.params.get("cursor", 0))
        item = {**ARTICLE, "title": str(after)}
        following = str(after + 1) if after < 2 else None
        body = {"articles": [item], "articlesCount": 3, "nextCursor": following}
        return httpx.Response(200, json=body)

    fake = Fake(page)
    pager = fake.client().articles.list(tag="x")
    assert not fake.requests
    assert [article.title for article in pager] == ["0", "1", "2"]
    assert [len(page.items) for page in pager.pages()] == [1, 1, 1]
    fake.requests.clear()
    first = pager.first_page()
    assert (first.total, first.next_cursor, len(pager.to_list(2))) == (3, "1", 2)
    assert pager.to_list(0) == []
    assert [a.title for a in fake.client().articles.list(cursor="2")] == ["2"]
    assert fake.client().with_response.articles.list().data == first

    async def read() -> tuple[list[str], int, int]:
        async with fake.async_client() as byline:
            pager = byline.articles.list()
            titles = [article.title async for article in pager]
            return titles, (await pager.first_page()).total, len(await pager.to_list(2))

    assert asyncio.run(read()) == (["0", "1", "2"], 3, 2)


def test_hooks() -> None:
    events: list[tuple[Any, ...]] = []

    def on_request(attempt: Attempt) -> None:
        attempt.headers["traceparent"] = f"trace-{attempt.attempt}"
        events.append(("request", attempt.operation, attempt.method, attempt.url))

    def on_response(outcome: Outcome) -> None:
        assert outcome.duration >= 0
        events.append(("response", outcome.attempt, outcome.status, outcome.request_id))

    def on_retry(retry: Retry) -> None:
        events.append(("retry", retry.attempt, repr(retry.error)))

    fake = Fake(breaks, respond(200, {"tags": []}, X_Request_Id="r2"))
    hooks = Hooks(on_request=on_request, on_response=on_response, on_retry=on_retry)
    fake.client(hooks=hooks, token="secret").tags.list()
    request = ("request", "tags.list", "GET", "https://byline.test/api/tags")
    assert events == [
        request,
        ("response", 1, None, None),
        ("retry", 1, "RemoteProtocolError('the connection is broken')"),
        request,
        ("response", 2, 200, "r2"),
    ]
    assert fake.sent("traceparent") == ["trace-1", "trace-2"]


def test_hooks_do_not_get_the_token() -> None:
    seen: list[Attempt] = []
    hooks = Hooks(on_request=seen.append, on_response=seen.append)
    fake = Fake(respond(200, {"profile": PROFILE}))
    fake.client(hooks=hooks, token="secret").profiles.get("a")
    assert ["Authorization" in attempt.headers for attempt in seen] == [False, False]
    assert fake.sent("Authorization") == ["Token secret"]


def test_calls_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "byline_client")
    Fake(BUSY, TAGS).client(token="secret").tags.list()
    assert "tags.list: GET https://byline.test/api/tags: 503 in" in caplog.text
    assert "another attempt in" in caplog.text
    assert "secret" not in caplog.text


def test_the_user_agent() -> None:
    fake = Fake(TAGS)
    fake.client(app="blog/1.2").tags.list()
    [agent] = fake.sent("User-Agent")
    assert agent and agent.startswith(
        f"byline-python/{byline_client.__version__} (python {platform.python_version()}; "
    )
    assert agent.endswith(") blog/1.2")


@pytest.mark.parametrize("address", ["https://byline.test", "https://byline.test/api/"])
def test_the_address_with_and_without_api(address: str) -> None:
    fake = Fake(TAGS)
    Byline(address, http_client=httpx.Client(transport=fake)).tags.list()
    assert str(fake.requests[0].url) == "https://byline.test/api/tags"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "byline.test",
        "ftp://a:secret@byline.test",
        "https://a:secret@byline.test",
        "https://byline.test:secret",
    ],
)
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ValueError, match="address") as caught:
        Byline(address)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("", ""),
        ("127.0.0.1:8099", "127.0.0.1:8099"),
        ("localhost:8099", "localhost:8099"),
        ("http://:8080", "http://:8080"),
        ("https://example.com/?a=b", "https://example.com/?a=b"),
        ("a:secret@example.com", "[hidden]@example.com"),
        ("https://a:secret@example.com", "[hidden]@example.com"),
        ("https://a:secret", "https://a:[hidden]"),
    ],
)
def test_an_address_that_is_none_is_named(address: str, shown: str) -> None:
    with pytest.raises(ValueError, match="address") as caught:
        Byline(address)
    assert str(caught.value) == (
        f'"{shown}" is not the address of a service, such as https://example.com'
    )


def test_requests_of_newer_operations() -> None:
    fake = Fake(respond(200, {"a": 1}), respond(204))
    byline = fake.client()
    assert byline.request("get", "/new?x=1", params={"y": True}).data == {"a": 1}
    assert byline.request("POST", "new", json={"b": None}).data is None
    assert [str(request.url) for request in fake.requests] == [
        "https://byline.test/api/new?x=1&y=true",
        "https://byline.test/api/new",
    ]
    assert fake.requests[1].content == b'{"b": null}'


def test_a_client_closes_only_its_own_connections() -> None:
    http_client = httpx.Client(transport=Fake(TAGS))
    with Byline("https://byline.test", http_client=http_client) as byline:
        byline.tags.list()
    assert not http_client.is_closed


@pytest.mark.parametrize("conflicts", [1, 5])
def test_edit_starts_again_after_a_conflict(conflicts: int) -> None:
    read = respond(200, {"article": ARTICLE}, ETag='"v1"')
    conflict = problem(412, "precondition_failed")
    attempts: list[Callable[[httpx.Request], httpx.Response]] = [read, conflict] * conflicts
    fake = Fake(*attempts, read, read)
    byline = fake.client()
    if conflicts == 5:
        with pytest.raises(byline_client.PreconditionFailedError):
            byline.articles.edit("hello", lambda article: {"body": article.body + "!"})
        return
    byline.articles.edit("hello", lambda article: {"body": article.body + "!"})
    assert fake.sent("If-Match") == [None, '"v1"', None, '"v1"']
    assert fake.requests[-1].content == b'{"article": {"body": "b!"}}'


def test_edit_is_not_unconditional() -> None:
    fake = Fake(respond(200, {"article": ARTICLE}))
    with pytest.raises(RuntimeError, match="no ETag"):
        fake.client().articles.edit("hello", lambda article: {"body": "b"})
    with pytest.raises(RuntimeError, match="no ETag"):
        asyncio.run(fake.async_client().articles.edit_working_copy("hello", lambda article: {}))
    assert {request.method for request in fake.requests} == {"GET"}


def test_edit_needs_a_mapping() -> None:
    fake = Fake(respond(200, {"article": ARTICLE}, ETag='"v1"'))
    same = cast(Any, lambda article: article)
    says = r"^articles\.edit: the function returned Article, not a mapping"
    with pytest.raises(TypeError, match=says):
        fake.client().articles.edit("hello", same)
    with pytest.raises(TypeError, match=says):
        asyncio.run(fake.async_client().articles.edit("hello", same))
    assert {request.method for request in fake.requests} == {"GET"}


def test_a_nested_merge_patch_tells_null_from_absent() -> None:
    fake = Fake(respond(200, {"article": ARTICLE}))
    cover = models.ChangedCoverImage(alt="A press", width=None)
    fake.client().articles.update("hello", cover_image=cover)
    assert fake.bodies() == [{"article": {"coverImage": {"alt": "A press", "width": None}}}]


def test_a_pager_names_what_returns_a_page() -> None:
    for byline in (Fake(TAGS).client(), Fake(TAGS).async_client()):
        pager: Any = byline.articles.list()
        with pytest.raises(AttributeError, match=r"no attribute 'items'.*first_page\(\)"):
            _ = pager.items
        with pytest.raises(AttributeError, match=r"no attribute 'total'.*first_page\(\)"):
            _ = pager.total
        with pytest.raises(AttributeError) as caught:
            _ = pager.other
        assert "first_page" not in str(caught.value)
        assert copy.copy(pager) is not pager

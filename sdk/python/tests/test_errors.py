from __future__ import annotations

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import cast

import httpx
import pytest
from fake import ARTICLE, BUSY, USER, Fake, Handler, breaks, problem, respond, times_out

import byline_client
from byline_client import (
    Byline,
    BylineConnectionError,
    BylineError,
    BylineTimeoutError,
    Error,
    NotBylineError,
    NotFoundError,
    ServerError,
    models,
)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BylineError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (409, "ConflictError"),
        (412, "PreconditionFailedError"),
        (422, "ValidationError"),
        (429, "RateLimitError"),
        (500, "ServerError"),
        (503, "ServerError"),
    ],
)
def test_the_class_of_an_error(status: int, name: str) -> None:
    with pytest.raises(BylineError) as caught:
        Fake(problem(status, "some_code")).client(retries=0).articles.get("a")
    error = caught.value
    assert type(error) is getattr(byline_client, name)
    assert (error.operation, error.status, error.code) == ("articles.get", status, "some_code")
    assert (error.title, error.detail, error.type) == ("Title", "Later.", "/docs/errors#some_code")
    assert error.fields == {"server": ["is busy"]}
    assert (error.request_id, error.headers["X-Request-Id"]) == ("r1", "r1")


@pytest.mark.parametrize(
    ("response", "status", "part"),
    [
        pytest.param(respond(403, "<h1>Forbidden</h1>"), 403, "<h1>Forbidden</h1>", id="proxy"),
        pytest.param(respond(200, "<h1>Sign in to this Wi-Fi</h1>"), 200, "Wi-Fi", id="portal"),
        pytest.param(respond(404, {"message": "no route"}), 404, "no route", id="404 of another"),
        pytest.param(respond(200, {"hello": "world"}), 200, "hello", id="JSON of another"),
        pytest.param(respond(200, [1]), 200, "[1]", id="an array"),
        pytest.param(respond(404), 404, "no Content-Type", id="nothing"),
        pytest.param(respond(501, "<h1>"), 501, "<h1>", id="another method"),
        pytest.param(
            respond(301, "", Location="https://new.test/"),
            301,
            "redirect to https://new",
            id="moved",
        ),
    ],
)
def test_something_else_responds(response: Handler, status: int, part: str) -> None:
    with pytest.raises(NotBylineError) as caught:
        Fake(response).client().articles.get("a")
    error = caught.value
    assert (error.status, error.code, error.fields) == (status, None, {})
    assert error.url == "https://byline.test/api/articles/a"
    assert part in str(error) and "does not include /api" in str(error)


def test_an_older_service_responds() -> None:
    article = {name: value for name, value in ARTICLE.items() if name != "favorited"}
    with pytest.raises(NotBylineError) as caught:
        Fake(respond(200, {"article": article})).client().articles.get("a")
    assert "without the member 'favorited'" in str(caught.value)
    assert "not older than this package" in str(caught.value)


MESSAGES = [
    (
        "validation_failed",
        {"email": ["is empty"], "password": ["is short", "is common"]},
        " email is empty; password is short, is common",
    ),
    ("scope_insufficient", {"token": ["lacks the scope write"]}, " token lacks the scope write"),
    ("of_a_newer_service", {"a": ["b"]}, " a b"),
    ("token_missing", {"token": ["is missing"]}, ""),
    ("not_found", {"article": ["not found"]}, ""),
]


@pytest.mark.parametrize(("code", "fields", "shown"), MESSAGES)
def test_the_message_says_things_once(code: str, fields: dict[str, list[str]], shown: str) -> None:
    body = {"code": code, "detail": "The detail.", "errors": fields}
    with pytest.raises(BylineError) as caught:
        Fake(respond(400, body)).client().tags.list()
    assert str(caught.value) == f"tags.list: 400 {code}: The detail.{shown}"
    assert caught.value.fields == fields


def test_a_path_that_does_not_exist() -> None:
    fake = Fake(problem(404, "route_not_found"))
    byline = Byline("https://byline.test/docs", http_client=httpx.Client(transport=fake))
    with pytest.raises(NotFoundError) as caught:
        byline.tags.list()
    assert str(caught.value) == (
        "tags.list: 404 route_not_found: Later. The request was GET "
        "https://byline.test/docs/api/tags; check the address and the version of the service. "
        "(request r1)"
    )


def test_a_proxy_responds_during_an_outage() -> None:
    with pytest.raises(ServerError) as caught:
        Fake(respond(502, "<h1>Bad Gateway</h1>")).client().tags.list()
    assert (caught.value.status, caught.value.code) == (502, None)
    assert str(caught.value) == "tags.list: 502: Bad Gateway"


def test_a_condition_of_the_caller() -> None:
    with pytest.raises(BylineError) as caught:
        Fake(respond(304)).client().tags.list(options={"headers": {"If-None-Match": '"a"'}})
    assert type(caught.value) is BylineError
    assert caught.value.status == 304


@pytest.mark.parametrize(
    ("fault", "cls"), [(breaks, BylineConnectionError), (times_out, BylineTimeoutError)]
)
def test_no_response(fault: Handler, cls: type[BylineConnectionError]) -> None:
    with pytest.raises(BylineConnectionError) as caught:
        Fake(fault).client().tags.list()
    error = caught.value
    assert type(error) is cls
    assert (error.operation, error.method, error.attempts) == ("tags.list", "GET", 3)
    assert error.url == "https://byline.test/api/tags"
    assert isinstance(error.__cause__, httpx.TransportError)
    assert str(error).startswith("tags.list: GET https://byline.test/api/tags: no response")
    assert str(error).endswith("(3 attempts)")


def errors() -> list[Error]:
    caught: list[Error] = []
    for handler in (problem(404, "not_found"), respond(404, "<h1>"), breaks, times_out):
        try:
            Fake(handler).client().articles.get("a")
        except Error as error:
            caught.append(error)
    return caught


@pytest.mark.parametrize("error", errors(), ids=lambda error: type(error).__name__)
def test_errors_can_be_pickled_and_copied(error: Error) -> None:
    for again in (
        pickle.loads(pickle.dumps(error)),
        copy.copy(error),
        copy.deepcopy(error),
    ):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)


def read_in_another_process() -> str:
    return Fake(problem(404, "not_found")).client(token="secret").articles.get("a").title


def test_an_error_comes_back_from_another_process() -> None:
    with ProcessPoolExecutor(1) as pool:
        with pytest.raises(NotFoundError) as caught:
            pool.submit(read_in_another_process).result()
        # The pool still works.
        assert pool.submit(len, "abc").result() == 3
    assert (caught.value.code, caught.value.request_id) == ("not_found", "r1")


def test_what_is_printed_contains_no_secrets() -> None:
    fake = Fake(respond(201, {"user": USER}), BUSY)
    byline = fake.client(token="secret")
    shown = [repr(byline), repr(byline.articles), repr(byline.with_response)]
    assert shown[0] == "Byline('https://byline.test')"
    response = byline.with_response.users.create(username="a", email="b", password="secret12")
    shown += [repr(response), repr(response.data), str(response.data)]
    assert "username='a'" in repr(response.data)
    with pytest.raises(BylineError) as caught:
        byline.users.login(email="a", password="secret12")
    shown += [repr(caught.value), str(caught.value)]
    tokens = {
        "accessToken": "secret",
        "accessTokenExpiresAt": ARTICLE["createdAt"],
        "refreshToken": "secret",
        "refreshTokenExpiresAt": ARTICLE["createdAt"],
    }
    shown += [repr(models.Tokens.from_dict(tokens))]
    assert "secret" not in "".join(shown)


def test_models_are_plain_values() -> None:
    article = Fake(respond(200, {"article": ARTICLE})).client().articles.get("hello")
    assert "NOT_GIVEN" not in repr(article) and article.body_html is None
    assert article == copy.deepcopy(article) == pickle.loads(pickle.dumps(article))
    assert article.to_dict() == ARTICLE
    assert models.Article.from_dict(article.to_dict()) == article
    assert article.created_at.tzinfo is not None
    with pytest.raises(AttributeError):
        cast(object, article).__setattr__("title", "x")


def test_a_client_for_a_wrong_port() -> None:
    byline = Byline("http://127.0.0.1:2", retries=1, retry_delay=0.001)
    with pytest.raises(BylineConnectionError) as caught:
        byline.tags.list()
    assert caught.value.attempts == 2

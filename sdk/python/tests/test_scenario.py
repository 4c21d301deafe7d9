"""Runs the same steps as the scenario tests of the other SDKs against a real
service."""

from __future__ import annotations

import asyncio
import http.client
import os
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import httpx
import pytest

from byline_client import AsyncByline, Byline, BylineError
from byline_client.generated.api.articles import create_article
from byline_client.models import (
    Article,
    LoginUser,
    LoginUserRequest,
    NewArticle,
    NewArticleRequest,
    NewComment,
    NewCommentRequest,
    NewUser,
    NewUserRequest,
    UpdateArticle,
    UpdateArticleRequest,
)

BASE = os.environ.get("BYLINE_URL", "")
PASSWORD = "correct horse battery"

pytestmark = pytest.mark.skipif(not BASE, reason="BYLINE_URL is not set: run sdk/scenario")


class Blocking:
    """Adapts AsyncByline to the scenario: waits for each result."""

    def __init__(self, client: AsyncByline, loop: asyncio.AbstractEventLoop) -> None:
        self._client, self._loop = client, loop

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = getattr(self._client, name)(*args, **kwargs)
            if isinstance(result, AsyncByline):
                return Blocking(result, self._loop)
            if hasattr(result, "__anext__"):
                return self._items(result)
            return self._loop.run_until_complete(result)

        return call

    def _items(self, items: Any) -> Iterator[Any]:
        while True:
            try:
                yield self._loop.run_until_complete(anext(items))
            except StopAsyncIteration:
                return


class Statuses(list[int]):
    """Records the statuses of the responses that a client receives."""

    def hook(self, response: httpx.Response) -> None:
        self.append(response.status_code)

    async def async_hook(self, response: httpx.Response) -> None:
        self.append(response.status_code)


@pytest.fixture
def statuses() -> Statuses:
    return Statuses()


@pytest.fixture(params=["sync", "async"])
def byline(request: pytest.FixtureRequest, statuses: Statuses) -> Iterator[Byline]:
    if request.param == "sync":
        with Byline(BASE, event_hooks={"response": [statuses.hook]}) as client:
            yield client
        return
    loop = asyncio.new_event_loop()
    hooks = {"response": [statuses.async_hook]}
    blocking = Blocking(AsyncByline(BASE, event_hooks=hooks), loop)
    yield cast(Byline, blocking)
    blocking.aclose()
    loop.close()


def step(name: str) -> None:
    print(f"  {name}")


def test_scenario(byline: Byline, statuses: Statuses) -> None:
    tag = secrets.token_hex(4)

    def new_user(name: str) -> NewUserRequest:
        return NewUserRequest(NewUser(f"{name}-{tag}", f"{name}-{tag}@example.com", PASSWORD))

    def login(password: str) -> LoginUserRequest:
        return LoginUserRequest(LoginUser(f"author-{tag}@example.com", password))

    def new_article(title: str, *tags: str) -> NewArticleRequest:
        return NewArticleRequest(NewArticle(title, f"About {title}", f"# {title}", list(tags)))

    step("register")
    user = byline.create_user(new_user("author")).user
    assert user.bio is None
    author = byline.with_token(user.token)
    reader = byline.with_token(byline.create_user(new_user("reader")).user.token)

    step("conflict 409")
    with pytest.raises(BylineError) as caught:
        byline.create_user(new_user("author"))
    assert (caught.value.status, caught.value.code) == (409, "already_taken")
    assert caught.value.fields["username"] == ["has already been taken"]

    step("login")
    assert byline.login(login(PASSWORD)).user.username == f"author-{tag}"

    step("wrong password")
    with pytest.raises(BylineError) as caught:
        byline.login(login("wrong horse"))
    assert (caught.value.status, caught.value.code) == (401, "credentials_invalid")
    assert caught.value.fields["credentials"] == ["invalid"]
    assert caught.value.request_id

    step("publish with tags")
    for title in ("One", "Two", "Three", "Four", "Five"):
        article = author.create_article(new_article(title, tag, "sdk")).article
        assert article.tag_list == [tag, "sdk"]
    slug = article.slug

    step("list")
    page = byline.get_articles(tag=tag, limit=3)
    assert (len(page.articles), page.articles_count) == (3, 5)

    step("pages to the end")
    statuses.clear()
    titles = [article.title for article in byline.articles(tag=tag, limit=2)]
    assert titles == ["Five", "Four", "Three", "Two", "One"]
    assert len(statuses) == 3

    step("feed")
    reader.follow_user_by_username(f"author-{tag}")
    assert len(list(reader.feed(limit=2))) == 5

    step("favourite")
    favourite = reader.create_article_favorite(slug).article
    assert (favourite.favorited, favourite.favorites_count) == (True, 1)

    step("comment")
    for body in ("first", "second", "third"):
        reader.create_article_comment(slug, NewCommentRequest(NewComment(body)))
    assert [c.body for c in byline.comments(slug, limit=2)] == ["first", "second", "third"]

    step("304")
    first = byline.get_article(slug)
    statuses.clear()
    assert byline.get_article(slug) == first
    assert statuses == [304]

    step("412 with If-Match")
    _, etag = author.get_article_with_etag(slug)
    change = UpdateArticleRequest(UpdateArticle(body="changed"))
    author.update_article(slug, change, if_match=etag)
    with pytest.raises(BylineError) as caught:
        author.update_article(slug, change, if_match=etag)
    assert (caught.value.status, caught.value.code) == (412, "precondition_failed")

    step("concurrent edits")
    edits = []

    def edit(read: Article) -> UpdateArticle:
        edits.append(read.body)
        if len(edits) == 1:
            with Byline(BASE, token=user.token) as other:
                other_change = UpdateArticle(body=f"{read.body}, by another client")
                other.update_article(slug, UpdateArticleRequest(other_change))
        return UpdateArticle(body=f"{read.body}, by me")

    assert author.edit_article(slug, edit).body == "changed, by another client, by me"

    step("a lost response creates once")
    once = new_article("Once", f"once-{tag}")
    with loses_first_response() as (proxy, calls):
        if isinstance(byline, Byline):
            with Byline(proxy, token=user.token) as through:
                created = create_article.sync_detailed(client=through.api, body=once)
        else:

            async def create() -> Any:
                async with AsyncByline(proxy, token=user.token) as through:
                    return await create_article.asyncio_detailed(client=through.api, body=once)

            created = asyncio.run(create())
    assert created.headers["Idempotency-Replayed"] == "true"
    assert len(calls) == 2
    assert byline.get_articles(tag=f"once-{tag}").articles_count == 1

    step("export")
    author.create_article_comment(slug, NewCommentRequest(NewComment("two\u2028lines")))
    records = list(author.export())
    assert records[0]["email"] == f"author-{tag}@example.com"
    kinds = Counter(record["type"] for record in records)
    del kinds["session"]
    assert kinds == {"account": 1, "article": 6, "comment": 1, "follower": 1}
    assert [r["body"] for r in records if r["type"] == "comment"] == ["two\u2028lines"]
    with pytest.raises(BylineError) as caught:
        list(byline.export())
    assert (caught.value.status, caught.value.code) == (401, "token_missing")

    step("delete")
    with pytest.raises(BylineError) as caught:
        reader.delete_article(slug)
    assert caught.value.status == 403
    author.delete_article(slug)
    with pytest.raises(BylineError) as caught:
        byline.get_article(slug)
    assert caught.value.code == "not_found"


@contextmanager
def loses_first_response() -> Iterator[tuple[str, list[str]]]:
    """Runs a proxy that forwards the first request, but closes the connection
    instead of returning the response."""
    calls: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            calls.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            upstream = http.client.HTTPConnection(httpx.URL(BASE).netloc.decode())
            upstream.request("POST", self.path, body, dict(self.headers))
            response = upstream.getresponse()
            content = response.read()
            upstream.close()
            self.close_connection = True
            if len(calls) == 1:
                return
            self.send_response(response.status)
            for name, value in response.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", calls
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

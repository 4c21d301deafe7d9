"""Runs the same steps as the scenario tests of the other SDKs against a real
service."""

from __future__ import annotations

import dataclasses
import http.client
import os
import re
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from clients import PASSWORD, Clients, step

from byline_client import (
    Byline,
    BylineConnectionError,
    BylineError,
    Hooks,
    NotBylineError,
    PreconditionFailedError,
    SessionEndedError,
    StoredSession,
    ValidationError,
    models,
)

BASE = os.environ.get("BYLINE_URL", "")

pytestmark = pytest.mark.skipif(not BASE, reason="BYLINE_URL is not set: run sdk/scenario")


class Store:
    """Keeps a session in memory, for both clients."""

    def __init__(self, is_async: bool) -> None:
        self.is_async, self.session = is_async, cast("StoredSession | None", None)

    def load(self) -> Any:
        return self._later(self.session)

    def save(self, session: StoredSession | None) -> Any:
        self.session = session
        return self._later(None)

    def _later(self, value: Any) -> Any:
        async def later() -> Any:
            return value

        return later() if self.is_async else value


def test_scenario(clients: Clients) -> None:
    tag = secrets.token_hex(4)
    email = f"author-{tag}@example.com"
    statuses: list[int | None] = []
    hooks = Hooks(on_response=lambda outcome: statuses.append(outcome.status))
    byline = clients.make(BASE, hooks=hooks)

    def register(name: str) -> models.User:
        return byline.users.create(
            username=f"{name}-{tag}", email=f"{name}-{tag}@example.com", password=PASSWORD
        )

    def publish(client: Byline, title: str, *tags: str) -> models.Article:
        return client.articles.create(
            title=title, description=f"About {title}", body=f"# {title}", tag_list=tags
        )

    step("register")
    user = register("author")
    assert user.bio is None
    author = byline.with_token(user.token)
    reader = byline.with_token(register("reader").token)

    step("conflict 409")
    with pytest.raises(BylineError) as caught:
        register("author")
    assert (caught.value.status, caught.value.code) == (409, "already_taken")
    assert caught.value.fields["username"] == ["has already been taken"]

    step("login")
    assert byline.users.login(email=email, password=PASSWORD).username == f"author-{tag}"

    step("wrong password")
    with pytest.raises(BylineError) as caught:
        byline.users.login(email=email, password="wrong horse")
    assert (caught.value.status, caught.value.code) == (401, "credentials_invalid")
    assert caught.value.fields["credentials"] == ["invalid"]
    assert caught.value.request_id
    assert caught.value.operation == "users.login"

    step("publish with tags")
    for title in ("One", "Two", "Three", "Four", "Five"):
        article = publish(author, title, tag, "sdk")
        assert article.tag_list == [tag, "sdk"]
    slug = article.slug

    step("invalid fields")
    with pytest.raises(ValidationError) as invalid:
        publish(author, "")
    assert invalid.value.fields["title"] == ["can't be blank"]

    step("list")
    page = byline.articles.list(tag=tag, limit=3).first_page()
    assert (len(page.items), page.total) == (3, 5)

    step("pages to the end")
    statuses.clear()
    titles = [article.title for article in byline.articles.list(tag=tag, limit=2)]
    assert titles == ["Five", "Four", "Three", "Two", "One"]
    assert len(statuses) == 3

    step("feed")
    assert reader.profiles.follow(f"author-{tag}").following
    assert len(reader.articles.feed(limit=2).to_list(100)) == 5

    step("favorite")
    favorite = reader.articles.favorite(slug)
    assert (favorite.favorited, favorite.favorites_count) == (True, 1)

    step("comment")
    for body in ("first", "second", "third", "fourth"):
        comment = reader.comments.create(slug, body=body)
    reader.comments.delete(slug, comment.id)
    bodies = [comment.body for comment in byline.comments.list(slug, limit=2)]
    assert bodies == ["first", "second", "third"]

    step("reply")
    parent = byline.comments.list(slug, parent_id=0).first_page().items[0]
    assert reader.comments.update(slug, parent.id, body="changed").body == "changed"
    answer = author.comments.create(slug, body="answer", parent_id=parent.id)
    reader.comments.delete(slug, parent.id)
    replies = [reply.body for reply in byline.comments.list(slug, parent_id=parent.id)]
    assert replies == ["answer"]
    assert byline.comments.list(slug, parent_id=0).first_page().items[0].deleted
    author.comments.delete(slug, answer.id)

    step("batch")
    batch = byline.articles.get_many(slugs=[slug, "none"], format="html")
    assert ">Five</h1>" in (batch.articles[0].body_html or "")
    assert (batch.missing, batch.remaining) == (["none"], None)
    assert len(byline.profiles.get_many(usernames=[f"author-{tag}"]).profiles) == 1

    step("304")
    first = byline.articles.get(slug)
    statuses.clear()
    assert byline.articles.get(slug) == first
    assert statuses == [304]

    step("preview of a draft")
    draft = author.articles.create(title="Six", description="d", body="b", status="draft")
    preview = author.previews.create(draft.slug, expires_in=60)
    assert byline.previews.get(preview.token).status == "draft"
    author.previews.delete(draft.slug)
    with pytest.raises(BylineError) as caught:
        byline.previews.get(preview.token)
    assert caught.value.status == 404
    author.articles.delete(draft.slug)

    step("412 with If-Match")
    response = author.with_response.articles.get(slug)
    assert response.rate_limit and response.etag
    author.articles.update(slug, body="changed", options={"if_match": response.etag})
    with pytest.raises(PreconditionFailedError) as failed:
        author.articles.update(slug, body="b", options={"if_match": response.etag})
    assert (failed.value.status, failed.value.code) == (412, "precondition_failed")

    step("concurrent edits")
    edits: list[str] = []

    def edit(read: models.Article) -> models.UpdateArticle:
        edits.append(read.body)
        if len(edits) == 1:
            with Byline(BASE, token=user.token) as other:
                other.articles.update(slug, body=f"{read.body}, by another client")
        return {"body": f"{read.body}, by me"}

    assert author.articles.edit(slug, edit).body == "changed, by another client, by me"
    assert len(edits) == 2

    step("working copy")
    edits.clear()

    def prepare(read: models.Article) -> models.UpdateArticle:
        edits.append(read.body)
        if len(edits) == 1:
            with Byline(BASE, token=user.token) as other:
                other.articles.update_working_copy(slug, body="not published")
        return {"body": f"{read.body}, by me\n"}

    edited = author.articles.edit_working_copy(slug, prepare)
    assert (edited.body, len(edits)) == ("not published, by me\n", 2)
    assert edited.working_copy and edited.working_copy.status == "draft"
    before = byline.articles.get(slug)
    assert before.body == "changed, by another client, by me"
    published = author.articles.publish(slug)
    assert published.body == edited.body
    numbers = [revision.number for revision in author.revisions.list(slug)]
    assert numbers[0] == published.revision
    diff = author.revisions.diff(slug, numbers[0])
    assert "-not published\n\\ No newline at end of file\n+not published, by me\n" in diff
    assert author.revisions.restore(slug, numbers[2]).body == before.body

    step("a lost response creates once")
    with loses_first_response() as (proxy, calls):
        through = clients.make(proxy, token=user.token).with_response
        created = through.articles.create(
            title="Once", description="d", body="b", tag_list=[f"once-{tag}"]
        )
    assert (created.replayed, len(calls)) == (True, 2)
    assert byline.articles.list(tag=f"once-{tag}").first_page().total == 1

    step("session")
    store = Store(clients.loop is not None)
    clients.make(BASE, session_store=store).sign_in(email, PASSWORD)
    signed_in = store.session
    assert signed_in
    # The service rejects this token, as it does when the token has expired.
    expired = dataclasses.replace(signed_in.tokens, access_token="expired")
    store.session = dataclasses.replace(signed_in, tokens=expired)
    jake = clients.make(BASE, session_store=store)
    assert jake.account.get().username == f"author-{tag}"
    assert len([session for session in jake.sessions.list() if session.current]) == 1
    assert store.session.tokens.refresh_token != signed_in.tokens.refresh_token
    jake.sign_out()
    assert store.session is None
    with pytest.raises(BylineError) as caught:
        jake.account.get()
    assert caught.value.code == "token_missing"

    step("a change of the password ends the other sessions")
    changes = f"changes-{tag}@example.com"
    byline.users.create(username=f"changes-{tag}", email=changes, password=PASSWORD)
    here, elsewhere = byline.sign_in(changes, PASSWORD), byline.sign_in(changes, PASSWORD)
    elsewhere.account.update(password="another correct horse")
    with pytest.raises(SessionEndedError):
        here.account.get()
    assert elsewhere.account.get().email == changes

    step("key")
    key = author.api_keys.create(name="scenario", scopes=["read"])
    program = byline.with_token(key.key)
    assert program.articles.feed().first_page().total == 0
    with pytest.raises(BylineError) as caught:
        program.articles.favorite(slug)
    assert caught.value.code == "scope_insufficient"
    author.api_keys.delete(key.api_key.id)

    step("export")
    author.comments.create(slug, body="two\u2028lines")
    records = list(author.account.export())
    assert records[0]["email"] == email
    kinds = Counter(record["type"] for record in records)
    del kinds["session"]
    assert kinds == {"account": 1, "article": 6, "revision": 6, "comment": 1, "follower": 1}
    assert [r["body"] for r in records if r["type"] == "comment"] == ["two\u2028lines"]
    with pytest.raises(BylineError) as caught:
        list(byline.account.export())
    assert (caught.value.status, caught.value.code) == (401, "token_missing")

    step("not a Byline")
    # The proxy only knows POST.
    with loses_first_response() as (other, _), pytest.raises(NotBylineError):
        clients.make(other).tags.list()
    with pytest.raises(BylineConnectionError):
        clients.make("http://127.0.0.1:2", retries=1, retry_delay=0.001).tags.list()

    step("delete")
    with pytest.raises(BylineError) as caught:
        reader.articles.delete(slug)
    assert caught.value.status == 403
    author.articles.delete(slug)
    with pytest.raises(BylineError) as caught:
        byline.articles.get(slug)
    assert caught.value.code == "not_found"


def test_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the programs of the README in their order, twice, as their reader
    may."""
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(blocks) > 5
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        names: dict[str, object] = {}
        for block in blocks:
            exec(block.replace("http://127.0.0.1:8080", BASE), names)  # noqa: S102
    assert '"email": "pia@example.com"' in Path("export.ndjson").read_text()
    assert Path("session.json").stat().st_mode & 0o077 == 0


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

        def log_message(self, format: str, *args: Any) -> None:
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

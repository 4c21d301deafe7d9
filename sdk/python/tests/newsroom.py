"""A team that publishes with the second service of sdk/scenario, where only
editors publish, who registers needs an invitation, and the first comments of an
account wait for approval."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypedDict

import httpx
import pytest
from clients import PASSWORD, Clients

from byline_client import Byline, BylineError, models

ADDRESS = os.environ.get("BYLINE_NEWSROOM_URL", "")

needs_newsroom = pytest.mark.skipif(
    not ADDRESS, reason="BYLINE_NEWSROOM_URL is not set: run sdk/scenario"
)


class NewUser(TypedDict):
    username: str
    email: str
    password: str


class Needed(TypedDict):
    title: str
    description: str
    body: str
    tag_list: list[str]


class NewArticle(Needed, total=False):
    slug: str
    language: str
    translation_of: str


class Newsroom:
    def __init__(self, clients: Clients) -> None:
        #: Part of all names that a test makes.
        self.id = secrets.token_hex(4)
        #: Has no account.
        self.visitor = clients.make(ADDRESS)
        token = os.environ["BYLINE_NEWSROOM_TOKEN"]
        #: The first admin.
        self.admin = self.visitor.with_token(token)
        #: The same user, who may act while another client waits.
        self.other = Byline(ADDRESS, token=token)

    def name(self, role: str) -> str:
        """Returns a username that no other test uses."""
        return f"{role}-{self.id}"

    def new_user(self, role: str) -> NewUser:
        name = self.name(role)
        return {"username": name, "email": f"{name}@example.com", "password": PASSWORD}

    def join(self, role: models.Role) -> Byline:
        """Invites a user with a role, and returns the client of the user, who has
        registered with the token from the mail."""
        user = self.new_user(role)
        self.admin.admin.create_invitation(email=user["email"], role=role)
        created = self.visitor.users.create(**user, invitation=mailed_token(user["email"]))
        return self.visitor.with_token(created.token)

    def new_article(self, title: str) -> NewArticle:
        """Returns the content of an article with the tag of the test."""
        return {
            "title": f"{title} {self.id}",
            "description": f"About {title}",
            "body": f"# {title}",
            "tag_list": [self.id],
        }

    def publish(self, author: Byline, editor: Byline, article: NewArticle) -> models.Article:
        """Lets an author write an article, which an editor publishes."""
        draft = author.articles.create(**article, status="draft")
        return editor.articles.publish(draft.slug)

    def slugs(self, articles: Iterable[models.ArticleSummary]) -> list[str]:
        """Returns the slugs of articles with the tag of the test."""
        return [article.slug for article in articles if self.id in article.tag_list]


def mailed_token(address: str) -> str:
    """Returns the token in the newest mail to an address. The service shows on a
    page what it would send."""
    mail = re.compile(rf"<p>To {re.escape(address)},.*?<pre>.*?\b([a-z2-7]{{26}})\b", re.DOTALL)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if found := mail.search(httpx.get(os.environ["BYLINE_NEWSROOM_MAILS"]).text):
            return found[1]
        time.sleep(0.05)
    pytest.fail(f"there is no mail to {address}")


@contextmanager
def rejects(status: int, code: str) -> Iterator[pytest.ExceptionInfo[BylineError]]:
    """Checks the status and the code of the error with which a call fails."""
    with pytest.raises(BylineError) as caught:
        yield caught
    assert (caught.value.status, caught.value.code) == (status, code)

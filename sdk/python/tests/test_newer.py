"""Whatever a newer service adds, an older client returns what it knows."""

from __future__ import annotations

from typing import Any

import pytest
from fake import ARTICLE, PROFILE, TIME, Fake, respond
from test_export import Exporting

from byline_client import BylineError


def test_newer_members() -> None:
    author = {**PROFILE, "badges": ["new"]}
    article = {**ARTICLE, "poll": {"url": "/c"}, "author": author}
    fake = Fake(respond(200, {"article": article, "related": [1]}))
    assert fake.client().articles.get("a").author.username == "a"


def test_newer_values() -> None:
    account = {"id": 1, "username": "pia", "email": "pia@example.com", "role": "owner"}
    account |= {"createdAt": TIME, "suspendedAt": None, "suspensionReason": None}
    subject = {"kind": "series", "id": 7, "name": None}
    entry: dict[str, Any] = {"id": 1, "createdAt": TIME, "action": "series.hidden"}
    entry |= {
        "actor": None,
        "apiKeyId": None,
        "subject": subject,
        "reason": None,
        "from": None,
        "to": None,
        "requestId": "r1",
    }
    key = {"id": 1, "name": "k", "scopes": ["read", "publish"], "createdAt": TIME}
    key |= {"expiresAt": None, "usedAt": None, "prefix": "byl_"}
    byline = Fake(
        respond(200, {"users": [account], "nextCursor": None}),
        respond(200, {"entries": [entry], "nextCursor": None}),
        respond(200, {"apiKeys": [key]}),
    ).client()
    assert str(next(iter(byline.admin.list_users())).role) == "owner"
    found = next(iter(byline.admin.list_audit_log()))
    assert (str(found.action), str(found.subject.kind)) == ("series.hidden", "series")
    assert [str(scope) for scope in byline.api_keys.list()[0].scopes] == ["read", "publish"]


def test_newer_problems() -> None:
    body = {"type": "/docs/errors#withheld", "title": "Withheld", "status": 451}
    body |= {"detail": "Later.", "code": "withheld", "requestId": "r1"}
    body |= {"errors": {"article": ["is withheld"]}, "help": {"url": "/docs"}, "attempts": [1]}
    with pytest.raises(BylineError) as caught:
        Fake(respond(451, body)).client().articles.get("a")
    error = caught.value
    assert (error.status, error.code, error.detail) == (451, "withheld", "Later.")
    assert error.fields == {"article": ["is withheld"]}


def test_newer_records_of_an_export() -> None:
    lines = [b'{"type":"reaction","emoji":"+1"}\n', b'{"type":"end","records":1}\n']
    records = list(Fake(Exporting(lines)).client().account.export())
    assert records == [{"type": "reaction", "emoji": "+1"}]

from __future__ import annotations

import httpx
import pytest
from fake import PROFILE, Fake

SIZE = len(httpx.Response(200, json={"profile": PROFILE}).content)


class Confirming(Fake):
    """A service that confirms its response with 304."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        super().__init__(self._confirm)

    def _confirm(self, request: httpx.Request) -> httpx.Response:
        confirmed = request.headers.get("If-None-Match") == '"v1"'
        self.statuses.append(304 if confirmed else 200)
        if confirmed:
            return httpx.Response(304, headers={"ETag": '"v1"'})
        return httpx.Response(200, json={"profile": PROFILE}, headers={"ETag": '"v1"'})


@pytest.mark.parametrize(
    ("tokens", "cache_bytes", "statuses"),
    [
        pytest.param("aa", 1000, [200, 304], id="confirmed"),
        pytest.param("aba", 1000, [200, 200, 304], id="for each user separately"),
        # The cache holds two responses: c evicts b.
        pytest.param(
            "abacab", 2 * SIZE, [200, 200, 304, 200, 304, 200], id="up to the maximum size"
        ),
        pytest.param("aa", 0, [200, 200], id="off"),
    ],
)
def test_responses_are_cached(tokens: str, cache_bytes: int, statuses: list[int]) -> None:
    fake = Confirming()
    byline = fake.client(cache_bytes=cache_bytes)
    for token in tokens:
        assert byline.with_token(token).profiles.get("a").username == "a"
    assert fake.statuses == statuses

"""Fixtures of the tests against a real service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clients import Clients


@pytest.fixture(params=["sync", "async"])
def clients(request: pytest.FixtureRequest) -> Iterator[Clients]:
    clients = Clients(request.param)
    yield clients
    clients.close()

"""A service that keeps the rules of sessions, and stores."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
from fake import PROFILE, TIME, USER, Fake, problem

from byline_client import (
    Byline,
    StoredSession,
)

SESSION = {
    "id": 1,
    "current": True,
    "userAgent": None,
    "createdAt": TIME,
    "usedAt": TIME,
    "expiresAt": TIME,
}


class Service(Fake):
    """A service whose access tokens are valid for `valid` seconds, and whose
    refresh tokens can be used once."""

    def __init__(self, valid: float = 900) -> None:
        self.valid = valid
        self.number = 0
        self.sessions = 0
        self.on_refresh: Callable[[], object] | None = None
        self.expired: set[str] = set()
        self.refreshes: list[str] = []
        self.faults: list[Any] = []
        self.lock = threading.Lock()
        super().__init__(self.respond)

    def tokens(self) -> dict[str, str]:
        self.number += 1
        # The time has grown, even if the clock has not.
        valid = timedelta(seconds=self.valid, milliseconds=self.number)
        expires = datetime.now(timezone.utc) + valid
        time = expires.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "accessToken": f"access-{self.number}",
            "accessTokenExpiresAt": time,
            "refreshToken": f"refresh-{self.number}",
            "refreshTokenExpiresAt": time,
        }

    def respond(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            path = request.url.path.removeprefix("/api")
            token = request.headers.get("Authorization", "").removeprefix("Token ")
            if path == "/sessions":
                assert not token
                self.sessions += 1
                session = {**SESSION, "id": self.sessions}
                return httpx.Response(201, json={"session": session, "tokens": self.tokens()})
            if path == "/sessions/refresh":
                assert not token
                if self.faults:
                    response: httpx.Response = self.faults.pop(0)(request)
                    return response
                sent = json.loads(request.content)["refreshToken"]
                if self.on_refresh:
                    self.on_refresh()
                self.refreshes.append(sent)
                if sent != f"refresh-{self.number}":
                    return problem(401, "token_invalid")(request)
                return httpx.Response(200, json={"tokens": self.tokens()})
            if path.startswith("/profiles/"):
                rejected = {"WWW-Authenticate": 'Token error="invalid_token"'}
                headers = {"ETag": '"v1"', **(rejected if token in self.expired else {})}
                profile = {**PROFILE, "username": token}
                return httpx.Response(200, json={"profile": profile}, headers=headers)
            if token in self.expired or token not in ("", f"access-{self.number}"):
                challenge = {"WWW_Authenticate": 'Token error="invalid_token"'}
                return problem(401, "token_expired", **challenge)(request)
            if not token:
                return problem(401, "token_missing")(request)
            if path == "/sessions/current":
                return httpx.Response(204)
            return httpx.Response(200, json={"user": USER})


class Memory:
    """A store that remembers what was saved."""

    def __init__(self) -> None:
        self.saved: list[StoredSession | None] = []

    def load(self) -> StoredSession | None:
        return self.saved[-1] if self.saved else None

    def save(self, session: StoredSession | None) -> None:
        self.saved.append(session)

    def refresh_tokens(self) -> list[str | None]:
        return [one.tokens.refresh_token if one else None for one in self.saved]


class AsyncMemory(Memory):
    async def load(self) -> StoredSession | None:  # type: ignore[override]
        return super().load()

    async def save(self, session: StoredSession | None) -> None:  # type: ignore[override]
        super().save(session)


def sign_in(service: Service, **options: Any) -> Byline:
    return service.client(**options).sign_in("a@example.com", "12345678")

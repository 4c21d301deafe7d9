from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx


class BylineError(Exception):
    """An answer that is not a success.

    Attributes:
        status: The HTTP status.
        code: What happened, for a program: a `models.ProblemCode`, or one that
            only newer services know, or None when something in front of the
            service has answered.
        detail: What happened, for a person.
        fields: What is wrong with each field.
        request_id: Finds the call in the service's log.
        retry_after: The seconds that the service asks to wait.
    """

    def __init__(self, response: httpx.Response, detail: str | None = None) -> None:
        problem = _problem(response)
        self.status: int = response.status_code
        self.code: str | None = problem.get("code")
        self.detail: str = detail or problem.get("detail") or response.reason_phrase
        self.fields: dict[str, list[str]] = problem.get("errors") or {}
        self.request_id: str | None = response.headers.get("X-Request-Id")
        self.retry_after: float | None = retry_after(response.headers)
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [f"{self.status} {self.code or ''}".rstrip() + f": {self.detail}"]
        if self.fields:
            parts.append("; ".join(f"{k} {', '.join(v)}" for k, v in self.fields.items()))
        if self.request_id:
            parts.append(f"(request {self.request_id})")
        return " ".join(parts)


def is_json(headers: httpx.Headers) -> bool:
    return "json" in headers.get("Content-Type", "")


def retry_after(headers: httpx.Headers) -> float | None:
    """Reads seconds or a date (RFC 9110, section 10.2.3)."""
    field = headers.get("Retry-After")
    if field is None:
        return None
    try:
        seconds = float(field) if field.isdigit() else _until(field)
    except ValueError:
        return None
    return max(0.0, seconds)


def _until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time.time()


def _problem(response: httpx.Response) -> dict[str, Any]:
    """Reads an answer as a problem (RFC 9457), if it is one."""
    if not is_json(response.headers):
        return {}
    try:
        problem = response.json()
    except ValueError:
        return {}  # says JSON, is none
    return problem if isinstance(problem, dict) else {}

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx


class BylineError(Exception):
    """A response that is not a success.

    Attributes:
        status: The HTTP status.
        code: The machine-readable error code: a `models.ProblemCode` or a code
            of a newer service. None if the response comes from a proxy instead
            of the service.
        detail: The human-readable description.
        fields: The messages for each invalid field.
        request_id: Identifies the request in the log of the service.
        retry_after: The seconds that the service asks to wait before a retry.
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
    """Parses Retry-After, which is a number of seconds or a date (RFC 9110,
    section 10.2.3)."""
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
    """Parses a response as a problem (RFC 9457), if it is one."""
    if not is_json(response.headers):
        return {}
    try:
        problem = response.json()
    except ValueError:
        return {}  # the body is not valid JSON
    return problem if isinstance(problem, dict) else {}

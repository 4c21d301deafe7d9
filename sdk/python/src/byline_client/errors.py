"""The errors that calls raise. They can be pickled and copied."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from .generated.version import VERSION

_E = TypeVar("_E", bound="BylineError")


class Error(Exception):
    """The base of all errors of this package.

    Attributes:
        operation: The operation, such as `articles.create`.
    """

    operation: str

    def __init__(self, message: str, **attributes: Any) -> None:
        super().__init__(message)
        self.__dict__.update(attributes)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[Error], args: tuple[str], attributes: dict[str, Any]) -> Error:
    """Makes an error without the arguments of `__init__`, for pickle and copy."""
    error = cls.__new__(cls, *args)
    error.__dict__.update(attributes)
    return error


class BylineError(Error):
    """The service has refused a request, or failed.

    Attributes:
        status: The HTTP status.
        code: What happened, for programs: a `models.ProblemCode` or a code of a
            newer service. None if something else than the service responded.
        title: The status in words.
        detail: What happened, in a sentence for people.
        fields: The messages for each invalid field.
        type: The page that explains the error, relative to the address of the
            service.
        request_id: Identifies the request in the log of the service.
        retry_after: The seconds that the service asks to wait before a retry.
        headers: The headers of the response.
    """

    status: int
    code: str | None
    title: str
    detail: str
    fields: dict[str, list[str]]
    type: str | None
    request_id: str | None
    retry_after: float | None
    headers: httpx.Headers


class AuthenticationError(BylineError):
    """Status 401: the token is missing, invalid or expired, or the password is
    wrong."""


class SessionEndedError(AuthenticationError):
    """The session of the client has ended, so that the user has to sign in again.
    `__cause__` is the response of the service, unless the user has signed out."""


class PermissionDeniedError(BylineError):
    """Status 403: the caller may not do this."""


class NotFoundError(BylineError):
    """Status 404: there is no such resource."""


class ConflictError(BylineError):
    """Status 409: another account already has the value."""


class PreconditionFailedError(BylineError):
    """Status 412: somebody else has made an edit since the entity tag of
    `if_match`."""


class ValidationError(BylineError):
    """Status 422: arguments are invalid; `fields` has all of them."""


class RateLimitError(BylineError):
    """Status 429: the quota is used up; `retry_after` says for how long."""


class ServerError(BylineError):
    """Status 500 and above: the service failed or is unavailable."""


class NotBylineError(BylineError):
    """The response is not one of a Byline service: something else responds at
    this address, such as a proxy or another service.

    Attributes:
        url: The URL of the request.
        body: The beginning of the body.
    """

    url: str
    body: str


class BylineConnectionError(Error):
    """There was no response, or it broke off. `__cause__` is the error of httpx.

    Attributes:
        method: The HTTP method.
        url: The URL of the request.
        attempts: The number of attempts.
        reason: Why there was no response.
    """

    method: str
    url: str
    attempts: int
    reason: str


class BylineTimeoutError(BylineConnectionError):
    """There was no response within the time limit."""


_BY_STATUS: dict[int, type[BylineError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    412: PreconditionFailedError,
    422: ValidationError,
    429: RateLimitError,
}

#: The codes of errors whose detail says everything, so that the message leaves
#: the fields out.
_SELF_EXPLANATORY = {
    "account_suspended",
    "body_too_large",
    "credentials_invalid",
    "database_unavailable",
    "forbidden",
    "idempotency_key_reused",
    "internal",
    "method_not_allowed",
    "not_found",
    "overloaded",
    "precondition_failed",
    "route_not_found",
    "token_expired",
    "token_invalid",
    "token_missing",
}


def refused(operation: str, response: httpx.Response) -> BylineError:
    """Returns the error for a response that is not a success."""
    problem, status = _problem(response), response.status_code
    if problem is None:
        # Proxies have responses of their own while a service is not available,
        # and a 304 that the caller has asked for has no body.
        if status not in (304, 408, 425, 429, 500, 502, 503, 504):
            return not_byline(operation, response)
        problem = {}
    cls = _BY_STATUS.get(status, ServerError if status >= 500 else BylineError)
    return _error(cls, operation, response, problem)


def not_byline(
    operation: str, response: httpx.Response, cause: Exception | None = None
) -> NotBylineError:
    """Returns the error for a response of something else than the service."""
    url = str(response.request.url)
    body = response.text.strip()[:200]
    received = response.headers.get("Content-Type", "no Content-Type")
    if location := response.headers.get("Location"):
        received += f", a redirect to {location}"
    check = ""
    if isinstance(cause, KeyError):
        received += f" without the member {cause}"
        check = f" Also check that the service is not older than this package ({VERSION})."
    detail = (
        f"{url} did not respond as a Byline service does ({received}: {body!r}). Check the "
        "address of the service, which does not include /api, and the proxies in front of it."
        + check
    )
    return _error(NotBylineError, operation, response, {"detail": detail}, url=url, body=body)


def session_ended(operation: str, refusal: BylineError | None = None) -> SessionEndedError:
    """Returns the error for a call of a session that has ended."""
    response = httpx.Response(401)
    problem = {"detail": "The session has ended. Sign in again."}
    if refusal is not None:
        response = httpx.Response(refusal.status, headers=refusal.headers)
        problem["code"] = refusal.code or ""
    return _error(SessionEndedError, operation, response, problem)


def no_response(
    operation: str, request: httpx.Request, attempts: int, cause: httpx.RequestError
) -> BylineConnectionError:
    """Returns the error for a call without a complete response."""
    url, timed_out = str(request.url), isinstance(cause, httpx.TimeoutException)
    reason = str(cause) or type(cause).__name__
    what = "no response within the time limit" if timed_out else "no response"
    tried = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    return (BylineTimeoutError if timed_out else BylineConnectionError)(
        f"{operation}: {request.method} {url}: {what}: {reason} ({tried})",
        operation=operation,
        method=request.method,
        url=url,
        attempts=attempts,
        reason=reason,
    )


def _error(
    cls: type[_E], operation: str, response: httpx.Response, problem: dict[str, Any], **more: str
) -> _E:
    status, code = response.status_code, problem.get("code")
    detail = problem.get("detail") or response.reason_phrase or "no details"
    fields = problem.get("errors") or {}
    request_id = response.headers.get("X-Request-Id")
    parts = [f"{operation}: {status}{f' {code}' if code else ''}: {detail}"]
    if code == "route_not_found":
        request = f"{response.request.method} {response.request.url}"
        parts.append(
            f"The request was {request}; check the address and the version of the service."
        )
    if fields and code not in _SELF_EXPLANATORY:
        parts.append("; ".join(f"{k} {', '.join(v)}" for k, v in fields.items()))
    if request_id:
        parts.append(f"(request {request_id})")
    return cls(
        " ".join(parts),
        operation=operation,
        status=status,
        code=code,
        title=problem.get("title") or response.reason_phrase,
        detail=detail,
        fields=fields,
        type=problem.get("type"),
        request_id=request_id,
        retry_after=retry_after(response.headers),
        headers=response.headers,
        **more,
    )


def is_json(headers: httpx.Headers) -> bool:
    return "json" in headers.get("Content-Type", "")


def is_text(headers: httpx.Headers) -> bool:
    return "text/plain" in headers.get("Content-Type", "")


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


def _problem(response: httpx.Response) -> dict[str, Any] | None:
    """Parses a response as a problem of the service (RFC 9457), if it is one."""
    if not is_json(response.headers):
        return None
    try:
        problem = response.json()
    except ValueError:
        return None
    is_problem = isinstance(problem, dict) and isinstance(problem.get("code"), str)
    return problem if is_problem and isinstance(problem.get("errors"), dict) else None

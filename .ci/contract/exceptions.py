"""The findings of schemathesis that the contract contradicts, for filter_failure.

Everything else fails `make contract`. All but one are of one kind: a request
that fits its schemas and is refused for what no schema can say. Each is let pass
by the very message that it must have, and only where the request gives cause.
"""

import itertools
import json
import os

import requests
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData


def _has_nul(value):
    if isinstance(value, dict):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value


def _sends_nul(case):
    return any(map(_has_nul, (case.body, dict(case.query or {}), dict(case.path_parameters or {}))))


def _has_body(case):
    return isinstance(case.body, dict)


def _of(*labels):
    return lambda case: case.operation.label in labels


STATUSES = ("draft", "review", "scheduled", "published")

# status, code, field (None = any), message, and whether the request causes it
EXCEPTIONS = [
    # Cursors are encrypted: only the service can create one, for one list.
    (422, "validation_failed", "cursor", "is not a valid cursor for this list", lambda case: "cursor" in case.query),
    # Only a tag from an earlier read of the article matches.
    (412, "precondition_failed", "If-Match", "does not match the current version",
     lambda case: "If-Match" in case.headers),
    # This depends on the caller.
    (422, "validation_failed", "username", "can't be yourself",
     lambda case: _of("POST /profiles/{username}/follow", "POST /profiles/{username}/block")(case) or "/admin/users/" in case.operation.label),
    (422, "validation_failed", "id", "can't be your own", _of("POST /reports")),
    (422, "validation_failed", "password", "is incorrect", _of("DELETE /user")),
    (422, "validation_failed", "currentPassword", "is incorrect",
     _of("PUT /user", "POST /user/keys")),
    # A run creates about as many keys as a user may have.
    (422, "validation_failed", "apiKey", "maximum of 50 reached", _of("POST /user/keys")),
    # Patterns cannot name the characters that RFC 8266 refuses.
    (422, "validation_failed", "username", "must not contain invisible or unassigned characters", _has_body),
    (422, "validation_failed", "tagList", "must not contain invisible or unassigned characters", _has_body),
    (422, "validation_failed", "name", "must not contain invisible or unassigned characters", _of("PUT /tags/{tag}")),
    # Patterns cannot name the languages either.
    (422, "validation_failed", "language", "must be a BCP 47 language tag, such as en or pt-BR",
     _of("POST /articles", "PUT /articles/{slug}", "PUT /articles/{slug}/working-copy")),
    # This depends on other members, or on what there is.
    (422, "validation_failed", "publishedAt", "is required with the status scheduled, and with no other", _of("POST /articles")),
    *((422, "validation_failed", "parentId", message, _of("POST /articles/{slug}/comments")) for message in (
        "is not a comment of this article", "was deleted", "is a comment that others do not see",
        "is at the maximum depth of 8: reply to the comment that it answers")),
    (422, "validation_failed", "publishAt", "is not possible for an article that is published already and has no working copy",
     _of("POST /articles/{slug}/publish")),
    *((422, "validation_failed", "status", f"is {status}: only a draft or a working copy can be submitted",
       _of("POST /articles/{slug}/submit")) for status in STATUSES),
    *((422, "validation_failed", "status",
       f"is {status}: only a published or scheduled article has a working copy; use PUT /articles/{{slug}}",
       _of("PUT /articles/{slug}/working-copy")) for status in STATUSES),
    (422, "validation_failed", None, "cannot be changed here: use POST /articles/{slug}/publish or unpublish",
     _of("PUT /articles/{slug}")),
    (422, "validation_failed", "articles", "must be different articles of the series", _of("PUT /series/{slug}")),
    (422, "validation_failed", "into", "must be another tag", _of("POST /tags/{tag}/merge")),
    (422, "validation_failed", "into", "does not exist", _of("POST /tags/{tag}/merge")),
    (422, "validation_failed", "author", "does not exist", _of("POST /articles", "PUT /articles/{slug}")),
    (422, "validation_failed", "translationOf", "is not an article that you may change", _of("POST /articles", "PUT /articles/{slug}")),
    (422, "validation_failed", "series.slug", "does not exist", _of("POST /articles", "PUT /articles/{slug}")),
    (422, "validation_failed", "id", "must be the number of a comment", _of("POST /reports")),
    (422, "validation_failed", "note", "can't be blank", _of("PUT /moderation/reports/{id}")),
    *((422, "validation_failed", "action", message, _of("PUT /moderation/reports/{id}")) for message in (
        "must be dismiss or suspend for a profile", "can't suspend yourself",
        *(f"can't be taken, because the {kind} no longer exists" for kind in ("article", "comment", "profile")))),
    # Only unless it stays as it is.
    (422, "validation_failed", None, "cannot be changed here: use PUT /articles/{slug}", _of("PUT /articles/{slug}/working-copy")),
    *((422, "validation_failed", field, "must be in the future", _of("POST /articles", "PUT /articles/{slug}", "POST /articles/{slug}/publish"))
      for field in ("publishAt", "publishedAt", "unpublishAt")),
    (422, "validation_failed", "unpublishAt", "must be after publishAt", _of("POST /articles/{slug}/publish")),
    (422, "validation_failed", "slug", "is reserved", _of("POST /articles", "PUT /articles/{slug}", "POST /series")),
    (422, "validation_failed", "report", "maximum of 100 open reports reached", _of("POST /reports")),
    # Schemathesis follows links that it has inferred to a member that a
    # response does not have.
    (422, "validation_failed", "id", "must be an integer", lambda case: (case.path_parameters or {}).get("id") in (None, "None")),
    (422, "validation_failed", "expiresAt", "must be in the future", _of("POST /user/keys")),
    (422, "validation_failed", "limit", "must be at most 100 with format=html", lambda case: case.query.get("format") == "html"),
    # Only mails contain a valid one.
    (422, "validation_failed", "invitation", "is invalid, has been used or has expired", _of("POST /users")),
    (422, "validation_failed", "token", "is invalid or has expired", lambda case: case.operation.label.endswith("/confirm")),
    # PostgreSQL cannot store NUL in text. Patterns cannot express this for
    # members that the schemas do not name, and would have to be repeated for
    # all others.
    (422, "validation_failed", None, "must not contain NUL", _sends_nul),
    (400, "invalid_request", None, "must not contain NUL", _sends_nul),
]


def _has_returned_author(failure, case):
    """The author is a string in requests and an object in responses, which has
    no effect in a request, so that a client can send back what it has read."""
    return failure.message.endswith("in body - article -> author: Incorrect type") and isinstance(case.body["article"]["author"], dict)


# Operations that end the session of their token.
ENDS = {"DELETE /sessions", "DELETE /sessions/current", "DELETE /user"}
_n = itertools.count()


class Token:
    """The token of the run. A request that would end its session gets the token of another user."""

    def get(self, case, context):
        if case.operation.label not in ENDS:
            return os.environ["CONTRACT_TOKEN"]
        name = f"ends{next(_n)}"
        user = {"username": name, "email": f"{name}@example.com", "password": "jakejake"}
        answer = requests.post(f"{case.operation.base_url}/users", json={"user": user}, timeout=30)
        return answer.json()["user"]["token"]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Token {data}"


if "CONTRACT_TOKEN" in os.environ:
    schemathesis.auth(refresh_interval=None)(Token)


@schemathesis.deserializer("application/x-ndjson")
def first_record(context, response):
    """All lines are JSON. The first one is validated against the schema."""
    return [json.loads(line) for line in response.text.split("\n") if line][0]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Reports whether a failure counts."""
    if isinstance(failure, AcceptedNegativeData):
        return not _has_returned_author(failure, case)
    if not isinstance(failure, RejectedPositiveData):
        return True
    problem = response.json()
    return not all(
        any(
            (response.status_code, problem["code"], message) == (status, code, said)
            and name in (None, field)
            and caused(case)
            for status, code, name, said, caused in EXCEPTIONS
        )
        for field, messages in problem["errors"].items()
        for message in messages
    )


_numbers = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives each request that is in order a key of its own. Only the first of
    those with the document's example would get further; and the answer to a
    key that was used is that of a resource which may be deleted by now."""
    key = (case.headers or {}).get("Idempotency-Key")
    if key is not None and case.meta is not None and case.meta.generation.mode.is_positive:
        case.headers["Idempotency-Key"] = f"{next(_numbers):08}{key[8:]}"

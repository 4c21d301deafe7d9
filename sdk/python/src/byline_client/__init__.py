"""The Python client of Byline, a headless publishing API.

`Byline` and `AsyncByline` have every operation of openapi.yaml as a method of a
resource, such as `byline.articles.create(title="…")`. They add sessions that
renew themselves, retries that cannot create anything twice, a cache that
revalidates responses by their entity tag, errors, and iteration over lists and
exports. The types of results and arguments are in `byline_client.models`, and
the errors in `byline_client.errors`.
"""

from ._client import AsyncByline, Byline
from ._model import NOT_GIVEN, NotGiven
from ._options import (
    AsyncSessionStore,
    Attempt,
    CallOptions,
    ConditionalOptions,
    CreateOptions,
    Hooks,
    Outcome,
    Retry,
    SessionStore,
    StoredSession,
)
from ._pager import AsyncPager, CountedPage, Page, Pager
from ._response import Response
from .errors import (
    AuthenticationError,
    BylineConnectionError,
    BylineError,
    BylineTimeoutError,
    ConflictError,
    Error,
    NotBylineError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionFailedError,
    RateLimitError,
    ServerError,
    SessionEndedError,
    ValidationError,
)
from .generated.models import Tokens
from .generated.version import VERSION as __version__

__all__ = [
    "NOT_GIVEN",
    "AsyncByline",
    "AsyncPager",
    "AsyncSessionStore",
    "Attempt",
    "AuthenticationError",
    "Byline",
    "BylineConnectionError",
    "BylineError",
    "BylineTimeoutError",
    "CallOptions",
    "ConditionalOptions",
    "ConflictError",
    "CountedPage",
    "CreateOptions",
    "Error",
    "Hooks",
    "NotBylineError",
    "NotFoundError",
    "NotGiven",
    "Outcome",
    "Page",
    "Pager",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "RateLimitError",
    "Response",
    "Retry",
    "ServerError",
    "SessionEndedError",
    "SessionStore",
    "StoredSession",
    "Tokens",
    "ValidationError",
    "__version__",
]

"""The client of Byline, a headless publishing API.

`Byline` and `AsyncByline` have every operation of the document as a method,
plus what a generator does not give: the token, retries that cannot create
anything twice, answers reused by their entity tag, errors that are raised, and
iterators over paged lists and exports. What calls take and give is in
`byline_client.models`.
"""

from ._http import Retry
from .client import AsyncByline, Byline
from .errors import BylineError
from .generated.types import UNSET, Unset

__all__ = ["UNSET", "AsyncByline", "Byline", "BylineError", "Retry", "Unset"]

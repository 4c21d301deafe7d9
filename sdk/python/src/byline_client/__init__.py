"""The Python client of Byline, a headless publishing API.

`Byline` and `AsyncByline` have every operation of openapi.yaml as a method. They
add authentication, retries that cannot create anything twice, a cache that
revalidates responses by their entity tag, exceptions, and iterators over paged
lists and exports. The types of requests and responses are in
`byline_client.models`.
"""

from ._http import Retry
from .client import AsyncByline, Byline
from .errors import BylineError
from .generated.types import UNSET, Unset

__all__ = ["UNSET", "AsyncByline", "Byline", "BylineError", "Retry", "Unset"]

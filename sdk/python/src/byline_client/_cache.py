from __future__ import annotations

import threading
from collections import OrderedDict

import httpx

#: The extension of a request that says whose response it is. It stays the same
#: when the token of a session is renewed.
IDENTITY = "byline_identity"


class Cache:
    """Stores responses with an entity tag.

    It only returns a cached response after the service has confirmed it with
    304, so that no response is stale.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str], httpx.Response] = OrderedDict()

    def add_condition(self, request: httpx.Request) -> httpx.Response | None:
        """Adds the entity tag of the cached response to the request, unless the
        caller has set a condition. Returns the cached response."""
        if request.method != "GET" or "If-None-Match" in request.headers:
            return None
        with self._lock:
            cached = self._entries.get(_key(request))
            if cached is None:
                return None
            self._entries.move_to_end(_key(request))
        request.headers["If-None-Match"] = cached.headers["ETag"]
        return cached

    def resolve(
        self, request: httpx.Request, response: httpx.Response, cached: httpx.Response | None
    ) -> httpx.Response:
        """Returns the response for the caller.

        If the service has confirmed the cached response, that is the cached
        response with the new header fields (RFC 9111, section 4.3.4). Otherwise
        the response is stored if it can be reused.
        """
        if cached is None or response.status_code != 304:
            if request.method == "GET" and response.status_code == 200:
                self._store(request, response)
            return response
        headers = cached.headers.copy()
        # The cached body is decoded, so Content-Encoding no longer applies.
        headers.pop("Content-Encoding", None)
        headers.update(
            {k: v for k, v in response.headers.items() if not k.lower().startswith("content-")}
        )
        return httpx.Response(200, headers=headers, content=cached.content, request=request)

    def _store(self, request: httpx.Request, response: httpx.Response) -> None:
        if not response.is_closed:
            return  # a stream that has not been read yet
        headers, size = response.headers, len(response.content)
        if "ETag" not in headers or "no-store" in headers.get("Cache-Control", ""):
            return
        if size > self._limit:
            return
        with self._lock:
            if old := self._entries.pop(_key(request), None):
                self._size -= len(old.content)
            self._entries[_key(request)] = response
            self._size += size
            while self._size > self._limit:
                _, oldest = self._entries.popitem(last=False)
                self._size -= len(oldest.content)


def _key(request: httpx.Request) -> tuple[str, str]:
    """Returns the cache key. It contains the session or the token, so that users
    do not get the responses of other users."""
    token = request.headers.get("Authorization", "")
    return str(request.url), request.extensions.get(IDENTITY, token)

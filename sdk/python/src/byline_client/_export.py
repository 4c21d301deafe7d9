from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx


class Records:
    """Parses the records of an export from the chunks of the response.

    `httpx.Response.iter_lines` cannot be used: it also splits at U+2028 and
    other separators, which texts may contain.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._count = 0
        self._complete = False

    def of(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """Yields the records that are complete after the chunk."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            record: dict[str, Any] = json.loads(line)
            if record["type"] == "end":
                self._complete = record["records"] == self._count
                continue
            self._count += 1
            yield record

    def end(self) -> None:
        """Raises the same error as a broken connection if the export is
        incomplete."""
        if not self._complete:
            raise httpx.RemoteProtocolError("the export is incomplete")

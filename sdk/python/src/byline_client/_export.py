from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx


class Records:
    """Takes an export apart, whatever pieces it comes in.

    Not by `httpx.Response.iter_lines`, which splits at U+2028 and others too,
    which texts may contain.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._count = 0
        self._complete = False

    def of(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """Yields the records that the chunk completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            record: dict[str, Any] = json.loads(line)
            if record["type"] == "end":
                self._complete = record["records"] == self._count
                continue
            self._count += 1
            yield record

    def end(self) -> None:
        """Raises if not all of the export has come, as a connection does that
        breaks visibly."""
        if not self._complete:
            raise httpx.RemoteProtocolError("the export has broken off")

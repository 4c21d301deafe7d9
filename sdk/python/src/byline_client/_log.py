from __future__ import annotations

import logging
import os
import sys

logger = logging.getLogger("byline_client")


def configure(level: str | None) -> None:
    """Writes the log to the standard error stream if BYLINE_LOG asks for it: with
    the value debug each attempt, and with info each attempt that is followed by
    another."""
    if not level:
        return
    if level not in ("debug", "info"):
        print(f'byline: BYLINE_LOG must be debug or info, not "{level}"', file=sys.stderr)
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("byline: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level.upper())


configure(os.environ.get("BYLINE_LOG"))

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PROGRAM = """
from fake import BUSY, Fake, respond
tags = respond(200, {"tags": []}, X_Request_Id="r2")
Fake(BUSY, tags).client(token="secret").with_options(retries=1).tags.list()
"""
FIRST = "byline: tags.list: GET https://byline.test/api/tags: 503 in N ms (request r1)"
RETRY = f"{FIRST}; another attempt in N s"
SECOND = "byline: tags.list: GET https://byline.test/api/tags: 200 in N ms, attempt 2 (request r2)"


def logged(level: str) -> list[str]:
    """Returns what a call with a retry writes to the standard error stream.
    Durations are replaced by N."""
    tests = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "BYLINE_LOG": level, "PYTHONPATH": str(tests)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == ""
    return re.sub(r"[\d.]+ (m?s)\b", r"N \1", run.stderr).splitlines()


def test_a_variable_writes_the_log() -> None:
    assert logged("") == []
    assert logged("debug") == [FIRST, RETRY, SECOND]
    assert logged("info") == [RETRY]
    assert logged("all") == ['byline: BYLINE_LOG must be debug or info, not "all"']

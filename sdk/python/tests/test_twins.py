"""`Byline` and `AsyncByline` differ in nothing but what asyncio needs."""

from __future__ import annotations

import ast
import inspect
import re

from byline_client import AsyncByline, Byline

REPLACED = {
    r"\basync (def|with|for)\b": r"\1",
    r"\bawait ": "",
    r"\baclose\b": "close",
    r"\b__a(enter|exit)__\b": r"__\1__",
    r"\balways\(session\)": "lambda: session",
    r"\bopen_async_session\b": "open_session",
    r"\basync_from_store\b": "from_store",
    r"\bAsync(?=[A-Z])": "",
}


def methods(cls: type) -> dict[str, str]:
    """Returns the methods of a class as they would be without asyncio."""
    source = inspect.getsource(cls)
    for pattern, replacement in REPLACED.items():
        source = re.sub(pattern, replacement, source)
    [tree] = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    return {m.name: ast.unparse(m) for m in tree.body if isinstance(m, ast.FunctionDef)}


def test_the_clients_are_twins() -> None:
    assert methods(AsyncByline) == methods(Byline)
    assert len(methods(Byline)) > 8

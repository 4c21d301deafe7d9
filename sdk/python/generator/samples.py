"""Writes samples: a call of each operation with the examples of openapi.yaml."""

from __future__ import annotations

import json
import re
from typing import Any

from .document import Document, Operation, Parameter, Schema, snake

WIDTH = 72


def all_of(spec: Document) -> dict[str, str]:
    """Returns the sample of each operation by its operationId."""
    samples: dict[str, str] = {}
    for op in spec.operations:
        samples.setdefault(op.id, sample(op, False))
    return samples


def sample(op: Operation, is_async: bool) -> str:
    call = f"byline.{op.resource}.{op.name}"
    arguments = [_value(op, p) for p in op.path_parameters]
    keywords = [p for p in op.body if p.example is not None or p.wire in _example(op)]
    if op.page and not op.path_parameters:
        # A filter that has an example shows how to set one.
        keywords += [p for p in op.query if p.wire not in PAGING and p.example is not None][:1]
    arguments += [f"{p.name}={_value(op, p)}" for p in keywords]
    name = _name(op)
    if op.page or op.stream:
        item = "record" if op.stream else name
        loop = "async for" if is_async else "for"
        member = f'{item}["type"]' if op.stream else item
        return f"{_fit(f'{loop} {item} in {call}', arguments, ':')}\n    print({member})"
    wait = "await " if is_async else ""
    return _fit(f"{name} = {wait}{call}" if name else wait + call, arguments)


def edit_sample(op: Operation, is_async: bool) -> str:
    """Returns a call of the method that edits what an operation updates."""
    arguments = [_value(op, p) for p in op.path_parameters]
    member = next(p.name for p in op.body if op.spec.resolve(p.schema).get("type") == "string")
    change = f'lambda read: {{"{member}": read.{member} + "!"}}'
    name = op.name.replace("update", "edit", 1)
    wait = "await " if is_async else ""
    return _fit(f"{wait}byline.{op.resource}.{name}", [*arguments, change])


PAGING = {"limit", "offset", "cursor"}


def _fit(call: str, arguments: list[str], end: str = "") -> str:
    line = f"{call}({', '.join(arguments)}){end}"
    if len(line) <= WIDTH and len([a for a in arguments if "=" in a]) <= 2:
        return line
    return f"{call}(\n" + "".join(f"    {a},\n" for a in arguments) + f"){end}"


def _name(op: Operation) -> str:
    """Returns the name of the variable for the result, or for an item of it."""
    if op.page:
        return re.sub("ies$", "y", op.page).removesuffix("s") if op.page[-1] == "s" else "item"
    if op.text:
        return "text"
    if op.unwrapped:
        return snake(op.unwrapped)
    return "created" if op.idempotent and op.has_body else "found" if op.has_body else ""


def _example(op: Operation) -> dict[str, Any]:
    if "requestBody" not in op.node:
        return {}
    content = op.spec.resolve(op.node["requestBody"])["content"]["application/json"]
    example: dict[str, Any] = content.get("example", {})
    return example[op.envelope] if op.envelope else example


def _value(op: Operation, parameter: Parameter) -> str:
    schema: Schema = op.spec.resolve(parameter.schema)
    if schema.get("format") == "date-time":
        return f'datetime.fromisoformat("{parameter.example.removesuffix("Z")}+00:00")'
    if parameter.example is None:
        return "None"
    if isinstance(parameter.example, bool):
        return str(parameter.example)
    return json.dumps(parameter.example, ensure_ascii=False)

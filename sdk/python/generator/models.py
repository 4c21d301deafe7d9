"""Writes models.py: the objects of responses, and the enumerations."""

from __future__ import annotations

from .document import Document, Operation, Parameter, Schema, docstring, snake

HEADER = '''"""The types of results and arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict

from .._model import NOT_GIVEN, Model, NotGiven, parse_time

'''


def module(spec: Document) -> str:
    results = _reachable(spec, {"ProblemCode"}.union(*(op.result.models for op in spec.operations)))
    arguments = _reachable(
        spec,
        {
            name
            for op in spec.operations
            for argument in op.arguments
            for name in spec.type_of(argument.schema).models
        },
    )
    changes = {op.body_model: op for op in spec.operations if op.edits}
    order = [*(n for n in spec.schemas if n in results | arguments or n in changes)]
    out = HEADER + f"__all__ = {sorted(order)}\n\n"
    # Aliases are evaluated when the module is imported, so they come first.
    for name in order:
        if "enum" in spec.schemas[name]:
            out += _alias(spec, name)
    for name in order:
        if name in changes:
            out += _change(spec, name, changes[name])
        elif "enum" not in spec.schemas[name]:
            patch = name not in results and not spec.schemas[name].get("required")
            out += _model(spec, name, patch)
    return out


def _reachable(spec: Document, todo: set[str]) -> set[str]:
    """Returns the schemas, and those that they consist of."""
    used: set[str] = set()
    while todo:
        name = todo.pop()
        used.add(name)
        for member in spec.schemas[name].get("properties", {}).values():
            todo |= spec.type_of(member).models - used
    return used


def _alias(spec: Document, name: str) -> str:
    schema = spec.schemas[name]
    values = ", ".join(f'"{value}"' for value in schema["enum"])
    return f"{name} = Literal[{values}]\n" + docstring(spec.description(schema), indent=0)


def _model(spec: Document, name: str, patch: bool) -> str:
    """Writes the class of an object. In a merge patch, None is not the same as an
    absent member."""
    schema = spec.schemas[name]
    absent = "NOT_GIVEN" if patch else "None"
    required = schema.get("required", [])
    out = f"\n@dataclass(frozen=True, kw_only=True, slots=True)\nclass {name}(Model):\n"
    out += docstring(spec.description(schema) or _title(name), indent=4) + "\n"
    parsed = ""
    for wire, member in schema["properties"].items():
        kind = spec.type_of(member)
        if wire in required:
            annotation, value = kind.name, kind.parsed(f'data["{wire}"]')
        elif patch:
            value = f'data.get("{wire}", NOT_GIVEN)'
            if kind.parse:
                present = kind.parsed(f'data["{wire}"]')
                value = f'{present} if "{wire}" in data else NOT_GIVEN'
            annotation = f"{kind.name} | NotGiven"
        else:
            value = f'data.get("{wire}")'
            if kind.parse:
                present = spec.type_of_present(member).parsed(f'data["{wire}"]')
                value = f"{present} if {value} is not None else None"
            annotation = kind.name.removesuffix(" | None") + " | None"
        parsed += f"            {snake(wire)}={value},\n"
        out += (
            f"    {snake(wire)}: {annotation}{_default(spec, member, wire in required, absent)}\n"
        )
        if text := spec.description(member):
            out += docstring(text, indent=4)
    out += f"\n    @classmethod\n    def from_dict(cls, data: dict[str, Any]) -> {name}:\n"
    out += docstring("Parses the object from JSON.", indent=8)
    return out + f"        return cls(\n{parsed}        )\n\n"


def _default(spec: Document, member: Schema, required: bool, absent: str) -> str:
    if spec.is_secret(member):
        return " = field(repr=False)" if required else f" = field(default={absent}, repr=False)"
    return "" if required else f" = {absent}"


def _change(spec: Document, name: str, op: Operation) -> str:
    """Writes the type of a change, which a function for `edit` returns."""
    out = f"\nclass {name}(TypedDict, total=False):\n"
    out += docstring(spec.description(spec.schemas[name]), indent=4) + "\n"
    for argument in op.body:
        out += f"    {argument.name}: {_argument(spec, argument)}\n"
        if argument.description:
            out += docstring(argument.description, indent=4)
    return out + "\n"


def _argument(spec: Document, argument: Parameter) -> str:
    return spec.type_of(argument.schema, sequence="list").name


def _title(name: str) -> str:
    return snake(name).replace("_", " ").capitalize() + "."

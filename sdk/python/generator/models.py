"""Writes models.py: the objects of responses, and the enumerations."""

from __future__ import annotations

from .document import Document, Operation, Parameter, Schema, docstring, snake

HEADER = '''"""The types of results and arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict

from .._model import Model, parse_time

'''


def module(spec: Document) -> str:
    names = _used(spec)
    changes = {op.body_model: op for op in spec.operations if op.edits}
    order = [*(n for n in spec.schemas if n in names or n in changes)]
    out = HEADER + f"__all__ = {sorted(order)}\n\n"
    # Aliases are evaluated when the module is imported, so they come first.
    for name in order:
        if "enum" in spec.schemas[name]:
            out += _alias(spec, name)
    for name in order:
        if name in changes:
            out += _change(spec, name, changes[name])
        elif "enum" not in spec.schemas[name]:
            out += _model(spec, name)
    return out


def _used(spec: Document) -> set[str]:
    """Returns the schemas that results and arguments consist of."""
    todo = {"ProblemCode"}
    for op in spec.operations:
        todo |= op.result.models
        for argument in op.arguments:
            todo |= spec.type_of(argument.schema).models
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


def _model(spec: Document, name: str) -> str:
    schema = spec.schemas[name]
    required = schema.get("required", [])
    out = f"\n@dataclass(frozen=True, kw_only=True, slots=True)\nclass {name}(Model):\n"
    out += docstring(spec.description(schema) or _title(name), indent=4) + "\n"
    parsed = ""
    for wire, member in schema["properties"].items():
        kind = spec.type_of(member)
        if wire in required:
            annotation, value = kind.name, kind.parsed(f'data["{wire}"]')
        else:
            value = f'data.get("{wire}")'
            if kind.parse:
                present = spec.type_of_present(member).parsed(f'data["{wire}"]')
                value = f"{present} if {value} is not None else None"
            annotation = kind.name.removesuffix(" | None") + " | None"
        parsed += f"            {snake(wire)}={value},\n"
        out += f"    {snake(wire)}: {annotation}{_default(spec, member, wire in required)}\n"
        if text := spec.description(member):
            out += docstring(text, indent=4)
    out += f"\n    @classmethod\n    def from_dict(cls, data: dict[str, Any]) -> {name}:\n"
    out += docstring("Parses the object from JSON.", indent=8)
    return out + f"        return cls(\n{parsed}        )\n\n"


def _default(spec: Document, member: Schema, required: bool) -> str:
    if spec.is_secret(member):
        return " = field(repr=False)" if required else " = field(default=None, repr=False)"
    return "" if required else " = None"


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

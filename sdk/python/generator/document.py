"""openapi.yaml, as the generator needs it."""

from __future__ import annotations

import keyword
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Schema = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "patch")
PRIMITIVES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def snake(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()
    return f"{words}_" if keyword.iskeyword(words) else words


def pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def docstring(*paragraphs: str, indent: int) -> str:
    """Returns a docstring whose lines are short enough."""
    width = 84 - indent
    text = "\n\n".join(_wrap(p, width) for p in paragraphs if p)
    if not text:
        return ""
    raw = "r" if "\\" in text else ""
    lines = f'{raw}"""{text}"""' if "\n" not in text else f'{raw}"""{text}\n"""'
    return textwrap.indent(lines, " " * indent).replace("\n" + " " * indent + "\n", "\n\n") + "\n"


def _wrap(paragraph: str, width: int) -> str:
    """Wraps a text; what is indented stays as it is."""
    if "\n    " in paragraph:
        return paragraph
    parts = paragraph.strip().split("\n\n")
    return "\n\n".join(textwrap.fill(" ".join(part.split()), width) for part in parts)


def sentence(text: str) -> str:
    return text if not text or text.endswith(".") else f"{text}."


@dataclass
class Type:
    """A type in Python, and the expression that parses it from JSON."""

    name: str
    #: Contains {} for the JSON value; empty if the value stays as it is.
    parse: str = ""
    models: set[str] = field(default_factory=set)

    def parsed(self, value: str) -> str:
        return self.parse.replace("{}", value) if self.parse else value


def _described(node: Any) -> Any:
    """Lets a description stand beside a reference, as OpenAPI 3.1 does.

    In OpenAPI 3.0 the reference is the only element of `allOf`, because a parser may ignore
    what stands beside it.
    """
    if isinstance(node, list):
        return [_described(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "allOf" in node:
        [reference] = node["allOf"]
        if set(reference) != {"$ref"} or set(node) != {"allOf", "description"}:
            raise ValueError(f"allOf is known only for the description of a reference: {node}")
        return {**reference, "description": node["description"]}
    return {key: _described(value) for key, value in node.items()}


class Document:
    def __init__(self, path: Path) -> None:
        self.root: dict[str, Any] = _described(YAML(typ="safe", pure=True).load(path))
        self.version: str = self.root["info"]["version"]
        self.schemas: dict[str, Schema] = self.root["components"]["schemas"]
        names = {name for schema in self.schemas.values() for name in schema.get("properties", {})}
        self._members = {name: snake(name) for name in names if not keyword.iskeyword(name)}
        self._members["articlesCount"] = "total"
        self.operations = [
            Operation(self, path, method, node)
            for path, item in self.root["paths"].items()
            for method in METHODS
            if method in item
            for node in self._methods(item[method])
        ]

    def _methods(self, node: dict[str, Any]) -> list[dict[str, Any]]:
        """Returns the operation once for each of its methods. With x-sdk-page, the
        first method takes no query and returns the list; the other one takes the
        query and returns the whole response."""
        if "x-sdk-page" not in node:
            return [node]
        plain = [p for p in node["parameters"] if self.resolve(p)["in"] != "query"]
        return [
            {**node, "parameters": plain, "returns": "member"},
            {**node, "x-sdk": node["x-sdk-page"], "returns": "whole"},
        ]

    def resolve(self, node: Any) -> Any:
        while "$ref" in node:
            target: Any = self.root
            for key in node["$ref"].removeprefix("#/").split("/"):
                target = target[key]
            node = target
        return node

    def type_of(self, schema: Schema, prefix: str = "", sequence: str = "list") -> Type:
        """Returns the type of a schema. `prefix` comes before names of models."""
        found = self._type_of(schema, prefix, sequence)
        if not self.resolve(schema).get("nullable"):
            return found
        parse = f"None if {{}} is None else {found.parse}" if found.parse else ""
        return Type(f"{found.name} | None", parse, found.models)

    def type_of_present(self, schema: Schema) -> Type:
        """Returns the type of a value that is neither absent nor null."""
        return self._type_of(schema, "", "list")

    def _type_of(self, schema: Schema, prefix: str, sequence: str) -> Type:
        name = schema.get("$ref", "").rpartition("/")[2]
        node = self.resolve(schema)
        if "enum" in node:
            values = ", ".join(f'"{value}"' for value in node["enum"])
            return Type(prefix + name, models={name}) if name else Type(f"Literal[{values}]")
        if node.get("additionalProperties") is True and "properties" not in node:
            return Type("dict[str, Any]")
        if node.get("type") == "object" and name:
            return Type(prefix + name, f"{prefix}{name}.from_dict({{}})", {name})
        if node.get("type") == "array":
            item = self.type_of(node["items"], prefix, sequence)
            parse = f"[{item.parsed('item')} for item in {{}}]" if item.parse else "list({})"
            return Type(f"{sequence}[{item.name}]", parse, item.models)
        if node.get("format") == "date-time":
            return Type("datetime", "parse_time({})")
        return Type(PRIMITIVES[node["type"]])

    def is_secret(self, schema: Schema) -> bool:
        node = self.resolve(schema)
        return bool(node.get("x-secret")) or node.get("format") == "password"

    def description(self, schema: Schema) -> str:
        node = self.resolve(schema)
        text: str = schema.get("description") or node.get("description") or ""
        return sentence(text.strip() if "enum" in node else self.spelled(text.strip()))

    def spelled(self, text: str) -> str:
        """Spells the members that a text mentions as Python does."""
        return re.sub(r"`(\w+)`", lambda match: f"`{self._members.get(match[1], match[1])}`", text)


@dataclass
class Parameter:
    """An argument of a method."""

    name: str
    wire: str
    schema: Schema
    description: str
    required: bool
    example: Any = None


class Operation:
    """An operation and the method that it becomes."""

    def __init__(self, spec: Document, path: str, method: str, node: dict[str, Any]) -> None:
        self.spec, self.path, self.method, self.node = spec, path, method.upper(), node
        self.id: str = node["operationId"]
        self.sdk: str = node["x-sdk"]
        self.returns: str | None = node.get("returns")
        resource, name = self.sdk.split(".")
        self.resource, self.name = snake(resource), snake(name)
        self.resource_class = pascal(resource)
        self.summary: str = node["summary"]
        self.description = spec.spelled(node["description"].strip())
        self.anonymous = not node["security"]
        self.idempotent = bool(node.get("x-idempotent"))
        self.safe = method == "get" or bool(node.get("x-safe"))
        self.stream = bool(node.get("x-stream"))
        parameters = [spec.resolve(p) for p in node.get("parameters", [])]
        self.path_parameters = [_parameter(spec, p) for p in parameters if p["in"] == "path"]
        self.query = [_parameter(spec, p) for p in parameters if p["in"] == "query"]
        headers = {p["name"] for p in parameters if p["in"] == "header"}
        self.conditional = "If-Match" in headers
        self._read_body()
        self._read_response()

    def _read_body(self) -> None:
        """Sets `body`, the arguments, and `envelope`, the one member of the body
        that contains them, if there is one."""
        self.body: list[Parameter] = []
        self.envelope: str | None = None
        self.body_model: str | None = None
        if "requestBody" not in self.node:
            return
        content = self.spec.resolve(self.node["requestBody"])["content"]["application/json"]
        schema, example = content["schema"], content.get("example", {})
        members = self.spec.resolve(schema)["properties"]
        if len(members) == 1:
            [(name, member)] = members.items()
            if self.spec.resolve(member).get("type") == "object":
                self.envelope, schema, example = name, member, example.get(name, {})
        self.body_model = schema.get("$ref", "").rpartition("/")[2]
        node = self.spec.resolve(schema)
        for name, member in node["properties"].items():
            required = name in node.get("required", [])
            text = self.spec.description(member)
            taken = any(snake(name) == p.name for p in self.path_parameters)
            argument = f"new_{snake(name)}" if taken else snake(name)
            parameter = Parameter(argument, name, member, text, required, example.get(name))
            self.body.append(parameter)
        self.body.sort(key=lambda parameter: not parameter.required)

    def _read_response(self) -> None:
        """Sets `result`, the type of the result, and `page`, the member with the
        items if the response is a page."""
        success = next(self.node["responses"][s] for s in self.node["responses"] if s[0] == "2")
        contents = self.spec.resolve(success).get("content", {})
        content = contents.get("application/json")
        self.text = "text/plain" in contents
        self.result = Type("None", "")
        self.page: str | None = None
        self.total: str | None = None
        self.has_body = content is not None or self.text
        self.example: Any = content.get("example") if content else None
        self.unwrapped: str | None = None
        if self.text:
            self.result = Type("str", "data")
        if not content:
            return
        members: dict[str, Schema] = self.spec.resolve(content["schema"])["properties"]
        if self.returns == "member":
            [(self.unwrapped, member), *_] = members.items()
            found = self.spec.type_of(member, "models.", "builtins.list")
            value = f'data["{self.unwrapped}"]'
            self.result = Type(found.name, found.parsed(value), found.models)
        elif "nextCursor" in members and self.returns != "whole":
            self.page = next(n for n, m in members.items() if m.get("type") == "array")
            self.total = next((n for n in members if n.endswith("Count")), None)
            self.result = self.spec.type_of(members[self.page]["items"], "models.")
        elif len(members) == 1:
            [(self.unwrapped, member)] = members.items()
            found = self.spec.type_of(member, "models.", "builtins.list")
            value = f'data["{self.unwrapped}"]'
            self.result = Type(found.name, found.parsed(value), found.models)
        else:
            found = self.spec.type_of(content["schema"], "models.")
            self.result = Type(found.name, found.parsed("data"), found.models)

    @property
    def edits(self) -> bool:
        """Whether the resource class gets `edit`, which reads what the operation
        at the same path writes."""
        return self.conditional and self.method == "PUT" and self.body_model is not None

    @property
    def arguments(self) -> list[Parameter]:
        return [*self.path_parameters, *self.body, *self.query]


def _parameter(spec: Document, node: dict[str, Any]) -> Parameter:
    text = " ".join(node.get("description", "").split())
    described = text if "enum" in spec.resolve(node["schema"]) else spec.spelled(text)
    return Parameter(
        snake(node["name"]),
        node["name"],
        node["schema"],
        sentence(described),
        node.get("required", False),
        node.get("example"),
    )

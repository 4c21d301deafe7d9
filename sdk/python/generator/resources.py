"""Writes resources/: a class for each resource, with a method for each
operation. There are four of each class: synchronous and asynchronous, which
return the data or the full response."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from .document import Document, Operation, docstring, sentence
from .samples import edit_sample, sample

HEADER = '''"""{doc}"""

from __future__ import annotations

import builtins
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from datetime import datetime
from typing import Any, Literal

from ..._model import NOT_GIVEN, NotGiven, parse_time
from ..._operation import Call, Operation, change_of, condition_of, nothing
from ..._options import CallOptions, ConditionalOptions, CreateOptions
from ..._pager import AsyncPager, CountedPage, Page, Pager
from ..._response import Response
from ..._transport import AsyncTransport, Transport
from ...errors import PreconditionFailedError
from .. import models

'''

EDIT = '''
    {adef}{edit}(
        self,
        {path},
        change: Callable[[{result}], {model}],
        *,
        options: CallOptions | None = None,
    ) -> {result}:
        """Reads, changes and writes, and does not overwrite the edits of others.

        Calls `change` with what it has read, and writes what `change` returns:
        a dictionary with the members to change, of the type `{model}`.
        If somebody else has made an edit in the meantime, it starts again.

        Example:
{example}
        """
        # Five conflicts in a row are not a coincidence but a bug in a client.
        for _ in range(4):
            try:
                return {await_}self._{edit}({names}, change, options)
            except PreconditionFailedError:
                pass
        return {await_}self._{edit}({names}, change, options)

    {adef}_{edit}(
        self,
        {path},
        change: Callable[[{result}], {model}],
        options: CallOptions | None,
    ) -> {result}:
        read = {await_}self._transport.respond(Call(_{get}, ({names},), options=options))
        condition = condition_of("{resource}.{edit}", read.etag, options)
        changed = change_of("{resource}.{edit}", change(read.data))
        return {await_}self.{update}({names}, **changed, options=condition)
'''


@dataclass(frozen=True)
class Flavour:
    is_async: bool
    full: bool

    @property
    def prefix(self) -> str:
        return "Async" if self.is_async else ""

    @property
    def suffix(self) -> str:
        return "WithResponse" if self.full else ""

    def class_name(self, resource: str) -> str:
        return f"{self.prefix}{resource}{self.suffix}"


FLAVOURS = [Flavour(a, full) for full in (False, True) for a in (False, True)]


def modules(spec: Document) -> dict[str, str]:
    resources: dict[str, list[Operation]] = {}
    for op in spec.operations:
        resources.setdefault(op.resource, []).append(op)
    files = {f"resources/{name}.py": _module(operations) for name, operations in resources.items()}
    files["resources/__init__.py"] = _index(spec, list(resources))
    return files


def _module(operations: list[Operation]) -> str:
    doc = f"The operations of `{operations[0].resource}`."
    out = HEADER.format(doc=doc) + "\n".join(_constant(op) for op in operations) + "\n"
    for flavour in FLAVOURS:
        methods = [_method(op, flavour) for op in operations if not (flavour.full and op.stream)]
        if not flavour.full:
            methods += [_edit(op, flavour) for op in operations if op.edits]
        if not methods:
            continue
        name = flavour.class_name(operations[0].resource_class)
        out += f"\nclass {name}:\n"
        text = "The same methods, which return the status and the headers too."
        out += docstring(text if flavour.full else doc, indent=4)
        out += f"\n    def __init__(self, transport: {flavour.prefix}Transport) -> None:\n"
        out += "        self._transport = transport\n" + "".join(methods)
    return out


def _constant(op: Operation) -> str:
    arguments = [f'"{op.sdk}"', f'"{op.method}"', f'"{op.path}"', _parse(op)]
    arguments += ["anonymous=True"] if op.anonymous else []
    arguments += ["conditional=True"] if op.conditional else []
    arguments += ["safe=True"] if op.safe else []
    arguments += ["idempotent=True"] if op.idempotent else []
    arguments += ["stream=True"] if op.stream else []
    arguments += ["text=True"] if op.text else []
    arguments += [] if op.has_body else ["body=False"]
    return f"_{op.name}: Operation[{_data_type(op)}] = Operation({', '.join(arguments)})"


def _parse(op: Operation) -> str:
    if op.page:
        items = f'[{op.result.parsed("item")} for item in data["{op.page}"]]'
        total = f', total=data["{op.total}"]' if op.total else ""
        page = "CountedPage" if op.total else "Page"
        return f'lambda data: {page}(items={items}, next_cursor=data["nextCursor"]{total})'
    return f"lambda data: {op.result.parse}" if op.has_body else "nothing"


def _data_type(op: Operation) -> str:
    if not op.page:
        return op.result.name
    return f"{'CountedPage' if op.total else 'Page'}[{op.result.name}]"


def _method(op: Operation, flavour: Flavour) -> str:
    paged = bool(op.page) and not flavour.full
    parameters = ["self"]
    parameters += [f"{p.name}: {op.spec.type_of(p.schema).name}" for p in op.path_parameters]
    parameters.append("*")
    for p in [*op.body, *op.query]:
        kind = op.spec.type_of(p.schema, "models.", "Sequence").name
        if p.required:
            parameters.append(f"{p.name}: {kind}")
        elif p in op.body:
            parameters.append(f"{p.name}: {kind} | NotGiven = NOT_GIVEN")
        else:
            parameters.append(f"{p.name}: {kind} | None = None")
    parameters.append(f"options: {_options(op)} | None = None")
    keyword = "async def" if flavour.is_async and not paged and not op.stream else "def"
    out = f"\n    {keyword} {op.name}({', '.join(parameters)}) -> {_returns(op, flavour)}:\n"
    out += _docs(op, flavour)
    return out + f"        {_body(op, flavour)}\n"


def _returns(op: Operation, flavour: Flavour) -> str:
    data = _data_type(op)
    if flavour.full:
        return f"Response[{data}]"
    if op.stream:
        record = "builtins.dict[str, Any]"
        return (
            f"AsyncGenerator[{record}, None]"
            if flavour.is_async
            else f"Generator[{record}, None, None]"
        )
    if op.page:
        return f"{flavour.prefix}Pager[{op.result.name}, {data}]"
    return data


def _options(op: Operation) -> str:
    if op.idempotent:
        return "CreateOptions"
    return "ConditionalOptions" if op.conditional else "CallOptions"


def _body(op: Operation, flavour: Flavour) -> str:
    paged = bool(op.page) and not flavour.full
    arguments = [f"_{op.name}"]
    if op.path_parameters:
        arguments.append("(" + "".join(f"{p.name}, " for p in op.path_parameters) + ")")
    if op.query:
        values = {p.wire: p.name for p in op.query}
        if paged:
            values["cursor"] = "after or cursor"
        arguments.append("query={" + ", ".join(f'"{k}": {v}' for k, v in values.items()) + "}")
    if op.body:
        members = "{" + ", ".join(f'"{p.wire}": {p.name}' for p in op.body) + "}"
        arguments.append(
            f'body={{"{op.envelope}": {members}}}' if op.envelope else f"body={members}"
        )
    call = f"Call({', '.join([*arguments, 'options=options'])})"
    verb = "records" if op.stream else "respond" if flavour.full else "call"
    expression = f"self._transport.{verb}({call})"
    if paged:
        return f"return {flavour.prefix}Pager(lambda after: {expression})"
    if flavour.is_async and not op.stream:
        expression = f"await {expression}"
    return f"return {expression}" if op.has_body or flavour.full or op.stream else expression


def _docs(op: Operation, flavour: Flavour) -> str:
    if flavour.full:
        return docstring(sentence(op.summary), indent=8)
    described = [p for p in op.arguments if p.description]
    arguments = "".join(
        textwrap.fill(
            f"{p.name}: {' '.join(p.description.split())}",
            width=76,
            initial_indent="    ",
            subsequent_indent="        ",
        )
        + "\n"
        for p in described
    )
    return docstring(
        sentence(op.summary),
        op.description,
        f"Args:\n{arguments}".rstrip() if arguments else "",
        "Example:\n" + textwrap.indent(sample(op, flavour.is_async), "    "),
        indent=8,
    )


def _edit(op: Operation, flavour: Flavour) -> str:
    return EDIT.format(
        edit=op.name.replace("update", "edit", 1),
        get=op.name.replace("update", "get", 1),
        update=op.name,
        adef="async def " if flavour.is_async else "def ",
        await_="await " if flavour.is_async else "",
        path=", ".join(f"{p.name}: {op.spec.type_of(p.schema).name}" for p in op.path_parameters),
        names=", ".join(p.name for p in op.path_parameters),
        result=op.result.name,
        model=f"models.{op.body_model}",
        resource=op.resource,
        example=textwrap.indent(edit_sample(op, flavour.is_async), " " * 12),
    )


def _index(spec: Document, names: list[str]) -> str:
    classes = {op.resource: op.resource_class for op in spec.operations}
    full = {op.resource for op in spec.operations if not op.stream}
    out = '"""The operations of openapi.yaml by resource."""\n\n'
    out += "from __future__ import annotations\n\n"
    out += "from ..._transport import AsyncTransport, Transport\n"
    for name in names:
        names_of = [f.class_name(classes[name]) for f in FLAVOURS if not f.full or name in full]
        out += f"from .{name} import {', '.join(names_of)}\n"
    for flavour in sorted(FLAVOURS, key=lambda f: not f.full):
        out += f"\n\nclass {flavour.class_name('Resources')}:\n"
        text = "The operations, whose results have the status and the headers too."
        out += docstring(text if flavour.full else "The operations by resource.", indent=4)
        transport = f"{flavour.prefix}Transport"
        out += f"\n    _transport: {transport}\n" if not flavour.full else ""
        out += f"\n    def __init__(self, transport: {transport}) -> None:\n"
        if not flavour.full:
            out += "        self._transport = transport\n"
            made = f"{flavour.prefix}ResourcesWithResponse"
            out += f"        self.with_response: {made} = {made}(transport)\n"
            out += docstring("The same calls, which return the full response.", indent=8)
        for name in names:
            if not flavour.full or name in full:
                made = flavour.class_name(classes[name])
                out += f"        self.{name}: {made} = {made}(transport)\n"
    return out

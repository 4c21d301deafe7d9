"""Tests the generated code against openapi.yaml."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import textwrap
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake import Fake, respond
from ruamel.yaml import YAML

import byline_client
from byline_client import AsyncByline, Byline

ROOT = Path(__file__).parents[1]
DOCUMENT = YAML(typ="safe").load(ROOT / "../../openapi.yaml")
SAMPLES: dict[str, str] = json.loads((ROOT / "samples.json").read_text())
OPERATIONS = [
    (path, method, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if "operationId" in operation
]


def snake(name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", name).lower()


def resolve(node: Any) -> Any:
    while "$ref" in node:
        target = DOCUMENT
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        node = target
    return node


def test_the_version_is_that_of_the_document() -> None:
    assert byline_client.__version__ == DOCUMENT["info"]["version"]


@pytest.mark.parametrize("operation", [op for _, _, op in OPERATIONS], ids=lambda op: op["x-sdk"])
def test_every_operation_is_a_documented_method(operation: Any) -> None:
    resource, method = map(snake, operation["x-sdk"].split("."))
    for client in (Byline("https://byline.test"), AsyncByline("https://byline.test")):
        found = getattr(getattr(client, resource), method)
        doc = inspect.getdoc(found) or ""
        assert doc.startswith(operation["summary"])
        assert "Example:" in doc
        if not operation.get("x-stream"):
            assert getattr(getattr(client.with_response, resource), method)


@pytest.mark.parametrize(
    ("path", "method", "operation"),
    OPERATIONS,
    ids=[operation["x-sdk"] for _, _, operation in OPERATIONS],
)
def test_samples_send_and_receive_the_examples(path: str, method: str, operation: Any) -> None:
    parameters = {p["name"]: p for p in map(resolve, operation.get("parameters", []))}
    status, success = next((s, r) for s, r in operation["responses"].items() if s.startswith("2"))
    [(media, content)] = resolve(success).get("content", {"": {}}).items()
    example = content.get("example")
    if media == "application/x-ndjson":
        example = {**example, "type": "end", "records": 0}

    def handler(request: httpx.Request) -> httpx.Response:
        body = b"" if example is None else json.dumps(example).encode() + b"\n"
        if media == "text/plain":
            body = str(example).encode()
        return httpx.Response(int(status), content=body, headers={"Content-Type": media})

    fake = Fake(handler)
    sample = SAMPLES[operation["operationId"]]
    names = {"byline": fake.client(), "datetime": datetime, "print": lambda _: None}
    exec(sample, names)  # noqa: S102
    [request] = fake.requests
    for name, parameter in parameters.items():
        if parameter["in"] == "path":
            path = path.replace("{" + name + "}", str(parameter["example"]))
    assert (request.method, request.url.path) == (method.upper(), f"/api{path}")
    if "requestBody" in operation:
        sent = resolve(operation["requestBody"])["content"]["application/json"]["example"]
        assert json.loads(request.content) == sent
    assert bool(operation.get("x-idempotent")) == ("Idempotency-Key" in request.headers)

    async def run() -> None:
        resource, name = map(snake, operation["x-sdk"].split("."))
        doc = inspect.getdoc(getattr(getattr(AsyncByline("https://b.test"), resource), name)) or ""
        code = textwrap.dedent(doc.partition("Example:\n")[2])
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        names = {"byline": fake.async_client(), "datetime": datetime, "print": lambda _: None}
        await eval(compile(code, "sample", "exec", flags=flags), names)

    asyncio.run(run())
    assert fake.requests[1].url == request.url


def test_samples_of_edits_send_a_change() -> None:
    edits = 0
    for path, method, operation in OPERATIONS:
        parameters = [resolve(p)["name"] for p in operation.get("parameters", [])]
        if method != "put" or "If-Match" not in parameters:
            continue
        content = resolve(operation["responses"]["200"])["content"]["application/json"]
        fake = Fake(respond(200, content["example"], ETag='"v1"'))
        resource, name = map(snake, operation["x-sdk"].split("."))
        edit = getattr(getattr(fake.client(), resource), name.replace("update", "edit"))
        sample = textwrap.dedent((inspect.getdoc(edit) or "").partition("Example:\n")[2])
        exec(sample, {"byline": fake.client()})  # noqa: S102
        assert fake.sent("If-Match") == [None, '"v1"'], path
        assert "!" in fake.requests[1].content.decode()
        edits += 1
    assert edits == 3

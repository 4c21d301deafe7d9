"""Makes src/byline_client/generated and operations.py from ../../openapi.yaml.

The generator writes a module for each operation, whose functions return the
answer or a problem or nothing. operations.py makes methods of them that return
the answer, because errors are raised.
"""

import ast
import json
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

HERE = Path(__file__).parent
PACKAGE = HERE / "src" / "byline_client"
GENERATED = PACKAGE / "generated"
BIN = Path(sys.executable).parent

HEADER = '''"""The operations of the document as methods. Made by generate.py; do not edit."""

from typing import cast

'''


def generate() -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as document:
        json.dump(without_streams(), document)
        document.flush()
        command: list[str | Path] = [
            *(BIN / "openapi-python-client", "generate", "--path", document.name),
            *("--config", HERE / "generator.yaml", "--meta", "none", "--fail-on-warning"),
            *("--output-path", GENERATED, "--overwrite"),
        ]
        # The generator looks for the formatter on the PATH.
        env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
        subprocess.run(command, check=True, env=env)


def without_streams() -> Any:
    """The document without answers of many JSON texts, which the generator
    does not know."""
    document = YAML(typ="safe", pure=True).load(HERE / "../../openapi.yaml")
    for item in document["paths"].values():
        for method in [m for m, op in item.items() if isinstance(op, dict) and op.get("x-stream")]:
            del item[method]
    return document


def write_operations() -> None:
    modules = sorted(p for p in GENERATED.glob("api/*/*.py") if p.stem != "__init__")
    operations = [Operation(path) for path in modules]
    models = sorted(name for name in model_names() if any(op.mentions(name) for op in operations))
    out = HEADER
    for tag in sorted({op.tag for op in operations}):
        names = [op.name for op in operations if op.tag == tag]
        out += f"from .generated.api.{tag} import {', '.join(names)}\n"
    out += "from .generated.client import AuthenticatedClient\n"
    out += f"from .generated.models import {', '.join(models)}\n"
    out += "from .generated.types import UNSET, Unset\n\n"
    for name, is_async in (("Operations", False), ("AsyncOperations", True)):
        out += f"class {name}:\n    api: AuthenticatedClient\n\n"
        out += "\n".join(op.method(is_async) for op in operations) + "\n"
    target = PACKAGE / "operations.py"
    target.write_text(out)
    for ruff in (["check", "--quiet", "--fix"], ["format", "--quiet"]):
        subprocess.run([BIN / "ruff", *ruff, target], check=True, cwd=HERE)


def model_names() -> list[str]:
    tree = ast.parse((GENERATED / "models" / "__init__.py").read_text())
    imports = (node for node in tree.body if isinstance(node, ast.ImportFrom))
    return [alias.name for node in imports for alias in node.names]


class Operation:
    """What operations.py needs of a generated module."""

    def __init__(self, path: Path) -> None:
        self.name, self.tag = path.stem, path.parent.name
        self.function = next(
            node
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef) and node.name == "sync_detailed"
        )
        args = self.function.args
        self.required = [arg for arg in args.args + args.kwonlyargs if arg.arg in self.positional]
        self.optional = [
            (arg, default)
            for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
            # The client makes reads conditional by itself.
            if default and arg.arg != "if_none_match"
        ]

    @property
    def positional(self) -> set[str]:
        return {arg.arg for arg in self.function.args.args} | {"body"}

    def mentions(self, model: str) -> bool:
        return model in ast.unparse(self.function.args) or model == self.returned

    @property
    def returned(self) -> str:
        """The answer of a success: Response[A | Problem] without the problem."""
        annotation = self.function.returns
        assert isinstance(annotation, ast.Subscript)
        members = set(ast.unparse(annotation.slice).split(" | ")) - {"Problem", "Any"}
        return members.pop() if members else "None"

    def method(self, is_async: bool) -> str:
        params = ["self", *(ast.unparse(arg) for arg in self.required)]
        if self.optional:
            params.append("*")
        params += [f"{ast.unparse(arg)} = {ast.unparse(value)}" for arg, value in self.optional]
        passed = [arg.arg for arg in self.function.args.args] + ["client=self.api"]
        keywords = [arg for arg in self.required if arg.arg == "body"]
        keywords += [arg for arg, _ in self.optional]
        passed += [f"{arg.arg}={arg.arg}" for arg in keywords]
        call = f"{self.name}.{'asyncio' if is_async else 'sync'}_detailed({', '.join(passed)})"
        if is_async:
            call = f"(await {call})" if self.returned != "None" else f"await {call}"
        body = call if self.returned == "None" else f"return cast({self.returned}, {call}.parsed)"
        docs = (ast.get_docstring(self.function) or "").split("\nArgs:")[0].split("\nRaises:")[0]
        summary, _, rest = docs.strip().partition("\n")
        text = f'"""{summary}\n\n{textwrap.dedent(rest).strip()}\n"""'
        method = f"def {self.name}({', '.join(params)}) -> {self.returned}:\n"
        method += textwrap.indent(f"{text}\n{body}\n", "    ")
        return textwrap.indent(("async " if is_async else "") + method, "    ")


if __name__ == "__main__":
    generate()
    write_operations()

"""Lints migrations: lint.py SQUAWK FOLDER EXCEPTIONS."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

import rules

OLDEST = "14.0"  # of the versions of PostgreSQL that Byline supports


def parts(text):
    """The way up and the way back, each with the lines where they are."""
    up, *down = re.split(r"^(?=-- \+goose Down)", text, maxsplit=1, flags=re.M)
    return {"up": up, "down": "\n" * up.count("\n") + "".join(down)}


def squawk(program, text, part, alone):
    """What squawk finds in a part."""
    off = set(rules.OFF) | (rules.OFF_DOWN if part == "down" else set())
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(text)
        file.flush()
        # A transaction that fails leaves nothing behind, so that it can be repeated.
        args = [program, "--pg-version", OLDEST, "--reporter", "json", "--exclude", ",".join(sorted(off))]
        done = subprocess.run(args + ([] if alone else ["--assume-in-transaction"]) + [file.name], capture_output=True, text=True)
    if not done.stdout.startswith("["):
        sys.exit(f"migrate-lint: squawk failed: {done.stderr}")
    for f in json.loads(done.stdout):
        f["line"] += 1  # squawk counts from 0
        if not rules.known(text, f):
            yield f["line"], f["rule_name"], f["message"]


def main(program, folder, exceptions):
    allowed = {}
    for e in tomllib.loads(pathlib.Path(exceptions).read_text()).get("exception", []):
        if len(e["reason"].split()) < 3:
            sys.exit(f"migrate-lint: {exceptions}: {e['files']}, {e['rule']}: say why")
        allowed.update({(file, e["part"], e["rule"]): 0 for file in e["files"]})
    files, wrong, there = sorted(pathlib.Path(folder).glob("*.sql")), 0, set()
    if not files:
        sys.exit(f"migrate-lint: {folder} has no migrations")
    for file in files:
        text = file.read_text()
        alone = re.search(r"^-- \+goose NO TRANSACTION", text, re.M)
        for part, sql in parts(text).items():
            for line, rule, message in sorted([*squawk(program, sql, part, alone), *rules.check(sql, alone, there if part == "up" else set())]):
                key = (file.name, part, rule)
                if key in allowed:
                    allowed[key] += 1
                    continue
                wrong += 1
                print(f"{file}:{line}: {rule} ({part}): {message}")
        there |= rules.made(parts(text)["up"])
    for (file, part, rule), used in allowed.items():
        if not used:
            wrong += 1
            print(f"{exceptions}: {file}, {part}, {rule}: the exception is not needed any more")
    print(f"migrate-lint: {len(files)} migrations, {sum(allowed.values())} findings that {len(allowed)} exceptions allow, {wrong} faults")
    if wrong:
        sys.exit("migrate-lint: docs/development.md, \"Write a migration\", says what to do instead")


main(*sys.argv[1:])

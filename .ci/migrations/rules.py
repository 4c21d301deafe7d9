"""What squawk cannot know of these migrations, and rules that it does not have."""

import re

# These rules of squawk are off.
OFF = {
    "require-lock-timeout": "db.Migrator sets lock_timeout for each statement and tries it again",
    "require-statement-timeout": "a statement that reads all rows takes as long as the table is large; lock_timeout bounds what others wait",
    "prefer-bigint-over-int": "ids are bigint; an int is a position, a level or a size with a maximum",
    "prefer-bigint-over-smallint": "as for int",
}
# These are off for the way back, which removes what the migration has made.
# No replica of the new release runs then.
OFF_DOWN = {
    "ban-drop-table", "ban-drop-column", "ban-drop-constraint", "ban-drop-function", "ban-drop-view", "ban-drop-type",
    "ban-drop-sequence", "ban-drop-trigger", "ban-drop-not-null",
}

NEW_TABLE = re.compile(r"\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)", re.I)
INDEX = re.compile(r"^CREATE\s+(?:UNIQUE\s+)?INDEX\s+(CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(\w+)\s+ON\s+(\w+)", re.I)
DROP_INDEX = re.compile(r"^DROP\s+INDEX\s+CONCURRENTLY\s+IF\s+EXISTS\s+(\w+)", re.I)
LOCKS = re.compile(r"^(?:ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(\w+)|CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER\s.*?\sON\s+(\w+)"
                   r"|DROP\s+TRIGGER\s.*?\sON\s+(\w+)|LOCK\s+(?:TABLE\s+)?(\w+))", re.I | re.S)
FILLS = re.compile(r"^(?:UPDATE\s+(?:ONLY\s+)?(\w+)|DELETE\s+FROM\s+(?:ONLY\s+)?(\w+)|INSERT\s+INTO\s+\w+[^;]*?\bSELECT\b.*?\bFROM\s+(\w+))", re.I | re.S)
REPLACED = re.compile(r"\bDROP\s+CONSTRAINT\s+(?:IF\s+EXISTS\s+)?(\w+)", re.I)

SETS = re.compile(r"\bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET|DROP)\s+(?:DEFAULT|NOT\s+NULL)", re.I)


def first(match):
    return next(g for g in match.groups() if g)


def statements(text):
    """The statements of a part of a migration, without comments and bodies, and their first lines."""
    # Bodies and comments keep their lines.
    hide = lambda m: "".join(c for c in m[0] if c == "\n")
    text = re.sub(r"(\$\w*\$).*?\1", lambda m: "$$" + hide(m) + "$$", text, flags=re.S)
    text = re.sub(r"--[^\n]*|'(?:[^']|'')*'", lambda m: "''" if m[0][0] == "'" else "", text)
    line = 1
    for statement in text.split(";"):
        before = len(statement) - len(statement.lstrip())
        yield line + statement[:before].count("\n"), statement.strip()
        line += statement.count("\n")


def check(text, alone):
    """Yields line, rule and message of what is wrong with a part. alone: each of its statements is a transaction."""
    made, dropped = {name.lower() for name in NEW_TABLE.findall(text)}, set()
    for line, statement in statements(text):
        if m := DROP_INDEX.match(statement):
            dropped.add(m[1])
        if (m := INDEX.match(statement)) and m[1] and m[2] not in dropped:
            yield line, "index-repeatable", f"DROP INDEX CONCURRENTLY IF EXISTS {m[2]} first: an interrupted one leaves an index that is not valid"
        if (m := LOCKS.match(statement)) and not alone and first(m).lower() not in made:
            yield line, "locks-in-transaction", f"{first(m)} stays locked until the end of the file: -- +goose NO TRANSACTION"
        if (m := FILLS.match(statement)) and first(m).lower() not in made:
            yield line, "fill-in-batches", f"all rows of {first(m)} in one statement: fill in batches, in a DO block that commits"


def known(text, finding):
    """Whether squawk found fault with what it cannot know: that the file makes the table, or that a step can be repeated."""
    before = [s for line, s in statements(text) if line <= finding["line"]]
    statement, rule = before[-1] if before else "", finding["rule_name"]
    index = INDEX.match(statement)
    if rule == "require-concurrent-index-creation" and index:
        return index[3].lower() in {name.lower() for name in NEW_TABLE.findall(text)}
    if rule == "prefer-robust-stmts" and index:
        return index[2] in {m[1] for s in before if (m := DROP_INDEX.match(s))}
    if rule == "prefer-robust-stmts":
        return finding["message"].startswith("Missing transaction") and bool(SETS.search(statement))
    if rule == "ban-drop-constraint":
        return all(re.search(r"\bADD\s+CONSTRAINT\s+" + name + r"\b", text, re.I) for name in REPLACED.findall(statement))
    return False

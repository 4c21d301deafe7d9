"""What squawk cannot know of these migrations, and rules that it does not have."""

import re
from typing import NamedTuple

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

FLAGS = re.I | re.S
NAME = r"(?:ONLY\s+)?(?:public\.)?(\w+)"
NEW_TABLE = re.compile(r"^CREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?" + NAME, FLAGS)
INDEX = re.compile(r"^CREATE\s+(?:UNIQUE\s+)?INDEX\s+(CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(\w+)\s+ON\s+" + NAME, FLAGS)
DROP_INDEX = re.compile(r"^DROP\s+INDEX\s+CONCURRENTLY\s+IF\s+EXISTS\s+(\w+)", FLAGS)
LOCKS = re.compile(r"^(?:ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?" + NAME + r"|CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER\s.*?\sON\s+" + NAME
                   + r"|CREATE\s+(?:OR\s+REPLACE\s+)?RULE\s.*?\sTO\s+" + NAME
                   + r"|DROP\s+(?:TRIGGER|RULE)\s.*?\sON\s+" + NAME + r"|LOCK\s+(?:TABLE\s+)?" + NAME + ")", FLAGS)
# These lock a table for as long as they read or write all of it.
WHOLE = re.compile(r"^(?:TRUNCATE\s+(?:TABLE\s+)?" + NAME + r"|CLUSTER\s+(?:VERBOSE\s+)?" + NAME + r"|VACUUM\s+(?:FULL\b|\([^)]*\bFULL\b[^)]*\)).*?(\w+)$"
                   r"|REFRESH\s+MATERIALIZED\s+VIEW\s+(?!CONCURRENTLY\b)" + NAME
                   + r"|ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?" + NAME + r"\s[^;]*\bSET\s+(?:LOGGED|UNLOGGED|TABLESPACE|ACCESS\s+METHOD)\b)", FLAGS)
WRITER = re.compile(r"^(?:WITH|UPDATE|DELETE|INSERT|MERGE|EXPLAIN)\b", FLAGS)
WRITES = re.compile(r"(?<!FOR )(?<!DO )(?<!ON )\b(?:UPDATE|DELETE\s+FROM|MERGE\s+INTO)\s+" + NAME, FLAGS)
COPIES = re.compile(r"\bINSERT\s+INTO\b.*?\bSELECT\b", FLAGS)
READS = re.compile(r"(?<!DISTINCT )(?<!DELETE )\b(?:FROM|JOIN)\s+(?:LATERAL\s+)?" + NAME + r"(?!\s*\()\b", FLAGS)
QUERY = re.compile(r"\b(\w+)\s+AS\s+(?:(?:NOT\s+)?MATERIALIZED\s+)?\(", FLAGS)
CALLS = re.compile(r"^(?:SELECT|CALL|PREPARE|EXECUTE)\b", FLAGS)
VALIDATES = re.compile(r"\bVALIDATE\s+CONSTRAINT\b", FLAGS)
BATCHES = re.compile(r"\bLOOP\b.*\bCOMMIT\b.*\bEND\s+LOOP\b", FLAGS)
IN_BODY = re.compile(r"\b(?:(?:ALTER|DROP|CREATE|TRUNCATE|LOCK)\s|EXECUTE\b)", FLAGS)
REPLACED = re.compile(r"\bDROP\s+CONSTRAINT\s+(?:IF\s+EXISTS\s+)?(\w+)", FLAGS)
SETS = re.compile(r"\bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET|DROP)\s+(?:DEFAULT|NOT\s+NULL)", FLAGS)
# What goose sends as one statement, in one transaction.
SENT = re.compile(r"^-- \+goose StatementBegin(.*?)^-- \+goose StatementEnd", re.M | re.S)
IGNORE = re.compile(r"squawk-ignore", re.I)

# What is no statement: a comment, a string, a quoted name, or a body.
TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|\bE'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'|\"[^\"]*\"|(\$\w*\$).*?\1", FLAGS)


class Statement(NamedTuple):
    line: int
    text: str  # without comments, and without what is in strings and bodies
    body: str  # of a DO block, in the same form
    together: bool  # whether it is sent together with others


def first(match):
    return next(g for g in match.groups() if g)


def bare(text):
    """A text of the same length without comments, and without what is in strings and bodies. Names lose their quotes."""
    def hide(m):
        token = m[0]
        if token[0] == '"':
            return " " + re.sub(r"\W", "_", token[1:-1]) + " "
        inside = re.sub(r"[^\n]", " ", token)
        return inside if token[:2] in ("--", "/*") else "'" + inside[1:-1] + "'"
    return TOKEN.sub(hide, text)


def statements(text):
    """The statements of a part of a migration."""
    start = 0
    sent = [m.span() for m in SENT.finditer(text) if len(bare(m[1]).strip(" \n;").split(";")) > 1]
    for piece in bare(text).split(";"):
        begin, end = start + len(piece) - len(piece.lstrip()), start + len(piece)
        bodies = [m[0][len(m[1]):-len(m[1])] for m in TOKEN.finditer(text, start, end) if m[1]]
        statement = piece.strip()
        body = bare(bodies[0]) if bodies and re.match(r"DO\b", statement, re.I) else ""
        yield Statement(1 + text.count("\n", 0, begin), statement, body, any(b < begin < e for b, e in sent))
        start = end + 1


def made(text):
    """The tables that a part makes."""
    return {m[1].lower() for s in statements(text) if (m := NEW_TABLE.match(s.text))}


def fills(sql, new):
    """The tables that are not new and that a statement, or a body, writes or copies from."""
    sql = " ".join(sql.split())
    names = WRITES.findall(sql)
    if COPIES.search(sql):
        names += READS.findall(sql)
    known = new | {name.lower() for name in QUERY.findall(sql)}
    return [name for name in names if name.lower() not in known]


def check_rows(statement, body, new):
    """Yields rule and message of what is wrong with how a statement, or the body of a block, writes rows."""
    if WRITER.match(statement) and (names := fills(statement, new)):
        yield "fill-in-batches", f"all rows of {names[0]} in one statement: fill in batches, in a DO block that commits"
    if CALLS.match(statement):
        yield "fill-in-batches", "the linter cannot see what is called: fill in batches, in a DO block that commits"
    if (names := fills(body, new)) and not BATCHES.search(body):
        yield "fill-in-batches", f"the block writes all rows of {names[0]} in one transaction: COMMIT in the LOOP, after each batch"
    if IN_BODY.search(body):
        yield "schema-in-block", "squawk does not read bodies: a statement of its own"


def check(text, alone, there):
    """Yields line, rule and message of what is wrong with a part. alone: each of its statements is a transaction. there: the tables that were there before."""
    new, dropped, within = made(text) - there, set(), False
    for n, line in enumerate(text.split("\n"), 1):
        if IGNORE.search(line):
            yield n, "squawk-ignore", "exceptions.toml says what is permitted, and why"
    for line, statement, body, together in statements(text):
        if m := DROP_INDEX.match(statement):
            dropped.add(m[1])
        if (m := INDEX.match(statement)) and m[1] and m[2] not in dropped:
            yield line, "index-repeatable", f"DROP INDEX CONCURRENTLY IF EXISTS {m[2]} first: an interrupted one leaves an index that is not valid"
        if (m := LOCKS.match(statement)) and (together or not alone) and first(m).lower() not in new:
            yield line, "locks-in-transaction", f"{first(m)} stays locked until the end of the {'statements that are sent together' if together else 'file: -- +goose NO TRANSACTION'}"
        if (m := WHOLE.match(statement)) and first(m).lower() not in new:
            yield line, "locks-whole-table", f"{first(m)} stays locked while all of it is read or written"
        if re.match(r"BEGIN\b|START\s+TRANSACTION\b", statement, re.I):
            within = True
        if re.match(r"COMMIT\b|END\b|ROLLBACK\b", statement, re.I):
            within = False
        if (within or together) and VALIDATES.search(statement):
            yield line, "validate-in-transaction", "it reads all rows while the transaction has locks: VALIDATE CONSTRAINT after COMMIT"
        for rule, message in check_rows(statement, body, new):
            yield line, rule, message


def known(text, finding):
    """Whether squawk found fault with what it cannot know: that the file makes the table, or that a step can be repeated."""
    before = [s.text for s in statements(text) if s.line <= finding["line"]]
    statement, rule = before[-1] if before else "", finding["rule_name"]
    index = INDEX.match(statement)
    if rule == "require-concurrent-index-creation" and index:
        return index[3].lower() in made(text)
    if rule == "prefer-robust-stmts" and index:
        return index[2] in {m[1] for s in before if (m := DROP_INDEX.match(s))}
    if rule == "prefer-robust-stmts":
        return finding["message"].startswith("Missing transaction") and bool(SETS.search(statement))
    if rule == "ban-drop-constraint":
        return all(re.search(r"\bADD\s+CONSTRAINT\s+" + name + r"\b", bare(text), re.I) for name in REPLACED.findall(statement))
    return False

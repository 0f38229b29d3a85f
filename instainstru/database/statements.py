"""Whether a statement could end a read-only session, judged by what the server would read.

Comments nest, strings may look like comments, and names may be quoted: the text is therefore
scanned as PostgreSQL scans it before it is searched. Spec: S1.17
"""

import re
from typing import Final

# Nothing may lift the setting, change the role, or run code and text that could.
LIFTS: Final = re.compile(
    r"read\s+write|set_config|\bdblink|\bcrosstab|_to_xml|\bts_stat\b|\bts_rewrite\b"
    r"|\bupdate\b[^;]*\bpg_settings\b"
    r"|(?:^|;)\s*(?:reset|discard|do|call|load|alter)\b"
    r"|(?:^|;)\s*set\s+(?!(?:session\s+|local\s+)?(?:statement_timeout|constraints|time\s+zone)\b)",
    re.IGNORECASE,
)
TOKEN: Final = re.compile(
    r"""
    (?P<line>--[^\n\r]*)
    | (?P<block>/\*)
    | (?P<escaped>(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<unicode>(?<![\w$])[uU]&['"])
    | (?P<string>'(?:[^']|'')*')
    | "(?P<name>(?:[^"]|"")*)"
    | (?P<dollar>(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
    | (?P<open>['"])
    """,
    re.VERBOSE | re.DOTALL,
)
BLOCK_END: Final = re.compile(r"/\*|\*/")


def could_lift(text: str) -> bool:
    """Whether a statement could end a read-only session; what cannot be read counts too."""
    plain = _plain(text)
    return plain is None or bool(LIFTS.search(plain))


def _plain(text: str) -> str | None:
    """Return a statement without comments and strings; None for one that ends inside of one."""
    parts: list[str] = []
    at = 0
    while found := TOKEN.search(text, at):
        parts.append(text[at : found.start()])
        at = found.end()
        if found["open"] or found["unicode"]:
            return None
        if found["block"]:
            end = _end_of_block(text, at)
            if end is None:
                return None
            at = end
        parts.append(found["name"] if found["name"] is not None else " ")
    return "".join([*parts, text[at:]])


def _end_of_block(text: str, at: int) -> int | None:
    depth = 1
    for mark in BLOCK_END.finditer(text, at):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    return None

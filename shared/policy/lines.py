"""On which line of a TOML file each key stands; tomllib does not say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

Key: TypeAlias = tuple[str, ...]

_TOKEN: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'  # strings first: what they hold is no syntax
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}=\n]"
    r"|[^\s\"'\#\[\]{}=]+",
    re.DOTALL,
)


def key_lines(source: str) -> Mapping[Key, int]:
    """Line (from 1) of each table header and each key of a file that tomllib has accepted.

    Keys of an inline table are not listed: they stand on the line of their parent.
    """
    lines: dict[Key, int] = {}
    table: Key = ()
    for line, statement, is_header in _statements(source):
        if is_header:
            table = _only_key(tomllib.loads(statement))
            lines.setdefault(table, line)
        else:
            lines[table + _only_key(tomllib.loads(f"{statement} = 0"))] = line
    return lines


def _statements(source: str) -> Iterator[tuple[int, str, bool]]:
    """Line and text of each header, and of each key up to its `=`."""
    line, counted = 1, 0  # lines are counted up to this place
    start: int | None = None  # of the statement that is being read
    in_value = False
    depth = 0
    for token in _TOKEN.finditer(source):
        text = token[0]
        if text == "\n" and depth == 0:
            start, in_value = None, False
        elif start is None and text[0] not in "\n#":
            start = token.start()
            line, counted = line + source.count("\n", counted, start), start
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(text, 0)
        if start is None or in_value:
            continue
        if text == "=":
            in_value = True
            yield line, source[start : token.start()], False
        elif text == "]" and depth == 0:
            in_value = True
            yield line, source[start : token.end()], True


def _only_key(tables: Mapping[str, Any]) -> Key:
    """The one chain of keys of a document that holds nothing else."""
    key: Key = ()
    node: Any = tables
    while isinstance(node, dict) and node:
        ((name, node),) = node.items()
        key += (name,)
    return key

"""Text of others on a terminal or in a log: harmless, whatever it holds."""

from __future__ import annotations

import json


def printable(text: str) -> str:
    """The text with every character escaped, as JSON does, that a terminal could take as a command or hide."""
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)


def quoted(text: str) -> str:
    """The text as a JSON string, escaped as `printable` does."""
    return printable(json.dumps(text, ensure_ascii=False))

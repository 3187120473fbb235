"""Events on the screen, one a line, or as JSON lines."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from ops.audit.distinct import Event
from ops.audit.reading import Trail
from shared.printable import printable

_NAME_WIDTH: Final = max(map(len, ("item.undeclared_sensitive", "reconciliation.completed")))
_FINDINGS: Final = "findings"
_WHOSE: Final = ("tenant_id", "item_id", "key_id")
_WHICH: Final = ("quarantine_id", "object", "run_id", "shard_id")
_FOR_PROGRAMS: Final = frozenset(
    {"event", "event_id", "at", "policy", "sequence_number", "source_sequence_number", "source_sub_sequence"}
)
"""What a line for people does without."""


def tell(event: Event, *, as_json: bool) -> None:
    """One line on standard output, at once."""
    print(json.dumps(event) if as_json else line_of(event), flush=True)


def line_of(event: Event) -> str:
    """When, what, about what, and what else; harmless on a terminal."""
    about = "/".join(str(event[name]) for name in _WHOSE if name in event)
    named = [name for name in _WHICH if name in event][: not about]
    rest = [
        f"{name}={_text(name, value)}"
        for name, value in sorted(event.items(), key=lambda field: (field[0] == _FINDINGS, field[0]))
        if name not in _FOR_PROGRAMS and name not in _WHOSE and name not in named and value != []
    ]
    first = about or "".join(str(event[name]) for name in named) or "-"
    line = "  ".join([event["at"], f"{event['event']:<{_NAME_WIDTH}}", first, " ".join(rest)])
    return printable(line.rstrip())


def _text(name: str, value: Any) -> str:
    if name == _FINDINGS:
        return "; ".join(f"{one.get('where') or 'the item'}: {one.get('why')}" for one in value)
    return str(value)


def unreadable(trail: Trail) -> int:
    """Say on standard error which segments could not be read, or not believed; the exit status that this gives."""
    for key, why in trail.unreadable.items():
        print(f"events of it are missing: {printable(f'{key} {why}')}", file=sys.stderr)
    if trail.unreadable:
        print("`sealstream audit verify` says what became of it", file=sys.stderr)
    return 1 if trail.unreadable else 0

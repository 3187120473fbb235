"""Sums over campaigns, as a table for people and as JSON for the README."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from tests.chaos_stack.campaign import Result

SUMMED = (
    "records",
    "kinesis_records",
    "items",
    "changes",
    "dead_letters",
    "lost",
    "doubled",
    "plaintext_hits",
)
COUNTED = ("faults", "quarantined", "replayed", "searched")


def figures(results: Sequence[Result]) -> dict[str, Any]:
    """Everything that can be added up, and which seeds failed."""
    sums: dict[str, Any] = {name: sum(getattr(one, name) for one in results) for name in SUMMED}
    for name in COUNTED:
        sums[name] = dict(sorted(sum((Counter(getattr(one, name)) for one in results), Counter[str]()).items()))
    failed = [one.seed for one in results if one.complaints]
    seconds = round(sum(sum(one.seconds.values()) for one in results), 1)
    return {"campaigns": len(results), "failed_seeds": failed, "seconds": seconds, **sums}


def as_table(found: Mapping[str, Any]) -> Table:
    """For people."""
    table = Table("figure", "", box=None)
    for name, value in found.items():
        if isinstance(value, Mapping):
            for kind, number in value.items():
                table.add_row(f"{name.replace('_', ' ')}: {kind}", _number(number))
        else:
            table.add_row(name.replace("_", " "), _number(value))
    return table


def store(found: Mapping[str, Any], path: Path) -> None:
    """For the README, and for who compares runs."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _number(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_number(number)}" for name, number in value.items())
    return f"{value:,}" if isinstance(value, int | float) else ", ".join(map(str, value)) or "none"

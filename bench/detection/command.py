"""`python -m bench detection`: precision, recall and cost of detection; prints the table of docs/detection.md."""

from __future__ import annotations

from typing import Final

import click
from rich.console import Console

from bench.detection.measure import microseconds_per_change, tables, worst_seconds
from shared.policy.detect.names import DEFAULT_DETECTORS, WITHOUT_LIBRARY, Detector

console = Console(highlight=False, markup=False, soft_wrap=True)
_PHONES: Final = frozenset(one for one in Detector if one.startswith("phone"))
_SETS: Final = {
    "the default": DEFAULT_DETECTORS,
    "and credentials": WITHOUT_LIBRARY,
    "and `phone`": WITHOUT_LIBRARY | {Detector.PHONE},
    "and all national ids": frozenset(Detector) - _PHONES | {Detector.PHONE},
    "everything": frozenset(Detector),
}


@click.command()
def detection() -> None:
    """Measure how well sensitive data is recognised, and what that costs."""
    for table in tables():
        head, *rows = table
        for row in (head, ("---",) * len(head), *rows):
            console.print(f"| {' | '.join(row)} |")
        console.print()
    console.print("µs per change of an item with seven plain values:")
    for name, detectors in _SETS.items():
        console.print(f"| {name} | {microseconds_per_change(detectors):.0f} |")
    console.print("seconds for the worst item of 400 KB, as one text and as a list:")
    for name, detectors in _SETS.items():
        one, many = worst_seconds(detectors)
        console.print(f"| {name} | {one:.1f} | {many:.1f} |")

"""`python -m bench detection`: precision, recall and cost of detection; prints the table of docs/detection.md."""

from __future__ import annotations

from typing import Final

import click
from rich.console import Console

from bench.detection.measure import LOOKALIKES_EACH, SEED, false_alarms_by_kind, microseconds_per_change, rows
from shared.policy.detect.names import DEFAULT_DETECTORS, WITHOUT_LIBRARY, Detector

console = Console(highlight=False, markup=False, soft_wrap=True)
_HEAD: Final = ("detector", "printed", "printed, named", "bare", "bare, named", "false alarms", "precision")
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
    for row in (_HEAD, ("---",) * len(_HEAD), *rows()):
        console.print(f"| {' | '.join(row)} |")
    console.print(f"\nfalse alarms among {LOOKALIKES_EACH:,} of each kind, seed {SEED}:")
    for kind, found in false_alarms_by_kind().items():
        told = ", ".join(f"{detector} {number}" for detector, number in found.most_common())
        console.print(f"| {kind} | {told or 'none'} |")
    console.print("\nµs per change of an item with seven plain values:")
    for name, detectors in _SETS.items():
        console.print(f"| {name} | {microseconds_per_change(detectors):.0f} |")

"""Precision and recall of each detector, and what detection costs per change of an item."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Final

from bench.detection.lookalikes import LOOKALIKES, lookalike
from bench.detection.others import OTHERS
from bench.detection.people import PEOPLE, Kind
from shared.policy.detect.names import Detector
from shared.policy.detect.scanner import scanner

SEED: Final = 20_261_122
EACH: Final = 100
"""Values of each kind: each written as it is printed and bare, once named and once not, and oddly where it is named."""
LOOKALIKES_EACH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Figures:
    """How well one detector does; recalls are shares, None where there is no such form.

    Attributes:
        false_alarms: among the look-alikes.
        precision: with as many look-alikes as there are, and the values of its own kind.
    """

    detector: Detector
    printed: float
    printed_named: float
    bare: float | None
    bare_named: float | None
    odd_named: float
    false_alarms: int
    precision: float


def measured(seed: int = SEED) -> tuple[list[Figures], dict[str, Counter[Detector]]]:
    """The figures of every detector, and which look-alikes all of them together take for what.

    The same for the same seed.
    """
    draw = Random(seed)  # noqa: S311 - a corpus that can be made again
    scan = scanner(frozenset(Detector))
    alarms = {
        kind: Counter(one for _ in range(LOOKALIKES_EACH) for one in scan.text(*lookalike(draw, kind)))
        for kind in LOOKALIKES
    }
    of_all = sum(alarms.values(), Counter[Detector]())
    return [_figures(kind, draw, of_all[kind.detector]) for kind in (*OTHERS, *PEOPLE)], alarms


def _figures(kind: Kind, draw: Random, false_alarms: int) -> Figures:
    scan = scanner(frozenset({kind.detector}))
    made = [kind.made(draw) for _ in range(EACH)]
    shares: list[float | None] = []
    hits = 0
    for values in zip(*made, strict=True):
        for named in (False, True):
            found = sum(bool(scan.text(*_written(draw, kind, value, named=named))) for value in values if value)
            hits += found
            shares.append(found / EACH if values[0] else None)
    odd = sum(bool(scan.text(*_written(draw, kind, _oddly(draw, value), named=True))) for value, _ in made)
    printed, printed_named, bare, bare_named = shares
    assert printed is not None  # noqa: S101 - every kind has a printed form
    assert printed_named is not None  # noqa: S101
    precision = hits / (hits + false_alarms)
    return Figures(kind.detector, printed, printed_named, bare, bare_named, odd / EACH, false_alarms, precision)


def _oddly(draw: Random, value: str) -> str:
    """The value as somebody types it who keeps to no form."""
    by = draw.choice([" ", ".", "/", "_", "  ", " - ", "\n"])
    parted = re.sub(r"[ .\-\u00a0@]+", by, value)
    if parted != value:
        return parted
    middle = draw.randrange(2, len(value) - 2)
    return value[:middle] + by + value[middle:]


def _written(draw: Random, kind: Kind, value: str, *, named: bool) -> tuple[str, str]:
    """The value in a text, and the place of that text."""
    if not named:
        return draw.choice([value, f"please note {value} for the file", f"ref={value};", f"see ({value})"]), ""
    name = draw.choice(kind.names)
    return draw.choice(
        [
            (f"{name}: {value}", ""),
            (f"her {name} is {value}, please check", ""),
            (f'{{"{draw.choice(kind.places)}": "{value}"}}', ""),
            (value, f"customer.{draw.choice(kind.places)}"),
        ]
    )


PLAIN_VALUES: Final = (
    ("2026-11-22T10:15:30.123Z", "created_at"),
    ("1299.95", "amount"),
    ("EUR", "currency"),
    ("shipped", "status"),
    ("ORD-2026-004711", "order.number"),
    ("3f2b8c1e-9d4a-4c55-8a60-0f1d2e3c4b5a", "trace_id"),
    ("Two boxes; leave them at the door of number 12, please.", "note"),
    ("acme", ""),
    ("customer-004711", ""),
)
"""The plain values of an item with seven of them, its keys included."""


def microseconds_per_change(detectors: frozenset[Detector], changes: int = 2_000) -> float:
    """CPU time that scanning the plain values of one change takes: of the best of five rounds."""
    scan = scanner(detectors)
    return min(_round(scan.text, changes) for _ in range(5))


def _round(scan, changes: int) -> float:  # noqa: ANN001 - a scanner's method
    started = time.process_time()
    for _ in range(changes):
        for text, where in PLAIN_VALUES:
            scan(text, where)
    return (time.process_time() - started) / changes * 1e6


HEAD: Final = (
    "detector",
    "printed",
    "printed, named",
    "bare",
    "bare, named",
    "oddly, named",
    "false alarms",
    "precision",
)


def tables(seed: int = SEED) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """The figures, and the look-alikes that are taken for something, as docs/detection.md has them."""
    figures, alarms = measured(seed)
    taken = [
        (kind, ", ".join(f"`{detector}` {number}" for detector, number in found.most_common()))
        for kind, found in alarms.items()
        if found
    ]
    return [HEAD, *map(_row, figures)], [("look-alike", "taken for"), *taken]


def _row(one: Figures) -> tuple[str, ...]:
    recalls = (one.printed, one.printed_named, one.bare, one.bare_named, one.odd_named)
    shares = ("" if share is None else f"{share:.0%}" for share in recalls)
    return (f"`{one.detector}`", *shares, str(one.false_alarms), f"{one.precision:.1%}")

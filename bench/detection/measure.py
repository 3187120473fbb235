"""Precision and recall of each detector, and what detection costs per change of an item."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
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
"""Values of each kind; each is written in each of its forms, once named and once not."""
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
    false_alarms: int
    precision: float


def figures(seed: int = SEED) -> list[Figures]:
    """Of every detector, each with all others at work; the same for the same seed."""
    draw = Random(seed)  # noqa: S311 - a corpus that can be made again
    scan = scanner(frozenset(Detector))
    alarms: Counter[Detector] = Counter()
    for kind in LOOKALIKES:
        for _ in range(LOOKALIKES_EACH):
            alarms.update(scan.text(*lookalike(draw, kind)))
    return [_figures(kind, draw, alarms[kind.detector]) for kind in (*OTHERS, *PEOPLE)]


def false_alarms_by_kind(seed: int = SEED) -> dict[str, Counter[Detector]]:
    """Which look-alikes are taken for what."""
    draw = Random(seed)  # noqa: S311 - a corpus that can be made again
    scan = scanner(frozenset(Detector))
    found: dict[str, Counter[Detector]] = {}
    for kind in LOOKALIKES:
        found[kind] = Counter(one for _ in range(LOOKALIKES_EACH) for one in scan.text(*lookalike(draw, kind)))
    return found


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
    printed, printed_named, bare, bare_named = shares
    assert printed is not None  # noqa: S101 - every kind has a printed form
    assert printed_named is not None  # noqa: S101
    precision = hits / (hits + false_alarms) if hits else 0.0
    return Figures(kind.detector, printed, printed_named, bare, bare_named, false_alarms, precision)


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
    """What scanning the plain values of one change takes: of the best of five rounds."""
    scan = scanner(detectors)
    return min(_round(scan.text, changes) for _ in range(5))


def _round(scan, changes: int) -> float:  # noqa: ANN001 - a scanner's method
    started = time.perf_counter()
    for _ in range(changes):
        for text, where in PLAIN_VALUES:
            scan(text, where)
    return (time.perf_counter() - started) / changes * 1e6


def rows() -> Iterator[tuple[str, ...]]:
    """The figures as docs/detection.md has them."""
    for one in figures():
        recalls = (one.printed, one.printed_named, one.bare, one.bare_named)
        shares = ("" if share is None else f"{share:.0%}" for share in recalls)
        yield (f"`{one.detector}`", *shares, str(one.false_alarms), f"{one.precision:.1%}")

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
from bench.detection.people import PEOPLE, Kind, number
from shared.policy.detect.names import Detector
from shared.policy.detect.scanner import Scanner, scanner

SEED: Final = 20_261_122
EACH: Final = 100
"""Values of each kind: written as they are printed and bare, once named and once not, and named in three worse ways."""
LOOKALIKES_EACH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Figures:
    """How well one detector does; recalls are shares, None where there is no such form.

    Attributes:
        beside_named: with other numbers before or behind.
        other_named: in other characters than ASCII.
        false_alarms: among the look-alikes.
        precision: with as many look-alikes as there are, and the values of its own kind.
    """

    detector: Detector
    printed: float
    printed_named: float
    bare: float | None
    bare_named: float | None
    odd_named: float
    beside_named: float
    other_named: float
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
    odd, beside, other = (
        sum(bool(scan.text(*_written(draw, kind, write(draw, value), named=True))) for value, _ in made) / EACH
        for write in (_oddly, _beside, _in_other_characters)
    )
    printed, printed_named, bare, bare_named = shares
    assert printed is not None  # noqa: S101 - every kind has a printed form
    assert printed_named is not None  # noqa: S101
    precision = hits / (hits + false_alarms)
    recalls = printed, printed_named, bare, bare_named, odd, beside, other
    return Figures(kind.detector, *recalls, false_alarms, precision)


def _oddly(draw: Random, value: str) -> str:
    """The value as somebody types it who keeps to no form."""
    by = draw.choice([" ", ".", "/", "_", "  ", " - ", "\n"])
    parted = re.sub(r"[ .\-\u00a0@]+", by, value)
    if parted != value:
        return parted
    middle = draw.randrange(2, len(value) - 2)
    return value[:middle] + by + value[middle:]


def _beside(draw: Random, value: str) -> str:
    """The value with a year, a card's security code, a postcode or half of another before or behind it."""
    year = draw.randint(2015, 2030)
    return draw.choice(
        [
            f"{year} {value}",
            f"{value} {number(draw, 3)}",
            f"{year}-{value}",
            f"{value}-{number(draw, 3)}",
            f"{value} {number(draw, 5)}",
            f"{value[: len(value) // 2]} {value} {number(draw, 4)}",
        ]
    )


def _in_other_characters(draw: Random, value: str) -> str:
    """The value as an input method, a word processor or another script writes it."""
    middle = draw.randrange(2, len(value) - 2)
    return draw.choice(
        [
            value.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}),  # wide
            value.translate({ord("0") + digit: 0x0660 + digit for digit in range(10)}),  # Arabic
            value.replace(" ", "\u2009").replace("-", "\u2011"),
            value[:middle] + draw.choice("\u00ad\u200b\u2060\ufeff") + value[middle:],
        ]
    )


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


WORST: Final = (
    "4111 ",
    "DE12 ",
    "@",
    "1 ",
    "0301 2345",
    "+12345678",
    "+1 0301 2345 ",
    "abcdef",
    "12.34.56-789.01 ",
    "bsn 1 ",
)
_ITEM_BYTES: Final = 400_000


def worst_seconds(detectors: frozenset[Detector]) -> tuple[float, float]:
    """CPU time of the worst item that we know: as one text, and as a list of short ones."""
    scan = scanner(detectors)
    scan.text("+1 0301 2345")  # libraries read their tables at the first number
    one = max(_seconds(scan, [unit * (_ITEM_BYTES // len(unit))]) for unit in WORST)
    many = max(_seconds(scan, [unit] * (_ITEM_BYTES // (len(unit) + 1))) for unit in WORST)
    return one, many


def _seconds(scan: Scanner, texts: list[str]) -> float:
    of_item, started = scan.for_item(), time.process_time()
    for text in texts:
        of_item.text(text, "bsn")
    return time.process_time() - started


HEAD: Final = (
    "detector",
    "printed",
    "printed, named",
    "bare",
    "bare, named",
    "oddly, named",
    "beside a number, named",
    "other characters, named",
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
    named = (one.odd_named, one.beside_named, one.other_named)
    recalls = (one.printed, one.printed_named, one.bare, one.bare_named, *named)
    shares = ("" if share is None else f"{share:.0%}" for share in recalls)
    return (f"`{one.detector}`", *shares, str(one.false_alarms), f"{one.precision:.1%}")

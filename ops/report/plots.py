"""The plots of the page; each says in words what it shows, for who does not see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Final

from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from ops.report.axes import over_counts, over_durations, over_time
from ops.report.coverage import Coverage
from ops.report.held import Held
from ops.report.html import Html
from ops.report.keys import ClassKeys, KeyInventory, age_of
from ops.report.lasting import Lasted
from ops.report.svg import Size, colour, drawn
from ops.report.timeline import Steps
from ops.report.words import duration
from shared.model import EntryState, KeyState, VerdictKind
from shared.printable import printable

FINE: Final = (VerdictKind.VERIFIED, VerdictKind.REMOVED)
NOT_FINE: Final = (VerdictKind.STALE, VerdictKind.UNDECLARED, VerdictKind.MALFORMED, VerdictKind.PLAINTEXT)
_MARKS_WIDE: Final = 6
_MARKS_NARROW: Final = 3
_ROW: Final = 26
"""Pixels of a row of a plot that has one for each of something."""
_AROUND: Final = 66
"""Pixels of its legend and axis."""
_DAY: Final = 86_400
_MOST_POINTS: Final = 400
_LONGEST_LABEL: Final = 24
_BAR: Final = 0.88
"""The part of its step that a bar fills."""


def coverage_plot(coverage: Coverage) -> Html:
    """Changes over time: above those with a finding, on a scale of their own, below all of them."""
    steps = coverage.steps
    found = [kind for kind in NOT_FINE if any(steps.counts.get(kind, ()))]

    def paint(figure: Figure, narrow: bool) -> None:
        ratios = [2, 3] if found else [1]
        panels = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios})
        *upper, lower = [row[0] for row in panels]
        for axes in upper:
            _stack(axes, steps, found)
            axes.set_title("with a finding")
        _stack(lower, steps, [*FINE, *found])
        lower.set_title("all changes")
        over_time(lower, steps.starts[0], steps.ends_at, most=_MARKS_NARROW if narrow else _MARKS_WIDE)

    words = ", ".join(f"{coverage.by_verdict[kind]:,} {kind}" for kind in VerdictKind if coverage.by_verdict.get(kind))
    description = f"{coverage.changes:,} changes in steps of {duration(steps.width_seconds)}: {words}."
    size = Size(330, 330) if found else Size(210, 210)
    return drawn("coverage", "Changes of the items table over time, by verdict", description, paint, size)


def exposure_plot(lasted: Sequence[Lasted], since: float, until: float) -> Html:
    """When each exposure began, and how long it lasted: the longest first, and of very many these alone."""
    longest, shortest = lasted[0].seconds, lasted[-1].seconds

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        for is_open, marker in ((False, "o"), (True, "^")):
            points = [(one.found_at, one.seconds) for one in lasted[:_MOST_POINTS] if one.is_open is is_open]
            _dots(axes, points, marker)
        over_durations(axes, shortest, longest, vertical=True)
        axes.grid(axis="y")
        room = max(until - since, 1.0) / 40
        over_time(axes, since - room, until + room, most=_MARKS_NARROW if narrow else _MARKS_WIDE)

    still = sum(one.is_open for one in lasted)
    title = "How long each item stood in clear, by when it was found"
    description = (
        f"{len(lasted):,} in all, the shortest {duration(shortest)}, the longest {duration(longest)}; "
        f"{still:,} not ended."
    )
    return drawn("exposures", title, description, paint, Size(220, 220))


def _dots(axes: Axes, points: Sequence[tuple[float, float]], marker: str) -> None:
    if points:
        axes.scatter(
            [at for at, _ in points],
            [max(seconds, 1.0) for _, seconds in points],
            s=42,
            marker=marker,
            color=colour("plaintext"),
            clip_on=False,
            zorder=3,
        )


def key_plot(inventory: KeyInventory) -> Html:
    """Ages of data keys, a row for each class; a disc's area is how many."""
    classes = [one for one in inventory.classes if one.ages]
    limits = [one.rotate_after_days * _DAY for one in classes if one.rotate_after_days]
    bins = [number for one in classes for _, number in one.ages]
    most = max(number for one in classes for number in one.ages.values())

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        for row, one in enumerate(classes):
            _ages(axes, row, one, most)
        axes.set_yticks(range(len(classes)), [_label(one.data_class) for one in classes])
        axes.tick_params(axis="y", labelcolor=colour("ink"))
        axes.set_ylim(len(classes) - 0.4, -0.6)
        axes.hlines(
            range(len(classes)), 0, 1, transform=axes.get_yaxis_transform(), color=colour("rule"), linewidth=0.75
        )
        over_durations(axes, age_of(min(bins)), max(age_of(max(bins)), *limits, 1.0), sparse=narrow)
        axes.set_xlabel("age of the data key")

    active = inventory.count(KeyState.ACTIVE)
    description = f"{active:,} active data keys and {_others(inventory):,} others in {len(classes):,} classes."
    height = _ROW * len(classes) + _AROUND
    return drawn("keys", "Ages of data keys, by data class", description, paint, Size(height, height))


def _others(inventory: KeyInventory) -> int:
    return sum(inventory.count(state) for state in KeyState if state is not KeyState.ACTIVE)


def _ages(axes: Axes, row: int, one: ClassKeys, most: int) -> None:
    for is_active in (False, True):
        bins: dict[int, int] = {}
        for (state, number), many in one.ages.items():
            if (state is KeyState.ACTIVE) is is_active:
                bins[number] = bins.get(number, 0) + many
        axes.scatter(
            [age_of(number) for number in bins],
            [row] * len(bins),
            s=[30 + 170 * sqrt(many / most) for many in bins.values()],
            facecolors=colour("verified") if is_active else colour("paper"),
            edgecolors=colour("verified" if is_active else "soft"),
            linewidths=1.2,
            zorder=3,
        )
    if one.rotate_after_days:
        axes.vlines(
            one.rotate_after_days * _DAY, row - 0.36, row + 0.36, color=colour("plaintext"), linewidth=2, zorder=4
        )


def held_plot(held: Held) -> Html:
    """Records in quarantine by reason: what waits, and what was decided."""
    reasons = held.reasons
    look: Mapping[str, tuple[str, str]] = {
        EntryState.HELD: ("undeclared", "undeclared"),
        EntryState.REDRIVEN: ("verified", "verified"),
        EntryState.DISCARDED: ("paper", "soft"),
    }

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        left = [0] * len(reasons)
        for state, (face, edge) in look.items():
            numbers = [held.records.get((reason, state), 0) for reason in reasons]
            axes.barh(
                range(len(reasons)),
                numbers,
                left=left,
                height=0.62,
                color=colour(face),
                edgecolor=colour(edge),
                linewidth=[1 if number else 0 for number in numbers],
            )
            left = [before + number for before, number in zip(left, numbers, strict=True)]
        for row, number in enumerate(left):
            axes.annotate(f"{number:,}", (number, row), (5, 0), textcoords="offset points", va="center")
        axes.set_yticks(range(len(reasons)), [_label(reason).replace("_", " ") for reason in reasons])
        axes.tick_params(axis="y", labelcolor=colour("ink"))
        axes.set_ylim(len(reasons) - 0.4, -0.6)
        axes.set_xlim(0, max(left) * (1.2 if narrow else 1.08))
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)

    total = sum(held.records.values())
    description = f"{total:,} records of {len(reasons):,} reasons; {held.records_held:,} wait for a decision."
    height = _ROW * len(reasons) + 12
    return drawn("quarantine", "Records in quarantine, by reason", description, paint, Size(height, height))


def _label(name: str) -> str:
    """A name from a store, harmless in a drawing, and no longer than there is room for."""
    return printable(name if len(name) <= _LONGEST_LABEL else f"{name[:_LONGEST_LABEL]}…")


def _stack(axes: Axes, steps: Steps, kinds: Sequence[str]) -> None:
    """Bars of several colours; as one thing for each colour, since single ones take ten times as long."""
    below = [0] * len(steps.starts)
    width = steps.width_seconds * (_BAR if len(steps.starts) > 1 else 1.0)
    for kind in kinds:
        numbers = steps.counts.get(kind, (0,) * len(steps.starts))
        bars = [
            ((start, low), (start, low + number), (start + width, low + number), (start + width, low))
            for start, low, number in zip(steps.starts, below, numbers, strict=True)
            if number
        ]
        axes.add_collection(PolyCollection(bars, facecolors=colour(kind), linewidths=0), autolim=False)
        below = [before + number for before, number in zip(below, numbers, strict=True)]
    over_counts(axes, max(below))
